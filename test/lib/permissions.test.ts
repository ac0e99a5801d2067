/** What each step's role allows, held against a second list: whoever widens a permission does it in both places. */

import { describe, expect, it } from 'vitest';
import { machinesOf } from '../../lambdas/domain/core/aws.ts';
import { STEP_NAMES, STEPS, type StepName } from '../../lambdas/domain/core/steps.ts';
import { FUNCTION_NAMES, type FunctionName } from '../../lib/function-names.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import type { Statement } from '../../lib/resolve-policies.ts';
import { synthesizeTemplates } from '../../lib/synthesize.ts';
import { exampleEntry, type FleetEntry, templateOf } from '../../simulator/example-fleet.ts';
import { synthesize } from '../synth.ts';
import { everythingGiven } from './fleets.ts';
import { lambdaOf, listed, resource, resourcesOf, shownReference, statementsOf } from './template.ts';

const LOOK_AT_BALANCERS = [
  'elasticloadbalancing:DescribeInstanceHealth',
  'elasticloadbalancing:DescribeLoadBalancerAttributes',
  'elasticloadbalancing:DescribeLoadBalancers',
  'elasticloadbalancing:DescribeTargetGroupAttributes',
  'elasticloadbalancing:DescribeTargetGroups',
  'elasticloadbalancing:DescribeTargetHealth',
];
const LOOK_AT_HOSTS = ['ec2:DescribeInstances', ...LOOK_AT_BALANCERS, 'ssm:GetParameter'];
const JOIN = 'elasticloadbalancing:RegisterInstancesWithLoadBalancer';
const LEAVE = 'elasticloadbalancing:DeregisterInstancesFromLoadBalancer';
const WRITE_LOG = ['logs:CreateLogStream', 'logs:PutLogEvents'];

const READ_LEDGER = 'dynamodb:GetItem';
const WRITE_LEDGER = 'dynamodb:UpdateItem';
/** The news of a deployment that ended, to people and to machines. */
const TELL = ['sns:Publish', 'events:PutEvents'];
const START_PENDING = [READ_LEDGER, WRITE_LEDGER, 'states:StartExecution', 'states:DescribeExecution'];

/** Function → all actions that it may take, whatever the resource, in the environment of the example. */
const MAY: Record<FunctionName, readonly string[]> = {
  'take-the-fleet-lock': [
    READ_LEDGER,
    WRITE_LEDGER,
    's3:PutObject',
    's3:GetObject',
    's3:GetObjectVersion',
    's3:ListBucket',
    's3:ListBucketVersions',
    'states:DescribeExecution',
    'states:StartExecution',
  ],
  'resolve-the-image': ['ec2:DescribeImages', 's3:GetObject', 's3:ListBucket'],
  'resolve-the-release': [
    READ_LEDGER,
    's3:GetObject',
    's3:GetObjectVersion',
    's3:ListBucket',
    's3:ListBucketVersions',
  ],
  'snapshot-old-hosts': [READ_LEDGER, WRITE_LEDGER, 'ec2:DescribeSubnets', ...LOOK_AT_HOSTS],
  'write-the-plan': [],
  'launch-new-instances': [READ_LEDGER, WRITE_LEDGER, 'ec2:CreateTags', 'ec2:RunInstances', 'iam:PassRole'],
  'new-hosts-are-ready': [READ_LEDGER, ...LOOK_AT_HOSTS, JOIN],
  // No fleet of the example wants stragglers replaced.
  'replace-the-stragglers': [READ_LEDGER, WRITE_LEDGER],
  'remove-the-stragglers': [READ_LEDGER],
  'take-old-hosts-out-of-service': [WRITE_LEDGER, ...LOOK_AT_HOSTS, LEAVE],
  'old-hosts-are-drained': [READ_LEDGER, ...LOOK_AT_BALANCERS],
  'watch-the-first-hosts': [READ_LEDGER, ...LOOK_AT_HOSTS],
  'watch-the-new-hosts': [READ_LEDGER, ...LOOK_AT_HOSTS],
  'ask-the-hook': [READ_LEDGER, WRITE_LEDGER, ...LOOK_AT_HOSTS],
  'wait-for-a-person': [READ_LEDGER, WRITE_LEDGER, ...LOOK_AT_HOSTS, ...TELL],
  'terminate-old-instances': [READ_LEDGER, WRITE_LEDGER, ...LOOK_AT_HOSTS, 'ec2:TerminateInstances'],
  'retire-old-hosts-in-mackerel': [READ_LEDGER, WRITE_LEDGER, 'ssm:GetParameter'],
  'record-the-release': [
    READ_LEDGER,
    WRITE_LEDGER,
    'ec2:DescribeInstances',
    'elasticloadbalancing:DescribeInstanceHealth',
    'elasticloadbalancing:DescribeTargetHealth',
    's3:PutObject',
    'ssm:GetParameter',
    ...TELL,
  ],
  'put-old-hosts-back': [READ_LEDGER, WRITE_LEDGER, ...LOOK_AT_HOSTS, JOIN],
  'terminate-new-instances': [
    READ_LEDGER,
    WRITE_LEDGER,
    ...LOOK_AT_HOSTS,
    LEAVE,
    'ec2:GetConsoleOutput',
    'ec2:TerminateInstances',
    's3:PutObject',
  ],
  'record-the-failure': [READ_LEDGER, WRITE_LEDGER, 's3:PutObject', 'ssm:GetParameter', ...TELL],
  'start-the-followers': [READ_LEDGER, 'states:StartExecution', 'states:DescribeExecution'],
  'release-the-fleet-lock': START_PENDING,
  // What of a dead holder may still act.
  'take-over-the-lock': [...START_PENDING, 'states:GetExecutionHistory'],
  'choose-the-candidate': [
    's3:GetObject',
    's3:GetObjectVersion',
    's3:ListBucket',
    's3:ListBucketVersions',
    'states:DescribeExecution',
  ],
  'write-the-proof': ['s3:PutObject'],
  'copy-the-artifact': [
    's3:GetObject',
    's3:GetObjectVersion',
    's3:ListBucket',
    's3:ListMultipartUploadParts',
    's3:PutObject',
  ],
  'give-up-the-promotion': ['s3:AbortMultipartUpload', 's3:PutObject'],
  'look-for-orphans': [
    ...START_PENDING,
    'ec2:DescribeInstances',
    's3:GetObject',
    's3:ListBucket',
    's3:PutObject',
    'ssm:GetParameter',
  ],
  'guard-permissions': [READ_LEDGER, WRITE_LEDGER, 'cloudformation:DescribeStacks'],
};

const FLEETS = ['reactio-production-app', 'reactio-production-worker'];
const ec2 = (rest: string) => `arn:aws:ec2:ap-northeast-1:222222222222:${rest}`;

const actionsOf = (statements: readonly Statement[]) => statements.flatMap(({ Action }) => listed(Action));
/** Sorted, because CDK orders them as it likes. */
const shownResources = (statements: readonly Statement[]) =>
  statements.flatMap(({ Resource }) => listed(Resource).map(shownReference)).sort();
const allowing = (action: string, step: string, template = synthesize()) =>
  statementsOf(template, step).filter(({ Action }) => listed(Action).includes(action));
const resourcesFor = (action: string, step: string, template = synthesize()) =>
  allowing(action, step, template)
    .flatMap(({ Resource }) => listed(Resource).map(shownReference))
    .sort();

describe('The role of a function', () => {
  it.each(FUNCTION_NAMES)('%s may do exactly what its calls need, and write its own log', (step) => {
    const statements = statementsOf(synthesize(), step);
    expect(new Set(actionsOf(statements))).toEqual(new Set([...MAY[step], ...WRITE_LOG]));
    expect(statements.every(({ Effect }) => Effect === 'Allow')).toBe(true);
    expect(resourcesFor('logs:PutLogEvents', step)).toEqual([expect.stringMatching(/^<\w+Log\w+\.Arn>$/)]);
  });

  it.each(FUNCTION_NAMES)('%s has no managed policy', (step) => {
    const { Role: role } = lambdaOf(synthesize(), step);
    const { Properties } =
      synthesize().Resources[(role as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0]] ?? {};
    expect(Properties).not.toHaveProperty('ManagedPolicyArns');
  });

  it.each(FUNCTION_NAMES)('%s never names an action by a wildcard', (step) => {
    expect(actionsOf(statementsOf(synthesize(), step)).filter((action) => action.includes('*'))).toEqual([]);
  });

  it.each(FUNCTION_NAMES)(
    '%s may use all of a service’s resources only where the service knows no other way',
    (step) => {
      const onEverything = statementsOf(synthesize(), step).filter(({ Resource }) =>
        listed(Resource).includes('*'),
      );
      expect(
        actionsOf(onEverything).filter((action) => !/^(ec2|elasticloadbalancing):Describe/.test(action)),
      ).toEqual([]);
    },
  );
});

describe('A launch', () => {
  const launches = () => allowing('ec2:RunInstances', 'launch-new-instances');
  const made = () => launches().filter(({ Resource }) => JSON.stringify(Resource).includes('instance/*'));
  const used = () => launches().filter(({ Condition }) => Condition === undefined);

  it('makes only instances and volumes that carry the tag of a fleet of this environment', () => {
    expect(made()).toEqual([
      expect.objectContaining({
        Resource: [ec2('instance/*'), ec2('volume/*')],
        Condition: { StringEquals: { 'aws:RequestTag/irekae:fleet': FLEETS } },
      }),
    ]);
  });

  it('uses only the subnets, security groups and launch templates of these fleets', () => {
    expect(shownResources(used())).toEqual([ec2('network-interface/*')]);
    expect(launches()).toContainEqual(
      expect.objectContaining({
        Resource: ec2('launch-template/*'),
        Condition: { StringEquals: { 'aws:ResourceTag/irekae:fleet': FLEETS } },
      }),
    );
    expect(launches()).toContainEqual(
      expect.objectContaining({
        Resource: 'arn:aws:ec2:ap-northeast-1::image/*',
        Condition: { StringEquals: { 'ec2:Owner': ['222222222222'] } },
      }),
    );
    const subnets = ['subnet-0a1b2c3d4e5f60003', 'subnet-0a1b2c3d4e5f60004'];
    expect(launches()).toContainEqual(
      expect.objectContaining({
        Resource: ec2('subnet/*'),
        Condition: { StringEquals: { 'ec2:SubnetID': subnets } },
      }),
    );
    expect(launches()).toContainEqual(
      expect.objectContaining({
        Resource: ec2('security-group/*'),
        Condition: {
          StringEquals: { 'ec2:SecurityGroupID': ['sg-0a1b2c3d4e5f60003', 'sg-0a1b2c3d4e5f60004'] },
        },
      }),
    );
  });

  it('may tag what it launches, and nothing else ever', () => {
    expect(allowing('ec2:CreateTags', 'launch-new-instances')).toEqual([
      expect.objectContaining({
        Resource: [ec2('instance/*'), ec2('volume/*')],
        Condition: { StringEquals: { 'ec2:CreateAction': 'RunInstances' } },
      }),
    ]);
  });

  it('may hand the hosts’ roles to EC2 and to nobody else', () => {
    const [statement, ...others] = allowing('iam:PassRole', 'launch-new-instances');
    expect(others).toEqual([]);
    expect(statement?.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } });
    expect(statement?.Resource).toBe('arn:aws:iam::222222222222:role/irekae/production/*');
    const hosts = resourcesOf(synthesize(), 'AWS::IAM::Role').filter(([id]) => id.startsWith('hosts'));
    expect(hosts).toHaveLength(FLEETS.length);
    for (const [, { Properties }] of hosts) expect(Properties?.Path).toBe('/irekae/production/');
  });

  it('is the launching step’s alone, where no fleet wants stragglers replaced', () => {
    const others = FUNCTION_NAMES.filter((step) => step !== 'launch-new-instances');
    const reserved = ['ec2:RunInstances', 'ec2:CreateTags', 'iam:PassRole'];
    expect(others.flatMap((step) => reserved.filter((action) => allowing(action, step).length > 0))).toEqual(
      [],
    );
  });
});

describe('A termination', () => {
  it.each(['terminate-old-instances', 'terminate-new-instances'])(
    'by %s reaches only hosts with the tag of a fleet of this environment, and without the hand brake',
    (step) => {
      expect(allowing('ec2:TerminateInstances', step)).toEqual([
        expect.objectContaining({
          Resource: ec2('instance/*'),
          Condition: {
            StringEquals: { 'aws:ResourceTag/irekae:fleet': FLEETS },
            // Of an undo, also EC2's own word that it came from a template.
            ...(step === 'terminate-new-instances' && {
              Null: {
                'aws:ResourceTag/aws:ec2launchtemplate:id': 'false',
                'aws:ResourceTag/irekae:deployment': 'false',
              },
            }),
            StringEqualsIfExists: { 'aws:ResourceTag/irekae:protect': 'false' },
          },
        }),
      ]);
    },
  );
});

describe('The ledger', () => {
  const askers = FUNCTION_NAMES.filter((name) => MAY[name].some((action) => action.startsWith('dynamodb:')));

  it.each(askers)('shows %s the rows of this environment’s fleets, and nobody else’s', (name) => {
    const statements = statementsOf(synthesize(), name).filter(({ Action }) =>
      listed(Action).some((action) => action.startsWith('dynamodb:')),
    );
    expect(statements).toEqual([
      expect.objectContaining({
        Resource: { 'Fn::GetAtt': [expect.stringMatching(/^Ledger/), 'Arn'] },
        Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': FLEETS } },
      }),
    ]);
  });

  it('is known by name to those who may ask it, and to no others', () => {
    const told = FUNCTION_NAMES.filter((name) =>
      JSON.stringify(lambdaOf(synthesize(), name)).includes('IREKAE_LEDGER_TABLE'),
    );
    expect(told).toEqual(askers);
  });
});

describe('An execution', () => {
  const states = (rest: string) => `arn:aws:states:ap-northeast-1:222222222222:${rest}`;
  const deploy = FLEETS.map((fleet) => states(`stateMachine:irekae-${fleet}`));
  const doors = FLEETS.map((fleet) => states(`stateMachine:irekae-${fleet}-override`));
  const cleanUp = FLEETS.map((fleet) => states(`stateMachine:irekae-${fleet}-clean-up`));

  it.each([
    ['take-the-fleet-lock', cleanUp],
    ['start-the-followers', [...deploy, ...doors]],
    ['release-the-fleet-lock', [...deploy, ...doors]],
    ['take-over-the-lock', [...deploy, ...doors]],
    ['look-for-orphans', [...deploy, ...doors, ...cleanUp]],
  ])('may be started by %s on exactly the machines that it starts', (name, machines) => {
    expect(resourcesFor('states:StartExecution', name)).toEqual([...machines].sort());
  });

  it.each([
    'take-the-fleet-lock',
    'start-the-followers',
    'release-the-fleet-lock',
    'take-over-the-lock',
    'look-for-orphans',
  ] as const)('may be described by %s if it is one of the fleets’ machines', (name) => {
    expect(resourcesFor('states:DescribeExecution', name)).toEqual(
      FLEETS.map((fleet) => states(`execution:irekae-${fleet}*:*`)).sort(),
    );
  });

  it('shows its history to who takes over from it, if it is one of those that hold a lock', () => {
    expect(resourcesFor('states:GetExecutionHistory', 'take-over-the-lock')).toEqual(
      FLEETS.flatMap((fleet) => [
        states(`execution:irekae-${fleet}:*`),
        states(`execution:irekae-${fleet}-clean-up:*`),
      ]).sort(),
    );
  });

  it('is started by the steps under the names that the machines have', () => {
    const names = Object.values(synthesize().Resources)
      // That of the wakes has no name of ours: no step starts it.
      .filter(
        ({ Type, Properties }) =>
          Type === 'AWS::StepFunctions::StateMachine' && Properties?.StateMachineType !== 'EXPRESS',
      )
      .map(({ Properties }) => states(`stateMachine:${Properties?.StateMachineName}`))
      // No step starts a promotion.
      .filter((name) => !/-promote(-override)?$/.test(name));
    const started = FLEETS.flatMap((fleet) =>
      Object.values(machinesOf(states(`execution:irekae-${fleet}:some-name`), fleet)),
    );
    expect(started.sort()).toEqual(names.sort());
  });
});

describe('The news of a deployment', () => {
  const tellers = FUNCTION_NAMES.filter((name) => MAY[name].includes('sns:Publish'));

  it.each(tellers)('are told by %s to the topic of the news, not to that of the alarms', (name) => {
    expect(resourcesFor('sns:Publish', name)).toEqual([expect.stringMatching(/^<News\w+>$/)]);
  });

  it.each(tellers)('are put on the default bus by %s in irekae’s name and under one type only', (name) => {
    expect(allowing('events:PutEvents', name)).toEqual([
      expect.objectContaining({
        Resource: 'arn:aws:events:ap-northeast-1:222222222222:event-bus/default',
        Condition: {
          'ForAllValues:StringEquals': {
            'events:source': ['irekae'],
            'events:detail-type': [name === 'wait-for-a-person' ? 'Deployment waits' : 'Deployment ended'],
          },
        },
      }),
    ]);
  });

  it('have a topic that only those who tell know', () => {
    const told = FUNCTION_NAMES.filter((name) =>
      JSON.stringify(lambdaOf(synthesize(), name)).includes('IREKAE_NEWS_TOPIC'),
    );
    expect(told).toEqual(tellers);
  });
});

describe('The console of an instance', () => {
  it('is read of the fleets’ own instances only', () =>
    expect(allowing('ec2:GetConsoleOutput', 'terminate-new-instances')).toEqual([
      expect.objectContaining({
        Resource: ec2('instance/*'),
        Condition: { StringEquals: { 'aws:ResourceTag/irekae:fleet': FLEETS } },
      }),
    ]));
});

describe('The load balancers', () => {
  it('are changed only by name, and only those of the fleets', () => {
    const balancer =
      'arn:aws:elasticloadbalancing:ap-northeast-1:222222222222:loadbalancer/reactio-production';
    expect(resourcesFor(JOIN, 'new-hosts-are-ready')).toEqual([balancer]);
    expect(resourcesFor(JOIN, 'put-old-hosts-back')).toEqual([balancer]);
    expect(resourcesFor(LEAVE, 'take-old-hosts-out-of-service')).toEqual([balancer]);
    expect(resourcesFor(LEAVE, 'terminate-new-instances')).toEqual([balancer]);
  });
});

describe('The artifact bucket', () => {
  it('is read at the fleets’ keys and at irekae’s records', () => {
    expect(resourcesFor('s3:GetObjectVersion', 'resolve-the-release')).toEqual([
      expect.stringMatching(/^<Artifacts\w+\.Arn>\/reactio\/app\.tar\.gz$/),
      expect.stringMatching(/^<Artifacts\w+\.Arn>\/runtimes\/perl-5\.38-arm64\.tar\.gz$/),
    ]);
    expect(resourcesFor('s3:GetObject', 'resolve-the-release')).toContainEqual(
      expect.stringMatching(/^<Artifacts\w+\.Arn>\/irekae\/\*$/),
    );
    expect(resourcesFor('s3:ListBucket', 'resolve-the-release')).toEqual([
      expect.stringMatching(/^<Artifacts\w+\.Arn>$/),
    ]);
  });

  it('shows the order of the uploads to *Take the fleet lock*, of the fleets’ artifacts only', () => {
    expect(resourcesFor('s3:GetObjectVersion', 'take-the-fleet-lock')).toEqual([
      expect.stringMatching(/^<Artifacts\w+\.Arn>\/reactio\/app\.tar\.gz$/),
    ]);
    expect(allowing('s3:ListBucketVersions', 'take-the-fleet-lock')).toEqual([
      expect.objectContaining({
        Resource: { 'Fn::GetAtt': [expect.stringMatching(/^Artifacts/), 'Arn'] },
        Condition: { StringEquals: { 's3:prefix': ['reactio/app.tar.gz'] } },
      }),
    ]);
  });

  const recordsOf = (action: string, step: string) =>
    resourcesFor(action, step).flatMap((name) => name.split('/irekae/').slice(1));

  it.each(['resolve-the-image', 'take-the-fleet-lock'])(
    'shows %s the records of deployments, to go back to one, and not the proofs of promotions',
    (step) => expect(recordsOf('s3:GetObject', step)).toEqual(['*/current.json', '*/deployments/*.json']),
  );

  it.each(['record-the-release', 'record-the-failure'])('takes no proof of a promotion from %s', (step) =>
    expect(recordsOf('s3:PutObject', step)).toEqual(['*/current.json', '*/deployments/*']),
  );

  it('shows the orphan watch what each fleet runs and ran, and no proof: what it makes up for may be old', () => {
    expect(resourcesFor('s3:GetObject', 'look-for-orphans')).toEqual([
      expect.stringMatching(/^<Artifacts\w+\.Arn>\/irekae\/\*\/current\.json$/),
      expect.stringMatching(/^<Artifacts\w+\.Arn>\/irekae\/\*\/deployments\/\*\.json$/),
    ]);
  });

  it('is written at irekae’s records only, but for the copy of a promotion', () => {
    for (const step of STEP_NAMES) {
      for (const place of resourcesFor('s3:PutObject', step)) expect(place).toMatch(/\.Arn>\/irekae\/\*\//);
    }
    expect(resourcesFor('s3:PutObject', 'write-the-proof')).toEqual(
      FLEETS.map((fleet) =>
        expect.stringMatching(new RegExp(`\\.Arn>/irekae/${fleet}/promotions/\\*\\.json$`)),
      ),
    );
    expect(resourcesFor('s3:PutObject', 'copy-the-artifact')).toEqual([
      'arn:aws:s3:::irekae-production-222222222222-ap-northeast-1/reactio/app.tar.gz',
    ]);
  });
});

describe('A step', () => {
  it('may change something in AWS only if the table of steps says that it changes something', () => {
    const writes = (step: StepName) => MAY[step].some((action) => !/:(Get|Describe|List)/.test(action));
    const writers = STEP_NAMES.filter(writes);
    expect(writers.length).toBeGreaterThan(5);
    expect(writers.filter((step) => STEPS[step].changes === 'nothing')).toEqual([]);
  });
});

describe('The Mackerel API key', () => {
  it('is read from its one parameter, without a permission on any KMS key', () => {
    const readers = STEP_NAMES.filter((step) => MAY[step].includes('ssm:GetParameter'));
    for (const step of readers) {
      expect(resourcesFor('ssm:GetParameter', step)).toEqual([
        'arn:aws:ssm:ap-northeast-1:222222222222:parameter/irekae/mackerel-api-key',
      ]);
    }
  });
});

describe('An environment with everything given', () => {
  const { qa } = synthesizeTemplates(readFleets(everythingGiven()));
  if (qa === undefined) throw new Error('the environment was not synthesized');

  it.each(['launch-new-instances', 'replace-the-stragglers'])(
    'may encrypt volumes with the fleet’s KMS keys by %s, through EC2 and with no grant but AWS’s own',
    (step) => {
      const key = 'arn:aws:kms:eu-west-1:444444444444:key/99992222-3333-4444-5555-666677778888';
      const throughEc2 = { StringEquals: { 'kms:ViaService': 'ec2.eu-west-1.amazonaws.com' } };
      expect(allowing('kms:Decrypt', step, qa)).toEqual([
        {
          Action: [
            'kms:Decrypt',
            'kms:DescribeKey',
            'kms:GenerateDataKeyWithoutPlaintext',
            'kms:ReEncryptFrom',
            'kms:ReEncryptTo',
          ],
          Effect: 'Allow',
          Resource: key,
          Condition: throughEc2,
        },
      ]);
      expect(allowing('kms:CreateGrant', step, qa)).toEqual([
        {
          Action: 'kms:CreateGrant',
          Effect: 'Allow',
          Resource: key,
          Condition: { ...throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
        },
      ]);
    },
  );

  it('lets nobody else use the keys of its volumes, and nobody where a fleet names none', () => {
    const users = (template?: typeof qa) =>
      STEP_NAMES.filter((name) => allowing('kms:CreateGrant', name, template).length > 0);
    expect(users(qa)).toEqual(['launch-new-instances', 'replace-the-stragglers']);
    expect(users()).toEqual([]);
  });

  it('may decrypt the API key with its own KMS key, through SSM and for this parameter', () => {
    expect(allowing('kms:Decrypt', 'retire-old-hosts-in-mackerel', qa)).toEqual([
      expect.objectContaining({
        Resource: 'arn:aws:kms:eu-west-1:333333333333:key/11112222-3333-4444-5555-666677778888',
        Condition: {
          StringEquals: {
            'kms:ViaService': 'ssm.eu-west-1.amazonaws.com',
            'kms:EncryptionContext:PARAMETER_ARN':
              'arn:aws:ssm:eu-west-1:333333333333:parameter/mackerel-key',
          },
        },
      }),
    ]);
  });

  it('may count the addresses of the zones that a share may spill over to', () =>
    expect(actionsOf(statementsOf(qa, 'launch-new-instances'))).toContain('ec2:DescribeSubnets'));

  it('may tag instances of a fleet that keeps a failed one, with the tag that says until when, and no other', () =>
    expect(allowing('ec2:CreateTags', 'terminate-new-instances', qa)).toEqual([
      expect.objectContaining({
        Resource: 'arn:aws:ec2:eu-west-1:333333333333:instance/*',
        Condition: {
          StringEquals: { 'aws:ResourceTag/irekae:fleet': ['acme-qa-web'] },
          'ForAllValues:StringEquals': { 'aws:TagKeys': ['irekae:keep-until'] },
          Null: { 'aws:TagKeys': 'false' },
        },
      }),
    ]));

  it('may replace stragglers: by one function that launches, and another that terminates', () => {
    const launching = ['ec2:CreateTags', 'ec2:DescribeSubnets', 'ec2:RunInstances', 'iam:PassRole'];
    const removing = ['ec2:DescribeInstances', 'ec2:GetConsoleOutput', 'ec2:TerminateInstances'];
    const may = (step: string) =>
      actionsOf(statementsOf(qa, step)).filter((action) => /^(ec2|iam):/.test(action));
    expect(may('replace-the-stragglers').sort((a, b) => a.localeCompare(b))).toEqual(
      // Instances and volumes, their interfaces, and what they are made of, where, and in which security groups.
      [...launching, ...Array(5).fill('ec2:RunInstances')].sort((a, b) => a.localeCompare(b)),
    );
    expect(may('remove-the-stragglers').sort()).toEqual(removing);
    expect(allowing('ec2:TerminateInstances', 'remove-the-stragglers', qa)).toEqual(
      allowing('ec2:TerminateInstances', 'terminate-new-instances', qa),
    );
    for (const action of ['ec2:RunInstances', 'ec2:CreateTags', 'iam:PassRole'])
      expect(allowing(action, 'replace-the-stragglers', qa)).toEqual(
        allowing(action, 'launch-new-instances', qa),
      );
  });

  it('looks at instances to resolve an image only where an image is handed on from fleet to fleet', () => {
    const fleets = ['app', 'jobs'].map((name) =>
      exampleEntry('shop', name, {
        artifact: undefined,
        runtimes: [],
        ...(name === 'jobs' && { after: 'app' }),
      }),
    );
    const seen = (...fleets: FleetEntry[]) =>
      resourcesFor('ec2:DescribeInstances', 'resolve-the-image', templateOf('shop', fleets));
    expect(seen(...fleets)).toEqual(['*']);
    expect(seen(...fleets.slice(0, 1))).toEqual([]);
  });

  it('reads a public image parameter, which belongs to no account', () => {
    expect(resourcesFor('ssm:GetParameter', 'resolve-the-image', qa)).toEqual([
      'arn:aws:ssm:eu-west-1::parameter/aws/service/debian/release/12/latest/amd64',
    ]);
  });

  it('passes the given role, and makes none for hosts', () => {
    expect(resourcesFor('iam:PassRole', 'launch-new-instances', qa)).toEqual([
      'arn:aws:iam::333333333333:role/hosts/web',
    ]);
    expect(JSON.stringify(qa.Resources)).not.toContain('"Service":"ec2.amazonaws.com"');
    expect(Object.values(qa.Resources).some(({ Type }) => Type === 'AWS::IAM::InstanceProfile')).toBe(false);
  });

  it('changes target groups, and no classic load balancer', () => {
    const group = 'arn:aws:elasticloadbalancing:*:*:targetgroup/*/0123456789abcdef';
    expect(resourcesFor('elasticloadbalancing:RegisterTargets', 'new-hosts-are-ready', qa)).toEqual([group]);
    expect(resourcesFor('elasticloadbalancing:DeregisterTargets', 'terminate-new-instances', qa)).toEqual([
      group,
    ]);
    expect(allowing(JOIN, 'new-hosts-are-ready', qa)).toEqual([]);
  });

  it('uses the given bucket, and makes none', () => {
    expect(resourcesFor('s3:GetObjectVersion', 'resolve-the-release', qa)).toEqual([
      'arn:aws:s3:::acme-artifacts/perl.tar.gz',
      'arn:aws:s3:::acme-artifacts/web.tar.gz',
    ]);
    expect(resource(qa, 'AWS::Events::Rule', '"aws.s3"').EventPattern).toMatchObject({
      detail: { bucket: { name: ['acme-artifacts'] } },
    });
    expect(Object.values(qa.Resources).some(({ Type }) => Type === 'AWS::S3::Bucket')).toBe(false);
  });
});
