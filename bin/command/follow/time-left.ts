/** How much longer a deployment takes, if it takes as long as earlier ones did. */

import { sum } from '../../../lambdas/domain/core/collections.ts';
import type { Deployment } from '../../../lambdas/domain/core/document.ts';
import { PHASES, rowOf, STEP_NAMES } from '../../../lambdas/domain/core/steps.ts';
import { secondsBetween } from '../../../lambdas/domain/core/words.ts';
import type { LedgerRow, Phase } from '../../../lambdas/ports/ledger.ts';

/** The acts of a deployment that succeeds. */
const ORDER = PHASES.filter((phase) => phase !== 'undo');

const ROWS = STEP_NAMES.map(rowOf).filter(({ span }) => span !== undefined);

/** The steps whose spans make up an act. */
const rowsOf = (phase: Phase) => ROWS.filter(({ act, span }) => (span?.act ?? act) === phase);

export interface TimeLeft {
  /** 0: it takes longer than usual. */
  readonly seconds: number;
  /** How many earlier deployments this is based on. */
  readonly from: number;
}

/**
 * @param earlier the phases of earlier deployments that succeeded, in seconds
 * @returns nothing without experience, while undoing, and for anything but deployments
 */
export function timeLeft(
  earlier: readonly Readonly<Record<string, number>>[],
  held: LedgerRow['held'],
  document: Deployment | undefined,
  now: Date,
): TimeLeft | undefined {
  if (earlier.length === 0 || !held || held.phase === 'undo') return undefined;
  const { phase } = held;
  const seconds = (of: Phase) =>
    rowsOf(of).reduce(
      (sum, { span }) => sum + median(earlier.map((spans) => spans[span?.name ?? ''] ?? 0)),
      0,
    );
  // The first two acts count from when the lock was taken, which is the start of the story.
  const from = ORDER.indexOf(phase) < 2 ? 0 : ORDER.indexOf(phase);
  const begun = from === 0 ? held.since : (endOf(ORDER[from - 1], document) ?? held.since);
  const usual = sum(ORDER.slice(from).map(seconds));
  return { seconds: Math.max(0, usual - secondsBetween(begun, now)), from: earlier.length };
}

/** When an act's last step answered; a deployment may do without that one: without a bake, nothing is watched. */
function endOf(phase: Phase | undefined, document: Deployment | undefined): string | undefined {
  if (!phase || !document) return undefined;
  return rowsOf(phase)
    .map(({ key }) => (document[key] as { readonly at?: string } | undefined)?.at)
    .filter((at) => at !== undefined)
    .sort()
    .at(-1);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
