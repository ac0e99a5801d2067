/** What people may do by `examples/iam/people.template.json`, as IAM would answer: what the commands ask for, and no more. */
import { describe, expect, it } from 'vitest';
import type { Statement } from '../../lib/resolve-policies.ts';
import { allows, type IamRequest } from '../support/iam.ts';
import { bucket, REGION, states } from './ci-roles.ts';
import { exampleFile } from './example-files.ts';

interface Policies {
  readonly Resources: Readonly<
    Record<string, { Properties: { PolicyDocument: { Statement: Statement[] } } }>
  >;
}

const LEVELS = ['MayLook', 'MayDeploy', 'MayOperate'] as const;
type Level = (typeof LEVELS)[number];

/** As CloudFormation resolves them. */
function statementsOf(level: Level): Statement[] {
  const text = exampleFile('iam/people.template.json').replaceAll(
    /\{\s*"Fn::Sub": ("[^"]*)\$\{LedgerTable\}"\s*\}/g,
    '$1ledger-1"',
  );
  const { Resources: policies } = JSON.parse(text) as Policies;
  return policies[level]?.Properties.PolicyDocument.Statement ?? [];
}

const FLEET = 'reactio-production-app';
const production = (rest: string) => states('production', rest);
const ledger = (action: string, fleet = FLEET): IamRequest => ({
  action: `dynamodb:${action}`,
  resource: `arn:aws:dynamodb:${REGION}:222222222222:table/ledger-1`,
  context: { 'dynamodb:LeadingKeys': [fleet] },
});

/** From the level on that may do it; `undefined`: none may. */
const CASES: readonly (readonly [string, Level | undefined, IamRequest])[] = [
  ['read a lock', 'MayLook', ledger('GetItem')],
  ['read another fleet’s lock', undefined, ledger('GetItem', 'shop-app')],
  [
    'read any lock',
    undefined,
    { action: 'dynamodb:GetItem', resource: `arn:aws:dynamodb:${REGION}:222222222222:table/ledger-1` },
  ],
  [
    'follow a deployment',
    'MayLook',
    { action: 'states:GetExecutionHistory', resource: production(`execution:irekae-${FLEET}:d-1`) },
  ],
  [
    'follow a clean-up',
    'MayLook',
    { action: 'states:DescribeExecution', resource: production(`execution:irekae-${FLEET}-clean-up:c-1`) },
  ],
  [
    'read a record',
    'MayLook',
    { action: 's3:GetObject', resource: `${bucket('production')}/irekae/${FLEET}/current.json` },
  ],
  ['look at hosts', 'MayLook', { action: 'ec2:DescribeInstances', resource: '*' }],
  [
    'start a deployment',
    'MayDeploy',
    { action: 'states:StartExecution', resource: production(`stateMachine:irekae-${FLEET}`) },
  ],
  [
    'start a promotion',
    'MayDeploy',
    { action: 'states:StartExecution', resource: production(`stateMachine:irekae-${FLEET}-promote`) },
  ],
  ['cancel', 'MayOperate', ledger('UpdateItem')],
  [
    'start a clean-up',
    'MayOperate',
    { action: 'states:StartExecution', resource: production(`stateMachine:irekae-${FLEET}-clean-up`) },
  ],
  [
    'override a gate',
    undefined,
    { action: 'states:StartExecution', resource: production(`stateMachine:irekae-${FLEET}-override`) },
  ],
  [
    'deploy another fleet',
    undefined,
    { action: 'states:StartExecution', resource: production('stateMachine:irekae-shop-app') },
  ],
  [
    'stop a deployment',
    undefined,
    { action: 'states:StopExecution', resource: production(`execution:irekae-${FLEET}:d-1`) },
  ],
  ['upload', undefined, { action: 's3:PutObject', resource: `${bucket('production')}/reactio/app.tar.gz` }],
  [
    'read Mackerel’s key',
    undefined,
    {
      action: 'ssm:GetParameter',
      resource: `arn:aws:ssm:${REGION}:222222222222:parameter/irekae/mackerel-api-key`,
    },
  ],
  [
    'tag a host',
    undefined,
    { action: 'ec2:CreateTags', resource: `arn:aws:ec2:${REGION}:222222222222:instance/i-1` },
  ],
];

describe.each(LEVELS)('%s', (level) => {
  it.each(CASES)('%s: from %s on', (_, from, request) => {
    const expected = from !== undefined && LEVELS.indexOf(level) >= LEVELS.indexOf(from);
    expect(allows(statementsOf(level), request)).toBe(expected);
  });
});
