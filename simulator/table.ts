/** Rows of figures as lines of text. */
import { alignRight, padTo, width } from '../lib/terminal/width.ts';

export type Column<T> = readonly [title: string, cellOf: (row: T) => string];

/** The first column is text and left-aligned, the others right-aligned. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string[] {
  const cells = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, cellOf]) => cellOf(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => width(line[index] ?? ''))));
  return cells.map((line) =>
    line
      .map((cell, index) =>
        index === 0 ? padTo(cell, widths[0] ?? 0) : alignRight(cell, widths[index] ?? 0),
      )
      .join('  '),
  );
}
