/** How the command says things: moments, tables, executions. */

import { printable, secondsBetween, span, utcMoment } from '../../lambdas/domain/core/words.ts';
import { wantedBy } from '../../lambdas/domain/lock/pending.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { PendingRequest } from '../../lambdas/ports/ledger.ts';
import { rowOfCells } from '../../lib/terminal/layout.ts';
import { localClock, offsetOf } from './rendering.ts';

/** `7 min ago`; from two days on in days. */
export function ago(at: Date | string, now: Date): string {
  const seconds = Math.max(0, secondsBetween(at, now));
  const days = Math.floor(seconds / 86_400);
  return `${days < 2 ? span(seconds) : `${days} days`} ago`;
}

/** `2026-11-22 03:01:23 UTC, 7 min ago`. */
export const momentAgo = (at: Date, now: Date): string => `${utcMoment(at)}, ${ago(at, now)}`;

/** `03:01:23`, in UTC: for lines of a log that come one after the other; beside it `12:01:23` where the reader is. */
export function clockTime(at: Date, timeZone?: string): string {
  const utc = at.toISOString().slice(11, 19);
  return timeZone === undefined || offsetOf(at, timeZone) === '+00:00'
    ? utc
    : `${utc} ${localClock(at, timeZone)}`;
}

export function executionWords(state: ExecutionState, now: Date): string {
  if (state.state === 'running') return 'running';
  if (state.state === 'unknown') return 'not known to Step Functions (not yet, or no longer)';
  return `ended as ${state.status}, ${momentAgo(state.at, now)}`;
}

/** What is waiting for its turn: `version v3`, `the rollback to deploy-1 (version v1)`. */
export const waiting = (request: PendingRequest): string => wantedBy(request).replace(/,$/, '');

/** Columns below each other, as far as the place where it is shown has room. @param head names of the columns */
export const table = (rows: readonly (readonly string[])[], head?: readonly string[]): string[] => [
  ...(head ? [`  ${rowOfCells(head.map(printable), true)}`] : []),
  ...rows.map((row) => `  ${rowOfCells(row.map(printable))}`),
];

/** A label, and what is known about it. */
export type Detail = readonly [string, string | undefined];

/** A table of details; a row without a value is left out. */
export const details = (rows: readonly Detail[]): string[] =>
  table(rows.flatMap(([what, value]) => (value === undefined ? [] : [[what, value]])));

export const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

/** Lines below a heading, or nothing if there are none. */
export const section = (heading: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', heading, ...lines];
