/**
 * How fast a deployment could have been if every decision had been made at its best moment: the bound with which a
 * measured deployment is compared. The world knows what it has drawn, so this is exact, not an estimate.
 *
 *   in service(i, b) = max(application up(i), max(running(i), visible(i)) + registration(i, b))
 *   ready            = max over new i of max(in Mackerel(i), max over b of in service(i, b))
 *   drained          = ready + max over old o, load balancers b of min(idle(o, b), drain limit(b))
 *   terminated       = drained + watch + max over old o of shutdown(o)
 *
 * In service: a load balancer accepts only running instances that it knows, the registration takes its time, and one
 * passed check is enough if it is the first. So nothing beats registering such that the first check falls on the moment
 * when the application is up (or at once when running, if that is later). Health thresholds and intervals do not
 * appear: they only matter if a host is registered too early. The watch is the deployment's own wish, and what the
 * slowest load balancer needs to show what broke in its last second. Calls take no time. Where some hosts go first, the
 * watch of these begins when all are in Mackerel, and both fleets may serve side by side:
 *
 *   ready            = max(ready, max over new i of in Mackerel(i) + watch of the first hosts) + side by side
 */

import { loadBalancerName } from '../../lambdas/domain/core/fleet.ts';
import { noticesAfter, type Watch, watchOf, watchSeconds } from '../../lambdas/domain/hosts/bake.ts';
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import type { Ec2Model } from './ec2.ts';
import type { LoadBalancersModel } from './load-balancers.ts';

export interface Deployed {
  readonly newInstances: readonly string[];
  readonly oldInstances: readonly string[];
  readonly loadBalancers: readonly LoadBalancerRef[];
  readonly bakeSeconds: number;
  /** How long the first of the new hosts are watched, if any go first. */
  readonly firstWatchSeconds?: number;
  /** Default: the longest slow start. */
  readonly sideBySideSeconds?: number | undefined;
}

/** Of one new host. A moment that never comes is `undefined`. */
export interface EarliestMoments {
  readonly instanceId: string;
  readonly launched: Date;
  readonly running: Date;
  readonly applicationUp: Date | undefined;
  readonly inMackerel: Date | undefined;
  /** Load balancer → earliest possible moment in service. */
  readonly inService: Readonly<Record<string, Date | undefined>>;
  readonly ready: Date | undefined;
}

export interface LowerBound {
  readonly hosts: readonly EarliestMoments[];
  /** When the first of them was launched: all durations are counted from here. */
  readonly launched: Date;
  readonly ready: Date | undefined;
  readonly drained: Date | undefined;
  readonly terminated: Date | undefined;
  /** Of the longest drain and the longest shutdown among the old hosts. */
  readonly drainSeconds: number;
  readonly shutdownSeconds: number;
  readonly watch: Watch;
}

interface Models {
  readonly ec2: Ec2Model;
  readonly loadBalancers: LoadBalancersModel;
}

/**
 * The bound for new hosts that were registered at most once and old ones that were in service at all these load
 * balancers and never deregistered before (a second time draws again). Throws for ids that the world never had.
 */
export function lowerBound(models: Models, deployed: Deployed): LowerBound {
  const hosts = deployed.newInstances.map((id) => earliest(models, id, deployed.loadBalancers));
  const ready = besideOldOnes(hosts, models, deployed);
  const drain = longest(deployed.oldInstances, (id) => drainMillis(models, id, deployed.loadBalancers));
  const shutdown = longest(deployed.oldInstances, (id) => models.ec2.instance(id).life.shutdownMillis);
  const watch = watchAt(models.loadBalancers, deployed);
  return {
    hosts: hosts.map((host) => host.moments),
    launched: new Date(Math.min(...hosts.map(({ moments }) => moments.launched.getTime()))),
    ready: moment(ready),
    drained: moment(ready + drain),
    terminated: moment(ready + drain + watchSeconds(watch) * 1000 + shutdown),
    drainSeconds: drain / 1000,
    shutdownSeconds: shutdown / 1000,
    watch,
  };
}

function besideOldOnes(
  hosts: readonly ReturnType<typeof earliest>[],
  { loadBalancers: world }: Models,
  { loadBalancers, firstWatchSeconds = 0, sideBySideSeconds }: Deployed,
): number {
  const allReady = Math.max(...hosts.map((host) => host.readyAt));
  const watch = watchAt(world, { loadBalancers, bakeSeconds: firstWatchSeconds });
  const allWatched = Math.max(
    ...hosts.map(({ moments }) => moments.inMackerel?.getTime() ?? Number.POSITIVE_INFINITY),
  );
  const watched = firstWatchSeconds > 0 ? allWatched + watchSeconds(watch) * 1000 : allReady;
  const slowStarts = loadBalancers.map((ref) => world.settings(ref).slowStartSeconds ?? 0);
  return Math.max(allReady, watched) + (sideBySideSeconds ?? Math.max(0, ...slowStarts)) * 1000;
}

/** How long new hosts are watched at these load balancers. */
export function watchAt(
  world: Pick<LoadBalancersModel, 'settings'>,
  { loadBalancers, bakeSeconds }: Pick<Deployed, 'loadBalancers' | 'bakeSeconds'>,
): Watch {
  const balancers = loadBalancers.map((ref) => ({
    name: loadBalancerName(ref),
    noticesAfterSeconds: noticesAfter(world.settings(ref)),
  }));
  return watchOf(bakeSeconds, balancers);
}

function earliest(models: Models, instanceId: string, refs: readonly LoadBalancerRef[]) {
  const { life } = models.ec2.instance(instanceId);
  const inService = refs.map((ref) => {
    const registration = models.loadBalancers.registrationMillis(
      models.loadBalancers.balancer(ref),
      instanceId,
      0,
    );
    const acceptedAt = Math.max(life.runningAt, life.visibleAt);
    return [loadBalancerName(ref), Math.max(life.applicationUpAt, acceptedAt + registration)] as const;
  });
  const readyAt = Math.max(life.registersAt, ...inService.map(([, at]) => at));
  const moments: EarliestMoments = {
    instanceId,
    launched: new Date(life.launchedAt),
    running: new Date(life.runningAt),
    applicationUp: moment(life.applicationUpAt),
    inMackerel: moment(life.registersAt),
    inService: Object.fromEntries(inService.map(([name, at]) => [name, moment(at)])),
    ready: moment(readyAt),
  };
  return { moments, readyAt };
}

function drainMillis(models: Models, instanceId: string, refs: readonly LoadBalancerRef[]): number {
  return longest(refs, (ref) =>
    models.loadBalancers.drainMillis(models.loadBalancers.balancer(ref), instanceId, 0),
  );
}

function longest<T>(things: readonly T[], millisOf: (thing: T) => number): number {
  return Math.max(0, ...things.map(millisOf));
}

function moment(millis: number): Date | undefined {
  return Number.isFinite(millis) ? new Date(millis) : undefined;
}
