import childProcess from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { cleanUpName } from '../../lambdas/domain/core/names.ts';
import { STEP_NAMES, STEPS } from '../../lambdas/domain/core/steps.ts';
import { FUNCTION_NAMES } from '../../lib/function-names.ts';
import { MOST_FLEETS, readFleets } from '../../lib/read-fleets.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import { policiesOf } from '../../lib/resolve-policies.ts';
import {
  asOne,
  environmentStacks,
  stackTemplates,
  standaloneApp,
  synthesizeTemplates,
} from '../../lib/synthesize.ts';
import { measureStacks } from '../../simulator/bench/stacks.ts';
import { stackSizes } from '../../simulator/bench/targets.ts';
import { type InputTransformer, matches, transform } from '../../simulator/event-rule.ts';
import { thoroughly } from '../support/thorough.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';
import { everythingGiven, looseExample } from './fleets.ts';
import { lambdaOf, resource, resourcesOf, shownReference } from './template.ts';

const never = (): never => {
  throw new Error('It has none.');
};
const APP = 'reactio-production-app';
const WORKER = 'reactio-production-worker';
/** Of the two environments of the example, with every construct inside of constructs. */
const MOST_CONSTRUCTS = 1_550;

describe('The functions', () => {
  it('ask where the environment says', () => {
    const endpoints = {
      AWS_ENDPOINT_URL_SFN: 'https://vpce-1.states.ap-northeast-1.vpce.amazonaws.com',
      AWS_USE_FIPS_ENDPOINT: 'true',
      MACKEREL_APIBASE: 'https://mackerel.proxy.example:8443',
    };
    const file = looseExample();
    for (const environment of file.environments) environment.endpoints = endpoints;
    const { production } = synthesizeTemplates(readFleets(file));
    const functions = resourcesOf(production ?? { Resources: {} }, 'AWS::Lambda::Function');
    expect(functions.length).toBeGreaterThan(10);
    for (const [, { Properties: properties }] of functions)
      expect(properties).toMatchObject({ Environment: { Variables: endpoints } });
  });
});

describe('The artifact bucket', () => {
  const bucket = () => resource(synthesize(), 'AWS::S3::Bucket');

  it('keeps versions, encrypted and closed to the public', () => {
    expect(bucket()).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
  });

  it('refuses requests without TLS', () => {
    const { PolicyDocument: policy } = resource(synthesize(), 'AWS::S3::BucketPolicy');
    expect(policy).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({
          Effect: 'Deny',
          Action: 's3:*',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
      ]),
    });
  });

  it('tells EventBridge of uploads, without a custom resource', () => {
    expect(bucket()).toHaveProperty('NotificationConfiguration', {
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
    const custom = Object.values(synthesize().Resources).filter(({ Type }) => Type.startsWith('Custom::'));
    expect(new Set(custom.map(({ Type }) => Type))).toEqual(new Set(['Custom::PermissionGuard']));
  });

  it('lets old versions and unfinished uploads expire', () => {
    expect(bucket()).toMatchObject({
      LifecycleConfiguration: {
        Rules: [
          { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, Status: 'Enabled' },
          {
            NoncurrentVersionExpiration: { NewerNoncurrentVersions: 20, NoncurrentDays: 180 },
            Status: 'Enabled',
          },
        ],
      },
    });
  });

  it('outlives its stack', () => {
    const [[, { DeletionPolicy }] = ['', { DeletionPolicy: 'none' }]] = resourcesOf(
      synthesize(),
      'AWS::S3::Bucket',
    );
    // Not when its first creation is rolled back: every later try would find its name taken.
    expect(DeletionPolicy).toBe('RetainExceptOnCreate');
  });
});

describe('The ledger', () => {
  const [[, ledger] = ['', { Type: '' }], ...others] = resourcesOf(
    synthesize(),
    'AWS::DynamoDB::GlobalTable',
  );

  it('is one table with a row per fleet, paid by request', () => {
    expect(others).toEqual([]);
    expect(ledger.Properties).toMatchObject({
      KeySchema: [{ AttributeName: 'fleet', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'fleet', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    });
  });

  it('can be restored, and outlives its stack', () => {
    expect(ledger.Properties?.Replicas).toEqual([
      {
        Region: 'ap-northeast-1',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      },
    ]);
    expect(ledger).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
  });
});

describe('The functions', () => {
  it.each(STEP_NAMES)('has one for %s, on Node.js 24 and arm64, with the step’s time limit', (step) => {
    expect(lambdaOf(synthesize(), step)).toMatchObject({
      FunctionName: `irekae-production-${step}`,
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: STEPS[step].seconds,
      MemorySize: step === 'resolve-the-release' ? 1024 : 512,
      LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'INFO', SystemLogLevel: 'WARN' },
      Environment: { Variables: { IREKAE_STEP: step, POWERTOOLS_SERVICE_NAME: 'irekae' } },
    });
  });

  it('are one per step, the orphan watch, the guard, and no others', () => {
    expect(resourcesOf(synthesize(), 'AWS::Lambda::Function')).toHaveLength(FUNCTION_NAMES.length);
  });

  it('learn nothing from their environment but who they are, where the ledger is and where news go', () => {
    for (const [, { Properties }] of resourcesOf(synthesize(), 'AWS::Lambda::Function')) {
      const variables = Object.keys(Object(Properties?.Environment).Variables);
      const known = ['IREKAE_STEP', 'IREKAE_LEDGER_TABLE', 'IREKAE_NEWS_TOPIC', 'POWERTOOLS_SERVICE_NAME'];
      expect(variables.filter((name) => !known.includes(name))).toEqual([]);
    }
  });

  it('have names that Lambda takes, even in an environment of the longest name', () => {
    const longest = Math.max(...FUNCTION_NAMES.map((step) => `irekae-${'e'.repeat(20)}-${step}`.length));
    expect(longest).toBeLessThanOrEqual(64);
  });
});

/** A role's logical id, in the machine's properties. */
const roleOf = ({ RoleArn: arn }: Readonly<Record<string, unknown>>) =>
  shownReference(arn).replace(/^<(.*)\.Arn>$/, '$1');

describe.each([APP, WORKER])('The fleet %s', (fleet) => {
  const of = (type: string) => resource(synthesize(), type, fleet);
  const compact = fleet.replaceAll('-', '');
  const one = (type: string, text: RegExp) => {
    const found = resourcesOf(synthesize(), type).filter(
      ([id]) => id.startsWith(compact, 'fleet'.length) && text.test(id.slice(`fleet${compact}`.length)),
    );
    expect(found).toHaveLength(1);
    const [id, { Properties }] = found[0] ?? ['', { Properties: {} }];
    return { id, ...Properties } as { readonly id: string; readonly [property: string]: unknown };
  };
  const machine = () => one('AWS::StepFunctions::StateMachine', /^Machine/);
  const cleanUp = () => one('AWS::StepFunctions::StateMachine', /^CleanUp/);
  const uploadRule = () => one('AWS::Events::Rule', /^Upload/);
  const endingRule = () => one('AWS::Events::Rule', /^Ending/);

  it.each([
    ['to deploy it', machine, `irekae-${fleet}`, /^Log/],
    ['to clean up after a dead deployment', cleanUp, `irekae-${fleet}-clean-up`, /^CleanUpLog/],
  ])(
    'has a standard state machine %s that logs every transition without its data, and is traced',
    (_, which, name, log) => {
      expect(which()).toMatchObject({
        StateMachineName: name,
        StateMachineType: 'STANDARD',
        TracingConfiguration: { Enabled: true },
        LoggingConfiguration: {
          Level: 'ALL',
          IncludeExecutionData: false,
          Destinations: [
            {
              CloudWatchLogsLogGroup: {
                LogGroupArn: { 'Fn::GetAtt': [one('AWS::Logs::LogGroup', log).id, 'Arn'] },
              },
            },
          ],
        },
      });
      expect(one('AWS::Logs::LogGroup', log)).toMatchObject({
        LogGroupName: `/aws/vendedlogs/states/${name}`,
        RetentionInDays: 365,
      });
    },
  );

  it.each([
    ['deploys it', machine],
    ['cleans up', cleanUp],
  ])(
    'has a state machine that %s and may invoke the steps, wake them, write its log and traces, and nothing else',
    (_, which) => {
      const statements = policiesOf(synthesize(), roleOf(which()));
      const actions = statements.flatMap(({ Action }) => Action);
      expect(actions.filter((action) => !/^(logs|xray):/.test(action)).sort()).toEqual([
        'lambda:InvokeFunction',
        'states:StartExecution',
      ]);
      const starts = statements.filter(({ Action }) => Action.includes('states:StartExecution'));
      expect(starts.map(({ Resource }) => Resource)).toEqual([
        { Ref: expect.stringMatching(/^WakeMachine/) },
      ]);
    },
  );

  it.each([
    ['deployment', machine],
    ['clean-up', cleanUp],
  ])('has a time limit for its %s', (_, which) => {
    const { definition } = definitionOf(synthesize(), which().id);
    expect(definition.TimeoutSeconds).toBeGreaterThan(1_800);
  });

  it('is cleaned up after every end but a success, and after a clean-up that was stopped or ran out of time', () => {
    expect(endingRule()).toMatchObject({ State: 'ENABLED' });
    expect(endingRule().EventPattern).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: {
        $or: [
          { stateMachineArn: [{ Ref: machine().id }], status: ['ABORTED', 'TIMED_OUT', 'FAILED'] },
          // Not FAILED: a clean-up that fails at once would start the next one at once.
          { stateMachineArn: [{ Ref: cleanUp().id }], status: ['ABORTED', 'TIMED_OUT'] },
        ],
      },
    });
    expect(endingRule().Targets).toEqual([
      expect.objectContaining({ Arn: { Ref: cleanUp().id }, Input: '{}' }),
    ]);
  });

  it.runIf(fleet === WORKER)('that is deployed after another fleet is started by no upload', () => {
    const starts = resourcesOf(synthesize(), 'AWS::Events::Rule').filter(([, { Properties }]) =>
      JSON.stringify(Properties?.Targets).includes(machine().id),
    );
    expect(starts).toEqual([]);
  });

  it.runIf(fleet === APP)('is started by an upload to exactly its key, in whatever way it was made', () => {
    expect(uploadRule()).toMatchObject({ State: 'ENABLED' });
    expect(uploadRule().EventPattern).toEqual({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      // No `reason`: large uploads are CompleteMultipartUpload, promotions are CopyObject.
      detail: {
        bucket: { name: ['irekae-production-222222222222-ap-northeast-1'] },
        object: { key: ['reactio/app.tar.gz'] },
      },
    });
  });

  it.runIf(fleet === APP)('hands an upload to the machine as the input that the steps accept', () => {
    const [target] = uploadRule().Targets as {
      InputTransformer: { InputPathsMap: object; InputTemplate: string };
    }[];
    const paths: Record<string, string> = { ...target?.InputTransformer.InputPathsMap };
    const input = JSON.parse(
      (target?.InputTransformer.InputTemplate ?? '').replace(/<([\w-]+)>/g, (_, name) =>
        JSON.stringify(paths[name]),
      ),
    );
    expect(input).toEqual({
      bucket: '$.detail.bucket.name',
      key: '$.detail.object.key',
      versionId: '$.detail.object.version-id',
      upload: { eventId: '$.id', requester: '$.detail.requester', reason: '$.detail.reason' },
    });
  });

  it.each([
    ...(fleet === APP ? [['uploads that started no deployment', uploadRule, machine] as const] : []),
    ['endings that started no clean-up', endingRule, cleanUp] as const,
  ])('keeps %s in a dead-letter queue of its own', (_, rule, started) => {
    const queue = one('AWS::SQS::Queue', /^Undelivered/);
    expect(queue).toMatchObject({ MessageRetentionPeriod: 14 * 86_400, SqsManagedSseEnabled: true });
    expect(rule().Targets).toEqual([
      expect.objectContaining({
        Arn: { Ref: started().id },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': [queue.id, 'Arn'] } },
        RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 10 },
      }),
    ]);
    const policy = JSON.stringify(one('AWS::SQS::QueuePolicy', /^Undelivered/));
    expect(policy).toContain('"events.amazonaws.com"');
    expect(policy).toContain(`"${rule().id}"`);
  });

  it('launches from a template with IMDSv2, an encrypted gp3 volume, and termination on shutdown', () => {
    expect(of('AWS::EC2::LaunchTemplate')).toMatchObject({
      LaunchTemplateName: `irekae-${fleet}`,
      LaunchTemplateData: {
        InstanceInitiatedShutdownBehavior: 'terminate',
        MetadataOptions: { HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
        BlockDeviceMappings: [
          {
            DeviceName: '/dev/xvda',
            Ebs: { VolumeType: 'gp3', VolumeSize: 20, Encrypted: true, DeleteOnTermination: true },
          },
        ],
        SecurityGroupIds: [fleet === APP ? 'sg-0a1b2c3d4e5f60003' : 'sg-0a1b2c3d4e5f60004'],
        IamInstanceProfile: { Arn: { 'Fn::GetAtt': [expect.stringContaining('Profile'), 'Arn'] } },
      },
    });
    // Tags of a template would need a permission that the launching function does not have.
    expect(of('AWS::EC2::LaunchTemplate')).not.toHaveProperty('LaunchTemplateData.TagSpecifications');
  });

  it('has hosts that may read the pinned versions of its artifacts, and nothing else', () => {
    const [role] = resourcesOf(synthesize(), 'AWS::IAM::Role').filter(([id]) =>
      id.startsWith(`hosts${compact}`),
    );
    expect(role?.[1].Properties).not.toHaveProperty('ManagedPolicyArns');
    const statements = policiesOf(synthesize(), role?.[0] ?? '');
    expect(statements.map(({ Action }) => Action)).toEqual(['s3:GetObjectVersion']);
    expect(statements.flatMap(({ Resource }) => (Resource as unknown[]).map(shownReference))).toEqual([
      expect.stringMatching(
        /^arn:aws:s3:::irekae-production-222222222222-ap-northeast-1\/reactio\/app\.tar\.gz$/,
      ),
      expect.stringMatching(/\/runtimes\/perl-5\.38-arm64\.tar\.gz$/),
    ]);
  });

  it.each([
    ['throttled', 'AWS/States', 'ExecutionThrottled', machine],
    [
      'not-started',
      'AWS/SQS',
      'ApproximateNumberOfMessagesVisible',
      () => one('AWS::SQS::Queue', /^Undelivered/),
    ],
  ])('raises the alarm %s at the first occurrence', (name, namespace, metric, watched) => {
    const alarm = resource(synthesize(), 'AWS::CloudWatch::Alarm', `"irekae-${fleet}-${name}"`);
    expect(JSON.stringify(alarm.Dimensions)).toContain(`"${watched().id}"`);
    expect(alarm).toMatchObject({
      Namespace: namespace,
      MetricName: metric,
      Threshold: 1,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      AlarmActions: [{ Ref: resourcesOf(synthesize(), 'AWS::SNS::Topic')[0]?.[0] }],
    });
  });

  describe('that ends badly', () => {
    const rule = () => one('AWS::Events::Rule', /^BadEnding/);
    /** As in a deployed stack: references are ARNs there. */
    const arn = (id: string) => `arn:of:${id}`;
    const pattern = () =>
      JSON.parse(
        JSON.stringify(rule().EventPattern).replace(/\{"Ref":"(\w+)"\}/g, (_, id) => `"${arn(id)}"`),
      );
    const ended = (id: string, status: string, name = 'by-hand-1') => ({
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      detail: { stateMachineArn: arn(id), executionArn: `${arn(id)}:${name}`, name, status },
    });

    it.each<[string, () => { readonly id: string }, string, string, boolean]>([
      ...['FAILED', 'TIMED_OUT', 'ABORTED'].flatMap(
        (status): [string, () => { readonly id: string }, string, string, boolean][] => [
          ['a deployment', machine, status, 'release-1', true],
          ['the clean-up that the ending started', cleanUp, status, '7bf73129-1428_4cd3', true],
          ['the clean-up that the next start sent', cleanUp, status, cleanUpName({ generation: 7 }), true],
          // One that fails is sent again every five minutes, until the alarm for orphans rings.
          [
            'a clean-up that the watch sent',
            cleanUp,
            status,
            cleanUpName({ generation: 7 }, new Date('2026-11-22T10:05:00Z')),
            status !== 'FAILED',
          ],
        ],
      ),
      ['a deployment', machine, 'SUCCEEDED', 'release-1', false],
      ['a deployment', machine, 'RUNNING', 'release-1', false],
      ['a clean-up', cleanUp, 'SUCCEEDED', 'x', false],
      ['the machine of somebody else', () => ({ id: 'Payroll' }), 'FAILED', 'x', false],
    ])('is told of by one rule: %s, %# %s', (_, which, status, name, told) => {
      expect(matches(pattern(), ended(which().id, status, name))).toBe(told);
    });

    it('tells the alarms’ topic which execution it was, what to do, and where to look', () => {
      const topic = resourcesOf(synthesize(), 'AWS::SNS::Topic')[0]?.[0];
      const [target, ...others] = rule().Targets as {
        Arn: unknown;
        DeadLetterConfig: unknown;
        RoleArn: unknown;
        InputTransformer: InputTransformer;
      }[];
      expect(others).toEqual([]);
      expect(target?.Arn).toEqual({ Ref: topic });
      expect(target?.DeadLetterConfig).toEqual({
        Arn: { 'Fn::GetAtt': [one('AWS::SQS::Queue', /^Undelivered/).id, 'Arn'] },
      });
      const may = policiesOf(synthesize(), shownReference(target?.RoleArn).replace(/^<(.*)\.Arn>$/, '$1'));
      expect(may.filter(({ Action }) => JSON.stringify(Action).includes('sns:'))).toEqual([
        { Effect: 'Allow', Action: 'sns:Publish', Resource: { Ref: topic } },
      ]);
      const { InputPathsMap, InputTemplate } = target?.InputTransformer ?? never();
      const text = InputTemplate.split('\n')
        .map((line) => transform({ InputPathsMap, InputTemplate: line }, ended(machine().id, 'ABORTED')))
        .join('\n');
      expect(text).toContain(`${fleet}: ABORTED: ${arn(machine().id)}:by-hand-1`);
      for (const status of ['FAILED', 'TIMED_OUT', 'ABORTED']) expect(text).toContain(`${status}: it`);
      expect(text).toContain(`(irekae-${fleet}-clean-up)`);
      expect(text).toMatch(
        /^https:\/\/ap-northeast-1\.console\..*\/executions\/details\/arn:of:\w+:by-hand-1$/m,
      );
    });
  });
});

describe('The orphan watch', () => {
  const topic = () => ({ Ref: resourcesOf(synthesize(), 'AWS::SNS::Topic')[0]?.[0] });

  it.each([
    [APP, 'app'],
    [WORKER, 'worker'],
  ])('is started every five minutes for %s, with what it has to know of it', (fleet, role) => {
    const input = `name\\":\\"${fleet}`;
    const rule = resource(synthesize(), 'AWS::Events::Rule', input);
    expect(rule).toMatchObject({ ScheduleExpression: 'rate(5 minutes)' });
    const [target, ...others] = rule.Targets as { Arn: unknown; Input: unknown }[];
    expect(others).toEqual([]);
    expect(target?.Arn).toBe(
      'arn:aws:lambda:ap-northeast-1:222222222222:function:irekae-production-look-for-orphans',
    );
    expect(JSON.parse(shownReference(target?.Input))).toEqual({
      bucket: 'irekae-production-222222222222-ap-northeast-1',
      apiKeyParameter: '/irekae/mackerel-api-key',
      fleets: [
        {
          name: fleet,
          machine: `arn:aws:states:ap-northeast-1:222222222222:stateMachine:irekae-${fleet}`,
          launchTemplate: expect.stringMatching(/^<hosts\w+>$/),
          mackerel: { service: 'reactio-production', role },
        },
      ],
    });
  });

  it('may be started by the schedules of this environment’s fleets, and by no other rule', () => {
    expect(resource(synthesize(), 'AWS::Lambda::Permission')).toMatchObject({
      Principal: 'events.amazonaws.com',
      // A rule without a name of its own is named after its stack.
      SourceArn: 'arn:aws:events:ap-northeast-1:222222222222:rule/irekae-production-fleet-*',
    });
    const schedules = resourcesOf(synthesize(), 'AWS::Events::Rule').filter(([id]) => id.startsWith('watch'));
    expect(schedules).toHaveLength(2);
    for (const [, { Properties }] of schedules) expect(Properties).not.toHaveProperty('Name');
  });

  it.each([APP, WORKER])('rings when something of %s has been orphaned for 15 minutes', (fleet) => {
    expect(resource(synthesize(), 'AWS::CloudWatch::Alarm', `"irekae-${fleet}-orphans"`)).toMatchObject({
      Namespace: 'irekae',
      MetricName: 'OrphanSeconds',
      Dimensions: [{ Name: 'fleet', Value: fleet }],
      Statistic: 'Maximum',
      Period: 300,
      EvaluationPeriods: 3,
      DatapointsToAlarm: 1,
      Threshold: 900,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      AlarmActions: [topic()],
    });
  });

  it('rings when it has not looked at every fleet in three periods, or has not run at all', () => {
    const alarm = resource(synthesize(), 'AWS::CloudWatch::Alarm', '"irekae-production-orphan-watch"');
    expect(alarm).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Statistic: 'Average',
      Period: 900,
      // Three good runs for one of the two fleets; for the other three runs with two repetitions each, which all failed.
      Threshold: 0.75,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'breaching',
      AlarmActions: [topic()],
    });
  });
});

describe('The alarm topic', () => {
  it('is one, which CloudWatch of this account may publish to, and which wants TLS', () => {
    const { PolicyDocument: policy } = resource(synthesize(), 'AWS::SNS::TopicPolicy', '"Alarms');
    expect(policy).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({
          Effect: 'Allow',
          Action: 'sns:Publish',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': '222222222222' } },
        }),
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      ]),
    });
    expect(policy).not.toHaveProperty('Statement.2');
  });

  it('mails to the addresses of the environment', () => {
    const [mail, ...others] = resourcesOf(synthesize(), 'AWS::SNS::Subscription');
    expect(mail?.[1].Properties).toMatchObject({ Protocol: 'email', Endpoint: 'operations@reactio.example' });
    expect(others).toEqual([]);
  });
});

it('lets containers reach the metadata service where the fleet says so', () => {
  const file = looseExample();
  file.fleets = file.fleets.slice(0, 1).map((fleet) => ({ ...fleet, metadataHopLimit: 2 }));
  file.environments = file.environments.slice(0, 1);
  const { staging } = synthesizeTemplates(readFleets(file));
  expect(staging && resource(staging, 'AWS::EC2::LaunchTemplate')).toMatchObject({
    LaunchTemplateData: { MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 2 } },
  });
});

describe('A fleet that waits for new machine images', () => {
  const ruleOf = (image: object) => {
    const file = looseExample();
    file.fleets = file.fleets.slice(0, 1).map((fleet) => ({ ...fleet, ...image }));
    file.environments = file.environments.slice(0, 1);
    const { staging } = synthesizeTemplates(readFleets(file));
    if (staging === undefined) throw new Error('the example has lost its staging');
    const rules = resourcesOf(staging, 'AWS::Events::Rule').filter(([id]) => id.includes('NewImage'));
    return rules.map(([, { Properties }]) => ({ ...Properties }) as Record<string, unknown>);
  };

  it('is told by EC2 of every image, and of tags that make one of its kind of it', () => {
    const [rule] = ruleOf({});
    expect(rule?.EventPattern).toEqual({
      source: ['aws.ec2', 'aws.tag'],
      'detail-type': ['EC2 AMI State Change', 'Tag Change on Resource'],
      detail: {
        $or: [
          { State: ['available'] },
          {
            service: ['ec2'],
            'resource-type': ['image'],
            'changed-tag-keys': ['stage'],
            tags: { stage: ['released'] },
          },
        ],
      },
    });
    expect(rule?.Targets).toEqual([
      expect.objectContaining({
        InputTransformer: {
          InputPathsMap: { id: '$.id' },
          InputTemplate: '{"newImage":{"eventId":<id>}}',
        },
        DeadLetterConfig: expect.anything(),
      }),
    ]);
  });

  it('is told by EC2 alone when no tag matters', () =>
    expect(ruleOf({ image: { from: 'search', owner: 'self', namePattern: 'x-*' } })[0]?.EventPattern).toEqual(
      {
        source: ['aws.ec2'],
        'detail-type': ['EC2 AMI State Change'],
        detail: { State: ['available'] },
      },
    ));

  it('is told by SSM of its parameter, and of no other', () =>
    expect(ruleOf({ image: { from: 'parameter', parameter: '/images/app' } })[0]?.EventPattern).toEqual({
      source: ['aws.ssm'],
      'detail-type': ['Parameter Store Change'],
      detail: { name: ['/images/app'], operation: ['Create', 'Update'] },
    }));

  it('has such a rule without asking, and none for uploads, where the image is the release', () => {
    const change = { artifact: undefined, runtimes: [], promotion: undefined, redeployOnNewImage: undefined };
    expect(ruleOf(change)).toHaveLength(1);
  });

  it('has such a rule only if it asks for one', () => {
    expect(ruleOf({ redeployOnNewImage: false })).toEqual([]);
    expect(resourcesOf(synthesize(), 'AWS::Events::Rule').filter(([id]) => id.includes('NewImage'))).toEqual(
      [],
    );
  });
});

describe('The stacks', () => {
  thoroughly('of as many fleets as there may be stay within CloudFormation’s limits', () => {
    for (const row of measureStacks([MOST_FLEETS]))
      expect(stackSizes(row), row.fleets.toString()).toMatchObject({ met: true });
  });

  it('is quick to synthesize without bundling: no program is started, and few constructs are made', () => {
    const started = [vi.spyOn(childProcess, 'spawnSync'), vi.spyOn(childProcess, 'execFileSync')];
    const app = standaloneApp(mkdtempSync(join(tmpdir(), 'irekae-')), { bundle: false });
    environmentStacks(app, exampleEnvironments);
    app.synth();
    for (const spy of started) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    rmSync(app.outdir, { recursive: true });
    // Two environments; each construct takes its part of the time.
    expect(app.node.findAll().length).toBeLessThan(MOST_CONSTRUCTS);
  });

  it('is the same each time', () => {
    const again = stackTemplates(exampleEnvironments).find(({ environment }) => environment === 'staging');
    expect(again && asOne([again.shared, ...again.fleets])).toEqual(synthesize('staging'));
  });

  it('of production has changed only where the snapshot says so', async () => {
    await expect(snapshotOf('production')).toMatchFileSnapshot('production.template.snap');
  });
});

/** Without what changes with the steps' code; of the definitions, which other tests look into, the states' names. */
function snapshotOf(environment: string): string {
  const template = synthesize(environment);
  const states = (id: string) => Object.keys(definitionOf(template, id).definition.States);
  const Resources = Object.fromEntries(
    Object.entries(template.Resources).map(([id, { Properties, ...rest }]) => [
      id,
      {
        ...rest,
        Properties: {
          ...Properties,
          ...(Properties?.DefinitionString ? { DefinitionString: states(id) } : {}),
        },
      },
    ]),
  );
  return JSON.stringify({ ...template, Resources }, null, 1)
    .replace(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replace(/CurrentVersion[0-9A-F]{8}[0-9a-f]{32}(?:[0-9A-F]{8})?/g, 'CurrentVersion<hash>');
}

describe('cdk-nag', () => {
  const outdir = mkdtempSync(join(tmpdir(), 'irekae-nag-'));
  afterAll(() => rmSync(outdir, { recursive: true, force: true }));

  it.each([
    ['the example', exampleEnvironments],
    ['an environment with everything given', readFleets(everythingGiven())],
  ])('has no finding in %s that is not acknowledged', (_, environments) => {
    const app = standaloneApp(outdir, { bundle: false });
    environmentStacks(app, environments);
    expect(new AwsSolutionsChecks().validateScope(app).violations.map(({ ruleName }) => ruleName)).toEqual(
      [],
    );
  });

  it('does look: a bucket without acknowledgement is a finding', () => {
    const stack = new Stack(standaloneApp(outdir, { bundle: false }), 'Bare');
    new Bucket(stack, 'Bucket', { enforceSSL: true });
    const { violations } = new AwsSolutionsChecks().validateScope(stack);
    expect(violations.map(({ ruleName }) => ruleName)).toEqual(['AwsSolutions-S1']);
  });

  it('is told a reason for each acknowledgement', () => {
    const app = standaloneApp(outdir, { bundle: false });
    environmentStacks(app, exampleEnvironments);
    const reasons = acknowledgements(app);
    expect(reasons.length).toBeGreaterThan(20);
    for (const [id, reason] of reasons) expect(reason.length, id).toBeGreaterThan(40);
  });

  function acknowledgements(app: IConstruct): [string, string][] {
    return app.node
      .findAll()
      .flatMap(({ node }) => node.metadata)
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>));
  }
});
