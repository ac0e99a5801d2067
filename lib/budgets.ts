/**
 * What a deployment, or a clean-up, may use up at most: events of its history, and time. A history that reaches 25,000 events, or a
 * machine that reaches its own timeout, ends an execution without a Catch: neither may ever come first.
 */

import type { Fleet } from '../lambdas/domain/core/fleet.ts';
import { EVENTS_PER_LOOK, mostLooks } from '../lambdas/domain/core/looks.ts';
import { STEP_NAMES, STEPS, type StepName } from '../lambdas/domain/core/steps.ts';
import { BAKE_RETRY_SECONDS, BAKE_SILENCE_SECONDS } from '../lambdas/domain/hosts/bake.ts';
import { DEREGISTRATION_SECONDS } from '../lambdas/domain/hosts/draining.ts';
import { LAUNCH_IN_FLIGHT_SECONDS } from '../lambdas/domain/hosts/removal.ts';
import { STRAGGLER_END_SECONDS } from '../lambdas/domain/hosts/stragglers.ts';
import { TAKE_OVER_AFTER_SECONDS } from '../lambdas/domain/lock/lock.ts';

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

type Limits = Fleet['limits'];

/** How long each wait lasts at most, in the order of the story. */
function longestWaits(limits: Limits, replacesStragglers = false) {
  const { readySeconds, drainSeconds, bakeSeconds, terminateSeconds, undoSeconds } = limits;
  const drain = Math.max(drainSeconds, DEREGISTRATION_SECONDS);
  return {
    ready: readySeconds,
    stragglers: replacesStragglers ? drainSeconds + STRAGGLER_END_SECONDS : 0,
    drain,
    bake: bakeSeconds + BAKE_SILENCE_SECONDS,
    terminate: terminateSeconds,
    putBack: undoSeconds,
    // The new instances leave their load balancers before they are terminated, and no launch may be in flight.
    remove: undoSeconds + drain + LAUNCH_IN_FLIGHT_SECONDS,
  };
}

/** The most history events of a deployment that waits out every limit and undoes everything at the end. */
export function mostEvents(limits: Limits, replacesStragglers = false): number {
  const { ready, stragglers, drain, bake, terminate, putBack, remove } = longestWaits(
    limits,
    replacesStragglers,
  );
  const looks =
    (replacesStragglers ? mostLooks(stragglers) : 0) +
    mostLooks(drain) +
    mostLooks(bake, BAKE_RETRY_SECONDS) +
    mostLooks(terminate) +
    mostLooks(putBack) +
    mostLooks(remove);
  return EVENTS_BESIDE_WAITS + EVENTS_PER_READINESS_TURN * mostLooks(ready) + EVENTS_PER_LOOK * looks;
}

/** A task's attempts: the first, 5 retries for Lambda's troubles, 6 for those of Mackerel and AWS (`states.ts`). */
const MOST_ATTEMPTS = 12;
/** The pauses between them, 60 s and 105 s at most, and a task's grace of 10 s for each attempt. */
const MOST_PAUSE_SECONDS = 165 + MOST_ATTEMPTS * 10;

/** The steps of a clean-up, and its waits; the undo comes after a termination that was refused, at the worst. */
const CLEAN_UP_STEPS = [
  'take-over-the-lock',
  'terminate-old-instances',
  'retire-old-hosts-in-mackerel',
  'record-the-release',
  'put-old-hosts-back',
  'terminate-new-instances',
  'record-the-failure',
  'release-the-fleet-lock',
] as const satisfies readonly StepName[];

function longestCleanUpWaits(limits: Limits) {
  const { terminate, putBack, remove } = longestWaits(limits);
  return { inFlight: TAKE_OVER_AFTER_SECONDS, terminate, putBack, remove };
}

/** The most history events of a clean-up: fewer than those of the deployment, so no limits are refused for it. */
export function mostCleanUpEvents(limits: Limits): number {
  const looks = Object.values(longestCleanUpWaits(limits)).map((seconds) => mostLooks(seconds));
  return EVENTS_BESIDE_WAITS + EVENTS_PER_LOOK * looks.reduce((sum, count) => sum + count);
}

/**
 * The state machine's own timeout: longer than everything that could take long, one after the other. It ends runaway
 * executions only; every wait has a deadline of its own that ends in an undo.
 */
export function machineTimeoutSeconds(limits: Limits, replacesStragglers = false): number {
  return longest(longestWaits(limits, replacesStragglers), STEP_NAMES);
}

/** The same for the clean-up's machine. */
export function cleanUpTimeoutSeconds(limits: Limits): number {
  return longest(longestCleanUpWaits(limits), CLEAN_UP_STEPS);
}

function longest(waits: Readonly<Record<string, number>>, steps: readonly StepName[]): number {
  const tasks = steps.map((step) => MOST_ATTEMPTS * STEPS[step] + MOST_PAUSE_SECONDS);
  return [...Object.values(waits), ...tasks].reduce((sum, seconds) => sum + seconds);
}
