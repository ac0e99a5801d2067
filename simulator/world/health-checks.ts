/**
 * The health checks of a load balancer, as a pure function of time: both kinds of load balancer count the same way.
 *
 * Checks run at `firstCheckAt + k × interval`. A passed check counts at once, a failed one when its time-out is over
 * (AWS keeps the time-out below the interval, so no two checks overlap).
 *
 *   initial ── 1 pass ──────────────▶ in service
 *   initial ── unhealthy × fail ────▶ out of service
 *   in service ── unhealthy × fail ─▶ out of service
 *   out of service ── healthy × pass ▶ in service
 *
 * This is why a host that is registered before its application is up may pay for it with `healthy × interval`.
 */
import type { Stretch } from './instance-life.ts';

export interface CheckSettings {
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

export type CheckedState = 'initial' | 'in-service' | 'out-of-service';

export interface Checked {
  readonly state: CheckedState;
  /** When the state was reached, epoch milliseconds. */
  readonly since: number;
}

interface Count extends Checked {
  readonly last: Outcome | undefined;
  readonly streak: number;
}

type Outcome = 'pass' | 'fail';

interface Schedule {
  readonly settings: CheckSettings;
  readonly firstCheckAt: number;
  /** Checks whose outcome is not known at that time do not count yet. */
  readonly at: number;
}

/** The state at a moment, from the stretches during which the application answers (in order, not overlapping). */
export function checkedAt(
  settings: CheckSettings,
  firstCheckAt: number,
  up: readonly Stretch[],
  at: number,
): Checked {
  const schedule: Schedule = { settings, firstCheckAt, at };
  let count: Count = { state: 'initial', since: firstCheckAt, last: undefined, streak: 0 };
  let position = firstCheckAt;
  for (const stretch of up) {
    if (stretch.to <= position) continue;
    const upFrom = Math.max(stretch.from, position);
    count = countChecks(count, schedule, 'fail', { from: position, to: upFrom });
    count = countChecks(count, schedule, 'pass', { from: upFrom, to: stretch.to });
    position = stretch.to;
  }
  return countChecks(count, schedule, 'fail', { from: position, to: Number.POSITIVE_INFINITY });
}

/** Counts the checks of a stretch in which they all have the same outcome. */
function countChecks(count: Count, schedule: Schedule, outcome: Outcome, stretch: Stretch): Count {
  const { settings, firstCheckAt, at } = schedule;
  const interval = settings.intervalSeconds * 1000;
  const delay = outcome === 'fail' ? settings.timeoutSeconds * 1000 : 0;
  const first = Math.ceil((stretch.from - firstCheckAt) / interval);
  const beforeEnd = Math.ceil((stretch.to - firstCheckAt) / interval) - 1;
  const known = Math.floor((at - delay - firstCheckAt) / interval);
  const number = Math.min(beforeEnd, known) - first + 1;
  if (number <= 0) return count;

  // A streak continues over a stretch that was too short to contain a check.
  const before = count.last === outcome ? count.streak : 0;
  const counted = { ...count, last: outcome, streak: before + number };
  const needed = checksNeeded(count.state, outcome, settings);
  if (before + number < needed) return counted;
  const since = firstCheckAt + (first + needed - before - 1) * interval + delay;
  return { ...counted, state: outcome === 'pass' ? 'in-service' : 'out-of-service', since };
}

/** How many checks in a row with this outcome change the state. */
function checksNeeded(state: CheckedState, outcome: Outcome, settings: CheckSettings): number {
  if (outcome === 'fail') {
    return state === 'out-of-service' ? Number.POSITIVE_INFINITY : settings.unhealthyThreshold;
  }
  if (state === 'in-service') return Number.POSITIVE_INFINITY;
  return state === 'initial' ? 1 : settings.healthyThreshold;
}
