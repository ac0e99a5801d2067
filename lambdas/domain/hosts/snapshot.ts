/**
 * Who serves now? Mackerel says who belongs to the role; EC2 confirms that the instance lives and carries the fleet's
 * tag; the load balancers say who is in service. What does not fit together is a stranger: reported by name, never
 * touched (rule 3).
 */
import type { Instance } from '../../ports/ec2.ts';
import type { Member } from '../../ports/load-balancers.ts';
import type { MackerelHost } from '../../ports/mackerel.ts';
import { groupBy, sum } from '../core/collections.ts';
import type { GateRefusal, OldHost, Stranger } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { type Fleet, fleetSize, isProtected, TAG } from '../core/fleet.ts';
import { type DeploymentInput, insisting } from '../core/input.ts';
import { count, list, plain } from '../core/words.ts';
import { keptUntil } from './kept.ts';
import { hostName } from './nameless.ts';
import { isGoing } from './readiness.ts';
import { inServiceAt, unlistedHosts, unlistedRefusal, unlistedSentence } from './who-serves.ts';

export interface SnapshotFacts {
  /** The role's hosts, in all four statuses. */
  readonly hosts: readonly MackerelHost[];
  /** What EC2 knows of the other ids that Mackerel and the load balancers named. */
  readonly instances: readonly Instance[];
  /** What carries the fleet's tag, by two answers of EC2. */
  readonly tagged: readonly Instance[];
  /** By load balancer name: everything that is registered there; with a port where it is not the target group's own. */
  readonly members: ReadonlyMap<string, readonly Member[]>;
}

export interface SnapshotDecision {
  readonly hosts: OldHost[];
  readonly strangers: Stranger[];
  readonly reason: string;
  /** The gate that an instance of the fleet closes which serves, and which Mackerel does not list (rule 7). */
  readonly refusals: GateRefusal[];
}

/**
 * @throws SnapshotContradicts when Mackerel lists nobody although somebody serves, or EC2 does not know somebody who
 * does: an empty answer is no answer (rule 4).
 * @throws TerminationRefused when an old host carries the hand brake.
 * @throws FleetWouldShrink when more hosts serve than would be launched (rule 2).
 * @param input with the gates that somebody opened
 */
export function decideSnapshot(
  fleet: Fleet,
  facts: SnapshotFacts,
  input: DeploymentInput = {},
): SnapshotDecision {
  const { override = [] } = input;
  // Two answers of EC2: what one of them lacks may only be stale.
  const known = new Map([...facts.tagged, ...facts.instances].map((each) => [each.instanceId, each]));
  if (!override.includes('unlisted')) assertAnswered(fleet, input, facts, known);
  assertServingAreKnown(facts, known);
  const strangers: Stranger[] = [];
  const hosts: OldHost[] = [];
  for (const [instanceId, group] of groupBy(facts.hosts, (host) => host.instanceId)) {
    const confirmed = confirm(fleet, instanceId, known, facts.members);
    if ('why' in confirmed) strangers.push(...group.map((host) => ({ name: hostName(host), ...confirmed })));
    else hosts.push(oldHost(confirmed, group, facts.members));
  }
  strangers.push(...unknownToMackerel(fleet, facts, known));
  assertNoHandBrake(hosts, facts);
  const listed = facts.hosts.flatMap(({ instanceId }) => instanceId ?? []);
  const unlisted = unlistedHosts(fleet, { instances: [...known.values()], members: facts.members }, listed);
  const refusals = override.includes('unlisted') ? [] : unlistedRefusal(fleet, input, unlisted);
  assertFitsDocument(fleet, hosts);
  assertDoesNotShrink(fleet, hosts);
  const although =
    unlisted.length > 0 ? `, although Mackerel does not list ${unlistedSentence(unlisted)}` : '';
  return { hosts, strangers, refusals, reason: snapshotSentence(fleet, hosts, strangers) + although };
}

/** Whom EC2 does not know may be ours; who carries another fleet's tag, or none, is not, as README says. */
function assertAnswered(
  fleet: Fleet,
  input: DeploymentInput,
  facts: SnapshotFacts,
  known: ReadonlyMap<string, Instance>,
): void {
  // Mackerel's AWS integration puts load balancers into the role, too: these are no answer about hosts.
  if (facts.hosts.some(({ instanceId }) => instanceId !== undefined)) return;
  const isOurs = (id: string) =>
    (known.get(id)?.tags ?? { [TAG.fleet]: fleet.name })[TAG.fleet] === fleet.name;
  const serving = [...facts.members.values()]
    .flat()
    .filter(({ state, instanceId }) => state === 'in-service' && isOurs(instanceId));
  const alive = facts.tagged.filter((instance) => !isGoing(instance) && !keptUntil(instance));
  const ids = [...new Set([...serving, ...alive].map((found) => found.instanceId))];
  if (ids.length === 0) return;
  throw new DeploymentError(
    'SnapshotContradicts',
    `Mackerel lists no host of ${fleet.mackerel.service}:${fleet.mackerel.role}, but ${list(ids)} ` +
      `${ids.length === 1 ? 'runs' : 'run'} with the fleet's tag or ${ids.length === 1 ? 'serves' : 'serve'} at its load balancer. ` +
      'Give the hosts their role in Mackerel, or terminate them by hand if they are leftovers; then deploy again. If somebody ' +
      `else tagged them: start ${insisting(fleet.name, 'unlisted', input)}.`,
  );
}

function assertServingAreKnown(
  { hosts, members }: SnapshotFacts,
  known: ReadonlyMap<string, Instance>,
): void {
  const listed = new Set(hosts.map((host) => host.instanceId));
  const serving = [...members.values()].flat().filter((member) => member.state === 'in-service');
  const ids = [...new Set(serving.map((member) => member.instanceId))].filter(
    (id) => listed.has(id) && !known.has(id),
  );
  if (ids.length === 0) return;
  throw new DeploymentError(
    'SnapshotContradicts',
    `EC2 does not know ${list(ids)}, in service at the fleet's load balancer and listed by Mackerel. ` +
      'EC2’s answer may have been stale: deploy again. If that does not help, they are gone, or in another account: deregister ' +
      'them at the load balancer, and retire them in Mackerel.',
  );
}

/** The living instance of the fleet behind a Mackerel host, or why it is a stranger. */
function confirm(
  fleet: Fleet,
  instanceId: string | undefined,
  known: ReadonlyMap<string, Instance>,
  members: SnapshotFacts['members'],
): Instance | Omit<Stranger, 'name'> {
  if (instanceId === undefined) return { why: 'Mackerel knows no EC2 instance id of it' };
  const instance = known.get(instanceId);
  if (!instance) return { why: `EC2 does not know ${instanceId}: retire it in Mackerel if it is gone` };
  if (isGoing(instance)) return { why: `${instanceId} is ${instance.state} already` };
  const kept = isServing(instanceId, members) ? undefined : whyKept(instance);
  if (kept) return { why: `${instanceId} ${kept}` };
  const tag = instance.tags[TAG.fleet];
  if (tag === fleet.name) return instance;
  if (tag) return { why: `${instanceId} belongs to the fleet ${plain(tag)}`, isOthers: true };
  return { why: `${instanceId} does not carry the tag ${TAG.fleet}: launched by other tooling` };
}

/** Whatever its tags say: a host that serves and is left out of the snapshot would go on serving the old release. */
const isServing = (id: string, members: SnapshotFacts['members']): boolean =>
  members.size === 0 || inServiceAt(id, members).length > 0;

/** A failed instance that an earlier deployment kept serves nobody, whatever Mackerel still lists. */
function whyKept(instance: Instance): string | undefined {
  const until = keptUntil(instance);
  return until && `is kept for debugging until ${until.toISOString()}`;
}

function oldHost(
  instance: Instance,
  group: readonly MackerelHost[],
  members: SnapshotFacts['members'],
): OldHost {
  const newestFirst = [...group].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  const at = [...members].map(([name, registered]) => ({
    name,
    member: registered.find((candidate) => candidate.instanceId === instance.instanceId),
  }));
  const status = newestFirst[0]?.status ?? 'working';
  return {
    instanceId: instance.instanceId,
    zone: instance.zone,
    hostIds: newestFirst.map((host) => host.id),
    status,
    ...ownPorts(instance.instanceId, members),
    memberOf: at.filter(({ member }) => member && member.state !== 'draining').map(({ name }) => name),
    served:
      at.length > 0
        ? at.every(({ member }) => member?.state === 'in-service')
        : instance.state === 'running' && (status === 'working' || status === 'standby'),
  };
}

function ownPorts(id: string, members: SnapshotFacts['members']): Pick<OldHost, 'ports'> {
  const ports = [...members].flatMap(([name, listed]) => {
    const those = listed.filter((each) => each.instanceId === id && each.state !== 'draining');
    const own = those.flatMap(({ port }) => port ?? []);
    return own.length > 0 ? [[name, own] as const] : [];
  });
  return ports.length > 0 ? { ports: Object.fromEntries(ports) } : {};
}

function unknownToMackerel(
  fleet: Fleet,
  { hosts, tagged, members }: SnapshotFacts,
  known: ReadonlyMap<string, Instance>,
): Stranger[] {
  const listed = new Set(hosts.map((host) => host.instanceId));
  const strangers = new Map<string, Omit<Stranger, 'name'>>();
  for (const instance of tagged) {
    if (!isGoing(instance))
      strangers.set(instance.instanceId, {
        why: whyKept(instance) ?? 'carries the fleet’s tag, but Mackerel does not list it',
      });
  }
  for (const [name, registered] of members) {
    for (const { instanceId } of registered) {
      const tag = known.get(instanceId)?.tags[TAG.fleet] ?? fleet.name;
      const isOurs = tag === fleet.name;
      const why = isOurs ? 'but Mackerel does not list it' : `and belongs to the fleet ${plain(tag)}`;
      if (!strangers.has(instanceId))
        strangers.set(instanceId, {
          why: `is registered at ${name}, ${why}`,
          ...(!isOurs && { isOthers: true }),
        });
    }
  }
  return [...strangers].filter(([id]) => !listed.has(id)).map(([name, stranger]) => ({ name, ...stranger }));
}

/**
 * The hand brake stops the deployment, and not only the loss of its host. Rejected: replacing the others and leaving
 * this one alone, as a stranger. It would go on serving the old release beside the new one, unnoticed; taken out of the
 * load balancers it would not be what somebody protected. See docs/decisions/0015-hand-brake.md.
 */
function assertNoHandBrake(hosts: readonly OldHost[], { tagged, instances }: SnapshotFacts): void {
  // Two answers of EC2: a brake that only one of them shows may have been pulled this moment.
  const braked = new Set([...tagged, ...instances].filter(isProtected).map((each) => each.instanceId));
  const ids = hosts.map((host) => host.instanceId).filter((id) => braked.has(id));
  if (ids.length === 0) return;
  const [it, them] = ids.length === 1 ? ['carries', 'it'] : ['carry', 'them'];
  throw new DeploymentError(
    'TerminationRefused',
    `${list(ids)} ${it} the hand brake (the tag ${TAG.protect}), and this deployment would replace ${them}. ` +
      `Ask who put it there. Then take the tag off; or, to keep ${them} and deploy anyway, take ${them} out of the ` +
      `load balancers and of the role in Mackerel, and take off the tag ${TAG.fleet}. Then deploy again.`,
  );
}

/** In bytes of JSON. A snapshot of 500 hosts at two load balancers needs 120,000; Step Functions takes 262,144. */
const LARGEST_SNAPSHOT = 150_000;

/** Each agent that lost its id registers its host once more: what grows without end does not fit into the document. */
function assertFitsDocument(fleet: Fleet, hosts: readonly OldHost[]): void {
  if (Buffer.byteLength(JSON.stringify(hosts)) <= LARGEST_SNAPSHOT) return;
  const entries = sum(hosts.map(({ hostIds }) => hostIds.length));
  throw new DeploymentError(
    'SnapshotContradicts',
    `Mackerel lists ${count(entries, 'entry', 'entries')} of ${fleet.mackerel.service}:${fleet.mackerel.role} for ` +
      `${count(hosts.length, 'host')}, more than a deployment can handle. Retire the surplus in Mackerel, and ` +
      'terminate hosts that nobody needs; then deploy again.',
  );
}

function assertDoesNotShrink(fleet: Fleet, hosts: readonly OldHost[]): void {
  const serving = hosts.filter((host) => host.served);
  if (serving.length <= fleetSize(fleet)) return;
  throw new DeploymentError(
    'FleetWouldShrink',
    `${serving.length} hosts serve now, but ${fleet.name} launches ${fleetSize(fleet)} ` +
      `(${count(fleet.subnets.length, 'subnet')} × ${fleet.instancesPerZone}). Raise instancesPerZone in the fleets file, ` +
      'or take the surplus hosts out of service and terminate them yourself; then deploy again.',
  );
}

function snapshotSentence(fleet: Fleet, hosts: readonly OldHost[], strangers: readonly Stranger[]): string {
  const role = `${fleet.mackerel.service}:${fleet.mackerel.role}`;
  const served = hosts.filter((host) => host.served).length;
  const first = strangers.length === 0 ? ': this is the first deployment' : '';
  const who =
    hosts.length === 0
      ? `no old host of ${role}${first}`
      : `${count(hosts.length, 'old host')} of ${role}, ${served} in service`;
  return strangers.length === 0 ? who : `${who}; ${count(strangers.length, 'stranger')} left alone`;
}
