/**
 * The audience that watches a terminal: the picture, redrawn in place. The last picture of a scenario stays in the
 * scrollback, with the closing words below it. A terminal that is, or becomes, too small gets lines.
 */
import type { Line } from './narration.ts';
import type { Audience, Moment, Opening } from './performance.ts';
import { hasRoom, picture, type Size } from './picture.ts';
import { PlainLines } from './plain-lines.ts';
import { render } from './rows.ts';
import type { Summary } from './summary.ts';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Terminals that support these show the picture at once, without flicker; the others ignore them. */
const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';
const CLEAR_TO_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

export interface Terminal {
  readonly write: (text: string) => void;
  readonly size: () => Size;
  readonly inColour: boolean;
}

export class Screen implements Audience {
  readonly #terminal: Terminal;
  readonly #plain: PlainLines;
  #opening: Opening | undefined;
  #lines: Line[] = [];
  /** Rows of the picture that stands above the cursor; 0: none. */
  #height = 0;
  #shown = '';
  #columns = 0;
  /** For the picture, as far as known. */
  #hasRoom = true;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#plain = new PlainLines({ ...terminal, columns: () => terminal.size().columns });
  }

  begins(opening: Opening): void {
    this.#opening = opening;
    this.#lines = [];
    this.#leavePicture();
    this.#plain.begins(opening);
  }

  tells(line: Line): void {
    this.#lines.push(line);
    if (!this.#hasRoom) this.#plain.tells(line);
  }

  sees(moment: Moment): void {
    if (!this.#opening || !hasRoom(this.#terminal.size(), moment.scene.zones.length)) {
      this.#hasRoom = false;
      this.#leavePicture();
      return;
    }
    this.#hasRoom = true;
    // A terminal of another width has broken the old picture's rows: a new one begins below.
    const { columns } = this.#terminal.size();
    if (columns !== this.#columns) this.#leavePicture();
    this.#columns = columns;
    const rows = picture({ opening: this.#opening, moment, lines: this.#lines }, this.#terminal.size());
    const text = rows.map((row) => `${render(row, this.#terminal.inColour)}${CLEAR_TO_LINE_END}\n`).join('');
    if (text === this.#shown) return;
    const home = this.#height === 0 ? '' : `\x1b[${this.#height}A`;
    this.#terminal.write(`${BEGIN_UPDATE}${HIDE_CURSOR}${home}${text}${CLEAR_BELOW}${END_UPDATE}`);
    this.#height = rows.length;
    this.#shown = text;
  }

  between(line: Line): void {
    this.#leavePicture();
    this.#plain.between(line);
  }

  ends(summary: Summary): void {
    this.#leavePicture();
    this.#plain.ends(summary);
  }

  /** Restores the terminal. */
  close(): void {
    this.#leavePicture();
    this.#terminal.write(SHOW_CURSOR);
  }

  #leavePicture(): void {
    this.#height = 0;
    this.#shown = '';
  }
}
