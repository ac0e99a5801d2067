/** How long a deployment still takes, if it takes as long as those before it did. */

import type { Deployment } from '../../../lambdas/domain/core/document.ts';
import { secondsBetween } from '../../../lambdas/domain/core/words.ts';
import type { LedgerRow, Phase } from '../../../lambdas/ports/ledger.ts';

/** The ledger's phases, in the order of the story → the phases of the records that they are made of. */
const PARTS = {
  agree: ['agree'],
  'bring-up': ['bring up'],
  shift: ['shift', 'drain', 'bake'],
  remove: ['terminate', 'retire'],
} as const satisfies Partial<Record<Phase, readonly string[]>>;

const ORDER = Object.keys(PARTS) as (keyof typeof PARTS)[];

export interface TimeLeft {
  /** 0: it takes longer than usual. */
  readonly seconds: number;
  /** How many earlier deployments this rests on. */
  readonly from: number;
}

/**
 * @param earlier the phases of earlier deployments that succeeded, in seconds
 * @returns nothing where there is no experience, or nothing usual: while undoing, and for others than deployments
 */
export function timeLeft(
  earlier: readonly Readonly<Record<string, number>>[],
  held: LedgerRow['held'],
  document: Deployment | undefined,
  now: Date,
): TimeLeft | undefined {
  if (earlier.length === 0 || !held || held.phase === 'undo') return undefined;
  const { phase } = held;
  const seconds = (of: keyof typeof PARTS) =>
    PARTS[of].reduce((sum, part) => sum + median(earlier.map((phases) => phases[part] ?? 0)), 0);
  const isKnown = phase === 'shift' || phase === 'remove';
  // In the first two phases from the start of the lock, which is the start of the story.
  const from = isKnown ? ORDER.indexOf(phase) : 0;
  const begun = (phase === 'remove' ? document?.bake?.at : document?.readiness?.at) ?? held.since;
  const usual = ORDER.slice(from).reduce((sum, each) => sum + seconds(each), 0);
  const passed = secondsBetween(isKnown ? begun : held.since, now);
  return { seconds: Math.max(0, usual - passed), from: earlier.length };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
