/**
 * What is wrong with a fleets file, in sentences: the field, the value given, what is allowed, and what was perhaps meant.
 * The words are those of the schema's own messages, never the validator's. What several fleets have wrong is told once.
 */
import * as v from 'valibot';
import { meant, nearest } from '../lambdas/domain/core/nearest.ts';
import { shown } from '../lambdas/domain/core/problems.ts';
import { list, plain } from '../lambdas/domain/core/words.ts';

export interface Problem {
  /** `fleet` or `environment`. */
  readonly noun: string;
  /** Its name; `number 3` for one without. */
  readonly name: string;
  readonly text: string;
}

/** One problem of several fleets is one sentence: `fleets a, b and 10 more: limits.bakeSeconds: given -1, …`. */
export function sentences(problems: readonly Problem[]): string[] {
  const names = new Map<string, Set<string>>();
  for (const { noun, name, text } of problems) {
    const same = JSON.stringify([noun, text]);
    names.set(same, (names.get(same) ?? new Set()).add(name));
  }
  return [...names].map(([same, all]) => {
    const [noun, text] = JSON.parse(same) as [string, string];
    return `${all.size === 1 ? noun : `${noun}s`} ${list([...all], all.size > 3 ? 2 : 3)}: ${text}`;
  });
}

/** `limits.bakeSeconds: given -1, allowed: a whole number from 0 to 86400`; `field` is '' for the whole. */
export function refusal(field: string, given: unknown, allowed: string): string {
  const said =
    given === undefined ? `missing, but required: ${allowed}` : `given ${shown(given)}, allowed: ${allowed}`;
  return field === '' ? said : `${field}: ${said}`;
}

/** `; did you mean arm64?`, or nothing. */
export function didYouMean(given: unknown, names: readonly string[]): string {
  if (typeof given !== 'string' || given === '') return '';
  const ours = SYNONYMS[given.toLowerCase()];
  const near = ours === undefined ? nearest(given, names) : [ours];
  const longer =
    near.length > 0 ? near : names.filter((name) => given.toLowerCase().startsWith(name.toLowerCase()));
  const found = longer.filter((name) => names.includes(name));
  return meant(found);
}

/** What others call it, where its letters would lead elsewhere. */
const SYNONYMS: Readonly<Record<string, string>> = {
  aarch64: 'arm64',
  graviton: 'arm64',
  amd64: 'x86_64',
  x64: 'x86_64',
  intel: 'x86_64',
  alb: 'target-group',
  nlb: 'target-group',
  elb: 'classic',
  ssm: 'parameter',
};

/** What stands in the file, and all that may stand in it: a field in the wrong place is told where it belongs. */
export interface Home {
  /** `a fleet`. */
  readonly what: string;
  readonly schema: v.GenericSchema;
}

/** One text per issue. */
export const textsOf = (
  issues: readonly v.BaseIssue<unknown>[],
  home: Home,
  others: readonly Home[] = [],
): string[] =>
  issues.map((issue) => {
    const field = plain(v.getDotPath(issue) ?? '', 80);
    if (issue.type === 'never') return unknownField(field, issue, home, others);
    return refusal(field, issue.input, allowedBy(issue)) + didYouMean(issue.input, closedList(issue));
  });

/** Our own message, which says what is allowed; where a schema has none, words for its kind. */
export function allowedBy(issue: v.BaseIssue<unknown>): string {
  const choices = closedList(issue);
  if (choices.length > 0) return choices.length === 1 ? `${choices[0]}` : `one of ${choices.join(', ')}`;
  return issue.message.startsWith('Invalid ') ? (KINDS[issue.type] ?? 'another value') : issue.message;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  record: 'an object',
  variant: 'an object',
  strict_object: 'an object',
};

function unknownField(
  field: string,
  issue: v.BaseIssue<unknown>,
  home: Home,
  others: readonly Home[],
): string {
  const given = String(issue.path?.at(-1)?.key);
  const near = didYouMean(given, issue.message.split(', '));
  const deeper = placesOf(given, home).join(' or ');
  const other = others.find((each) => placesOf(given, each).length > 0);
  if (near) return `${field}: unknown field${near}`;
  if (deeper) return `${field}: unknown field; did you mean ${deeper}?`;
  if (other) return `${field}: unknown field; it belongs to ${other.what}`;
  return `${field}: unknown field, allowed: ${issue.message}`;
}

const placesOf = (field: string, { schema }: Home): string[] =>
  pathsOf(schema as Node).filter((path) => path.split('.').at(-1) === field);

/** The choices where there are only some: valibot's `("arm64" | "x86_64")`. */
const closedList = ({ type, expected }: v.BaseIssue<unknown>): string[] =>
  ['picklist', 'literal', 'variant'].includes(type)
    ? [...(expected ?? '').matchAll(/"([^"]*)"/g)].map(([, choice = '']) => choice)
    : [];

/** A schema, as far as one looks for fields in it. */
interface Node {
  readonly wrapped?: Node;
  readonly item?: Node;
  readonly options?: readonly (Node | string)[];
  readonly entries?: Readonly<Record<string, Node>>;
}

/** All fields below this one: `limits.bakeSeconds`, `loadBalancers.0.kind`. */
function pathsOf({ wrapped, item, options = [], entries = {} }: Node): string[] {
  const inner = [wrapped, ...options].flatMap((each) => (typeof each === 'object' ? pathsOf(each) : []));
  const items = item === undefined ? [] : pathsOf(item).map((path) => `0.${path}`);
  const fields = Object.entries(entries).flatMap(([name, entry]) => [
    name,
    ...pathsOf(entry).map((path) => `${name}.${path}`),
  ]);
  return [...new Set([...inner, ...items, ...fields])];
}
