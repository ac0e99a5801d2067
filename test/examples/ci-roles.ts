/** The roles of `examples/iam`, as CloudFormation makes them in the accounts of the example. */
import type { Statement } from '../../lib/resolve-policies.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { exampleFile } from './example-files.ts';

export const ACCOUNTS = { staging: '111111111111', production: '222222222222' } as const;
export type EnvironmentName = keyof typeof ACCOUNTS;
export const REGION = 'ap-northeast-1';

const templateOf = (environment: EnvironmentName) =>
  JSON.parse(exampleFile(`iam/${environment}.template.json`)) as TemplateJson;

/** Of somebody who has both names and ids from before July 2026. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  LedgerTable: 'ledger-1',
  Repository: 'reactio-example/reactio',
  ImageRepository: 'reactio-example/image',
  ImageVpc: 'vpc-1',
  StagingAccount: ACCOUNTS.staging,
};

/** The role with everything filled in, as CloudFormation does in the environment's account with these parameters. */
export function role(
  environment: EnvironmentName,
  name: 'CiRole' | 'ImageRole',
  parameters: Readonly<Record<string, string>> = {},
) {
  const template = templateOf(environment) as TemplateJson & { Conditions: Record<string, unknown> };
  const values: Readonly<Record<string, string>> = {
    ...DEFAULTS,
    'AWS::AccountId': ACCOUNTS[environment],
    ExistingProvider: '',
    ...parameters,
  };
  return evaluate(template.Resources[name]?.Properties, values, template.Conditions) as {
    RoleName: string;
    MaxSessionDuration: number;
    AssumeRolePolicyDocument: { Statement: TrustStatement[] };
    Policies: { PolicyDocument: { Statement: Statement[] } }[];
  };
}

interface TrustStatement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string;
  readonly Principal: object;
  readonly Condition: Record<string, Record<string, unknown>>;
}

type Values = Readonly<Record<string, string>>;

/** CloudFormation's functions, as far as these templates have them; one that is not among them is left as it is. */
function evaluate(part: unknown, values: Values, conditions: Readonly<Record<string, unknown>>): unknown {
  const of = (inner: unknown): unknown => evaluate(inner, values, conditions);
  if (Array.isArray(part)) return part.map(of).filter((each) => each !== undefined);
  if (part === null || typeof part !== 'object') return part;
  const [[word = '', given] = [], ...others] = Object.entries(part);
  const known = others.length === 0 ? FUNCTIONS[word] : undefined;
  if (known) return known(given, of, values, conditions);
  const entries = Object.entries(part).map(([key, each]) => [key, of(each)] as const);
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
}

type Evaluate = (
  given: unknown,
  of: (inner: unknown) => unknown,
  values: Values,
  conditions: Readonly<Record<string, unknown>>,
) => unknown;

const FUNCTIONS: Readonly<Record<string, Evaluate>> = {
  Ref: (name, _, values) => (name === 'AWS::NoValue' ? undefined : (values[String(name)] ?? { Ref: name })),
  'Fn::Sub': (given, of, values) => {
    const [text, own = {}] = [given].flat() as [string, object?];
    const all = { ...values, ...(of(own) as Values) };
    return text.replace(/\$\{([^}]+)\}/g, (whole, key: string) => all[key] ?? whole);
  },
  'Fn::Split': (given, of) => {
    const [at, text] = of(given) as [string, string];
    return text.split(at);
  },
  'Fn::Select': (given, of) => {
    const [index, list] = of(given) as [number, readonly string[]];
    const found = list[index];
    if (found === undefined) throw new Error(`Fn::Select cannot select ${index} of ${list.length}`);
    return found;
  },
  'Fn::Equals': (given, of) => {
    const [one, other] = of(given) as [unknown, unknown];
    return one === other;
  },
  'Fn::Not': (given, of) => !(of(given) as [boolean])[0],
  'Fn::If': (given, of, _, conditions) => {
    const [condition, yes, no] = given as [string, unknown, unknown];
    return of(of(conditions[condition]) ? yes : no);
  },
};

export const statementsOf = (environment: EnvironmentName, name: 'CiRole' | 'ImageRole') =>
  role(environment, name).Policies.flatMap(({ PolicyDocument: document }) => document.Statement);

export const bucket = (environment: EnvironmentName) =>
  `arn:aws:s3:::irekae-${environment}-${ACCOUNTS[environment]}-${REGION}`;
export const states = (environment: EnvironmentName, rest: string) =>
  `arn:aws:states:${REGION}:${ACCOUNTS[environment]}:${rest}`;
