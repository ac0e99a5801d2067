/** The audience that reads lines: a log, a pipe, a terminal too small for the picture. */

import { count } from '../../lambdas/domain/core/words.ts';
import { wrap } from '../../lib/terminal/width.ts';
import { closingWords } from './closing-words.ts';
import type { Line } from './narration.ts';
import type { Audience, Opening } from './performance.ts';
import { clockText } from './picture.ts';
import { type Meaning, render } from './rows.ts';
import type { Summary } from './summary.ts';

export interface Paper {
  readonly write: (text: string) => void;
  readonly inColour: boolean;
  /** Where longer lines are wrapped; without it they are not. */
  readonly columns?: () => number;
}

export class PlainLines implements Audience {
  readonly #paper: Paper;
  #startedAt = new Date(0);

  constructor(paper: Paper) {
    this.#paper = paper;
  }

  begins({ scenario, tells, fleet, oldHosts, newHosts, at }: Opening): void {
    this.#startedAt = at;
    this.#put('');
    this.#put(`━━ ${scenario}: ${tells}`, 'strong');
    this.#put(`   ${fleet}: ${count(oldHosts, 'old host')}, ${count(newHosts, 'new one')} to come`);
  }

  tells({ kind, at, state, text }: Line): void {
    const time = clockText(this.#startedAt, at);
    if (kind === 'phase') this.#put(`${time}  ── ${text} ──`, 'strong');
    else if (kind === 'fails') this.#put(`${time}  ✖ ${state}: ${text}`, 'bad');
    else if (kind === 'says') this.#put(`${time}  ${state}: ${text}`);
    else this.#put(`${time}    ${text}`, kind === 'happens' ? 'bad' : undefined);
  }

  between(line: Line): void {
    if (line.kind === 'upload') this.#put('');
    this.tells(line);
  }

  sees(): void {}

  ends(summary: Summary): void {
    const words = closingWords(summary);
    this.#put('');
    for (const line of words.slice(0, -1)) this.#put(`  ${line}`);
    this.#put(words.at(-1) ?? '', summary.cause === undefined ? 'good' : 'bad');
  }

  #put(text: string, meaning?: Meaning): void {
    const { columns, inColour, write } = this.#paper;
    const lines = columns === undefined ? [text] : wrap(text, columns(), '       ');
    for (const line of lines) write(`${render([meaning ? [meaning, line] : line], inColour)}\n`);
  }
}
