/**
 * Bad input gets all its problems at once, each with the value given and what is allowed. Schemas say what is
 * allowed as the message of each check; this file turns valibot's issues into sentences.
 */
import * as v from 'valibot';

/** One sentence per problem: `limits.bakeSeconds: given -1, allowed: 0 to 86400`. */
export function problems(issues: readonly v.BaseIssue<unknown>[]): string[] {
  return issues.map((issue) => {
    const path = v.getDotPath(issue) ?? '(the whole input)';
    const isField = issue.type === 'strict_object' && issue.path !== undefined;
    if (isField && issue.expected === 'never') return `${path}: unknown field, allowed: ${issue.message}`;
    if (isField || issue.input === undefined) return `${path}: missing, but required`;
    return `${path}: given ${shown(issue.input)}, allowed: ${allowed(issue)}`;
  });
}

/** Our own messages say what is allowed; valibot's defaults ("Invalid type: …") give way to its `expected`. */
function allowed(issue: v.BaseIssue<unknown>): string {
  return issue.message.startsWith('Invalid ') ? (issue.expected ?? 'another value') : issue.message;
}

/** A value as the person who gave it would recognise it, cut at 80 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
