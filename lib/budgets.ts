/**
 * What a deployment, or a clean-up, may use up at most: events of its history, and time. A history that reaches 25,000 events, or a
 * machine that reaches its own timeout, ends an execution without a Catch: neither may ever come first.
 */

import { sum } from '../lambdas/domain/core/collections.ts';
import {
  EVENTS_PER_LOOK,
  MOST_LOST_SECONDS,
  mostLooks,
  mostSparseLooks,
} from '../lambdas/domain/core/looks.ts';
import {
  type Limits,
  LONGEST_PAUSE_SECONDS,
  longestSideBySide,
  longestUntilFirst,
  retriesOf,
  rowOf,
  STEP_NAMES,
  type StepName,
  TASK_GRACE_SECONDS,
  type WaitName,
} from '../lambdas/domain/core/steps.ts';
import { CLEAN_UP_STEPS, WAIT_NAMES } from '../lambdas/domain/core/story.ts';

/** AWS fails the execution that reaches it. */
const HISTORY_LIMIT = 25_000;

/**
 * Kept free for steps that are retried: three events for each failed attempt. The retries' own pauses keep them below
 * the rate of an ordinary wait, so this much is a thousand failed attempts in one deployment.
 */
const RETRY_RESERVE = 4_000;

/** What a deployment without a failed attempt may need. */
export const HISTORY_BUDGET = HISTORY_LIMIT - RETRY_RESERVE;

/** States that are visited once: Pass and Choice 2 events, Task 5, the execution's own 2. Rounded up. */
const EVENTS_BESIDE_WAITS = 100;

/** A turn in which ready hosts were lost again: look, verdict, *Take old hosts out of service*, its Choice, pause. */
const EVENTS_PER_READINESS_TURN = EVENTS_PER_LOOK + 5 + 2;

/** How often a wait of so many seconds looks at most. */
function looksIn(name: WaitName, fleet: Limits, seconds: number): number {
  const { looksEverySeconds, looksSparsely } = rowOf(name);
  if (seconds === 0) return 0;
  return looksSparsely ? mostSparseLooks(seconds) : mostLooks(seconds, looksEverySeconds?.(fleet));
}

/** A long one looks less often than several short ones together. */
function looksOf(name: WaitName, fleet: Limits): number {
  const { lasts, lastsEach } = rowOf(name);
  return sum((lastsEach?.(fleet) ?? [lasts?.(fleet) ?? 0]).map((seconds) => looksIn(name, fleet, seconds)));
}

/** A turn in which a hook is called: it is asked which, called, and judged. */
const EVENTS_PER_HOOK_TURN = 2 * EVENTS_PER_LOOK + 5;

function eventsOf(name: WaitName, fleet: Limits): number {
  if (name === 'new-hosts-are-ready') return eventsUntilReady(name, fleet);
  return looksOf(name, fleet) * (name === 'ask-the-hook' ? EVENTS_PER_HOOK_TURN : EVENTS_PER_LOOK);
}

/**
 * Once the first hosts were watched it begins anew, and looks as often as at first; before that nothing is shifted. Who is
 * sent back from the shift serves side by side anew: that adds looks, and hardly a turn.
 */
function eventsUntilReady(name: WaitName, fleet: Limits): number {
  const { readySeconds } = fleet.limits;
  const [until, whole] = [readySeconds, readySeconds + longestSideBySide(fleet)].map((seconds) =>
    looksIn(name, fleet, seconds),
  ) as [number, number];
  const first = looksIn(name, fleet, longestUntilFirst(fleet));
  return until * EVENTS_PER_READINESS_TURN + (first + whole - until) * EVENTS_PER_LOOK;
}

/** The most history events of a deployment that waits out every limit and undoes everything at the end. */
export const mostEvents = (fleet: Limits): number =>
  EVENTS_BESIDE_WAITS + sum(WAIT_NAMES.map((name) => eventsOf(name, fleet)));

/** All attempts of a step's task, each cut off, and the pauses between them. */
function longestTask(step: StepName): number {
  const retries = retriesOf(rowOf(step));
  return (retries + 1) * (rowOf(step).seconds + TASK_GRACE_SECONDS) + retries * LONGEST_PAUSE_SECONDS;
}

/** Its time, and what may be added to it. */
function longestWait(name: WaitName, fleet: Limits): number {
  const { lasts, isPatient } = rowOf(name);
  return (lasts?.(fleet) ?? 0) + (isPatient ? MOST_LOST_SECONDS : 0);
}

const isWait = (name: StepName): name is WaitName => rowOf(name).lasts !== undefined;
const CLEAN_UP_WAITS = CLEAN_UP_STEPS.filter(isWait);

/** The most history events of a clean-up: fewer than those of the deployment, so no limits are refused for it. */
export const mostCleanUpEvents = (fleet: Limits): number =>
  EVENTS_BESIDE_WAITS + sum(CLEAN_UP_WAITS.map((name) => eventsOf(name, fleet)));

/**
 * The state machine's own timeout: longer than everything that could take long, one after the other. It ends runaway
 * executions only; every wait has a deadline of its own that ends in an undo.
 */
export const machineTimeoutSeconds = (fleet: Limits): number => longest(fleet, WAIT_NAMES, STEP_NAMES);

/** The same for the clean-up's machine; an undo may come after a termination that was refused, at the worst. */
export const cleanUpTimeoutSeconds = (fleet: Limits): number =>
  longest(fleet, CLEAN_UP_WAITS, CLEAN_UP_STEPS);

function longest(fleet: Limits, waits: readonly WaitName[], steps: readonly StepName[]): number {
  return sum([...waits.map((name) => longestWait(name, fleet)), ...steps.map(longestTask)]);
}
