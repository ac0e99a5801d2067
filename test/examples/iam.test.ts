/** What CI's roles in `examples/iam` may do, as IAM would answer: all that the scripts ask for, and nothing beside. */
import { describe, expect, it } from 'vitest';
import { allows, type IamRequest } from '../support/iam.ts';
import { ACCOUNTS, bucket, type EnvironmentName, REGION, role, statementsOf, states } from './ci-roles.ts';
import { exampleFile } from './example-files.ts';

/** What the scripts and the command ask for in both environments. */
const common = (environment: EnvironmentName): IamRequest[] => [
  { action: 's3:GetObject', resource: `${bucket(environment)}/reactio/app.tar.gz` },
  { action: 's3:GetObjectVersion', resource: `${bucket(environment)}/reactio/app.tar.gz` },
  { action: 's3:ListBucket', resource: bucket(environment) },
  ...['app', 'worker'].flatMap((kind) => {
    const fleet = `reactio-${environment}-${kind}`;
    return [
      { action: 's3:GetObject', resource: `${bucket(environment)}/irekae/${fleet}/deployments/d-1.json` },
      { action: 'states:ListExecutions', resource: states(environment, `stateMachine:irekae-${fleet}`) },
      { action: 'states:StartExecution', resource: states(environment, `stateMachine:irekae-${fleet}`) },
      { action: 'states:DescribeExecution', resource: states(environment, `execution:irekae-${fleet}:d-1`) },
      {
        action: 'states:GetExecutionHistory',
        resource: states(environment, `execution:irekae-${fleet}:d-1`),
      },
      {
        action: 'states:DescribeExecution',
        resource: states(environment, `execution:irekae-${fleet}-clean-up:c`),
      },
      {
        action: 'dynamodb:GetItem',
        resource: `arn:aws:dynamodb:${REGION}:${ACCOUNTS[environment]}:table/ledger-1`,
        context: { 'dynamodb:LeadingKeys': [fleet] },
      },
    ];
  }),
];

const UPLOAD: IamRequest = { action: 's3:PutObject', resource: `${bucket('staging')}/reactio/app.tar.gz` };
const PROMOTION = states('production', 'stateMachine:irekae-reactio-production-app-promote');
const PROMOTIONS = states('production', 'execution:irekae-reactio-production-app-promote:p-1');

describe('CI of the application', () => {
  it.each([
    ...common('staging').map((request) => ['staging', request] as const),
    ['staging', UPLOAD] as const,
    ...common('production').map((request) => ['production', request] as const),
    ['production', { action: 'states:StartExecution', resource: PROMOTION }] as const,
    ['production', { action: 'states:DescribeExecution', resource: PROMOTIONS }] as const,
    ['production', { action: 'states:GetExecutionHistory', resource: PROMOTIONS }] as const,
  ])('of %s may $action $resource', (environment, request) =>
    expect(allows(statementsOf(environment, 'CiRole'), request)).toBe(true),
  );

  it.each<[EnvironmentName, string, IamRequest]>([
    [
      'production',
      'upload past the promotion',
      { action: 's3:PutObject', resource: `${bucket('production')}/reactio/app.tar.gz` },
    ],
    [
      'staging',
      'upload to production',
      { ...UPLOAD, resource: `${bucket('production')}/reactio/app.tar.gz` },
    ],
    ['staging', 'upload another key', { ...UPLOAD, resource: `${bucket('staging')}/other/app.tar.gz` }],
    [
      'staging',
      'forge a record',
      { action: 's3:PutObject', resource: `${bucket('staging')}/irekae/reactio-staging-app/current.json` },
    ],
    [
      'production',
      'forge a proof',
      {
        action: 's3:PutObject',
        resource: `${bucket('production')}/irekae/reactio-production-app/promotions/a.json`,
      },
    ],
    ['staging', 'delete a version', { action: 's3:DeleteObjectVersion', resource: UPLOAD.resource }],
    [
      'staging',
      'stop a deployment',
      {
        action: 'states:StopExecution',
        resource: states('staging', 'execution:irekae-reactio-staging-app:d-1'),
      },
    ],
    [
      'staging',
      'start a clean-up',
      {
        action: 'states:StartExecution',
        resource: states('staging', 'stateMachine:irekae-reactio-staging-app-clean-up'),
      },
    ],
    [
      'staging',
      'start a deployment of another fleet',
      { action: 'states:StartExecution', resource: states('staging', 'stateMachine:irekae-shop-app') },
    ],
    [
      'production',
      'read another fleet’s lock',
      {
        action: 'dynamodb:GetItem',
        resource: `arn:aws:dynamodb:${REGION}:222222222222:table/ledger-1`,
        context: { 'dynamodb:LeadingKeys': ['shop-app'] },
      },
    ],
    [
      'production',
      'free a lock',
      {
        action: 'dynamodb:UpdateItem',
        resource: `arn:aws:dynamodb:${REGION}:222222222222:table/ledger-1`,
        context: { 'dynamodb:LeadingKeys': ['reactio-production-app'] },
      },
    ],
    [
      'production',
      'terminate a host',
      { action: 'ec2:TerminateInstances', resource: `arn:aws:ec2:${REGION}:222222222222:instance/i-1` },
    ],
    [
      'production',
      'read the API key',
      {
        action: 'ssm:GetParameter',
        resource: `arn:aws:ssm:${REGION}:222222222222:parameter/irekae/mackerel-api-key`,
      },
    ],
  ])('of %s may not %s', (environment, _, request) =>
    expect(allows(statementsOf(environment, 'CiRole'), request)).toBe(false),
  );
});

describe.each(['staging', 'production'] as const)('The roles of %s', (environment) => {
  it.each([
    [
      'CiRole',
      `repo:reactio-example/reactio:environment:${environment}`,
      environment === 'staging' ? 'main' : 'production',
      ['staging', 'production'],
    ],
    ['ImageRole', `repo:reactio-example/image:environment:image-${environment}`, 'main', ['image']],
  ] as const)(
    '%s is taken by one environment and branch of one repository alone, which its workflow has',
    (name, sub, branch, files) => {
      const trust = role(environment, name).AssumeRolePolicyDocument.Statement;
      expect(trust.map(({ Condition: condition }) => condition)).toEqual([
        {
          StringEquals: {
            'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
            'token.actions.githubusercontent.com:sub': sub,
            'token.actions.githubusercontent.com:ref': `refs/heads/${branch}`,
          },
        },
      ]);
      const workflows = files.map((each) => exampleFile(`github-actions/workflows/${each}.yml`)).join('\n');
      expect(workflows).toMatch(new RegExp(`^    environment: ${sub.split(':').at(-1)}( #|$)`, 'm'));
    },
  );

  it('are the ones that the workflows take, for as long as they take them', () => {
    const text = ['staging', 'production', 'image'].map((each) =>
      exampleFile(`github-actions/workflows/${each}.yml`),
    );
    const taken = text.join('\n').match(/arn:aws:iam::\d+:role\/[\w-]+/g) ?? [];
    for (const name of ['CiRole', 'ImageRole'] as const) {
      const { RoleName: roleName, MaxSessionDuration: longest } = role(environment, name);
      expect(taken).toContain(`arn:aws:iam::${ACCOUNTS[environment]}:role/${roleName}`);
      expect(longest).toBe(7_200);
    }
    expect(new Set(text.join('\n').match(/role-duration-seconds: \d+/g))).toEqual(
      new Set(['role-duration-seconds: 7200']),
    );
  });
});

describe('Every call that the scripts make', () => {
  const ACTION: Readonly<Record<string, string>> = {
    's3api head-object': 's3:GetObject',
    's3api put-object': 's3:PutObject',
    's3 cp': 's3:GetObject',
    'stepfunctions list-executions': 'states:ListExecutions',
    'stepfunctions describe-execution': 'states:DescribeExecution',
    'stepfunctions get-execution-history': 'states:GetExecutionHistory',
    'stepfunctions start-execution': 'states:StartExecution',
    'ec2 run-instances': 'ec2:RunInstances',
    'ec2 get-console-output': 'ec2:GetConsoleOutput',
    'ec2 terminate-instances': 'ec2:TerminateInstances',
    'ec2 copy-image': 'ec2:CopyImage',
    'ec2 describe-images': 'ec2:DescribeImages',
    'ec2 deregister-image': 'ec2:DeregisterImage',
  };
  /** Needs no permission, needs the host's own role, or is asked for with an option that the roles leave to the user. */
  const ELSEWHERE = ['sts get-caller-identity', 'configure get', 'ssm get-parameter', 'ssm put-parameter'];

  it('is among the actions of a role', () => {
    const paths = [
      ...['upload', 'deploy', 'promote', 'irekae'].map((name) => `shell/${name}.sh`),
      ...['test-image', 'release-image'].map((name) => `packer/${name}.sh`),
      'github-actions/actions/irekae/run.sh',
      'github-actions/workflows/image.yml',
    ];
    const calls = paths.flatMap((path) =>
      [
        ...exampleFile(path).matchAll(
          /\b(sts|s3api|s3|stepfunctions|ec2|ssm|configure) ([a-z]+(?:-[a-z]+)*)(?= )/g,
        ),
      ]
        .filter(([, , operation = '']) => operation.includes('-') || ['cp', 'get'].includes(operation))
        .map(([call]) => call),
    );
    const granted = (['CiRole', 'ImageRole'] as const).flatMap((name) =>
      statementsOf('staging', name).flatMap(({ Action: action }) => [action].flat()),
    );
    const asked = [...new Set(calls)].filter((call) => !ELSEWHERE.includes(call));
    expect(asked.filter((call) => !granted.includes(ACTION[call] ?? `unknown: ${call}`))).toEqual([]);
    expect(asked.sort()).toEqual(Object.keys(ACTION).sort());
  });
});
