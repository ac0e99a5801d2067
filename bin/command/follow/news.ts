/** What an execution reports on its way, as log lines: only what is new. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { actBegunBy } from '../../../lambdas/domain/core/story.ts';
import { explain } from '../../../lambdas/domain/record/ending.ts';
import type { HistoryTurn } from '../../../lambdas/ports/executions.ts';
import type { Phase } from '../../../lambdas/ports/ledger.ts';

/** A wait may alternate between sentences (not every look calls Mackerel): this many are remembered. */
const REMEMBERED = 3;

export interface Told {
  readonly at: Date;
  readonly state: string;
  /** A sentence; absent where an act begins. */
  readonly text?: string;
  readonly begins?: Phase;
  readonly isFailure: boolean;
  /** One look of a wait that goes on: it says how far it is, and changes nothing. */
  readonly isLook?: boolean;
}

/** Follows executions, one after the other or in turns. */
export class News {
  readonly #newest = new Map<string, number>();
  #state = '';
  #said: string[] = [];
  #latest: string | undefined;

  /** What was reported last, or repeated with another number in it. */
  get latest(): string | undefined {
    return this.#latest;
  }

  /** @param turns oldest first; those seen before are skipped */
  of(execution: string, turns: readonly HistoryTurn[]): Told[] {
    const who = executionName(execution);
    const seen = this.#newest.get(who) ?? 0;
    const fresh = turns.filter(({ id }) => id > seen);
    const newest = fresh.at(-1);
    if (newest) this.#newest.set(who, newest.id);
    return fresh.flatMap((turn) => this.#tell(turn));
  }

  #tell(turn: HistoryTurn): Told[] {
    const text = textOf(turn);
    const begins = turn.kind === 'entered' ? actBegunBy(turn.state) : undefined;
    if (begins) return [{ at: turn.at, state: turn.state, begins, isFailure: false }];
    if (text === undefined) return [];
    if (turn.state !== this.#state) this.#said = [];
    this.#state = turn.state;
    const told = {
      at: turn.at,
      state: turn.state,
      text,
      isFailure: turn.kind === 'failed',
      isLook: isLook(turn),
    };
    const gist = withoutSpans(text);
    const isOld = this.#said.includes(gist);
    if (!isOld || gist === this.#said.at(-1)) this.#latest = `${turn.state}: ${text}`;
    if (isOld) return [];
    this.#said = [...this.#said, gist].slice(-REMEMBERED);
    return [told];
  }
}

const isLook = ({ kind, answer }: HistoryTurn): boolean =>
  kind === 'answered' &&
  Object(answer).ready === false &&
  typeof Object(answer).nextLookInSeconds === 'number';

/** A sentence that only counts down says nothing new. */
const withoutSpans = (text: string) => text.replace(/\b\d{1,9} (h|min|s)( \d{1,9} (min|s))?\b/g, '…');

function textOf({ kind, answer, error, cause }: HistoryTurn): string | undefined {
  if (kind === 'entered') return undefined;
  if (kind === 'failed') {
    const { name, sentence } = explain({
      Error: error ?? 'Unknown',
      ...(cause !== undefined && { Cause: cause }),
    });
    return `${name}: ${sentence}`;
  }
  const { reason, outcome } = Object(answer) as { reason?: unknown; outcome?: unknown };
  // The record only repeats earlier sentences.
  if (outcome === 'Deployed') return 'release recorded';
  return typeof reason === 'string' && reason !== '' ? reason : undefined;
}
