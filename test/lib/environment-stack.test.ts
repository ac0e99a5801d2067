import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { afterAll, describe, expect, it } from 'vitest';
import { STEP_NAMES, STEPS } from '../../lambdas/domain/steps.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import { environmentStacks, standaloneApp, synthesizeTemplates } from '../../lib/synthesize.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';
import { everythingGiven } from './fleets.ts';
import { policiesOf, resource, resourcesOf, shownReference } from './template.ts';

const APP = 'reactio-production-app';
const WORKER = 'reactio-production-worker';

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
      Statement: [
        { Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
      ],
    });
  });

  it('tells EventBridge of uploads, without a custom resource', () => {
    expect(bucket()).toHaveProperty('NotificationConfiguration', {
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
    expect(Object.values(synthesize().Resources).filter(({ Type }) => Type.startsWith('Custom::'))).toEqual(
      [],
    );
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
    expect(DeletionPolicy).toBe('Retain');
  });
});

describe('The functions', () => {
  it.each(STEP_NAMES)('has one for %s, on Node.js 24 and arm64, with the step’s time limit', (step) => {
    expect(resource(synthesize(), 'AWS::Lambda::Function', `"IREKAE_STEP":"${step}"`)).toMatchObject({
      FunctionName: `irekae-production-${step}`,
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: STEPS[step],
      MemorySize: step === 'resolve-the-release' ? 1024 : 512,
      LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'INFO', SystemLogLevel: 'WARN' },
      Environment: { Variables: { IREKAE_STEP: step, POWERTOOLS_SERVICE_NAME: 'irekae' } },
    });
  });

  it('are one per step and no others', () => {
    expect(resourcesOf(synthesize(), 'AWS::Lambda::Function')).toHaveLength(STEP_NAMES.length);
  });

  it('learn nothing from their environment but who they are', () => {
    for (const [, { Properties }] of resourcesOf(synthesize(), 'AWS::Lambda::Function')) {
      expect(Object.keys(Object(Properties?.Environment).Variables)).toEqual([
        'IREKAE_STEP',
        'POWERTOOLS_SERVICE_NAME',
      ]);
    }
  });

  it('have names that Lambda takes, even in an environment of the longest name', () => {
    const longest = Math.max(...STEP_NAMES.map((step) => `irekae-${'e'.repeat(20)}-${step}`.length));
    expect(longest).toBeLessThanOrEqual(64);
  });
});

describe.each([APP, WORKER])('The fleet %s', (fleet) => {
  const of = (type: string) => resource(synthesize(), type, fleet);
  const compact = fleet.replaceAll('-', '');
  const one = (type: string, text = '') => {
    const found = resourcesOf(synthesize(), type).filter(
      ([id]) => id.startsWith(compact, 'fleet'.length) && id.includes(text),
    );
    expect(found).toHaveLength(1);
    const [id, { Properties }] = found[0] ?? ['', { Properties: {} }];
    return { id, ...Properties } as { readonly id: string; readonly [property: string]: unknown };
  };

  it('has a standard state machine that logs everything and is traced', () => {
    expect(one('AWS::StepFunctions::StateMachine')).toMatchObject({
      StateMachineName: `irekae-${fleet}`,
      StateMachineType: 'STANDARD',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
    });
    expect(of('AWS::Logs::LogGroup')).toMatchObject({
      LogGroupName: `/aws/vendedlogs/states/irekae-${fleet}`,
      RetentionInDays: 365,
    });
  });

  it('has a state machine that may invoke the steps, write its log and traces, and nothing else', () => {
    const role = shownReference(one('AWS::StepFunctions::StateMachine').RoleArn).replace(
      /^<(.*)\.Arn>$/,
      '$1',
    );
    const actions = policiesOf(synthesize(), role).flatMap(({ Action }) => Action);
    expect(actions.filter((action) => !/^(logs|xray):/.test(action))).toEqual(['lambda:InvokeFunction']);
  });

  it('is started by an upload to exactly its key, in whatever way it was made', () => {
    expect(one('AWS::Events::Rule')).toMatchObject({ State: 'ENABLED' });
    expect(one('AWS::Events::Rule').EventPattern).toEqual({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      // No `reason`: large uploads are CompleteMultipartUpload, promotions are CopyObject.
      detail: {
        bucket: { name: [{ Ref: expect.stringMatching(/^Artifacts/) }] },
        object: { key: ['reactio/app.tar.gz'] },
      },
    });
  });

  it('hands an upload to the machine as the input that the steps accept', () => {
    const [target] = one('AWS::Events::Rule').Targets as {
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

  it('keeps uploads that started no deployment in a dead-letter queue of its own', () => {
    const queue = one('AWS::SQS::Queue');
    expect(queue).toMatchObject({ MessageRetentionPeriod: 14 * 86_400, SqsManagedSseEnabled: true });
    expect(one('AWS::Events::Rule').Targets).toEqual([
      expect.objectContaining({
        Arn: { Ref: one('AWS::StepFunctions::StateMachine').id },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': [queue.id, 'Arn'] } },
        RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 10 },
      }),
    ]);
    expect(JSON.stringify(one('AWS::SQS::QueuePolicy'))).toContain('"events.amazonaws.com"');
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
      expect.stringMatching(/\.Arn>\/reactio\/app\.tar\.gz$/),
      expect.stringMatching(/\.Arn>\/runtimes\/perl-5\.38-arm64\.tar\.gz$/),
    ]);
  });

  it.each([
    ['failed', 'AWS/States', 'ExecutionsFailed'],
    ['timed-out', 'AWS/States', 'ExecutionsTimedOut'],
    ['aborted', 'AWS/States', 'ExecutionsAborted'],
    ['throttled', 'AWS/States', 'ExecutionThrottled'],
    ['not-started', 'AWS/SQS', 'ApproximateNumberOfMessagesVisible'],
  ])('raises the alarm %s at the first occurrence', (name, namespace, metric) => {
    expect(resource(synthesize(), 'AWS::CloudWatch::Alarm', `irekae-${fleet}-${name}`)).toMatchObject({
      Namespace: namespace,
      MetricName: metric,
      Threshold: 1,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      AlarmActions: [{ Ref: resourcesOf(synthesize(), 'AWS::SNS::Topic')[0]?.[0] }],
    });
  });
});

describe('The alarm topic', () => {
  it('is one, which CloudWatch of this account may publish to, and which wants TLS', () => {
    const { PolicyDocument: policy } = resource(synthesize(), 'AWS::SNS::TopicPolicy');
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
    expect(resourcesOf(synthesize(), 'AWS::SNS::Topic')).toHaveLength(1);
  });

  it('mails to the addresses of the environment', () => {
    const [mail, ...others] = resourcesOf(synthesize(), 'AWS::SNS::Subscription');
    expect(mail?.[1].Properties).toMatchObject({ Protocol: 'email', Endpoint: 'operations@reactio.example' });
    expect(others).toEqual([]);
  });
});

describe('The stack', () => {
  it('has room for twenty fleets', () => {
    const total = Object.keys(synthesize().Resources).length;
    const ofOneFleet = Object.keys(synthesize().Resources).filter((id) =>
      id.includes('reactioproductionapp'),
    ).length;
    expect(total - 2 * ofOneFleet + 20 * ofOneFleet).toBeLessThanOrEqual(500);
  });

  it('takes less than three seconds of a processor to synthesize, without bundling', () => {
    const began = process.cpuUsage();
    synthesizeTemplates(exampleEnvironments, { bundle: false });
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1e6).toBeLessThan(3);
  });

  it('is the same each time', () => {
    expect(synthesizeTemplates(exampleEnvironments, { bundle: false }).staging).toEqual(
      synthesize('staging'),
    );
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
  return JSON.stringify({ ...template, Resources }, null, 1).replace(/\b[0-9a-f]{64}\b/g, '<hash>');
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
