/**
 * `irekae adopt`: gives hosts that other tooling launched the fleet's tag, so that the next deployment replaces them.
 * Nothing is tagged that was not shown first.
 */

import { DeploymentError } from '../../../lambdas/domain/core/errors.ts';
import { fleetSize, loadBalancerName, TAG } from '../../../lambdas/domain/core/fleet.ts';
import { count, list, plain } from '../../../lambdas/domain/core/words.ts';
import type { Refusal } from '../../../lambdas/ports/refusal.ts';
import { type Candidate, decideAdoption } from '../adopting.ts';
import type { Command, Task } from '../command.ts';
import { option, YES } from '../options.ts';
import { done, failed, notAgreed, type Outcome } from '../outcome.ts';
import { table } from '../wording.ts';

const FROM = option('from', 'FLEET', 'the name that the fleet had before: its hosts are taken over, too');

export const adopt: Command = {
  name: 'adopt',
  summary: 'give the fleet’s tag to hosts that other tooling launched',
  description: [
    'Lists the hosts that Mackerel has under the fleet’s role, in all four statuses, confirmed by EC2, and says whether',
    `each would get the tag ${TAG.fleet}, and why not. The next deployment replaces, and terminates, every host that`,
    'carries it. Tags only after confirmation. Needs ec2:CreateTags. After a fleet was renamed, --from takes over the',
    'hosts that carry its former name, once it is no longer in the fleets file and nobody deploys it.',
    'Exit codes: 0 tagged, or all already carry the tag; 1 nothing could be tagged, or not confirmed; 2 bad usage.',
  ],
  options: [YES, FROM],
  run: adoptHosts,
};

async function adoptHosts(task: Task): Promise<Outcome> {
  const why = await whyNotFrom(task);
  if (why !== undefined) return failed('still-a-fleet', [why, 'Nothing was changed.']);
  const candidates = await findCandidates(task);
  const ids = adoptable(candidates);
  task.show(candidateLines(task, candidates));
  const facts = { hosts: candidates.map(hostFacts) };
  if (ids.length === 0) return nothingToAdopt(task, candidates, facts);
  if (
    !(await task.agrees(
      `Give ${count(ids.length, 'host')} the tag ${TAG.fleet}=${task.fleet.name}: ${ids.join(', ')}?`,
    ))
  )
    return notAgreed('adopt', task.fleet.name, facts);
  // A person may have taken long to answer: tag only what was shown and is unchanged.
  const still = adoptable(await findCandidates(task));
  const changed = ids.filter((id) => !still.includes(id));
  const tagged = ids.filter((id) => still.includes(id));
  if (tagged.length === 0) return tell({ adopted: [], changed, refused: [] }, facts);
  const { refused } = await task.ports.tagger.tag(tagged, { [TAG.fleet]: task.fleet.name });
  const adopted = tagged.filter((tag) => !refused.some(({ id }) => id === tag));
  const became = { adopted, changed, refused };
  return tell(became, { ...facts, ...became });
}

/** Of a fleet that is still deployed, hosts are not taken away. */
async function whyNotFrom({
  options: { from },
  fleet,
  environment,
  ports,
}: Task): Promise<string | undefined> {
  if (from === undefined) return undefined;
  if (from === fleet.name)
    return `${from} is the name that this fleet has: --from takes the one that it had before.`;
  if (environment.fleets.some(({ name }) => name === from))
    return `${plain(from, 80)} is a fleet in the fleets file: its hosts are its own. Remove it there first, if it was renamed.`;
  const held = (await ports.ledger.read(from))?.held;
  return (
    held &&
    `A deployment of ${plain(from, 80)} holds its lock (phase ${held.phase}): wait until it has ended, or cancel it.`
  );
}

const adoptable = (candidates: readonly Candidate[]): string[] =>
  candidates.flatMap(({ verdict, instanceId }) => (verdict === 'adopt' && instanceId ? [instanceId] : []));

// ── Looking ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function findCandidates(task: Task): Promise<Candidate[]> {
  const { ports, fleet } = task;
  const [hosts, alsoOf, fleetVpc, registered] = await Promise.all([
    ports.mackerel.hosts(fleet.mackerel.service, fleet.mackerel.role),
    hostsOfOtherFleets(task),
    vpcOfFleet(task),
    registeredAtBalancers(task),
  ]);
  const ids = [...new Set(hosts.flatMap(({ instanceId }) => instanceId ?? []))];
  const instances = ids.length === 0 ? [] : await ports.ec2.describe(ids);
  const subnets = [...new Set(instances.flatMap(({ subnetId }) => subnetId ?? []))];
  const found = subnets.length === 0 ? [] : await ports.ec2.subnets(subnets);
  const vpcOf = new Map(found.map(({ subnetId, vpcId }) => [subnetId, vpcId]));
  const formerly = task.options.from;
  return decideAdoption(fleet.name, { hosts, instances, fleetVpc, vpcOf, alsoOf, registered, formerly });
}

/** One host under the roles of two fleets would be replaced by both. */
async function hostsOfOtherFleets({ ports, environment, fleet }: Task): Promise<ReadonlyMap<string, string>> {
  const others = environment.fleets.filter(({ name }) => name !== fleet.name);
  const found = others.map(async ({ name, mackerel: { service, role } }) => {
    const hosts = await ports.mackerel.hosts(service, role);
    return hosts.flatMap(({ instanceId }) => (instanceId === undefined ? [] : [[instanceId, name] as const]));
  });
  return new Map((await Promise.all(found)).flat());
}

async function vpcOfFleet({ ports, fleet }: Task): Promise<string> {
  const vpcs = new Set((await ports.ec2.subnets(fleet.subnets)).map(({ vpcId }) => vpcId));
  const [vpc] = vpcs;
  if (vpc !== undefined && vpcs.size === 1) return vpc;
  const wrong =
    vpc === undefined
      ? `EC2 knows none of the subnets of ${fleet.name} (${list(fleet.subnets)})`
      : `The subnets of ${fleet.name} are in different VPCs (${list([...vpcs])})`;
  throw new DeploymentError('SubnetUnusable', `${wrong}. Correct \`subnets\` in the fleets file.`);
}

async function registeredAtBalancers({ ports, fleet }: Task) {
  const entries = fleet.loadBalancers.map(async (ref) => {
    const members = await ports.loadBalancers.members(ref);
    return [loadBalancerName(ref), members.map(({ instanceId }) => instanceId)] as const;
  });
  return new Map(await Promise.all(entries));
}

// ── Saying ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const WOULD = { adopt: 'tag', ours: 'ours', leave: 'leave' } as const;

function candidateLines({ fleet }: Task, candidates: readonly Candidate[]): string[] {
  const role = `${fleet.mackerel.service}:${fleet.mackerel.role}`;
  if (candidates.length === 0) return [`${fleet.name}: Mackerel lists no host under ${role}.`];
  const rows = candidates.map(({ verdict, instanceId, names, status, instance, why }) => [
    WOULD[verdict],
    instanceId ?? '-',
    list(names.length > 0 ? names.map((name) => plain(name, 28)) : ['-'], 2),
    status ?? '-',
    instance?.instanceType ?? '-',
    instance?.launchedAt.toISOString().slice(0, 10) ?? '-',
    plain(instance?.tags.Name ?? '-', 40),
    why,
  ]);
  const head = ['', 'instance', 'host in Mackerel', 'status', 'type', 'launched', 'Name tag', 'why'];
  return [
    `${fleet.name}: ${count(candidates.length, 'host')} that may belong to ${role}`,
    ...table(rows, head),
    ...consequences(fleet, candidates),
  ];
}

function consequences(fleet: Task['fleet'], candidates: readonly Candidate[]): string[] {
  const countOf = (verdict: Candidate['verdict']) =>
    candidates.filter((each) => each.verdict === verdict).length;
  if (countOf('adopt') === 0) return [];
  const replaced = countOf('adopt') + countOf('ours');
  const size = fleetSize(fleet);
  const line = `The next deployment would then replace, and terminate, ${count(replaced, 'host')}; it launches ${size}.`;
  const refusal =
    'It refuses (FleetWouldShrink) while more hosts are in service than it launches: raise instancesPerZone first.';
  return ['', line, ...(replaced > size ? [refusal] : [])];
}

function nothingToAdopt(
  { fleet, options: { from } }: Task,
  candidates: readonly Candidate[],
  facts: object,
): Outcome {
  const { service, role } = fleet.mackerel;
  const areFormer =
    from !== undefined && candidates.some(({ instance }) => instance?.tags[TAG.fleet] === from);
  // Misspelt, or taken over before.
  const former =
    from === undefined || areFormer ? [] : [`None of these hosts carries the name ${plain(from, 80)}.`];
  if (candidates.some(({ verdict }) => verdict === 'ours'))
    return done('nothing-to-adopt', [...former, 'Nothing to adopt. Nothing was changed.'], facts);
  const lines = [...former, 'No host can be adopted. Nothing was changed.'];
  if (candidates.length === 0)
    lines.push(
      `Does the role exist, and is it spelt like this? Give the hosts the role ${service}:${role} in Mackerel first.`,
    );
  return failed('nothing-to-adopt', lines, facts);
}

interface Tagged {
  readonly adopted: readonly string[];
  readonly changed: readonly string[];
  readonly refused: readonly Refusal[];
}

function tell({ adopted, changed, refused }: Tagged, facts: object): Outcome {
  const lines = [
    adopted.length === 0
      ? 'No host was tagged.'
      : `${count(adopted.length, 'host')} tagged: ${list(adopted, 20)}.`,
    ...changed.map((id) => `${id} was left alone: it has changed since you agreed.`),
    ...refused.map(({ id, reason }) => `EC2 refused to tag ${id}: ${plain(reason)}.`),
  ];
  const end = adopted.length > 0 && refused.length === 0 ? done : failed;
  return end(adopted.length > 0 ? 'adopted' : 'not-adopted', lines, facts);
}

const hostFacts = ({ verdict, why, names, instanceId, status }: Candidate): object => ({
  verdict,
  why,
  names,
  instanceId,
  status,
});
