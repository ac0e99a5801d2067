/** The closed list of failures as tables, grouped as in `lambdas/domain/core/failures.ts`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FailureName } from '../lambdas/domain/core/errors.ts';
import { FAILURES } from '../lambdas/domain/core/failures.ts';
import { FAILURES_JA, groupTitleJa } from './failures-ja.ts';
import { anchorOf, code, table } from './markdown.ts';

const ERRORS = join(import.meta.dirname, '..', 'lambdas', 'domain', 'core', 'failures.ts');

export interface FailureGroup {
  /** As the comment above it says. */
  readonly title: string;
  readonly names: readonly FailureName[];
}

/** In the order of the list. */
export function failureGroups(): FailureGroup[] {
  const source = readFileSync(ERRORS, 'utf8');
  const list = source.slice(source.indexOf('FAILURES = {'), source.indexOf('} as const'));
  const groups = list.split(/^ {2}\/\/ /m).slice(1);
  return groups.map((group) => {
    const names = [...group.matchAll(/^ {2}(\w+):/gm)].map(([, name = '']) => name as FailureName);
    return { title: group.slice(0, group.indexOf('\n')).replace(/\.$/, ''), names };
  });
}

interface Words {
  readonly head: readonly string[];
  /** @param title a group's, as `failures.ts` says it. */
  readonly titled: (title: string) => string;
  readonly clauses: Readonly<Record<FailureName, string>>;
}

/** For the runbook itself, with links within its page. */
export const failureTable = (): string =>
  tableIn({ head: ['name', 'what it means'], titled: (title) => title, clauses: FAILURES });

export const failureTableJa = (): string =>
  tableIn({ head: ['名前', '意味'], titled: groupTitleJa, clauses: FAILURES_JA });

function tableIn({ head, titled, clauses }: Words): string {
  const rows = failureGroups().flatMap(({ title, names }) => [
    [`**${titled(title)}**`, ''],
    ...names.map((name) => [`[${code(name)}](#${anchorOf(name)})`, clauses[name]]),
  ]);
  return table(head, rows);
}
