/**
 * Text by the columns that it takes at a terminal: a Japanese character and an emoji take two of them, what combines
 * with the character before it takes none. Counted by graphemes, so that nothing is cut in the middle of one.
 */
import stringWidth from 'string-width';

const GRAPHEMES = new Intl.Segmenter();
const ELLIPSIS = '…';

const graphemesOf = (text: string): string[] => Array.from(GRAPHEMES.segment(text), ({ segment }) => segment);

/** Most pieces of most pictures, with their lines and marks: one column each, which need no table of Unicode to be told. */
const PLAIN = /^[\x20-\x7e‘’“”…–─-▟·✔✖▶▼]*$/;

export const width = (text: string): number => (PLAIN.test(text) ? text.length : stringWidth(text));

/** Text on the left, filled up; what is wider stays as it is. */
export const padTo = (text: string, columns: number, filler = ' '): string =>
  `${text}${filler.repeat(Math.max(0, columns - width(text)))}`;

/** Numbers stand on the right. */
export const alignRight = (text: string, columns: number): string =>
  `${' '.repeat(Math.max(0, columns - width(text)))}${text}`;

/** As much of its beginning as fits: one column less where the next character would take two. */
export function beginningOf(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let fits = '';
  let room = columns;
  for (const grapheme of graphemesOf(text)) {
    room -= width(grapheme);
    if (room < 0) break;
    fits += grapheme;
  }
  return fits;
}

/** Never wider: cut with an ellipsis where it would be. */
export function cutTo(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  return columns < 1 ? '' : `${beginningOf(text, columns - 1).trimEnd()}${ELLIPSIS}`;
}

/** The rows that a terminal of so many columns needs: a character of two columns does not stand across two rows. */
export function rowsTaken(text: string, columns: number): number {
  let rows = 1;
  let at = 0;
  for (const grapheme of graphemesOf(text)) {
    const wide = width(grapheme);
    if (at + wide > columns) {
      rows += 1;
      at = 0;
    }
    at += wide;
  }
  return rows;
}

/** Breaks a text at its spaces, and between Japanese characters; later lines are indented. A longer word stays whole. */
export function wrap(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of breakable(text)) {
    if (line.trim() !== '' && width(`${line}${piece}`.trimEnd()) > columns) {
      lines.push(line.trimEnd());
      line = `${indent}${piece}`;
    } else line += piece;
  }
  return [...lines, line];
}

/** What punctuation of Japanese begins no line, and what ends none. */
const BEGINS_NO_LINE =
  /^[、。，．・：；！？…‥ー々〜）」』】〉》〕｝ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;!?)\]}]/u;
const ENDS_NO_LINE = /^[（「『【〈《〔｛([{]/u;

/** The pieces of a text that a line may end after, with the spaces that follow them. */
export function breakable(text: string): string[] {
  const pieces: string[] = [];
  let before = '';
  for (const grapheme of graphemesOf(text)) {
    if (before === '' || mayBreak(before, grapheme)) pieces.push(grapheme);
    else pieces.push(`${pieces.pop() ?? ''}${grapheme}`);
    before = grapheme;
  }
  return pieces;
}

function mayBreak(before: string, next: string): boolean {
  if (next === ' ') return false;
  if (before === ' ') return true;
  const isDense = width(before) === 2 || width(next) === 2;
  return isDense && !BEGINS_NO_LINE.test(next) && !ENDS_NO_LINE.test(before);
}
