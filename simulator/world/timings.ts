/** How long things take in the world. Each is a range of seconds, drawn from separately for each host. */
import type { Range } from './prng.ts';

export interface Timings {
  /** `pending` → `running`. */
  readonly pending: Range;
  /** `running` → the boot script begins. */
  readonly osBoot: Range;
  /** The boot script: download, unpack, start. At its end the application answers and the agent is started. */
  readonly bootScript: Range;
  /** Agent started → host in Mackerel. The agent looks three times for an older self first: never under 4 s. */
  readonly agentRegistration: Range;
  /** `shutting-down` → `terminated`, and `stopping` → `stopped`. */
  readonly shutdown: Range;
  /** How long EC2's reads do not show a new instance yet. */
  readonly visibility: Range;
  /** How long a terminated instance keeps its tags. */
  readonly tagsKept: Range;
  /** Accepted by a classic ELB → its first health check. */
  readonly classicRegistration: Range;
  /** Accepted by a target group → its first health check. */
  readonly targetRegistration: Range;
  /** Deregistered → the last running request is answered. The load balancer's own limit cuts it short. */
  readonly idle: Range;
}

/** Published measurements of boots and registrations, rounded. */
export const TIMINGS: Timings = {
  pending: [15, 20],
  osBoot: [5, 10],
  bootScript: [10, 40],
  agentRegistration: [4, 6],
  shutdown: [10, 30],
  visibility: [1, 2],
  tagsKept: [60, 600],
  classicRegistration: [5, 30],
  targetRegistration: [2, 5],
  idle: [2, 20],
};

/** EC2 still describes a terminated instance for about this long. */
export const TERMINATED_VISIBLE_MILLIS = 3_600_000;
/** The agent's first metric comes a full minute after the registration, then one each minute. */
export const METRIC_MILLIS = 60_000;
/** Collected → in Mackerel's answers: agents post at a second of their own, and what they collected in the minute before. */
export const METRIC_LATE_MILLIS = 45_000;
/** A host without metrics for this long is "gone" for Mackerel's connectivity monitor. */
export const CONNECTIVITY_MILLIS = 600_000;

/** AWS and Mackerel report most moments in whole seconds. */
export function wholeSeconds(millis: number): Date {
  return new Date(Math.floor(millis / 1000) * 1000);
}
