/**
 * Lines at a width. A line is a sentence, or a row of a table: its cells, which stand below those of the rows beside it.
 * What has no room goes on below, and what people paste is never broken: where it is wider than the terminal, it stands
 * on a line of its own.
 */
import { breakable, cutTo, padTo, width } from './width.ts';

/** Before the cells of a head and of a row, and between cells: the characters that ASCII has for it. Nobody types them. */
const HEAD = '\x01';
const ROW = '\x02';
const BETWEEN_CELLS = '\x1f';
const GAP = '  ';

export const rowOfCells = (cells: readonly string[], isHead = false): string =>
  `${isHead ? HEAD : ROW}${cells.join(BETWEEN_CELLS)}`;

/** Finds what must stay in one piece, from left to right. */
export type Whole = (text: string) => readonly { readonly from: number; readonly to: number }[];

export interface LayoutOptions {
  /** Absent: every line is as long as it is. */
  readonly columns?: number | undefined;
  readonly whole?: Whole;
  /** What each sentence and each cell is shown as. */
  readonly shown?: (text: string) => string;
}

interface Row {
  readonly indent: string;
  readonly cells: readonly string[];
  readonly isHead: boolean;
}

export function layOut(lines: readonly string[], options: LayoutOptions = {}): string[] {
  const rows = lines.map((line) => rowFrom(line, options.shown ?? ((text) => text)));
  const groups: Row[][] = [];
  for (const row of rows) {
    const group = groups.at(-1);
    if (group && belongsTo(group, row)) group.push(row);
    else groups.push([row]);
  }
  return groups.flatMap((group) => (isTable(group) ? tableLines(group, options) : textLines(group, options)));
}

function rowFrom(line: string, shown: (text: string) => string): Row {
  const text = line.trimStart();
  const indent = line.slice(0, line.length - text.length);
  const isHead = text.startsWith(HEAD);
  const cells = isHead || text.startsWith(ROW) ? text.slice(1).split(BETWEEN_CELLS) : [text];
  return { indent, cells: cells.map(shown), isHead };
}

const isTable = ([first]: readonly Row[]): boolean => (first?.cells.length ?? 0) > 1;

const belongsTo = ([first]: readonly Row[], { indent, cells, isHead }: Row): boolean =>
  cells.length > 1 && !isHead && first?.cells.length === cells.length && first.indent === indent;

// ── Sentences ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** What begins a line of a log, or of a list, below which the rest of it does not stand. */
const BEGINNING = /^(?:(?:\d\d:\d\d:\d\d {1,2})+|- )/;

const textLines = (rows: readonly Row[], { columns, whole }: LayoutOptions): string[] =>
  rows.flatMap(({ indent, cells: [text = ''] }) => {
    if (columns === undefined || text === '') return [`${indent}${text}`.trimEnd()];
    const [beginning = ''] = BEGINNING.exec(text) ?? [];
    // Below a sentence that tells of something to paste, that stands out.
    const hanging = ' '.repeat(beginning.length > 0 ? beginning.length : whole?.(text).length ? 2 : 0);
    return fill({ first: indent, hanging: `${indent}${hanging}`, columns }, text, whole);
  });

interface Place {
  /** What stands before it on its first line. */
  readonly first: string;
  /** Before what goes on below. */
  readonly hanging: string;
  readonly columns: number;
}

function fill({ first, hanging, columns }: Place, text: string, whole?: Whole): string[] {
  const lines: string[] = [];
  let line = first;
  for (const piece of piecesOf(text, whole)) {
    if (width(`${line}${piece}`.trimEnd()) > columns) {
      const isBlank = line.trim() === '';
      if (!isBlank) lines.push(line.trimEnd());
      line = ownLine(piece.trimEnd(), isBlank ? line : hanging, columns);
    }
    line += piece;
  }
  return [...lines, line.trimEnd()];
}

/** Moved to the left as far as it takes: two columns at least show that it belongs to what is above. */
const ownLine = (piece: string, hanging: string, columns: number): string =>
  ' '.repeat(Math.max(Math.min(2, hanging.length), Math.min(hanging.length, columns - width(piece))));

function piecesOf(text: string, whole: Whole = () => []): string[] {
  const pieces: string[] = [];
  let at = 0;
  for (const { from, to } of whole(text)) {
    const end = to + (/^\s*/.exec(text.slice(to))?.[0].length ?? 0);
    joined(pieces, breakable(text.slice(at, from)), text[at - 1]);
    joined(pieces, [text.slice(from, end)], text[from - 1]);
    at = end;
  }
  joined(pieces, breakable(text.slice(at)), text[at - 1]);
  return pieces;
}

/** A bracket stays with what it stands at. */
function joined(pieces: string[], more: readonly string[], before: string | undefined): void {
  const [first, ...rest] = more.filter((piece) => piece !== '');
  if (first === undefined) return;
  if (before !== undefined && before !== ' ') pieces.push(`${pieces.pop() ?? ''}${first}`, ...rest);
  else pieces.push(first, ...rest);
}

// ── Tables ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Beside the other columns, prose needs this much of a line. */
const LEAST_FOR_PROSE = 24;
const WIDEST_CELL = 100;

/** Side by side where there is room; else what a row says stands below what names it. */
function tableLines(given: readonly Row[], options: LayoutOptions): string[] {
  const rows = given.map((row) => ({ ...row, cells: row.cells.map(shortened) }));
  const { columns = Number.POSITIVE_INFINITY, whole } = options;
  const widths = widthsOf(rows);
  const [last = 0, ...others] = [...widths].reverse();
  const indent = rows[0]?.indent ?? '';
  const before = others.reduce((sum, each) => sum + each + GAP.length, indent.length);
  if (before + last > columns && columns - before < LEAST_FOR_PROSE) return stacked(rows, columns, whole);
  return rows.flatMap(({ cells }) => {
    const left = cells.slice(0, -1).map((cell, at) => padTo(cell, widths[at] ?? 0));
    const first = `${indent}${left.map((cell) => `${cell}${GAP}`).join('')}`;
    const text = cells.at(-1) ?? '';
    if (!Number.isFinite(columns)) return [`${first}${text}`.trimEnd()];
    const own = /^ */.exec(text)?.[0] ?? '';
    return fill(
      { first: `${first}${own}`, hanging: `${' '.repeat(before)}${own}`, columns },
      text.trimStart(),
      whole,
    );
  });
}

/** A name pushes nothing off the screen; the last one alone may be long. */
const shortened = (cell: string, at: number, cells: readonly string[]): string =>
  at === cells.length - 1 ? cell : cutTo(cell, WIDEST_CELL);

function widthsOf(rows: readonly Row[]): number[] {
  const widths: number[] = [];
  for (const { cells } of rows)
    cells.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, width(cell));
    });
  return widths;
}

const saysNothing = (cell: string): boolean => cell === '' || cell === '-';

function stacked(rows: readonly Row[], columns: number, whole?: Whole): string[] {
  const [head, ...body] = rows[0]?.isHead ? rows : [undefined, ...rows];
  return body.flatMap((row) =>
    row === undefined ? [] : head ? record(head, row, columns, whole) : inOne(row, columns, whole),
  );
}

/** What names it, and below it each of its other cells under the name of its column. */
function record(head: Row, { indent, cells }: Row, columns: number, whole?: Whole): string[] {
  // The first column that has a name, with the marks before it.
  const named = Math.max(
    0,
    head.cells.findIndex((name) => name !== ''),
  );
  const title = cells.slice(0, named + 1).join(GAP);
  const labels = head.cells.slice(named + 1);
  const labelWidth = Math.max(0, ...labels.map(width));
  const inner = `${indent}    `;
  const details = cells.slice(named + 1).flatMap((cell, at) => {
    if (saysNothing(cell)) return [];
    const first = `${inner}${padTo(labels[at] ?? '', labelWidth)}${GAP}`;
    return fill({ first, hanging: ' '.repeat(first.length), columns }, cell, whole);
  });
  return [`${indent}${title}`.trimEnd(), ...details];
}

const inOne = ({ indent, cells }: Row, columns: number, whole?: Whole): string[] =>
  fill(
    { first: indent, hanging: `${indent}    `, columns },
    cells.filter((each) => each !== '').join(GAP),
    whole,
  );
