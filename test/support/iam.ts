/**
 * What IAM would answer, as far as our policies go: statements of one identity, and a request with its context. What a
 * policy could hold and this file does not know (an operator, a policy variable, NotAction, …) it refuses: to guess
 * would be to pass a policy that IAM reads otherwise. Rejected: `@cloud-copilot/iam-simulate`, which knows all of IAM,
 * for its licence (AGPL), though both agree about our policies; moto, which looks at no conditions but those of trust.
 */
import type { Statement } from '../../lib/resolve-policies.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';

export interface IamRequest {
  readonly action: string;
  /** ARN; `*` for an action that knows no resources. */
  readonly resource: string;
  /** Condition key → value; a list for a key of many values. A key that is absent is not in the request. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

/** An explicit Deny wins; else any Allow will do; else no. */
export function allows(statements: readonly Statement[], request: IamRequest): boolean {
  const applying = statements.filter((statement) => applies(statement, request));
  if (applying.some(({ Effect }) => Effect === 'Deny')) return false;
  return applying.length > 0;
}

const KNOWN_PARTS = ['Action', 'Condition', 'Effect', 'Resource', 'Sid'];

function applies(statement: Statement, request: IamRequest): boolean {
  const unknown = Object.keys(statement).filter((part) => !KNOWN_PARTS.includes(part));
  if (unknown.length > 0) throw new Error(`A statement has ${unknown.join(', ')}, which is not known here.`);
  if (!['Allow', 'Deny'].includes(statement.Effect)) throw new Error(`Unknown effect ${statement.Effect}`);
  const actions = [statement.Action].flat();
  const resources = [statement.Resource].flat();
  // Actions are compared without regard to case, resources with it.
  const action = request.action.toLowerCase();
  return (
    actions.some((pattern) => wildcard(pattern.toLowerCase()).test(action)) &&
    resources.some((pattern) => wildcard(textOf(pattern)).test(request.resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, condition]) =>
      Object.entries(condition).every(([key, wanted]) =>
        holds(operator, [wanted].flat().map(textOf), valuesOf(request, key)),
      ),
    )
  );
}

/** The values of a key in the request; `undefined` when it has none. Keys are compared without regard to case. */
function valuesOf({ context = {} }: IamRequest, key: string): readonly string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && [found[1]].flat();
}

function holds(operator: string, wanted: readonly string[], given: readonly string[] | undefined): boolean {
  const isWanted = (value: string) => wanted.includes(value);
  switch (operator) {
    case 'StringEquals':
    // Without wildcards, as ours are, an ARN equals what it is written like.
    case 'ArnEquals':
      return given?.some(isWanted) ?? false;
    case 'StringEqualsIfExists':
      return given === undefined || given.some(isWanted);
    // Holds for a request without the key.
    case 'ForAllValues:StringEquals':
      return (given ?? []).every(isWanted);
    case 'Bool':
      return given?.some(isWanted) ?? false;
    case 'Null':
      return isWanted(String(given === undefined));
    default:
      throw new Error(`The operator ${operator} is not known here.`);
  }
}

/** `*` is any text, `?` any character. */
function wildcard(pattern: string): RegExp {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`${JSON.stringify(value)} was not resolved.`);
  if (value.includes('${')) throw new Error(`${value} has a policy variable, which is not known here.`);
  return value;
}

/** The value with CloudFormation's references replaced: by ARNs and names that such resources could have. */
export function deployed<T>(template: TemplateJson, account: string, region: string, value: T): T {
  const typeOf = (id: string) => template.Resources[id]?.Type ?? '';
  const arns: Readonly<Record<string, (id: string) => string>> = {
    'AWS::DynamoDB::GlobalTable': (id) => `arn:aws:dynamodb:${region}:${account}:table/${id}`,
    'AWS::IAM::Role': (id) => `arn:aws:iam::${account}:role/${id}`,
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
