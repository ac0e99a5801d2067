/** Lines that scroll, and below them a block that is redrawn in place, cut to the terminal's width. */
import type { Screen } from '../command.ts';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Terminals that know these show the change at once, without flicker; the others ignore them. */
const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';
const CLEAR_BELOW = '\x1b[J';

export class LiveBlock {
  readonly #screen: Screen;
  #rows: readonly string[] = [];
  /** Of the block that stands above the cursor. */
  #height = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** A line that stays. */
  print(line: string): void {
    this.#paint(`${printable(line)}\n`, this.#rows);
  }

  draw(rows: readonly string[]): void {
    this.#paint('', rows);
  }

  /** The block goes, the cursor comes back. */
  close(): void {
    this.#paint('', []);
    this.#screen.write(SHOW_CURSOR);
  }

  #paint(lines: string, rows: readonly string[]): void {
    this.#rows = rows;
    const width = Math.max(20, this.#screen.columns() - 1);
    // A block that is higher than the terminal could not be redrawn.
    const fitting = rows
      .slice(0, Math.max(1, this.#screen.rows() - 2))
      .map((row) => cut(printable(row), width));
    const home = this.#height === 0 ? '' : `\x1b[${this.#height}A`;
    const block = fitting.map((row) => `${row}\n`).join('');
    this.#screen.write(`${BEGIN_UPDATE}${HIDE_CURSOR}${home}\r${CLEAR_BELOW}${lines}${block}${END_UPDATE}`);
    this.#height = fitting.length;
  }
}

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 1)}…`;

/** Names come from outside: nothing in them may move the cursor. */
const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '�');
