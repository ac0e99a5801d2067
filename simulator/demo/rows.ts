/** Rows of text whose pieces carry a meaning, laid out by their width before they are coloured. */
import { styleText } from 'node:util';
import { beginningOf, width as columnsOf } from '../../lib/terminal/width.ts';

/** What a piece means. Colour only repeats what the words say: it may be absent. */
export type Meaning = 'old' | 'new' | 'good' | 'bad' | 'strong' | 'faint';

export type Piece = string | readonly [meaning: Meaning, text: string];
export type Row = readonly Piece[];

const STYLES = {
  old: ['cyan'],
  new: ['magenta', 'bold'],
  good: ['green'],
  bad: ['red', 'bold'],
  strong: ['bold'],
  faint: ['dim'],
} as const;

const textOf = (piece: Piece): string => (typeof piece === 'string' ? piece : piece[1]);

export const widthOf = (row: Row): number => row.reduce((sum, piece) => sum + columnsOf(textOf(piece)), 0);

/** Exactly this wide: cut with an ellipsis, or padded with spaces. */
export function toWidth(row: Row, width: number): Row {
  const excess = widthOf(row) - width;
  if (excess <= 0) return excess === 0 ? row : [...row, ' '.repeat(-excess)];
  const kept: Piece[] = [];
  let room = width - 1;
  for (const piece of row) {
    const text = beginningOf(textOf(piece), room);
    kept.push(typeof piece === 'string' ? text : [piece[0], text]);
    room -= columnsOf(text);
    if (text !== textOf(piece)) break;
  }
  // A character of two columns may have left one of them.
  return [...kept, '…', ' '.repeat(Math.max(0, room))];
}

/** If they do not fit, the left one is cut. */
export function spread(left: Row, right: Row, width: number): Row {
  return [...toWidth(left, width - widthOf(right)), ...right];
}

export function render(row: Row, inColour: boolean): string {
  const text = row.map((piece) =>
    inColour && typeof piece !== 'string'
      ? styleText([...STYLES[piece[0]]], piece[1], { validateStream: false })
      : textOf(piece),
  );
  return text.join('').trimEnd();
}

/** Exactly this many lines, even if some are empty; what does not fit is cut with an ellipsis. */
export function exactly(most: number, lines: readonly string[], width: number): string[] {
  const last = lines[most - 1] ?? '';
  return Array.from({ length: most }, (_, index) =>
    index === most - 1 && lines.length > most
      ? `${beginningOf(last, width - 2).trimEnd()} …`
      : (lines[index] ?? ''),
  );
}
