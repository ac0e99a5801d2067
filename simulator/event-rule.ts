/**
 * A small EventBridge: the rule that starts a fleet's deployment, read from the synthesized template, with its pattern
 * and its input transformer. The simulated upload takes the real path, so a wrong key, bucket or path shows up.
 *
 * It knows what the rules use and rejects the rest (filters like `prefix`, `Input`): guessing could accept a rule that
 * AWS reads differently.
 */
import { definitionOf } from '../lib/resolve-definition.ts';
import type { TemplateJson } from '../lib/synthesize.ts';

/** Keys are AND, the values of a list are OR; of the patterns in `$or`, one is enough. */
export type EventPattern = { readonly [field: string]: EventPattern | readonly unknown[] };
const OR = '$or';

export interface InputTransformer {
  /** Placeholder → `$.path.in.the.event`. */
  readonly InputPathsMap: Readonly<Record<string, string>>;
  /** JSON in which `<placeholder>` stands for a value or within a string. */
  readonly InputTemplate: string;
}

export interface EventRule {
  /** Its logical id. */
  readonly name: string;
  readonly pattern: EventPattern;
  readonly transformer: InputTransformer;
}

/** The rule by which an upload starts a fleet's deployment. @throws Error when there is none. */
export const uploadRule = (template: TemplateJson, fleet: string): EventRule =>
  startRule(template, fleet, ['aws.s3']);

/** The rule by which a new machine image starts one. @throws Error when there is none. */
export const newImageRule = (template: TemplateJson, fleet: string): EventRule =>
  startRule(template, fleet, ['aws.ec2', 'aws.ssm']);

/**
 * The rule whose target is this fleet's state machine, and which listens to one of these services.
 * @throws Error when there is none, or when it passes its input in another way.
 */
function startRule(template: TemplateJson, fleet: string, sources: readonly string[]): EventRule {
  const { machine } = definitionOf(template, fleet);
  for (const [name, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type !== 'AWS::Events::Rule') continue;
    const { EventPattern: pattern, Targets: targets } = Object(named(Properties));
    const target = (targets as Target[]).find(({ Arn }) => Arn === `\${${machine}}`);
    const { source = [] } = Object(pattern) as { source?: readonly string[] };
    if (target === undefined || !source.some((each) => sources.includes(each))) continue;
    if (!target.InputTransformer) throw new Error(`The rule ${name} has no input transformer.`);
    return { name, pattern, transformer: target.InputTransformer };
  }
  throw new Error(`No rule of the template starts ${machine} on an event of ${sources.join(' or ')}.`);
}

interface Target {
  readonly Arn?: unknown;
  readonly InputTransformer?: InputTransformer;
}

/** References become the names used in a resolved definition: `${Bucket}`. */
function named(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(named);
  if (value === null || typeof value !== 'object') return value;
  const { Ref: ref } = value as { Ref?: unknown };
  if (typeof ref === 'string') return `\${${ref}}`;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, named(each)]));
}

/** @throws Error for a filter: this matcher compares values only. */
export function matches(pattern: EventPattern, event: unknown): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    if (field === OR) return (wanted as readonly EventPattern[]).some((each) => matches(each, event));
    const given = Object(event)[field];
    return isList(wanted) ? hasOneOf(wanted, given) : matches(wanted, given);
  });
}

const isList = (wanted: EventPattern | readonly unknown[]): wanted is readonly unknown[] =>
  Array.isArray(wanted);

/** A list in the event matches with any of its values. */
function hasOneOf(wanted: readonly unknown[], given: unknown): boolean {
  const tests = wanted.map(testOf);
  return (Array.isArray(given) ? given : [given]).some((value) => tests.some((test) => test(value)));
}

/** An exact value, or a text that `*` does not describe. @throws Error for any other filter. */
function testOf(wanted: unknown): (value: unknown) => boolean {
  if (wanted === null || typeof wanted !== 'object') return (value) => value === wanted;
  const { 'anything-but': but, ...others } = wanted as { readonly 'anything-but'?: unknown };
  const { wildcard, ...more } = Object(but) as { readonly wildcard?: unknown };
  if (typeof wildcard !== 'string' || Object.keys({ ...others, ...more }).length > 0)
    throw new Error(`The pattern filters by ${JSON.stringify(wanted)}, which is not known here.`);
  const parts = wildcard.split('*').map((part) => part.replace(/[^\w-]/g, '\\$&'));
  const text = new RegExp(`^${parts.join('.*')}$`, 's');
  return (value) => typeof value === 'string' && !text.test(value);
}

/** What stands for a placeholder while the template is parsed as JSON. */
const MISSING = Symbol('no such path in the event');
const placeholders = /"(?:[^"\\]|\\.)*"|<([\w-]+)>/g;

/**
 * The target's input. A field whose path the event lacks is left out, as in AWS.
 * @throws Error for a placeholder that is not in the map, and for a path with anything but names and dots.
 */
export function transform({ InputPathsMap, InputTemplate }: InputTransformer, event: unknown): unknown {
  const valueAt = (placeholder: string) => {
    const path = InputPathsMap[placeholder];
    if (path === undefined)
      throw new Error(`The input template uses <${placeholder}>, which the paths do not have.`);
    return at(path, event);
  };
  const values: unknown[] = [];
  const json = InputTemplate.replace(placeholders, (found, placeholder?: string) => {
    if (placeholder === undefined) return withinString(found, valueAt);
    values.push(valueAt(placeholder));
    return JSON.stringify({ [SLOT]: values.length - 1 });
  });
  return filled(JSON.parse(json), values);
}

const SLOT = 'irekae:slot';

function withinString(text: string, valueAt: (placeholder: string) => unknown): string {
  return text.replace(/<([\w-]+)>/g, (_, placeholder: string) => {
    const value = valueAt(placeholder);
    return value === MISSING ? '' : JSON.stringify(String(value)).slice(1, -1);
  });
}

function filled(template: unknown, values: readonly unknown[]): unknown {
  if (Array.isArray(template))
    return template.map((each) => filled(each, values)).filter((value) => value !== MISSING);
  if (template === null || typeof template !== 'object') return template;
  const slot = (template as Record<string, unknown>)[SLOT];
  if (typeof slot === 'number') return values[slot];
  return Object.fromEntries(
    Object.entries(template)
      .map(([key, each]) => [key, filled(each, values)] as const)
      .filter(([, value]) => value !== MISSING),
  );
}

function at(path: string, event: unknown): unknown {
  if (!/^\$(\.[\w-]+)+$/.test(path)) throw new Error(`Unsupported path: ${path}`);
  let value: unknown = event;
  for (const name of path.split('.').slice(1)) value = Object(value)[name];
  return value === undefined ? MISSING : value;
}
