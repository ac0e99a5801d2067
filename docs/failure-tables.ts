/** The closed list of failures as tables, grouped as in `lambdas/domain/core/failures.ts`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FailureName } from '../lambdas/domain/core/errors.ts';
import { FAILURES } from '../lambdas/domain/core/failures.ts';
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

/** For the runbook itself, with links within its page. */
export function failureTable(): string {
  const rows = failureGroups().flatMap(({ title, names }) => [
    [`**${title}**`, ''],
    ...names.map((name) => [`[${code(name)}](#${anchorOf(name)})`, FAILURES[name]]),
  ]);
  return table(['name', 'what it means'], rows);
}
