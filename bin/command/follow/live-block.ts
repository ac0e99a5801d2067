/** Lines that scroll, and below them a block that is redrawn in place, cut to the terminal's width. */
import { cutTo, rowsTaken } from '../../../lib/terminal/width.ts';
import type { Screen } from '../command.ts';
import { AS_WRITTEN } from '../hints.ts';
import { Rendering } from '../rendering.ts';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Terminals that support these show the change at once, without flicker; the others ignore them. */
const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';
const CLEAR_BELOW = '\x1b[J';
/**
 * A terminal may measure widths differently: some show `…` and `▶` in two columns, some an emoji in more. Either way, a
 * row of the block stays one row.
 */
const WITHOUT_WRAPPING = '\x1b[?7l';
const WITH_WRAPPING = '\x1b[?7h';

export class LiveBlock {
  readonly #screen: Screen;
  readonly #rendering: Rendering;
  #rows: readonly string[] = [];
  /** The block that stands above the cursor. */
  #painted: readonly string[] = [];

  constructor(screen: Screen, rendering = new Rendering({}, AS_WRITTEN)) {
    this.#screen = screen;
    this.#rendering = rendering;
  }

  /** Prints a line that stays. */
  print(line: string): void {
    this.#paint(
      this.#rendering
        .rows([line])
        .map((row) => `${row}\n`)
        .join(''),
      this.#rows,
    );
  }

  draw(rows: readonly string[]): void {
    this.#paint('', rows);
  }

  /** Removes the block and shows the cursor again. */
  close(): void {
    this.#paint('', []);
    this.#screen.write(SHOW_CURSOR);
  }

  #paint(lines: string, rows: readonly string[]): void {
    this.#rows = rows;
    const columns = Math.max(20, this.#screen.columns());
    // A block taller than the terminal could not be redrawn.
    const fitting = this.#rendering
      .plain(rows)
      .slice(0, Math.max(1, this.#screen.rows() - 2))
      .map((row) => cutTo(row, columns - 1));
    // A terminal that has been narrowed since then has wrapped what was there.
    const height = this.#painted.reduce((sum, row) => sum + rowsTaken(row, columns), 0);
    const home = height === 0 ? '' : `\x1b[${height}A`;
    const block = fitting.map((row) => `${this.#rendering.paint(row)}\n`).join('');
    const unwrapped = block === '' ? '' : `${WITHOUT_WRAPPING}${block}${WITH_WRAPPING}`;
    this.#screen.write(
      `${BEGIN_UPDATE}${HIDE_CURSOR}${home}\r${CLEAR_BELOW}${lines}${unwrapped}${END_UPDATE}`,
    );
    this.#painted = fitting;
  }
}
