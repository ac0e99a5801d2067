/** What *unlock* does with a fleet's lock: nothing while the holder may act; the clean-up's work is left to it. */

import { actOf, TAKE_OVER_AFTER_SECONDS } from '../../lambdas/domain/core/steps.ts';
import { secondsBetween, span } from '../../lambdas/domain/core/words.ts';
import { deadSince, decideCleanUp, isChange } from '../../lambdas/domain/lock/dead-holders.ts';
import { WATCH_EVERY_SECONDS } from '../../lambdas/domain/lock/orphans.ts';
import { wantedBy } from '../../lambdas/domain/lock/pending.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../lambdas/ports/ledger.ts';

/** The orphan watch starts the clean-up this often, because status events may get lost. */
export const CLEAN_UP_MINUTES = WATCH_EVERY_SECONDS / 60;

export interface UnlockDecision {
  /**
   * `free`: nothing to do. `start`: the lock is free, and a version is waiting. `refuse`: the holder, or a function of
   * it, may be running. `clean-up`: what it left can be undone or finished without a human. `unlock`: the lock may be
   * released as things are.
   */
  readonly verdict: 'free' | 'start' | 'refuse' | 'clean-up' | 'unlock';
  /** Sentences. */
  readonly reason: string;
}

/**
 * @param state of the holder's execution
 * @param abandon leave what the holder left as it is, although the clean-up could undo or finish it
 */
export function decideUnlock(
  row: LedgerRow | undefined,
  state: ExecutionState,
  now: Date,
  { abandon = false }: { readonly abandon?: boolean } = {},
): UnlockDecision {
  const held = row?.held;
  if (!held) return whenFree(row);
  if (isChange(held, state)) return decide('unlock', CHANGES);
  const dead = deadSince(held, state, now);
  if (!dead) return decide('refuse', whileItMayRun(held, state));
  const inFlight = TAKE_OVER_AFTER_SECONDS - secondsBetween(dead, now);
  const ended = 'Its execution has ended';
  // Also if nobody stopped the holder: it may have failed because a step's function took too long.
  if (inFlight > 0) return decide('refuse', `${ended}, but ${mayAct(inFlight)}. Try again then.`);
  if (held.needsHuman !== undefined)
    return decide('unlock', `${ended} and left the rest to a human: nothing else touches what it left.`);
  const work = cleanUpWork(row, state, now);
  if (abandon)
    return decide('unlock', `${ended}. The clean-up could ${work}; with --abandon, it never will.`);
  return decide(
    'clean-up',
    `${ended}, and no human is needed: the clean-up starts automatically within ${CLEAN_UP_MINUTES} minutes ` +
      `to ${work}, and releases the lock.`,
  );
}

const CHANGES =
  '`cdk deploy` holds it, which takes permissions from the fleet: until the fleet’s own stack is deployed, too, a deployment ' +
  'would begin as before, and IAM could refuse it halfway. Unlock only when nobody is deploying these stacks.';

const mayAct = (seconds: number) => `a function of it may still be running for ${span(Math.ceil(seconds))}`;

const decide = (verdict: UnlockDecision['verdict'], reason: string): UnlockDecision => ({ verdict, reason });

const whenFree = (row: LedgerRow | undefined): UnlockDecision =>
  row?.pending === undefined
    ? decide('free', 'The lock is free: nothing to unlock.')
    : decide(
        'start',
        `The lock is free, but ${wantedBy(row.pending)} is still waiting for its turn. ` +
          `The clean-up starts it automatically within ${CLEAN_UP_MINUTES} minutes.`,
      );

function whileItMayRun({ phase }: NonNullable<LedgerRow['held']>, { state }: ExecutionState): string {
  if (state === 'unknown')
    return 'Step Functions does not know its execution (yet), and the lock was taken recently: it may be running. Try again in 5 minutes.';
  return actOf(phase)?.cancel === 'undoes'
    ? 'It is running. Wait until it has ended, or have it undone with cancel.'
    : 'It is running. Wait until it has ended.';
}

/** Completes "the clean-up starts to …". */
function cleanUpWork(row: LedgerRow | undefined, state: ExecutionState, now: Date): string {
  const { verdict } = decideCleanUp(row, state, now);
  if (verdict === 'undo') return 'undo what it did';
  if (verdict === 'human') return 'leave the rest to a human';
  return verdict === 'finish' ? 'finish what it began' : 'let go of its lock, because it left nothing to do';
}
