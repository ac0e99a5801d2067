/** How the command says things: moments, tables, executions. */

import { printable, secondsBetween, span } from '../../lambdas/domain/core/words.ts';
import { wantedBy } from '../../lambdas/domain/lock/pending.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { PendingRequest } from '../../lambdas/ports/ledger.ts';
import { cutTo, padTo, width } from '../../lib/terminal/width.ts';

/** `2026-11-22 03:01:23 UTC`. */
export const moment = (at: Date): string => `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** `2026-11-22 03:01:23 UTC, 7 min ago`; from two days on in days. */
export function momentAgo(at: Date, now: Date): string {
  const seconds = Math.max(0, secondsBetween(at, now));
  const days = Math.floor(seconds / 86_400);
  return `${moment(at)}, ${days < 2 ? span(seconds) : `${days} days`} ago`;
}

/** `03:01:23`, in UTC: for lines of a log that come one after the other. */
export const clockTime = (at: Date): string => at.toISOString().slice(11, 19);

export function executionWords(state: ExecutionState, now: Date): string {
  if (state.state === 'running') return 'running';
  if (state.state === 'unknown') return 'not known to Step Functions (not yet, or no longer)';
  return `ended as ${state.status}, ${momentAgo(state.at, now)}`;
}

/** What is waiting for its turn: `version v3`, `the rollback to deploy-1 (version v1)`. */
export const waiting = (request: PendingRequest): string => wantedBy(request).replace(/,$/, '');

const WIDEST = 60;

/** Aligned columns; the last cell of a line is not padded, and alone may be long. A name pushes nothing off the screen. */
export function table(given: readonly (readonly string[])[]): string[] {
  const rows = given.map((row) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cutTo(printable(cell), WIDEST))),
  );
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  return rows.map((row) =>
    `  ${row.map((cell, column) => padTo(cell, widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

/** A label, and what is known about it. */
export type Detail = readonly [string, string | undefined];

/** A table of details; a row without a value is left out. */
export const details = (rows: readonly Detail[]): string[] =>
  table(rows.flatMap(([what, value]) => (value === undefined ? [] : [[what, value]])));

export const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

/** Lines below a heading, or nothing if there are none. */
export const section = (heading: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', heading, ...lines];
