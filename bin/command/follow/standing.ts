/**
 * What an execution's description says about the deployment: that it is running, waiting for its turn or was stopped
 * from outside, or how it ended. And which exit code belongs to an end.
 */
import * as v from 'valibot';
import type { FailureName } from '../../../lambdas/domain/core/errors.ts';
import { FAILURES } from '../../../lambdas/domain/core/failures.ts';
import type { ExecutionDescription } from '../../../lambdas/ports/executions.ts';
import type { OutcomeCode } from '../outcome.ts';
import type { DeploymentRecord } from '../release-records.ts';

/** How it ended → the exit code of a command that waited for it. CI relies on these. */
export const EXIT_CODES = {
  deployed: 0,
  'already-deployed': 0,
  superseded: 0,
  planned: 0,
  /** An end of another state machine than the deployment's, or one that needs no name of its own. */
  done: 0,
  refused: 3,
  'rolled-back': 3,
  'needs-human': 4,
  cancelled: 5,
} as const satisfies Readonly<Record<string, OutcomeCode>>;
export type Verdict = keyof typeof EXIT_CODES;

export interface End {
  readonly verdict: Verdict;
  /** A sentence or two. */
  readonly reason: string;
  /** The failure's name, if it did not succeed. */
  readonly error?: string;
  readonly output?: unknown;
}

export type Standing =
  | { readonly is: 'running' }
  /** Its request is in the fleet's one waiting slot, or lost to one that is. */
  | { readonly is: 'waiting'; readonly reason: string }
  /** Stopped, timed out, or it lost its lock: another execution undoes or finishes it, and writes the record. */
  | { readonly is: 'dead'; readonly reason: string }
  | { readonly is: 'over'; readonly end: End };

const Output = v.looseObject({
  verdict: v.optional(v.string()),
  outcome: v.optional(v.string()),
  reason: v.optional(v.string(), ''),
  earliestFinish: v.optional(v.unknown()),
});

export function standingOf({ state, output, error, cause }: ExecutionDescription): Standing {
  if (state.state === 'running') return { is: 'running' };
  if (state.status === 'SUCCEEDED') return succeeded(output);
  if (state.status === 'ABORTED') return { is: 'dead', reason: 'its execution was stopped' };
  if (state.status === 'TIMED_OUT') return { is: 'dead', reason: 'its execution timed out' };
  // Failures of Step Functions itself reach no Catch.
  if (error === undefined || !(error in FAILURES) || error === 'LockLost')
    return {
      is: 'dead',
      reason: `its execution failed with ${error ?? 'no error'}, which it cannot undo itself`,
    };
  return { is: 'over', end: failed(error, cause ?? '') };
}

function succeeded(output: unknown): Standing {
  const parsed = v.safeParse(Output, output);
  const { verdict, outcome, reason, earliestFinish } = parsed.success ? parsed.output : { reason: '' };
  if (verdict === 'waiting') return { is: 'waiting', reason };
  const over = (as: Verdict): Standing => ({ is: 'over', end: { verdict: as, reason, output } });
  if (outcome === 'Deployed') return over('deployed');
  if (verdict === 'already-deployed' || verdict === 'superseded') return over(verdict);
  return over(earliestFinish === undefined ? 'done' : 'planned');
}

const ENDINGS: Partial<Record<FailureName, Verdict>> = {
  RolledBack: 'rolled-back',
  Cancelled: 'cancelled',
  StoppedHalfway: 'needs-human',
  RollbackFailed: 'needs-human',
};

/** Under any other name it was refused before anything changed. */
const failed = (error: string, reason: string): End => ({
  verdict: ENDINGS[error as FailureName] ?? 'refused',
  reason,
  error,
});

/** How a deployment that others had to undo or finish ended, from the record that they wrote. */
export function endFromRecord(record: DeploymentRecord | undefined): End {
  if (!record)
    return { verdict: 'refused', reason: 'It was stopped before it changed anything.', error: 'Stopped' };
  const { outcome, reason } = record;
  return outcome === 'Deployed' ? { verdict: 'deployed', reason, output: record } : failed(outcome, reason);
}
