/**
 * What this fleet's last starts teach: when a new host joins a load balancer that would make a host pay for failed
 * checks, and when one that has not registered never will.
 */
import type { NewInstance, Snapshot } from '../core/document.ts';
import { LONGEST_START_SECONDS, MOST_STARTS, type Starts, startsFor } from '../core/starts.ts';
import { secondsBetween, span } from '../core/words.ts';
import type { HostFacts } from './readiness.ts';

/** How long these took, the slowest first. A host id from the image would be older than its instance: it tells nothing. */
export function startsOf(launched: readonly NewInstance[], { instances, hosts }: HostFacts): Starts {
  if (hosts === 'not asked') return {};
  const launches = new Map(instances.map((each) => [each.instanceId, each.launchedAt]));
  const createdAt = new Map(hosts.map((host) => [host.instanceId, host.createdAt]));
  const starts: Record<string, number[]> = {};
  for (const { instanceId, instanceType } of launched) {
    const [from, to] = [launches.get(instanceId), createdAt.get(instanceId)];
    const seconds = from && to ? Math.round(secondsBetween(from, to)) : 0;
    if (seconds > 0 && seconds <= LONGEST_START_SECONDS)
      starts[instanceType] = [...(starts[instanceType] ?? []), seconds];
  }
  for (const [type, all] of Object.entries(starts))
    starts[type] = all.sort((a, b) => b - a).slice(0, MOST_STARTS);
  return starts;
}

type Balancer = Snapshot['balancers'][number];

/**
 * How many seconds after its launch a host of this type joins this load balancer, registered in Mackerel or not: so late
 * that the slowest of the last ten was up before its checks had failed too often, so early that the registration
 * overlaps the boot. Fewer than ten starts tell too little: a single host that pays for failed checks, 10 × 30 s by
 * default, costs more than ten deployments win.
 */
export function joinsAfter(
  { joins, leadSeconds }: Balancer,
  instanceType: string,
  starts?: Starts,
): number | undefined {
  const known = startsFor(starts, instanceType);
  if (joins !== 'when-registered' || known.length < MOST_STARTS) return undefined;
  return Math.max(0, Math.max(...known) - leadSeconds);
}

/** Who joins by the time that this fleet's hosts take waits for Mackerel no more than who joins at once. */
export const waitsFor = (
  balancers: readonly Balancer[],
  launched: readonly NewInstance[],
  starts?: Starts,
): ReadonlyMap<string, Balancer['joins']> =>
  new Map(
    balancers.map((balancer) => {
      const isLearned = launched.every(
        ({ instanceType }) => joinsAfter(balancer, instanceType, starts) !== undefined,
      );
      return [balancer.name, isLearned ? 'when-running' : balancer.joins];
    }),
  );

export interface LearnedJoins {
  /** Is it time for this host at this load balancer? */
  readonly isDue: (name: string, instanceId: string) => boolean;
  /** When those join whose time has not come, and why then; empty where nobody waits for that. */
  readonly reason: string;
}

export function learnedJoins(
  balancers: readonly Balancer[],
  { instances, members, reserve }: Pick<HostFacts, 'instances' | 'members' | 'reserve'>,
  now: Date,
  starts?: Starts,
): LearnedJoins {
  const byId = new Map(instances.map((instance) => [instance.instanceId, instance]));
  const byName = new Map(balancers.map((balancer) => [balancer.name, balancer]));
  const moment = (name: string, instanceId: string) => {
    const [instance, balancer] = [byId.get(instanceId), byName.get(name)];
    const after = instance && balancer && joinsAfter(balancer, instance.instanceType, starts);
    return instance && after !== undefined
      ? { after, passed: secondsBetween(instance.launchedAt, now) }
      : undefined;
  };
  const waits = [...members].flatMap(([name, registered]) => {
    const there = new Set(registered.map((member) => member.instanceId));
    const afters = instances.flatMap(({ instanceId, state }) => {
      const isWaiting = state === 'running' && !there.has(instanceId) && !reserve?.has(instanceId);
      const at = isWaiting ? moment(name, instanceId) : undefined;
      return at && at.passed < at.after ? [at.after] : [];
    });
    return afters.length === 0
      ? []
      : [
          `new hosts join ${name} ${span(Math.max(...afters))} after their launch, by the last ${MOST_STARTS} starts`,
        ];
  });
  return {
    isDue: (name, instanceId) => {
      if (byName.get(name)?.joins === 'when-running') return true;
      const at = moment(name, instanceId);
      return at !== undefined && at.passed >= at.after;
    },
    reason: waits[0] ?? '',
  };
}
