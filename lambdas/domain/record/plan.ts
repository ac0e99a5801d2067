/** What a deployment would do, and how soon it could be done: the answer of a dry run. */
import { sum } from '../core/collections.ts';
import type { After, ReleaseBefore } from '../core/document.ts';
import { deploymentId } from '../core/document.ts';
import { fleetSize } from '../core/fleet.ts';
import { hookName, hooksAt, POINT, POINTS, type Then } from '../core/points.ts';
import { list, span } from '../core/words.ts';
import { bakeOf, tuningSentence, watchSeconds } from '../hosts/bake.ts';
import { comparePlan } from '../hosts/compare.ts';
import { cutOffSentence } from '../hosts/draining.ts';
import { firstHostsPlan, firstWatchOf } from '../hosts/first-hosts.ts';
import { sideBySidePlan, sideBySideSeconds } from '../hosts/side-by-side.ts';
import { stragglersPlan } from '../hosts/stragglers.ts';
import { triesOf } from '../launch/capacity.ts';
import { templateOf } from '../launch/launch-template.ts';

/** The least that EC2 takes from the call until an instance runs, and from termination until it is gone. */
export const EC2_SECONDS = { launch: 12, terminate: 10 } as const;

export interface Plan {
  readonly fleet: string;
  readonly deployment: string;
  readonly reason: string;
  readonly release: {
    /** These three are absent where the image is the release. */
    readonly artifact?: string;
    readonly versionId?: string;
    readonly sha256?: string;
    readonly runtimes: string[];
    readonly imageId: string;
    /** The image that it was tested on before it was promoted, where that is another one. */
    readonly testedImage?: string;
  };
  /** What runs now, as its record says; absent: there is none. */
  readonly before?: ReleaseBefore;
  readonly launchTemplate: { readonly id: string; readonly version: string };
  /** Who would refuse it, and why: `Frozen: …`. None: it would go on. */
  readonly refusals: readonly string[];
  readonly launch: readonly {
    readonly subnet: string;
    readonly instances: number;
    /** In this order, each only when EC2 has no capacity for the one before: `t4g.small in subnet-1`. */
    readonly tries: readonly string[];
  }[];
  /** How many would get traffic first, and what share of it; only where the fleet wants that. */
  readonly first?: string;
  /** How long both fleets would serve before the old hosts leave; only where they would. */
  readonly sideBySide?: string;
  /** Metrics of hosts: what the old ones have, and what the new ones may; only where the fleet compares any. */
  readonly compare?: readonly string[];
  /** Which new hosts would be replaced by others; only where the fleet wants that. */
  readonly replaceStragglers?: string;
  /** Instance ids that would go. */
  readonly replace: readonly string[];
  readonly leaveAlone: readonly { readonly name: string; readonly why: string }[];
  readonly earliestFinish: { readonly seconds: number; readonly parts: readonly string[] };
  /** What would make it faster. */
  readonly advice: readonly string[];
}

type Planned = After<'image' | 'release' | 'oldHosts'>;

export function writePlan(deployment: Planned): Plan {
  const { fleet, release, image, oldHosts } = deployment;
  return {
    fleet: fleet.name,
    deployment: deploymentId(deployment),
    reason: `${release.reason}; ${oldHosts.reason}`,
    release: {
      ...(release.artifact && {
        artifact: release.artifact.key,
        versionId: release.artifact.versionId,
        sha256: release.artifact.sha256,
      }),
      runtimes: release.runtimes.map(({ key, versionId }) => `${key} version ${versionId}`),
      imageId: image.imageId,
      ...(release.testedImage && { testedImage: release.testedImage }),
    },
    ...(release.before && { before: release.before }),
    launchTemplate: templateOf(deployment),
    refusals: [release, oldHosts]
      .flatMap(({ refusals = [] }) => refusals)
      .map(({ name, sentence }) => `${name}: ${sentence}`),
    launch: fleet.subnets.map((subnet) => ({
      subnet,
      instances: fleet.instancesPerZone,
      tries: triesOf(fleet, subnet).map((each) => `${each.instanceType} in ${each.subnetId}`),
    })),
    ...plannedBeside(deployment),
    ...(oldHosts.compared && { compare: comparePlan(oldHosts.compared) }),
    ...(fleet.replaceStragglers && { replaceStragglers: stragglersPlan(fleetSize(fleet)) }),
    replace: oldHosts.hosts.map((host) => host.instanceId),
    leaveAlone: oldHosts.strangers,
    earliestFinish: earliestFinish(deployment),
    advice: advice(deployment),
  };
}

function plannedBeside(deployment: Planned): Pick<Plan, 'first' | 'sideBySide'> {
  const [first, sideBySide] = [firstHostsPlan(deployment), sideBySidePlan(deployment)];
  return { ...(first && { first }), ...(sideBySide && { sideBySide }) };
}

/**
 * A lower bound: each part takes at least this long. Boot and start of the application are not known in advance and
 * count as nothing, and so does draining, which ends early when no request runs.
 */
export function earliestFinish(deployment: Planned): Plan['earliestFinish'] {
  const { fleet, oldHosts } = deployment;
  const health = Math.max(
    0,
    ...oldHosts.balancers.map((balancer) =>
      balancer.joins === 'when-running' ? 0 : balancer.intervalSeconds,
    ),
  );
  const watch = bakeOf(deployment);
  const first = firstWatchOf(deployment);
  const parts: [string, number][] = [
    ['EC2 starts the instances', EC2_SECONDS.launch],
    ['first health check after the application is up', health],
    ['the first hosts are watched', first.bakeSeconds],
    [`then until ${first.slowest} would show what broke in the last second of that`, first.sightSeconds],
    ['old and new hosts serve side by side', sideBySideSeconds(deployment)],
    ['the new hosts are watched', watch.bakeSeconds],
    [
      `then until ${watch.slowest} would show a host that broke in the last second of that`,
      watch.sightSeconds,
    ],
    ['EC2 ends the old instances', oldHosts.hosts.length > 0 ? EC2_SECONDS.terminate : 0],
  ];
  const counted = parts.filter(([, seconds]) => seconds > 0);
  return {
    seconds: sum(counted.map(([, seconds]) => seconds)),
    parts: [
      ...counted.map(([what, seconds]) => `${what}: ${span(seconds)}`),
      'boot, start of the application and draining are added to this',
      ...onTheWay(fleet),
    ],
  };
}

/** How long the fleet's hooks and people may take, in the order in which the deployment comes to them. */
function onTheWay({ hooks, pauses }: Planned['fleet']): string[] {
  const told = (what: string, minutes: number, then: Then) =>
    `${what} is added to this: up to ${span(minutes * 60)}, then it ${then === 'undo' ? 'is undone' : 'goes on'}`;
  return POINTS.flatMap((point) => [
    ...hooksAt(hooks, point).map((hook) =>
      told(`the hook ${hookName(hook)} ${POINT[point].words}`, hook.timeoutMinutes, hook.onTimeout),
    ),
    ...pauses
      .filter(({ at }) => at === point)
      .map(({ timeoutMinutes, then }) => told(`a person ${POINT[point].words}`, timeoutMinutes, then)),
  ]);
}

/** Images that their owner has withdrawn, and settings of the load balancers that cost minutes: each with what to do. */
function advice({ fleet, oldHosts, image }: Planned): string[] {
  const { limits } = fleet;
  const { imageId, deprecatedAt, withdrawn = [] } = image;
  const images: string[] = [];
  if (deprecatedAt)
    images.push(`${imageId} has been deprecated by its owner since ${deprecatedAt}: build a new image.`);
  if (withdrawn.length > 0)
    images.push(
      `${imageId} is launched because newer ones are deprecated by their owner: ${list(withdrawn)}. Build a new image.`,
    );
  const balancers = oldHosts.balancers.flatMap(
    ({ name, intervalSeconds, healthyThreshold, drainSeconds, joins }) => {
      const found: string[] = [];
      if (joins === 'when-registered') {
        found.push(
          `${name} checks health every ${intervalSeconds} s and requires ${healthyThreshold} passes after a failure: new hosts join it only once their application is up. Set 5 s × 2 to let them join while they boot.`,
        );
      }
      if (drainSeconds === 0)
        found.push(
          `${name} does not drain: requests in flight are cut off when an old host leaves. Switch connection draining on.`,
        );
      if (drainSeconds > limits.drainSeconds)
        found.push(`${name} drains for up to ${span(drainSeconds)}: ${cutOffSentence(limits.drainSeconds)}.`);
      else if (drainSeconds > 60)
        found.push(
          `${name} drains for up to ${span(drainSeconds)}: 20 to 30 s are enough for most applications.`,
        );
      return found;
    },
  );
  const watch = bakeOf({ fleet, oldHosts });
  const tuning = tuningSentence(watch);
  const bake = tuning
    ? [`The bake of ${span(watch.bakeSeconds)} takes ${span(watchSeconds(watch))}: ${tuning}.`]
    : [];
  return [...images, ...bake, ...balancers];
}
