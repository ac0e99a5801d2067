/** What *unlock* does about a fleet's lock: nothing while the holder may act, the clean-up's work where it can do it. */

import { actOf, TAKE_OVER_AFTER_SECONDS } from '../../lambdas/domain/core/steps.ts';
import { secondsBetween, span } from '../../lambdas/domain/core/words.ts';
import { deadSince, decideCleanUp } from '../../lambdas/domain/lock/dead-holders.ts';
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
  if (!dead) return decide('refuse', whileItMayRun(held, state));
  const inFlight = TAKE_OVER_AFTER_SECONDS - secondsBetween(dead, now);
  const ended = 'Its execution has ended';
  // Also of a holder that ended by itself: it may have failed because a step's function took too long.
  if (inFlight > 0) return decide('refuse', `${ended}, but ${mayAct(inFlight)}. Try again then.`);
  if (held.needsHuman !== undefined)
    return decide('unlock', `${ended} and left the rest to a human: nobody else touches what it left.`);
  const work = cleanUpWork(row, state, now);
  if (abandon) return decide('unlock', `${ended}. The clean-up could ${work}; with --abandon it never will.`);
  return decide(
    'clean-up',
    `${ended}, and no human is needed: the clean-up comes by itself within ${CLEAN_UP_MINUTES} minutes ` +
      `to ${work}, and frees the lock.`,
  );
}

const mayAct = (seconds: number) => `a function of it may still act for ${span(Math.ceil(seconds))}`;

const decide = (verdict: UnlockDecision['verdict'], reason: string): UnlockDecision => ({ verdict, reason });

const whenFree = (row: LedgerRow | undefined): UnlockDecision =>
  row?.pending === undefined
    ? decide('free', 'The lock is free: nothing to unlock.')
    : decide(
        'start',
        `The lock is free, but version ${row.pending.versionId} still waits for its turn. ` +
          `The clean-up starts it by itself within ${CLEAN_UP_MINUTES} minutes.`,
      );

function whileItMayRun({ phase }: NonNullable<LedgerRow['held']>, { state }: ExecutionState): string {
  if (state === 'unknown')
    return 'Step Functions does not know its execution (yet), and the lock is young: it may be running. Try again in 5 minutes.';
  return actOf(phase)?.cancel === 'undoes'
    ? 'It runs. Wait until it has ended, or have it undone with cancel.'
    : 'It runs. Wait until it has ended.';
}

/** Completes "the clean-up comes to …". */
function cleanUpWork(row: LedgerRow | undefined, state: ExecutionState, now: Date): string {
  const { verdict } = decideCleanUp(row, state, now);
  if (verdict === 'undo') return 'undo what it did';
  if (verdict === 'human') return 'leave to a human what it did';
  return verdict === 'finish' ? 'finish what it began' : 'see that it changed nothing';
}
