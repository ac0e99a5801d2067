/**
 * How often to look. A look is a turn of a wait: nine events of the execution's history, of which there may be 25,000.
 * Looks come close together while a result is due (detection is late by half a pause), and thin out when a wait has
 * become a long one.
 */
import type { Clock } from '../../ports/clock.ts';
import type { Look, Milestones } from './document.ts';
import { isFailure } from './errors.ts';
import { saidSoFar } from './said.ts';
import { secondsBetween } from './words.ts';

/** Beyond two hours: a day's bake must fit into the history. In seconds. */
const LONGEST_PAUSE = 240;

/** Pause between looks, by how long the wait lasts already. Both in seconds. */
const PAUSES = [
  { until: 120, pause: 1 },
  { until: 600, pause: 3 },
  { until: 1_800, pause: 10 },
  { until: 7_200, pause: 30 },
  { until: Number.POSITIVE_INFINITY, pause: LONGEST_PAUSE },
] as const;

/** Between the two polls of a look. */
const BETWEEN_POLLS_MILLIS = 500;
/** Who took this long to answer is slow now: the function's time limit is for one such poll, not for two. */
const SLOW_POLL_MILLIS = 2_000;

/** History events of one turn: Wait 2, Task 5, Choice 2. */
export const EVENTS_PER_LOOK = 9;

/** The most looks that a wait of this many seconds can take, if it never looks more often than every `patience` s. */
export function mostLooks(seconds: number, patience = 1): number {
  let looks = 1;
  let from = 0;
  for (const { until, pause } of PAUSES) {
    // Rounded up in each stretch: a pause that began in the one before may end early in this one.
    looks += Math.ceil(Math.max(0, Math.min(seconds, until) - from) / Math.max(pause, patience));
    from = until;
  }
  return looks;
}

/** Of who waits for a person or a hook, which may take a day: a sixteenth of what has passed, within these bounds. */
const SPARSE_PAUSES = { part: 16, least: 15, most: 600 } as const;

export const sparsePause = (waited: number): number =>
  Math.min(SPARSE_PAUSES.most, Math.max(SPARSE_PAUSES.least, Math.floor(waited / SPARSE_PAUSES.part)));

export function mostSparseLooks(seconds: number): number {
  let looks = 1;
  for (let waited = 0; waited < seconds; waited += sparsePause(waited)) looks += 1;
  return looks;
}

/** A look may take this long. Who is later was not run, or cut off. */
const SLOWLY_SECONDS = 60;
/** As long as a task asks for a function that is not run. Who is late again and again is not waited for without end. */
export const MOST_LOST_SECONDS = 900;

/**
 * For how many seconds of this wait nobody could look, because its function was not run. No host is blamed for that: a
 * wait whose time passed meanwhile would be over at the next look, also at one that orders what is then waited for.
 */
export function lostSeconds(previous: Look | undefined, now: Date): number {
  if (previous === undefined) return 0;
  const { at, since, nextLookInSeconds, lostSeconds: before = 0 } = previous;
  // A clean-up goes on with the look of whoever died; its own time counts from when it took over.
  const isAnew = since > at;
  const lost = isAnew ? 0 : before;
  const late = secondsBetween(isAnew ? since : at, now) - nextLookInSeconds;
  return late > SLOWLY_SECONDS ? Math.min(MOST_LOST_SECONDS, Math.round(lost + late)) : lost;
}

/** What a look found, before it is written down. */
export interface Finding {
  readonly ready: boolean;
  readonly reason: string;
  /** The earliest moment at which the next look can find something new; default: now. */
  readonly earliest?: Date;
  /** At least this long until the next look: for those who should not be asked every second. */
  readonly patienceSeconds?: number;
  /** In which nobody could look; see `lostSeconds`. */
  readonly lostSeconds?: number;
  readonly memory?: Record<string, number> | undefined;
  /** How far each host has come; default: what the look before saw. */
  readonly seen?: Milestones | undefined;
}

/**
 * Writes a look down: carries over since when we wait, and says when to look again. The last look falls on the
 * deadline itself, so that nothing is declared failed on an answer that is older than that.
 */
export function nextLook(previous: Look | undefined, now: Date, deadline: Date, finding: Finding): Look {
  const since = previous?.since ?? now.toISOString();
  const waited = (now.getTime() - new Date(since).getTime()) / 1000;
  const pause = PAUSES.find(({ until }) => waited < until)?.pause ?? LONGEST_PAUSE;
  const untilEarliest = ((finding.earliest?.getTime() ?? 0) - now.getTime()) / 1000;
  const untilDeadline = (deadline.getTime() - now.getTime()) / 1000;
  const seen = finding.seen ?? previous?.seen;
  const wanted = Math.max(pause, finding.patienceSeconds ?? 0, untilEarliest);
  const seconds = Math.min(wanted, Math.max(1, untilDeadline));
  return {
    ready: finding.ready,
    reason: finding.reason,
    nextLookInSeconds: Math.max(1, Math.ceil(seconds)),
    since,
    at: now.toISOString(),
    looks: (previous?.looks ?? 0) + 1,
    ...(finding.lostSeconds && { lostSeconds: finding.lostSeconds }),
    ...(finding.memory && { memory: finding.memory }),
    ...(seen && { seen }),
    said: saidSoFar(previous?.said, now, finding.reason),
  };
}

/**
 * While a result is due, a look is two polls: what comes between two looks is seen sooner, with fewer turns. Lets the
 * time between them pass.
 * @returns whether it has come to the second poll
 */
export async function againSoon({ ready, at, nextLookInSeconds }: Look, clock: Clock): Promise<boolean> {
  const passed = () => clock.now().getTime() - new Date(at).getTime();
  if (ready || nextLookInSeconds > 1 || passed() >= SLOW_POLL_MILLIS) return false;
  await clock.sleep(BETWEEN_POLLS_MILLIS);
  // At the same moment nobody sees anything else.
  return passed() > 0;
}

/** The deadline of a wait: counted from its first look, or from `from`. */
export function deadlineOf(previous: Look | undefined, now: Date, seconds: number, from?: string): Date {
  return new Date(new Date(from ?? previous?.since ?? now).getTime() + seconds * 1000);
}

const UNKNOWN = 'unknown: ';

/** Of a look: did it fail? */
export const isUnknown = (reason: string): boolean => reason.startsWith(UNKNOWN);

/**
 * A look that failed found nothing, neither good nor bad: the wait goes on, within its deadline, and forgets nothing
 * (rule 4).
 *
 * @param memory what the wait remembers by then.
 */
export async function lookOrUnknown(
  look: () => Promise<Finding>,
  memory: () => Finding['memory'],
): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    if (!isFailure(error, 'ServiceUnavailable')) throw error;
    const known = memory();
    return { ready: false, reason: UNKNOWN + error.message, ...(known && { memory: known }) };
  }
}
