/** Every principal of SECURITY.md that holds a role: the policies are asked what it may do, and what not. */
import { describe, expect, it } from 'vitest';
import { policiesOf } from '../../lib/resolve-policies.ts';
import {
  ACCOUNTS,
  bucket,
  type EnvironmentName,
  REGION,
  role,
  statementsOf,
  states,
} from '../examples/ci-roles.ts';
import { resourcesOf } from '../lib/template.ts';
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
