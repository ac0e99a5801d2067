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

const GITHUB = 'token.actions.githubusercontent.com';
const [OWNER_ID, REPOSITORY_ID] = ['94867353', '1234567890'];

describe.each(['staging', 'production'] as const)('The roles of %s', (environment) => {
  const ROLES = [
    ['CiRole', 'Repository', 'reactio', environment, environment === 'staging' ? 'main' : 'production'],
    ['ImageRole', 'ImageRepository', 'image', `image-${environment}`, 'main'],
  ] as const;

  describe.each(ROLES)('%s', (name, parameter, repository, deployTo, branch) => {
    const old = `reactio-example/${repository}`;
    const ids = `reactio-example@${OWNER_ID}/${repository}@${REPOSITORY_ID}`;
    /** The claims of a token as GitHub makes it, which STS makes the request's context of. */
    const claims = (changes: Readonly<Record<string, string>> = {}) => ({
      aud: 'sts.amazonaws.com',
      sub: `repo:${ids}:environment:${deployTo}`,
      ref: `refs/heads/${branch}`,
      ...changes,
    });
    const isTaken = (given: string, token: Readonly<Record<string, string>>) =>
      role(environment, name, { [parameter]: given }).AssumeRolePolicyDocument.Statement.some((statement) =>
        allows(
          [
            {
              Effect: statement.Effect,
              Action: statement.Action,
              Condition: statement.Condition,
              Resource: '*',
            },
          ],
          {
            action: 'sts:AssumeRoleWithWebIdentity',
            resource: '*',
            context: Object.fromEntries(
              Object.entries(token).map(([claim, value]) => [`${GITHUB}:${claim}`, value]),
            ),
          },
        ),
      );

    it('is taken by its repository, whether its tokens name the ids or not', () => {
      expect(isTaken(ids, claims())).toBe(true);
      expect(isTaken(ids, claims({ sub: `repo:${old}:environment:${deployTo}` }))).toBe(true);
      expect(isTaken(old, claims({ sub: `repo:${old}:environment:${deployTo}` }))).toBe(true);
    });

    it.each<[string, Readonly<Record<string, string>>]>([
      [
        'another repository of the owner',
        { sub: `repo:reactio-example@${OWNER_ID}/other@${REPOSITORY_ID}:environment:${deployTo}` },
      ],
      [
        'one that got the name later',
        { sub: `repo:reactio-example@${OWNER_ID}/${repository}@1:environment:${deployTo}` },
      ],
      [
        'an owner who got the name later',
        { sub: `repo:reactio-example@1/${repository}@${REPOSITORY_ID}:environment:${deployTo}` },
      ],
      ['one whose id begins with ours', { sub: `repo:${ids}1:environment:${deployTo}` }],
      ['a fork', { sub: `repo:stranger@7/${repository}@8:environment:${deployTo}` }],
      ['half of the ids', { sub: `repo:reactio-example@${OWNER_ID}/${repository}:environment:${deployTo}` }],
      ['a branch without the environment', { sub: `repo:${ids}:ref:refs/heads/${branch}` }],
      ['a pull request', { sub: `repo:${ids}:pull_request` }],
      ['another environment', { sub: `repo:${ids}:environment:${deployTo}-2` }],
      [
        'an environment whose name ends like a subject',
        { sub: `repo:${ids}:environment:x%3Aenvironment%3A${deployTo}` },
      ],
      ['another branch', { ref: 'refs/heads/feature' }],
      ['a tag of the branch’s name', { ref: `refs/tags/${branch}` }],
      ['a token for somebody else', { aud: 'https://github.com/reactio-example' }],
      ['other letters', { sub: `repo:${ids.toUpperCase()}:environment:${deployTo}` }],
    ])('is not taken by %s', (_, changes) => expect(isTaken(ids, claims(changes))).toBe(false));

    it('with a name alone is taken by no repository whose tokens name ids', () => {
      expect(isTaken(old, claims())).toBe(false);
      expect(isTaken(old, claims({ sub: `repo:${old}@1:environment:${deployTo}` }))).toBe(false);
    });

    it('takes both ids or none for a repository’s name', () => {
      const { Parameters: parameters } = JSON.parse(exampleFile(`iam/${environment}.template.json`));
      const pattern = new RegExp(`^(${parameters[parameter].AllowedPattern})$`);
      for (const right of [old, ids]) expect(right).toMatch(pattern);
      for (const wrong of [
        'reactio',
        `a@1/b`,
        `a/b@2`,
        `a@b/c@d`,
        `a@1/b@2/c`,
        '*/*',
        `${old}:environment:x`,
      ])
        expect(wrong).not.toMatch(pattern);
    });

    it('is that of the environment that its workflow has', () => {
      const files = name === 'CiRole' ? ['staging', 'production'] : ['image'];
      const workflows = files.map((each) => exampleFile(`github-actions/workflows/${each}.yml`)).join('\n');
      expect(workflows).toMatch(new RegExp(`^    environment: ${deployTo}( #|$)`, 'm'));
    });
  });

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
    'cloudformation describe-stacks': 'cloudformation:DescribeStacks',
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
          /\b(sts|s3api|s3|stepfunctions|cloudformation|ec2|ssm|configure) ([a-z]+(?:-[a-z]+)*)(?= )/g,
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
