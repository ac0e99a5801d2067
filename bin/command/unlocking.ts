/** What *unlock* does about a fleet's lock: nothing while the holder may act, the clean-up's work where it can do it. */

import { TAKE_OVER_AFTER_SECONDS } from '../../lambdas/domain/core/steps.ts';
import { secondsBetween, span } from '../../lambdas/domain/core/words.ts';
import { deadSince, decideCleanUp } from '../../lambdas/domain/lock/lock.ts';
import { WATCH_EVERY_SECONDS } from '../../lambdas/domain/lock/orphans.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../lambdas/ports/ledger.ts';

/** The orphan watch sends for the clean-up this often, because status events get lost. */
export const CLEAN_UP_MINUTES = WATCH_EVERY_SECONDS / 60;

export interface UnlockDecision {
  /**
   * `free`: there is nothing to do. `start`: the lock is free, and a version waits. `refuse`: the holder acts, or may
   * act. `clean-up`: undoing or finishing what it left needs no human. `unlock`: the lock may be freed as things are.
   */
  readonly verdict: 'free' | 'start' | 'refuse' | 'clean-up' | 'unlock';
  /** Sentences. */
  readonly reason: string;
}

/**
 * @param state of the holder's execution
 * @param abandon what the holder left shall stay as it is, although the clean-up could undo or finish it
 */
export function decideUnlock(
  row: LedgerRow | undefined,
  state: ExecutionState,
  now: Date,
  { abandon = false }: { readonly abandon?: boolean } = {},
): UnlockDecision {
  const held = row?.held;
  if (!held) return whenFree(row);
  const dead = deadSince(held, state, now);
  if (!dead) return refuse(whileItMayRun(held, state));
  const inFlight = TAKE_OVER_AFTER_SECONDS - secondsBetween(dead, now);
  // Also of a holder that ended by itself: it may have failed because a step's function took too long.
  if (inFlight > 0)
    return refuse(
      `Its execution has ended, but a function of it may still act for ${span(Math.ceil(inFlight))}. Try again then.`,
    );
  if (held.needsHuman !== undefined)
    return {
      verdict: 'unlock',
      reason: 'Its execution has ended and left the rest to a human: nobody else touches what it left.',
    };
  if (abandon)
    return {
      verdict: 'unlock',
      reason: `Its execution has ended. The clean-up could ${cleanUpWork(row, state, now)}; with --abandon it never will.`,
    };
  return {
    verdict: 'clean-up',
    reason:
      `Its execution has ended, and no human is needed: the clean-up comes by itself within ${CLEAN_UP_MINUTES} minutes ` +
      `to ${cleanUpWork(row, state, now)}, and frees the lock.`,
  };
}

function whenFree(row: LedgerRow | undefined): UnlockDecision {
  if (row?.pending === undefined) return { verdict: 'free', reason: 'The lock is free: nothing to unlock.' };
  return {
    verdict: 'start',
    reason:
      `The lock is free, but version ${row.pending.versionId} still waits for its turn. ` +
      `The clean-up starts it by itself within ${CLEAN_UP_MINUTES} minutes.`,
  };
}

const refuse = (reason: string): UnlockDecision => ({ verdict: 'refuse', reason });

function whileItMayRun({ phase }: NonNullable<LedgerRow['held']>, { state }: ExecutionState): string {
  if (state === 'unknown')
    return 'Step Functions does not know its execution (yet), and the lock is young: it may be running. Try again in 5 minutes.';
  return phase === 'remove' || phase === 'undo'
    ? 'It runs. Wait until it has ended.'
    : 'It runs. Wait until it has ended, or have it undone with cancel.';
}

/** Completes "the clean-up comes to …". */
function cleanUpWork(row: LedgerRow | undefined, state: ExecutionState, now: Date): string {
  const { verdict } = decideCleanUp(row, state, now);
  if (verdict === 'undo') return 'undo what it did';
  return verdict === 'finish' ? 'finish what it began' : 'see that it changed nothing';
}
