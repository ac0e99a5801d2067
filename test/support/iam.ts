/**
 * What IAM would answer, by its documentation ("Policy evaluation logic", "Condition operators", "Set operators for
 * multivalued context keys", "Variables and tags"): statements of one identity, and a request with its context. What a
 * policy could hold and this file does not know (an operator, a key of which it does not know whether it is a list) it
 * refuses: to guess would be to pass a policy that IAM reads otherwise. Rejected as a dependency:
 * `@cloud-copilot/iam-simulate`, which knows all of IAM, for its licence (AGPL); as a judge of its own (`npm run judges`)
 * it is asked the same questions. moto looks at no conditions but those of trust.
 */
import type { Statement } from '../../lib/resolve-policies.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { record } from './recorder.ts';

export interface IamRequest {
  readonly action: string;
  /** ARN; `*` for an action that knows no resources. */
  readonly resource: string;
  /** Condition key → value; a list for a key of many values. A key that is absent is not in the request. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

/** A statement as IAM's grammar has it: ours never say Not…, those of others may. */
export type AnyStatement = Omit<Statement, 'Action' | 'Resource'> & {
  readonly Sid?: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
};

/** An explicit Deny wins; else any Allow will do; else no. */
export function allows(statements: readonly AnyStatement[], request: IamRequest): boolean {
  assertShapes(request);
  const applying = statements.filter((statement) => applies(statement, request));
  const isAllowed = applying.length > 0 && applying.every(({ Effect }) => Effect === 'Allow');
  record('questions', { statements, request, isAllowed });
  return isAllowed;
}

// ── Statements ─────────────────────────────────────────────────────────────────────────────────────────────────────

const KNOWN_PARTS = ['Action', 'NotAction', 'Resource', 'NotResource', 'Condition', 'Effect', 'Sid'];

function applies(statement: AnyStatement, request: IamRequest): boolean {
  const unknown = Object.keys(statement).filter((part) => !KNOWN_PARTS.includes(part));
  if (unknown.length > 0) throw new Error(`A statement has ${unknown.join(', ')}, which is not known here.`);
  if (!['Allow', 'Deny'].includes(statement.Effect)) throw new Error(`Unknown effect ${statement.Effect}`);
  // Every condition is read, also of a statement about something else: a mistake in it shows with any request.
  const conditions = conditionsOf(statement);
  return (
    // Actions are compared without regard to case, resources with it.
    isAmong(statement, 'Action', (pattern) => matches(pattern, request.action, {}, 'i')) &&
    isAmong(statement, 'Resource', (pattern) => matches(pattern, request.resource, request.context ?? {})) &&
    conditions.every((condition) => holds(condition, request))
  );
}

/** By `Action` or by `NotAction`: a statement has one of them. */
function isAmong(
  statement: AnyStatement,
  part: 'Action' | 'Resource',
  isIt: (pattern: string) => boolean,
): boolean {
  const { [part]: these, [`Not${part}` as const]: allBut } = statement;
  if ((these === undefined) === (allBut === undefined)) {
    throw new Error(`A statement has ${part} or Not${part}: one of them.`);
  }
  const isOne = [these ?? allBut].flat().map(textOf).some(isIt);
  return these === undefined ? !isOne : isOne;
}

// ── Conditions ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Condition {
  readonly set: 'ForAllValues' | 'ForAnyValue' | undefined;
  readonly operator: string;
  readonly ifExists: boolean;
  readonly key: string;
  readonly wanted: readonly string[];
}

/** Does one value of the request match one value of the policy? `Not…` operators are the opposite of these. */
type Compare = (wanted: string, given: string, context: Context) => boolean;
type Context = NonNullable<IamRequest['context']>;

const equals: Compare = (wanted, given, context) => given === filledIn(wanted, context);
const like: Compare = (wanted, given, context) => matches(wanted, given, context);
/** `ArnEquals` and `ArnLike` are the same: part by part, each with wildcards. */
const arnLike: Compare = (wanted, given, context) => {
  const [parts, its] = [arnParts(wanted), arnParts(given)];
  return parts.every((part, index) => matches(part, its[index] ?? '', context));
};
const arnParts = (arn: string): string[] => {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
};
const number =
  (holds: (given: number, wanted: number) => boolean): Compare =>
  (wanted, given) =>
    holds(Number(given), Number(wanted));

const COMPARE: Readonly<Record<string, Compare>> = {
  StringEquals: equals,
  StringEqualsIgnoreCase: (wanted, given, context) =>
    equals(wanted.toLowerCase(), given.toLowerCase(), context),
  StringLike: like,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  Bool: (wanted, given) => wanted.toLowerCase() === given.toLowerCase(),
  NumericEquals: number((given, wanted) => given === wanted),
  NumericLessThan: number((given, wanted) => given < wanted),
  NumericLessThanEquals: number((given, wanted) => given <= wanted),
  NumericGreaterThan: number((given, wanted) => given > wanted),
  NumericGreaterThanEquals: number((given, wanted) => given >= wanted),
};
/** `StringNotEquals` → `StringEquals` */
const NEGATED = /^(String|Numeric|Arn)Not(?=Equals|Like)/;

const conditionsOf = ({ Condition: all = {} }: AnyStatement): Condition[] =>
  Object.entries(all).flatMap(([written, keys]) => {
    const [, set, operator = '', ifExists] = /^(?:(\w+):)?(\w+?)(IfExists)?$/.exec(written) ?? [];
    if (set !== undefined && set !== 'ForAllValues' && set !== 'ForAnyValue') {
      throw new Error(`The set operator ${set} is not known here.`);
    }
    const isKnown = operator === 'Null' ? !set && !ifExists : operator.replace(NEGATED, '$1') in COMPARE;
    if (!isKnown) throw new Error(`The operator ${written} is not known here.`);
    return Object.entries(keys).map(([key, wanted]) => {
      assertFits(key, operator, set);
      return { set, operator, ifExists: ifExists !== undefined, key, wanted: [wanted].flat().map(textOf) };
    });
  });

/** Keys and operators are joined by AND, the values of a key by OR; of a negated operator by NOR. */
function holds({ set, operator, ifExists, key, wanted }: Condition, { context = {} }: IamRequest): boolean {
  const given = valuesOf(context, key);
  if (operator === 'Null') return wanted.includes(String(given === undefined));
  if (given === undefined && ifExists) return true;
  const plain = operator.replace(NEGATED, '$1');
  const isNegated = plain !== operator;
  const isWanted = (value: string) =>
    wanted.some((each) => COMPARE[plain]?.(each, value, context)) !== isNegated;
  // Also true of a request without the key: what IAM's documentation warns of.
  if (set === 'ForAllValues') return (given ?? []).every(isWanted);
  if (set === 'ForAnyValue') return (given ?? []).some(isWanted);
  // "If the key is not present, the values don't match": then what shall not match, holds.
  return given === undefined ? isNegated : given.every(isWanted);
}

/** The values of a key in the request; `undefined` when it has none. Keys are compared without regard to case. */
function valuesOf(context: Context, key: string): readonly string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && [found[1]].flat();
}

// ── Keys of one value and keys of many ─────────────────────────────────────────────────────────────────────────────

/** The keys that the service authorization reference has as `ArrayOf…`, of the services that we ask for. */
const LISTS = new Set(
  [
    'aws:CalledVia',
    'aws:PrincipalOrgPaths',
    'aws:PrincipalServiceNamesList',
    'aws:ResourceOrgPaths',
    'aws:SourceOrgPaths',
    'aws:TagKeys',
    'dynamodb:Attributes',
    'dynamodb:LeadingKeys',
    'events:detail-type',
    'events:source',
    'kms:EncryptionContextKeys',
    'kms:GrantOperations',
    'kms:ResourceAliases',
  ].map((key) => key.toLowerCase()),
);
const isList = (key: string) => LISTS.has(key.toLowerCase());

/** A list without a set operator is compared with nothing; a set operator lets a single key that is missing pass. */
function assertFits(key: string, operator: string, set: Condition['set']): void {
  if (operator === 'Null') return;
  if (isList(key) && set === undefined) {
    throw new Error(`${key} is a list: ${operator} needs ForAllValues or ForAnyValue.`);
  }
  if (!isList(key) && set !== undefined) throw new Error(`${key} has one value: ${set} is for lists.`);
}

function assertShapes({ context = {} }: IamRequest): void {
  for (const [key, value] of Object.entries(context)) {
    if (isList(key) !== Array.isArray(value)) {
      throw new Error(`A request has ${key} as ${isList(key) ? 'a list' : 'one value'}.`);
    }
  }
}

// ── Texts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const VARIABLE = /\$\{([^}]*)\}/g;

/** Those without a variable: thousands of requests are compared with the same few hundred patterns. */
const fixed = new Map<string, RegExp>();

function matches(pattern: string, text: string, context: Context, flags = ''): boolean {
  const key = `${flags} ${pattern}`;
  const expression = fixed.get(key) ?? expressionOf(pattern, context, flags);
  if (expression && !pattern.includes('${')) fixed.set(key, expression);
  return expression?.test(text) ?? false;
}

/** `*` is any text, `?` any character; what a variable stands for is text, whatever it holds. */
function expressionOf(pattern: string, context: Context, flags: string): RegExp | undefined {
  const literal = (part: string) => part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  const wild = (part: string) => literal(part).replaceAll('*', '.*').replaceAll('?', '.');
  const exact = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  let source = '';
  let from = 0;
  for (const found of pattern.matchAll(VARIABLE)) {
    const value = valueOfVariable(found[1] ?? '', context);
    if (value === undefined) return undefined;
    source += wild(pattern.slice(from, found.index)) + exact(value);
    from = found.index + found[0].length;
  }
  return new RegExp(`^${source}${wild(pattern.slice(from))}$`, `s${flags}`);
}

/** `undefined`, which equals nothing, where a variable has no value and no default. */
function filledIn(text: string, context: Context): string | undefined {
  let isKnown = true;
  const filled = text.replace(VARIABLE, (_, name: string) => {
    const value = valueOfVariable(name, context);
    isKnown &&= value !== undefined;
    return value ?? '';
  });
  return isKnown ? filled : undefined;
}

/** `${*}`, `${?}` and `${$}` are these characters; `${key, 'default'}`. A key of many values is no variable. */
function valueOfVariable(name: string, context: Context): string | undefined {
  if (['*', '?', '$'].includes(name)) return name;
  const [, key = '', fallback] = /^([^,]+?)(?:\s*,\s*'([^']*)')?$/.exec(name.trim()) ?? [];
  if (isList(key)) throw new Error(`${key} is a list, which no policy variable can be.`);
  return valuesOf(context, key)?.[0] ?? fallback;
}

function textOf(value: unknown): string {
  // CloudFormation writes them as JSON has them.
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw new Error(`${JSON.stringify(value)} was not resolved.`);
  return value;
}

/** The value with CloudFormation's references replaced: by ARNs and names that such resources could have. */
export function deployed<T>(template: TemplateJson, account: string, region: string, value: T): T {
  const typeOf = (id: string) => template.Resources[id]?.Type ?? '';
  const arns: Readonly<Record<string, (id: string) => string>> = {
    'AWS::DynamoDB::GlobalTable': (id) => `arn:aws:dynamodb:${region}:${account}:table/${id}`,
    'AWS::IAM::Role': (id) =>
      `arn:aws:iam::${account}:role${template.Resources[id]?.Properties?.Path ?? '/'}${id}`,
    'AWS::Logs::LogGroup': (id) => `arn:aws:logs:${region}:${account}:log-group:${id}:*`,
    'AWS::S3::Bucket': (id) => `arn:aws:s3:::${id.toLowerCase()}`,
  };
  const resolve = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(resolve);
    if (part === null || typeof part !== 'object') return part;
    const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = part as Record<string, unknown>;
    if (typeof ref === 'string') return ref;
    if (Array.isArray(join)) return (resolve(join[1]) as string[]).join(join[0]);
    if (Array.isArray(attribute)) {
      const [id, name] = attribute as [string, string];
      const arn = name === 'Arn' ? arns[typeOf(id)]?.(id) : undefined;
      if (arn === undefined) throw new Error(`${id}.${name} (${typeOf(id)}) is not known here.`);
      return arn;
    }
    return Object.fromEntries(Object.entries(part).map(([key, each]) => [key, resolve(each)]));
  };
  return resolve(value) as T;
}
