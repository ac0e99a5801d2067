/** The roles of `examples/iam`, as CloudFormation makes them in the accounts of the example. */
import type { Statement } from '../../lib/resolve-policies.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { exampleFile } from './example-files.ts';

export const ACCOUNTS = { staging: '111111111111', production: '222222222222' } as const;
export type EnvironmentName = keyof typeof ACCOUNTS;
export const REGION = 'ap-northeast-1';

const templateOf = (environment: EnvironmentName) =>
  JSON.parse(exampleFile(`iam/${environment}.template.json`)) as TemplateJson;

/** The role with `Fn::Sub` filled in, as CloudFormation does in the environment's account. */
export function role(environment: EnvironmentName, name: 'CiRole' | 'ImageRole') {
  const values: Readonly<Record<string, string>> = {
    'AWS::Partition': 'aws',
    'AWS::Region': REGION,
    'AWS::AccountId': ACCOUNTS[environment],
    LedgerTable: 'ledger-1',
    Repository: 'reactio-example/reactio',
    ImageRepository: 'reactio-example/image',
    ImageVpc: 'vpc-1',
    StagingAccount: ACCOUNTS.staging,
  };
  const fill = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(fill);
    if (part === null || typeof part !== 'object') return part;
    const { 'Fn::Sub': text, Ref: ref } = part as { 'Fn::Sub'?: string; Ref?: string };
    if (ref !== undefined && ref in values) return values[ref];
    if (text === undefined)
      return Object.fromEntries(Object.entries(part).map(([key, each]) => [key, fill(each)]));
    return text.replace(/\$\{([^}]+)\}/g, (_, key: string) => values[key] ?? `\${${key}}`);
  };
  return fill(templateOf(environment).Resources[name]?.Properties) as {
    RoleName: string;
    MaxSessionDuration: number;
    AssumeRolePolicyDocument: { Statement: { Condition: object }[] };
    Policies: { PolicyDocument: { Statement: Statement[] } }[];
  };
}
export const statementsOf = (environment: EnvironmentName, name: 'CiRole' | 'ImageRole') =>
  role(environment, name).Policies.flatMap(({ PolicyDocument: document }) => document.Statement);

export const bucket = (environment: EnvironmentName) =>
  `arn:aws:s3:::irekae-${environment}-${ACCOUNTS[environment]}-${REGION}`;
export const states = (environment: EnvironmentName, rest: string) =>
  `arn:aws:states:${REGION}:${ACCOUNTS[environment]}:${rest}`;
