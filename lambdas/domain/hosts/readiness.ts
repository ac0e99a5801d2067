/**
 * Are the new hosts ready? The one decision that everything else rests on: it guards the shift of traffic, the bake
 * and the termination. Facts come from one look at EC2, Mackerel and every load balancer; the answer is a rung per
 * host and a sentence for all.
 */

import type { Instance } from '../../ports/ec2.ts';
import type { Member } from '../../ports/load-balancers.ts';
import type { MackerelHost } from '../../ports/mackerel.ts';
import { groupBy } from '../core/collections.ts';
import type { NewInstance } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { count, list, span } from '../core/words.ts';
import { healthWords } from './health-words.ts';
import type { Joining } from './joining.ts';
import { hostName, namelessOf } from './nameless.ts';

/** All that one look sees of the new hosts. */
export interface HostFacts {
  readonly instances: readonly Instance[];
  /** The role's hosts in Mackerel. A wait does not ask where the answer could not matter: see `mackerelMatters`. */
  readonly hosts: readonly MackerelHost[] | 'not asked';
  /** By load balancer name, in the fleet's order: everything that is registered there. */
  readonly members: ReadonlyMap<string, readonly Member[]>;
  /** By Mackerel host id; only where the fleet wants proof of a living agent. */
  readonly metrics?: ReadonlyMap<string, Date>;
  /** New hosts that let others go first: they join no load balancer yet, and are ready without. */
  readonly reserve?: ReadonlySet<string>;
}

const NOWHERE: HostFacts['members'] = new Map();

/** How far a host has come. The order is the order in which it gets there; one that is lost gets nowhere anymore. */
export type Rung = 'unseen' | 'pending' | 'running' | 'registered' | 'ready' | 'lost';

export interface HostStanding {
  readonly instanceId: string;
  readonly rung: Rung;
  /** What it still lacks, as far as this look asked; empty when ready. */
  readonly lacks: string;
  /** Newest first: an agent that saw an error may have registered twice, and only the last one posts. */
  readonly hostIds: readonly string[];
}

const GOING: readonly Instance['state'][] = ['shutting-down', 'terminated', 'stopping', 'stopped'];

/** Is this instance on its way out, or out? */
export const isGoing = (instance: Pick<Instance, 'state'>): boolean => GOING.includes(instance.state);

/**
 * Each new host's standing. Joined by instance id alone: names and counts lie.
 * @param isBearable whether these new instances, which are dead, may be replaced yet; by default none may.
 * @throws NewHostDied at once when EC2 says that a new instance stopped or terminated, with EC2's reason.
 */
export function standings(
  launched: readonly NewInstance[],
  facts: HostFacts,
  isBearable: (dead: readonly Instance[]) => boolean = () => false,
): HostStanding[] {
  assertAlive(launched, facts.instances, isBearable);
  const instances = new Map(facts.instances.map((instance) => [instance.instanceId, instance]));
  const hosts = groupBy(facts.hosts === 'not asked' ? [] : facts.hosts, (host) => host.instanceId);
  return launched.map(({ instanceId }) =>
    standing(instanceId, instances.get(instanceId), hosts.get(instanceId) ?? [], facts),
  );
}

function assertAlive(
  launched: readonly NewInstance[],
  instances: readonly Instance[],
  isBearable: (dead: readonly Instance[]) => boolean,
): void {
  const ours = new Set(launched.map((instance) => instance.instanceId));
  const dead = instances.filter((instance) => ours.has(instance.instanceId) && isGoing(instance));
  if (dead.length === 0 || isBearable(dead)) return;
  const each = dead.map((instance) => `${instance.instanceId} is ${deathOf(instance)}`);
  throw new DeploymentError(
    'NewHostDied',
    `${count(dead.length, 'new instance')} of ${launched.length} died: ${list(each)}. ` +
      'If an instance shut itself down, its boot script failed: its console output has a line that begins with "irekae: FAILED".',
  );
}

const deathOf = ({ state, stateReason = 'EC2 gives no reason' }: Instance) => `${state} (${stateReason})`;

function standing(
  instanceId: string,
  instance: Instance | undefined,
  hosts: readonly MackerelHost[],
  facts: HostFacts,
): HostStanding {
  const hostIds = [...hosts].sort((a, b) => +b.createdAt - +a.createdAt).map((host) => host.id);
  const members = facts.reserve?.has(instanceId) ? NOWHERE : facts.members;
  const at = (rung: Rung, lacks: string): HostStanding => ({ instanceId, rung, lacks, hostIds });
  if (!instance) return at('unseen', 'not visible in EC2 yet');
  if (isGoing(instance)) return at('lost', deathOf(instance));
  if (instance.state === 'pending') return at('pending', 'not running yet');
  if (facts.hosts === 'not asked') return at('running', balancersLack(instanceId, members) ?? '');
  const monitored = hosts.filter((host) => host.status === 'working' || host.status === 'standby');
  if (monitored.length === 0) return at('running', notMonitored(hosts, namelessOf(instance, facts.hosts)));
  const lacks = balancersLack(instanceId, members) ?? lifeSignLacks(instance, monitored, facts.metrics);
  return lacks ? at('registered', lacks) : at('ready', '');
}

function notMonitored(hosts: readonly MackerelHost[], nameless: MackerelHost | undefined): string {
  if (nameless && hosts.length === 0)
    return `registered in Mackerel as ${hostName(nameless)}, but without its EC2 instance id`;
  return hosts.length === 0
    ? 'not registered in Mackerel yet'
    : `registered in Mackerel, but as ${hosts[0]?.status}`;
}

/** A listed host may have no living agent: AWS Integration registers hosts too. A metric newer than the boot is proof. */
function lifeSignLacks(
  instance: Instance,
  hosts: readonly MackerelHost[],
  metrics: HostFacts['metrics'],
): string | undefined {
  if (!metrics) return undefined;
  const alive = hosts.some((host) => (metrics.get(host.id)?.getTime() ?? 0) > instance.launchedAt.getTime());
  return alive ? undefined : 'registered in Mackerel, but has not posted a metric since its boot';
}

function balancersLack(instanceId: string, members: HostFacts['members']): string | undefined {
  for (const [name, registered] of members) {
    const member = registered.find((candidate) => candidate.instanceId === instanceId);
    if (!member) return `not registered at ${name} yet`;
    if (member.state !== 'in-service')
      return `not in service at ${name}${member.reason && ` (${healthWords(member.reason)})`}`;
  }
  return undefined;
}

/** Where to look first when hosts of this kind of fleet are not ready: nobody checks the health of a worker. */
export const usualReason = ({ loadBalancers }: Pick<Fleet, 'loadBalancers'>): string =>
  loadBalancers.length > 0
    ? 'the health check'
    : 'mackerel-agent: is it in the image, is its API key valid, and may it reach Mackerel';

/** Their time is over. */
export const notReady = (
  fleet: Pick<Fleet, 'loadBalancers'>,
  reason: string,
  seconds: number,
  since = 'the launch',
): DeploymentError =>
  new DeploymentError(
    'NewHostsNotReady',
    `Not ready ${span(seconds)} after ${since}: ${reason}. Look at ${usualReason(fleet)}, and at the console output of a host that never registered in Mackerel; ` +
      'if they only need longer, raise limits.readySeconds in the fleets file.',
  );

/** "Every one of zero" is not ready (rule 4). */
export function allReady(hosts: readonly HostStanding[]): boolean {
  return hosts.length > 0 && hosts.every((host) => host.rung === 'ready');
}

/** Of whom a sentence speaks: all at once, or those that go first and the others. */
const GROUPS = {
  all: { one: 'the new host is ready', all: 'new hosts are ready', noun: '', ready: 'ready' },
  first: {
    one: 'the first host is ready',
    all: 'first hosts are ready',
    noun: 'first host',
    ready: 'ready',
  },
  others: {
    one: 'the other one is registered',
    all: 'others are registered',
    noun: 'other',
    ready: 'registered',
  },
} as const;

/**
 * One sentence for all: `1 of 2 ready; i-1: not in service at web (…)`.
 * @param facts of a look that may not have asked Mackerel: it counts what it has seen, `1 of 2 in service; …`, never who
 * is ready, which it does not know
 */
export function readinessSentence(
  hosts: readonly HostStanding[],
  facts?: Pick<HostFacts, 'hosts' | 'members' | 'reserve'>,
): string {
  const { reserve = new Set() } = facts ?? {};
  if (reserve.size === 0) return groupSentence(GROUPS.all, hosts, facts);
  const first = hosts.filter(({ instanceId }) => !reserve.has(instanceId));
  const others = hosts.filter(({ instanceId }) => reserve.has(instanceId));
  return [
    groupSentence(GROUPS.first, first, facts),
    groupSentence(GROUPS.others, others, facts && { ...facts, members: NOWHERE }),
  ].join('; ');
}

function groupSentence(
  group: (typeof GROUPS)[keyof typeof GROUPS],
  hosts: readonly HostStanding[],
  facts?: Pick<HostFacts, 'hosts' | 'members'>,
): string {
  if (hosts.length === 0) return 'no new host to look at';
  if (allReady(hosts)) return hosts.length === 1 ? group.one : `all ${hosts.length} ${group.all}`;
  // Who lacks nothing that EC2 and the load balancers know of is in service; whether it is ready, Mackerel would know.
  const isUnasked = facts?.hosts === 'not asked';
  const waiting = hosts.filter(({ rung, lacks }) => (isUnasked ? lacks !== '' : rung !== 'ready'));
  const reached = isUnasked ? (facts.members.size > 0 ? 'in service' : 'running') : group.ready;
  const of = group.noun === '' ? `${hosts.length}` : count(hosts.length, group.noun);
  const counted = `${hosts.length - waiting.length} of ${of} ${reached}`;
  return [counted, ...lackSentences(waiting)].join('; ');
}

/** Sentences stay bounded: not more than this of what is lacked. */
const MOST_LACKS = 4;

/** `i-1 and i-2: not running yet`: who lacks the same is told together. */
function lackSentences(waiting: readonly HostStanding[]): string[] {
  const lacks = [...groupBy(waiting, (host) => host.lacks)].map(([lack, those]) => {
    const ids = those.map((host) => host.instanceId);
    return `${list(ids, 2)}: ${lack}`;
  });
  const rest = lacks.length - MOST_LACKS;
  return rest > 0 ? [...lacks.slice(0, MOST_LACKS), `and ${rest} more`] : lacks;
}

/** While others hold things up Mackerel is asked this often, for the sentence's sake. */
const MACKEREL_PATIENCE_SECONDS = 10;

/**
 * Could Mackerel's answer matter in this look? It does while it holds somebody up. Otherwise one request in ten seconds is
 * enough: Mackerel publishes no rate limit, and one that we do not run into is the best one.
 */
export function mackerelMatters(
  launched: readonly NewInstance[],
  facts: Pick<HostFacts, 'instances' | 'members' | 'reserve'>,
  joins: ReadonlyMap<string, Joining>,
  secondsSinceAsked: number,
): boolean {
  if (heldUpByMackerel(launched, facts, joins)) return true;
  return runningOf(launched, facts).length > 0 && secondsSinceAsked >= MACKEREL_PATIENCE_SECONDS;
}

const runningOf = (launched: readonly NewInstance[], { instances }: Pick<HostFacts, 'instances'>) =>
  launched.filter(({ instanceId }) =>
    instances.some((instance) => instance.instanceId === instanceId && instance.state === 'running'),
  );

/**
 * What waits for Mackerel: everything, once all else is ready; or a host that joins a load balancer when it is registered.
 * @returns `undefined`: nothing
 */
export function heldUpByMackerel(
  launched: readonly NewInstance[],
  { instances, members, reserve }: Pick<HostFacts, 'instances' | 'members' | 'reserve'>,
  joins: ReadonlyMap<string, Joining>,
): 'everything' | 'a join' | undefined {
  const running = runningOf(launched, { instances });
  if (running.length === 0) return undefined;
  const joining = running.filter(({ instanceId }) => !reserve?.has(instanceId));
  const lacking = [...members].filter(([, registered]) => {
    const serving = new Set(
      registered.filter((member) => member.state === 'in-service').map((member) => member.instanceId),
    );
    return joining.some(({ instanceId }) => !serving.has(instanceId));
  });
  if (running.length === launched.length && lacking.length === 0) return 'everything';
  const holdsAJoin = lacking.some(
    ([name, registered]) =>
      joins.get(name) === 'when-registered' &&
      joining.some(({ instanceId }) => !registered.some((member) => member.instanceId === instanceId)),
  );
  return holdsAJoin ? 'a join' : undefined;
}

/** While Mackerel holds somebody up the next look waits this long. */
const MACKEREL_PAUSE_SECONDS = 3;

/** Who is in service has started its application, and its agent with it: then it is only a moment. */
export function mackerelPause(
  held: ReturnType<typeof heldUpByMackerel>,
  { members }: Pick<HostFacts, 'members'>,
): { readonly patienceSeconds?: number } {
  const isNear = held === 'everything' && members.size > 0;
  return held && !isNear ? { patienceSeconds: MACKEREL_PAUSE_SECONDS } : {};
}

/**
 * Which new hosts are to be registered now, by load balancer name.
 * @param isDue is it time for this host at this load balancer, although it is not registered in Mackerel yet?
 */
export function toRegister(
  hosts: readonly HostStanding[],
  { members, reserve }: Pick<HostFacts, 'members' | 'reserve'>,
  isDue: (name: string, instanceId: string) => boolean,
): ReadonlyMap<string, string[]> {
  const due = new Map<string, string[]>();
  for (const [name, registered] of members) {
    const mayJoin = ({ instanceId, rung }: HostStanding) =>
      !reserve?.has(instanceId) && (rung === 'registered' || (rung === 'running' && isDue(name, instanceId)));
    const there = new Set(
      registered.filter((member) => member.state !== 'draining').map((member) => member.instanceId),
    );
    const ids = hosts
      .filter((host) => mayJoin(host) && !there.has(host.instanceId))
      .map((host) => host.instanceId);
    if (ids.length > 0) due.set(name, ids);
  }
  return due;
}

/** A target group that no listener uses, or a zone that is not enabled: waiting would never end well. */
export function assertBalancersInUse(hosts: readonly HostStanding[], members: HostFacts['members']): void {
  const ours = new Set(hosts.map((host) => host.instanceId));
  for (const [name, registered] of members) {
    const unused = registered.find((member) => ours.has(member.instanceId) && member.state === 'unused');
    if (!unused) continue;
    throw new DeploymentError(
      'LoadBalancerUnusable',
      `${name} will never check ${unused.instanceId} (${healthWords(unused.reason)}). Attach it to a listener and enable the host's zone.`,
    );
  }
}
