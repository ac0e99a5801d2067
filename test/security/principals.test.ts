/** Every principal of SECURITY.md that holds a role: the policies are asked what it may do, and what not. */
import { describe, expect, it } from 'vitest';
import { FUNCTION_NAMES, type FunctionName } from '../../lib/function-names.ts';
import { policiesOf, type Statement } from '../../lib/resolve-policies.ts';
import {
  ACCOUNTS,
  bucket,
  type EnvironmentName,
  REGION,
  role,
  statementsOf,
  states,
} from '../examples/ci-roles.ts';
import { lambdaOf, statementsOf as policiesOfFunction, resource, resourcesOf } from '../lib/template.ts';
import { allows, deployed, type IamRequest } from '../support/iam.ts';
import { synthesize } from '../synth.ts';

const call = (action: string, resource: string, context: IamRequest['context'] = {}): IamRequest => ({
  action,
  resource,
  context,
});
const ledger = (environment: EnvironmentName) =>
  `arn:aws:dynamodb:${REGION}:${ACCOUNTS[environment]}:table/ledger-1`;
const FORBIDDEN = (environment: EnvironmentName): IamRequest[] => [
  ...['current.json', 'promotions/a.json', 'deployments/d.json'].map((name) =>
    call('s3:PutObject', `${bucket(environment)}/irekae/reactio-${environment}-app/${name}`),
  ),
  call('s3:DeleteObjectVersion', `${bucket(environment)}/reactio/app.tar.gz`),
  call('s3:PutBucketPolicy', bucket(environment)),
  call('states:StopExecution', states(environment, `execution:irekae-reactio-${environment}-app:d-1`)),
  call('dynamodb:UpdateItem', ledger(environment), {
    'dynamodb:LeadingKeys': [`reactio-${environment}-app`],
  }),
  ...['TerminateInstances', 'RunInstances', 'CreateTags'].map((action) =>
    call(`ec2:${action}`, `arn:aws:ec2:${REGION}:${ACCOUNTS[environment]}:instance/i-1`),
  ),
  call(
    'ssm:GetParameter',
    `arn:aws:ssm:${REGION}:${ACCOUNTS[environment]}:parameter/irekae/mackerel-api-key`,
  ),
  call('iam:PassRole', `arn:aws:iam::${ACCOUNTS[environment]}:role/admin`),
];
const tarball = (environment: EnvironmentName) => `${bucket(environment)}/reactio/app.tar.gz`;

it.each(['staging', 'production'] as const)('an outsider takes no role of %s', (environment) => {
  for (const name of ['CiRole', 'ImageRole'] as const)
    for (const { Condition: condition } of role(environment, name).AssumeRolePolicyDocument.Statement) {
      expect(Object.keys(condition)).toEqual(['StringEquals']);
      expect(JSON.stringify(condition)).not.toContain('*');
      for (const claim of ['aud', 'sub', 'ref'])
        expect(JSON.stringify(condition)).toContain(`token.actions.githubusercontent.com:${claim}`);
    }
});

describe('CI of staging', () => {
  it('uploads to its key', () =>
    expect(allows(statementsOf('staging', 'CiRole'), call('s3:PutObject', tarball('staging')))).toBe(true));
  it.each([...FORBIDDEN('staging'), call('s3:PutObject', tarball('production'))])(
    'may not $action $resource',
    (request) => expect(allows(statementsOf('staging', 'CiRole'), request)).toBe(false),
  );
});

describe('CI of production', () => {
  const start = call(
    'states:StartExecution',
    states('production', 'stateMachine:irekae-reactio-production-app-promote'),
  );
  it('promotes', () => expect(allows(statementsOf('production', 'CiRole'), start)).toBe(true));
  it.each([...FORBIDDEN('production'), call('s3:PutObject', tarball('production'))])(
    'may not $action $resource',
    (request) => expect(allows(statementsOf('production', 'CiRole'), request)).toBe(false),
  );
});

describe('root on a host', () => {
  const template = synthesize('production');
  const [id = ''] =
    resourcesOf(template, 'AWS::IAM::Role').find(([name]) => name.includes('hostsreactioproductionapp')) ??
    [];
  const host = deployed(template, ACCOUNTS.production, REGION, policiesOf(template, id));
  it('reads objects', () => expect(JSON.stringify(host)).toContain('s3:GetObject'));
  it.each(FORBIDDEN('production').filter(({ action }) => action !== 'ssm:GetParameter'))(
    'may not $action $resource',
    (request) => expect(allows(host, request)).toBe(false),
  );
});

// ── The bucket's own policy, asked together with each principal's ──────────────────────────────────────────────────

type Principled = Statement & { readonly Sid?: string; readonly Principal: { readonly AWS: string } };

/** Of an environment's account: the policies of one of its principals and the bucket's, as IAM reads them together. */
function both(environment: EnvironmentName, own: readonly Statement[], principal: string, asked: IamRequest) {
  const context = { ...asked.context, 'aws:PrincipalArn': principal, 'aws:SecureTransport': 'true' };
  return allows([...own, ...bucketPolicy(environment, principal)], { ...asked, context });
}

/** As far as it speaks of this principal. */
function bucketPolicy(environment: EnvironmentName, principal: string): Statement[] {
  const template = synthesize(environment);
  const document = resource(template, 'AWS::S3::BucketPolicy').PolicyDocument as { Statement: Principled[] };
  const account = principal.split(':')[4];
  const all = inBucket(environment, deployed(template, ACCOUNTS[environment], REGION, document.Statement));
  return all
    .filter(({ Principal: { AWS: aws } }) => aws === '*' || aws.includes(`:${account}:`))
    .map(({ Principal: _, ...statement }) => statement);
}

/** References to the stack's own bucket, by the name that it has. */
const inBucket = <T>(environment: EnvironmentName, statements: T): T =>
  JSON.parse(JSON.stringify(statements).replaceAll(/arn:aws:s3:::artifacts[0-9a-z]+/g, bucket(environment)));

const hasFunction = (environment: EnvironmentName, name: FunctionName) =>
  resourcesOf(synthesize(environment), 'AWS::Lambda::Function').some(([, { Properties }]) =>
    String(Properties?.FunctionName).endsWith(`-${name}`),
  );
/** The environment's functions that may do it, by both policies. */
const functionsThatMay = (environment: EnvironmentName, asked: IamRequest): FunctionName[] =>
  FUNCTION_NAMES.filter((name) => {
    if (!hasFunction(environment, name)) return false;
    const template = synthesize(environment);
    const { Role } = lambdaOf(template, name) as { Role: { 'Fn::GetAtt': [string] } };
    const own = deployed(template, ACCOUNTS[environment], REGION, policiesOfFunction(template, name));
    const arn = `arn:aws:iam::${ACCOUNTS[environment]}:role/${Role['Fn::GetAtt'][0]}`;
    return both(environment, inBucket(environment, own), arn, asked);
  });

const RECORDERS: FunctionName[] = [
  'take-the-fleet-lock',
  'record-the-release',
  'record-the-failure',
  'look-for-orphans',
];
const PROVERS: FunctionName[] = ['write-the-proof', 'give-up-the-promotion'];
const of = (environment: EnvironmentName, name: string) =>
  `${bucket(environment)}/irekae/reactio-${environment}-app/${name}`;
const WRITTEN = [
  ['current.json', RECORDERS],
  ['deployments/d.json', RECORDERS],
  ['deployments/d.html', RECORDERS],
  ['promotions/a.json', PROVERS],
  ['promotions/a/v1.json', PROVERS],
] as const;
const ENVIRONMENTS = ['staging', 'production'] as const;

describe.each(ENVIRONMENTS)('The functions of %s', (environment) => {
  it.each(WRITTEN)('write %s where they need it, and no others do', (name, writers) => {
    const there = writers.filter((each) => hasFunction(environment, each));
    const may = functionsThatMay(environment, call('s3:PutObject', of(environment, name)));
    expect(may).toEqual(FUNCTION_NAMES.filter((each) => there.includes(each)));
  });

  it.each([
    ...['DeleteObject', 'DeleteObjectVersion', 'PutObjectTagging'].map((action) =>
      call(`s3:${action}`, of(environment, 'current.json')),
    ),
    call('s3:DeleteObject', tarball(environment)),
    call('s3:PutBucketPolicy', bucket(environment)),
    call('s3:PutObject', `${bucket(environment)}/runtimes/perl.tar.gz`),
    call('states:StopExecution', states(environment, `execution:irekae-reactio-${environment}-app:d-1`)),
    call('iam:PassRole', `arn:aws:iam::${ACCOUNTS[environment]}:role/admin`),
  ])('may none of them $action $resource', (request) =>
    expect(functionsThatMay(environment, request)).toEqual([]),
  );
});

describe.each(ENVIRONMENTS)('Whoever may do everything in the account of %s', (environment) => {
  const everything: Statement[] = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
  const account = ACCOUNTS[environment];
  const admin = `arn:aws:iam::${account}:role/admin`;
  const acts = ['PutObject', 'DeleteObject', 'DeleteObjectVersion', 'ReplicateObject', 'ReplicateDelete'];
  it.each(acts.flatMap((act) => WRITTEN.map(([name]) => [act, name] as const)))(
    'may not %s %s, by the bucket’s policy',
    (act, name) => {
      const asked = call(`s3:${act}`, of(environment, name));
      for (const principal of [admin, `arn:aws:iam::${account}:root`, `arn:aws:iam::${account}:user/ci`])
        expect(both(environment, everything, principal, asked)).toBe(false);
    },
  );

  it('uploads and reads as before', () => {
    const may = (action: string, object: string) =>
      both(environment, everything, admin, call(`s3:${action}`, object));
    expect(may('PutObject', tarball(environment))).toBe(true);
    expect(may('GetObject', of(environment, 'current.json'))).toBe(true);
  });
});

it('each statement that denies says why by its name', () => {
  for (const environment of ENVIRONMENTS) {
    const { PolicyDocument } = resource(synthesize(environment), 'AWS::S3::BucketPolicy');
    const sids = (PolicyDocument as { Statement: Principled[] }).Statement.flatMap(({ Sid }) => Sid ?? []);
    expect(sids).toEqual(['OnlyDeploymentsWriteRecords', 'OnlyPromotionsWriteProofs']);
  }
});

describe('Another account in a promotion', () => {
  const reader = (step: string) => `arn:aws:iam::${ACCOUNTS.production}:role/irekae-production-${step}`;
  const everything: Statement[] = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
  /** Both accounts must allow it. */
  const may = (principal: string, asked: IamRequest) =>
    both('staging', [], principal, asked) && allows(everything, asked);
  it('reads versions of the artifact, by the roles that copy', () => {
    const asked = call('s3:GetObjectVersion', tarball('staging'));
    for (const step of ['choose-the-candidate', 'copy-the-artifact'])
      expect(may(reader(step), asked)).toBe(true);
    expect(may(`arn:aws:iam::${ACCOUNTS.production}:role/admin`, asked)).toBe(false);
  });
  it.each(['choose-the-candidate', 'copy-the-artifact', 'write-the-proof'])(
    'writes nothing there, as %s',
    (step) => {
      for (const action of ['PutObject', 'DeleteObject', 'DeleteObjectVersion', 'PutObjectAcl'])
        for (const object of [tarball('staging'), ...WRITTEN.map(([name]) => of('staging', name))])
          expect(may(reader(step), call(`s3:${action}`, object))).toBe(false);
    },
  );
});
