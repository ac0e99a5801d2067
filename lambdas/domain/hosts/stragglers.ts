/**
 * Which new hosts are replaced, once, instead of failing a large deployment: the few that are not ready long after most
 * are, and the few that EC2 lost. All others must be ready, for that proves that the release itself is well; a host
 * that shut itself down speaks against the release, and is never replaced.
 *
 * "Slow" is measured by the fleet's own median and not by a limit of minutes: what is slow for one application is the
 * usual boot of another. The median is the moment at which half of the new hosts were ready in one look.
 */
import type { Instance } from '../../ports/ec2.ts';
import type { Deployment, Launch, NewInstance, Straggler } from '../core/document.ts';
import { DeploymentError, isFailure } from '../core/errors.ts';
import { isProtected, TAG } from '../core/fleet.ts';
import type { Memory } from '../core/wait.ts';
import { count, list, plain, secondsBetween, span } from '../core/words.ts';
import type { HostStanding } from './readiness.ts';

/** A host that has taken this many times the median is a straggler. */
const SLOWER_THAN = 3;

/** Of two hosts, the slower one is half of the fleet: that tells nothing about it. */
export const SMALLEST_FLEET = 3;

/** How many of so many new hosts may be replaced: a tenth, but one of a small fleet. More is no accident. */
export const mostStragglers = (hosts: number): number =>
  hosts < SMALLEST_FLEET ? 0 : Math.max(1, Math.floor(hosts / 10));

/** What the wait remembers: since when half of the new hosts are ready, and since when each straggler is known as one. */
export type StragglerMemory = Memory<'halfReadyAt'>;

/**
 * May this deployment replace stragglers still? Once, before anything was shifted (afterwards all were ready, and who
 * is not anymore has another trouble than being slow), and while a new instance has the time that the median one took.
 */
export function mayReplace(
  { fleet, launch, shift }: Pick<Deployment, 'fleet' | 'shift'> & { readonly launch: Launch },
  memory: StragglerMemory,
  deadline: Date,
  now: Date,
): boolean {
  if (!fleet.replaceStragglers || launch.replaced || shift) return false;
  return secondsBetween(now, deadline) > (medianSeconds(launch, memory.halfReadyAt) ?? 0);
}

/** From the launch until half of the new hosts were ready. */
const medianSeconds = ({ at }: Pick<Launch, 'at'>, halfReadyAt: number | undefined): number | undefined =>
  halfReadyAt === undefined ? undefined : secondsBetween(at, new Date(halfReadyAt));

/** EC2's reasons of its own for an end: hardware, capacity taken back. Others are a person's or the host's. */
const LOST_BY_EC2 = /^Server\./;

/** Is a deployment that may replace stragglers still worth waiting for, although these new instances are dead? */
export const isBearable = (dead: readonly Instance[], launched: readonly NewInstance[]): boolean =>
  dead.length <= mostStragglers(launched.length) &&
  dead.every(({ stateReason = '' }) => LOST_BY_EC2.test(stateReason));

/**
 * The same while the first hosts are watched: of those that serve nobody yet, the lost ones may be replaced afterwards.
 * @param reserve who joins no load balancer yet
 */
export const mayBeLost =
  (
    { fleet, launch }: Pick<Deployment, 'fleet'> & { readonly launch: Launch },
    reserve: ReadonlySet<string>,
  ) =>
  (dead: readonly Instance[]): boolean =>
    fleet.replaceStragglers &&
    launch.replaced === undefined &&
    dead.every(({ instanceId }) => reserve.has(instanceId)) &&
    isBearable(dead, launch.instances);

export interface StragglerDecision {
  /** To be replaced now. */
  readonly replace: readonly Straggler[];
  /** About the stragglers, for the look's sentence; empty when there are none. */
  readonly reason: string;
  readonly memory: StragglerMemory;
}

/** What is known when a deployment that `mayReplace` has looked. */
export interface StragglerFacts {
  readonly launch: Launch;
  /** By a look that asked everybody. */
  readonly hosts: readonly HostStanding[];
  /** What EC2 said of them. */
  readonly instances: readonly Instance[];
  /** Of the looks before. */
  readonly memory: StragglerMemory;
  readonly now: Date;
  /** From when they have as long as the others took, and what was then. Default: the launch. */
  readonly from?: { readonly at: string; readonly what: string };
  /** Who joins no load balancer yet: that these are ready says nothing of what a health check would find. */
  readonly reserve?: ReadonlySet<string>;
  /** Who was watched first, and was ready all the time. */
  readonly watched?: readonly string[] | undefined;
}

/**
 * A first host passes no check, and no other has passed one: that is the release's fault as likely as the host's. So it is
 * of one that was ready throughout its watch, and is not anymore: it is not slow.
 */
function isUnproven(
  { hosts, reserve = new Set(), watched = [] }: Pick<StragglerFacts, 'hosts' | 'reserve' | 'watched'>,
  late: readonly HostStanding[],
): boolean {
  if (late.some(({ instanceId, rung }) => rung !== 'lost' && watched.includes(instanceId))) return true;
  if (reserve.size === 0) return false;
  const isFirst = ({ instanceId }: HostStanding) => !reserve.has(instanceId);
  const isProven = hosts.some((host) => isFirst(host) && host.rung === 'ready');
  return !isProven && late.some((host) => isFirst(host) && host.rung === 'registered');
}

export function decideStragglers(facts: StragglerFacts): StragglerDecision {
  const { launch, hosts, instances, memory, now, from = { at: launch.at, what: 'the launch' } } = facts;
  const late = hosts.filter(({ rung }) => rung !== 'ready');
  const halfIsReady = 2 * late.length <= hosts.length;
  const halfReadyAt = memory.halfReadyAt ?? (halfIsReady ? now.getTime() : undefined);
  const median = medianSeconds(launch, halfReadyAt);
  const nothing = (reason: string): StragglerDecision => ({
    replace: [],
    reason,
    memory: { halfReadyAt, hosts: {} },
  });
  if (median === undefined || late.length === 0 || late.length > mostStragglers(hosts.length))
    return nothing('');
  // What EC2 does not show may be well: an answer that lacks it is no ground to act on (rule 4).
  if (late.some(({ rung }) => rung === 'unseen') || isUnproven(facts, late)) return nothing('');
  const who = list(
    late.map(({ instanceId }) => instanceId),
    2,
  );
  const ids = new Set(late.map(({ instanceId }) => instanceId));
  if (instances.some((instance) => ids.has(instance.instanceId) && isProtected(instance)))
    return nothing(`${who} cannot be replaced: the hand brake is on (tag ${TAG.protect})`);
  const limit = SLOWER_THAN * median;
  const isSlow = secondsBetween(from.at, now) >= limit;
  if (!isSlow && late.some(({ rung }) => rung !== 'lost'))
    return nothing(`${who} will be replaced if not ready ${span(limit)} after ${from.what}`);
  const known = Object.fromEntries(
    late.map(({ instanceId }) => [instanceId, memory.hosts[instanceId] ?? now.getTime()]),
  );
  const remembered = { halfReadyAt, hosts: known };
  // One answer may be wrong about any of them: two looks must agree.
  if (late.some(({ instanceId }) => memory.hosts[instanceId] === undefined))
    return { replace: [], reason: `${who} will be replaced if the next look agrees`, memory: remembered };
  return {
    replace: late.map(stragglerOf(`${span(limit)} after ${from.what}`)),
    reason: `replacing ${who}`,
    memory: remembered,
  };
}

/** There may be fifty of them, in the document and in the record: what each lacks is cut. */
const LONGEST_WHY = 120;

const stragglerOf =
  (since: string) =>
  ({ instanceId, rung, lacks }: HostStanding): Straggler => ({
    instanceId,
    why: plain(lacks, LONGEST_WHY) + (rung === 'lost' ? '' : `, ${since}`),
  });

/** For a record; empty when none was replaced. */
export const replacedSentence = (replaced: readonly Straggler[] = []): string =>
  replaced.length === 0
    ? ''
    : `${count(replaced.length, 'straggler')} replaced: ${list(replaced.map(({ instanceId, why }) => `${instanceId} (${why})`))}`;

/** For a plan: what a deployment of so many hosts would do about stragglers. */
export const stragglersPlan = (hosts: number): string =>
  `at most ${mostStragglers(hosts)} of ${count(hosts, 'new host')}, once: those not ready after ${SLOWER_THAN} times what half of them took, or lost by EC2, while all others are ready`;

/** Those to be replaced of one zone and type: one launch. */
export interface StragglerShare {
  readonly zone: string;
  readonly instanceType: string;
  readonly leaving: readonly NewInstance[];
}

/**
 * What *Replace the stragglers* has to launch. The look has decided; this only sees that it was a decision of this
 * story.
 * @throws StepCrashed for a document in which the stragglers are none of the new hosts, too many, or replaced already.
 */
export function sharesToReplace({
  launch,
  readiness,
}: Pick<Deployment, 'readiness'> & { readonly launch: Launch }): StragglerShare[] {
  const wanted = new Set(readiness?.stragglers?.map(({ instanceId }) => instanceId));
  const leaving = launch.instances.filter(({ instanceId }) => wanted.has(instanceId));
  const most = mostStragglers(launch.instances.length);
  if (launch.replaced || leaving.length === 0 || leaving.length !== wanted.size || leaving.length > most) {
    throw new DeploymentError(
      'StepCrashed',
      `${count(wanted.size, 'straggler')} of ${launch.instances.length} new hosts cannot be replaced: at most ${most}, ` +
        'once. Steps are started by the state machine, not by hand.',
    );
  }
  const shares = new Map<string, StragglerShare>();
  for (const each of leaving) {
    const { zone, instanceType } = each;
    const key = `${zone} ${instanceType}`;
    shares.set(key, { zone, instanceType, leaving: [...(shares.get(key)?.leaving ?? []), each] });
  }
  return [...shares.values()];
}

/** What became of one share: its new instances, or why there are none. */
export interface ReplacedShare extends StragglerShare {
  readonly instances: readonly NewInstance[];
  readonly refusal?: string;
}

/** A straggler for which EC2 has no replacement is waited for still: that is no worse than before. */
export function replacedShare(
  answer: PromiseSettledResult<ReplacedShare>,
  share: StragglerShare | undefined,
): ReplacedShare {
  if (answer.status === 'fulfilled') return answer.value;
  const error: unknown = answer.reason;
  const isRefused = isFailure(error, 'NoCapacity') || isFailure(error, 'LaunchRefused');
  if (!isRefused || !share) throw error;
  return { ...share, instances: [], refusal: error.message };
}

/** The launch after its stragglers were replaced, as far as EC2 had room for others. */
export function launchAfter(
  launch: Launch,
  stragglers: readonly Straggler[],
  shares: readonly ReplacedShare[],
): Launch {
  const done = shares.filter(({ refusal }) => refusal === undefined);
  // In place: the milestones that the looks write down are in the order of this list.
  const successors = new Map(
    done.flatMap(({ leaving, instances }) =>
      leaving.map(({ instanceId }, index) => [instanceId, instances[index]] as const),
    ),
  );
  const sentences = shares.map(({ leaving, instances, refusal }) => {
    const ids = (those: readonly NewInstance[]) => list(those.map(({ instanceId }) => instanceId));
    return refusal === undefined
      ? `${ids(leaving)} replaced by ${ids(instances)}`
      : `${ids(leaving)} not replaced; still waiting for it: ${refusal.replace(/\.$/, '')}`;
  });
  return {
    ...launch,
    reason: [launch.reason, ...sentences].join('; '),
    instances: launch.instances.map((each) => successors.get(each.instanceId) ?? each),
    replaced: launch.instances.flatMap(({ instanceId, address }) => {
      const straggler =
        successors.has(instanceId) && stragglers.find((each) => each.instanceId === instanceId);
      return straggler ? [{ ...straggler, ...(address && { address }) }] : [];
    }),
  };
}
