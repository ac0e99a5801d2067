/** The bake: for a while after the shift the new hosts must stay ready, with no Mackerel alert open on them. */
import type { MackerelAlert } from '../../ports/mackerel.ts';
import { DeploymentError } from '../core/errors.ts';
import { list, plain, span } from '../core/words.ts';
import { allReady, type HostStanding, readinessSentence } from './readiness.ts';

/** A single bad look may be a load balancer's "transient error": the second one in a row counts. */
const BAD_LOOKS_ALLOWED = 1;

/** Pause between looks: nothing is due before the bake's end. */
export const BAKE_PAUSE_SECONDS = 10;

export interface BakeFacts {
  readonly standings: readonly HostStanding[];
  readonly alerts: readonly MackerelAlert[];
  /** Bad looks in a row before this one. */
  readonly badLooks: number;
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
export function decideBake({ standings, alerts, badLooks, secondsLeft }: BakeFacts): BakeDecision {
  assertNoAlert(standings, alerts);
  if (allReady(standings)) {
    const reason =
      secondsLeft > 0
        ? `all healthy; watching for another ${span(secondsLeft)}`
        : 'stayed healthy throughout';
    return { baked: secondsLeft <= 0, badLooks: 0, reason };
  }
  const sentence = readinessSentence(standings);
  if (badLooks < BAD_LOOKS_ALLOWED)
    return { baked: false, badLooks: badLooks + 1, reason: `${sentence}; looking twice` };
  throw new DeploymentError(
    'ReadinessLost',
    `The new hosts were ready and no longer are: ${sentence}. See what their application logged since the shift.`,
  );
}

function assertNoAlert(standings: readonly HostStanding[], alerts: readonly MackerelAlert[]): void {
  const instanceOf = new Map(
    standings.flatMap((host) => host.hostIds.map((id) => [id, host.instanceId] as const)),
  );
  const ours = alerts.filter((alert) => alert.hostId !== undefined && instanceOf.has(alert.hostId));
  if (ours.length === 0) return;
  const each = ours.map(
    (alert) =>
      `${alert.status} on ${instanceOf.get(alert.hostId ?? '')}: ${plain(alert.message || alert.id)}`,
  );
  throw new DeploymentError('AlertDuringBake', `Mackerel opened an alert on a new host: ${list(each, 3)}.`);
}
