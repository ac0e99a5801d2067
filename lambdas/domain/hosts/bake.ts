/**
 * The bake: for a while after the shift the new hosts must stay ready, with no Mackerel alert open on them. What breaks
 * in any second of `bakeSeconds` is undone; so the watch lasts until the slowest load balancer would show the last one.
 */
import type { LoadBalancerSettings } from '../../ports/load-balancers.ts';
import type { MackerelAlert } from '../../ports/mackerel.ts';
import type { Compared, Deployment } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { BAKE_PAUSE_SECONDS, BAKE_RETRY_SECONDS } from '../core/steps.ts';
import { list, plain, span } from '../core/words.ts';
import { noticesWorse } from './compare.ts';
import { allReady, type HostStanding, readinessSentence } from './readiness.ts';

/** A single bad look may be a load balancer's "transient error": the second one in a row counts. */
const BAD_LOOKS_ALLOWED = 1;

/** What is watched, by the field of the fleets file that says how long. */
const WATCHES = {
  'limits.bakeSeconds': { called: 'the bake', whose: 'new' },
  'first.watchSeconds': { called: 'the watch', whose: 'first' },
} as const;
export type WatchField = keyof typeof WATCHES;

export interface Watch {
  readonly field: WatchField;
  /** What the fleets file asks for. 0: no bake. */
  readonly bakeSeconds: number;
  /** Then as long as a break in its last second needs to be seen. */
  readonly sightSeconds: number;
  /** The load balancer, the monitor or the comparison that sets it. */
  readonly slowest?: string;
  /** So much less it were with the advised health check everywhere. */
  readonly tuningSaves: number;
}

type CheckSettings = Pick<LoadBalancerSettings, 'intervalSeconds' | 'unhealthyThreshold' | 'timeoutSeconds'>;

/** The checks that fail one after the other, with the time-out of the last. */
export const noticesAfter = ({
  intervalSeconds,
  unhealthyThreshold,
  timeoutSeconds,
}: CheckSettings): number => unhealthyThreshold * intervalSeconds + timeoutSeconds;

/** The fastest that both kinds of load balancer accept: AWS requires a time-out below the interval. */
export const ADVISED_CHECK = {
  intervalSeconds: 5,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
  timeoutSeconds: 4,
} as const;

interface Signal {
  readonly name: string;
  readonly noticesAfterSeconds: number;
}

/** Without a load balancer, a monitor and a comparison nothing is slower than a look: EC2 and Mackerel show what they know at once. */
export function watchOf(
  bakeSeconds: number,
  balancers: readonly Signal[],
  monitors: readonly Signal[] = [],
  field: WatchField = 'limits.bakeSeconds',
  compared: readonly Compared[] = [],
): Watch {
  const comparison = noticesWorse(compared, bakeSeconds);
  const signals = [...balancers, ...monitors, ...(comparison ? [comparison] : [])];
  const [slowest] = signals.sort((a, b) => b.noticesAfterSeconds - a.noticesAfterSeconds);
  if (bakeSeconds === 0 || slowest === undefined)
    return { field, bakeSeconds, sightSeconds: 0, tuningSaves: 0 };
  const { name, noticesAfterSeconds } = slowest;
  const isBalancer = balancers.includes(slowest);
  return {
    field,
    bakeSeconds,
    sightSeconds: noticesAfterSeconds + (isBalancer ? BAKE_RETRY_SECONDS : BAKE_PAUSE_SECONDS),
    slowest: monitors.includes(slowest) ? `the monitor “${plain(name)}”` : name,
    tuningSaves: isBalancer ? Math.max(0, noticesAfterSeconds - noticesAfter(ADVISED_CHECK)) : 0,
  };
}

/** With all that *Agree* has found to decide. */
export function watchFor(
  seconds: number,
  { oldHosts }: Pick<Deployment, 'oldHosts'>,
  field: WatchField,
): Watch {
  const { balancers = [], monitors, compared } = oldHosts ?? {};
  return watchOf(seconds, balancers, monitors, field, compared);
}

export const bakeOf = (deployment: Pick<Deployment, 'fleet' | 'oldHosts'>): Watch =>
  watchFor(deployment.fleet.limits.bakeSeconds, deployment, 'limits.bakeSeconds');

export const watchSeconds = ({ bakeSeconds, sightSeconds }: Watch): number => bakeSeconds + sightSeconds;

/** What the second part is for; told wherever the watch's length is. */
export const sightSentence = ({ field, sightSeconds, slowest }: Watch): string =>
  `${span(sightSeconds)} until ${slowest} would show a host that broke in the last second of ${WATCHES[field].called}`;

/** Who says how long the watch is. */
export const becauseOf = (watch: Watch): string =>
  [`${watch.field} in the fleets file`, ...(watch.slowest === undefined ? [] : [sightSentence(watch)])].join(
    ', and ',
  );

/** Of the slowest load balancer, if it could be set faster; seconds that nobody would notice are not told. */
export const tuningSentence = ({ slowest, tuningSaves }: Watch, tolerated = 0): string | undefined =>
  tuningSaves > tolerated
    ? `checks every ${ADVISED_CHECK.intervalSeconds} s, unhealthy after ${ADVISED_CHECK.unhealthyThreshold}, with a time-out of ${ADVISED_CHECK.timeoutSeconds} s at ${slowest} would save ${span(tuningSaves)} of it`
    : undefined;

export interface BakeFacts {
  readonly watch: Watch;
  readonly standings: readonly HostStanding[];
  readonly alerts: readonly MackerelAlert[];
  /** Bad looks in a row before this one. */
  readonly badLooks: number;
  /** Of the whole watch. */
  readonly secondsLeft: number;
}

export interface BakeDecision {
  readonly baked: boolean;
  readonly badLooks: number;
  readonly reason: string;
}

/**
 * @throws AlertDuringBake at once; ReadinessLost on the second look in a row that finds a host not ready.
 */
export function decideBake({ standings, alerts, badLooks, secondsLeft, watch }: BakeFacts): BakeDecision {
  const seen = judgeHealth({ standings, alerts, badLooks, field: watch.field });
  if (seen.lacks !== undefined)
    return { baked: false, badLooks: seen.badLooks, reason: `${seen.lacks}; looking twice` };
  const reason =
    secondsLeft > 0 ? `all healthy; ${stillWatching(watch, secondsLeft)}` : 'stayed healthy throughout';
  return { baked: secondsLeft <= 0, badLooks: 0, reason };
}

export interface Health {
  readonly badLooks: number;
  /** What is wrong, for the first time; absent: all are ready. */
  readonly lacks?: string;
}

/**
 * Of new hosts that were ready, in the bake and wherever else somebody is waited for.
 * @throws AlertDuringBake at once; ReadinessLost on the second look in a row that finds a host not ready.
 */
export function judgeHealth({
  standings,
  alerts,
  badLooks,
  field = 'limits.bakeSeconds',
}: Pick<BakeFacts, 'standings' | 'alerts' | 'badLooks'> & { readonly field?: WatchField }): Health {
  assertNoAlert(standings, alerts, field);
  if (allReady(standings)) return { badLooks: 0 };
  const sentence = readinessSentence(standings);
  if (badLooks < BAD_LOOKS_ALLOWED) return { badLooks: badLooks + 1, lacks: sentence };
  throw new DeploymentError(
    'ReadinessLost',
    `The ${WATCHES[field].whose} hosts were ready and no longer are: ${sentence}. See what their application logged since they got traffic.`,
  );
}

/** Both parts of the watch: what was asked for, and what the slowest load balancer adds to it. */
function stillWatching(watch: Watch, secondsLeft: number): string {
  const ofBake = secondsLeft - watch.sightSeconds;
  if (watch.slowest === undefined) return `watching for another ${span(secondsLeft)}`;
  if (ofBake > 0) return `watching for another ${span(ofBake)}, then ${sightSentence(watch)}`;
  return `another ${sightSentence({ ...watch, sightSeconds: secondsLeft })}`;
}

/** @throws AlertDuringBake */
export function assertNoAlert(
  standings: readonly HostStanding[],
  alerts: readonly MackerelAlert[],
  field: WatchField = 'limits.bakeSeconds',
): void {
  const instanceOf = new Map(
    standings.flatMap((host) => host.hostIds.map((id) => [id, host.instanceId] as const)),
  );
  const ours = alerts.filter((alert) => alert.hostId !== undefined && instanceOf.has(alert.hostId));
  if (ours.length === 0) return;
  const each = ours.map(
    (alert) =>
      `${alert.status} on ${instanceOf.get(alert.hostId ?? '')}: ${plain(alert.message || alert.id)}`,
  );
  const where = field === 'first.watchSeconds' ? ' while it served beside the old ones' : '';
  throw new DeploymentError(
    'AlertDuringBake',
    `Mackerel opened an alert on a new host${where}: ${list(each, 3)}.`,
  );
}
