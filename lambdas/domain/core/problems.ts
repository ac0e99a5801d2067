/**
 * Bad input gets all its problems at once, each with the value given and what is allowed. Schemas say what is
 * allowed as the message of each check; this file turns valibot's issues into sentences.
 */
import * as v from 'valibot';
import { plain } from './words.ts';

/** One sentence per problem: `limits.bakeSeconds: given -1, allowed: 0 to 86400`. */
export function problems(issues: readonly v.BaseIssue<unknown>[]): string[] {
  return issues.map((issue) => {
    const path = plain(v.getDotPath(issue) ?? '(the whole input)', 80);
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
  return plain(json(value), 78);
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'something nested too deeply to be shown';
  }
}
