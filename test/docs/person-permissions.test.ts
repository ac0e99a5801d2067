/**
 * The table of what a person needs: that each command asks for what it says is recorded when it is generated; that a
 * call through a port asks AWS for what `docs/port-permissions.ts` says is read here off the wire.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect } from '../../bin/command/live/connection.ts';
import { PORT_PERMISSIONS, permissionsOf } from '../../docs/port-permissions.ts';
import type { CommandPorts } from '../../lambdas/ports/command.ts';
import {
  type AwsEndpoint,
  type AwsReply,
  type AwsRequest,
  startAwsEndpoint,
  xml,
} from '../clients/aws-endpoint.ts';
import { exampleEnvironments } from '../synth.ts';

const FLEET = 'reactio-production-app';
const WHOSE = { fleet: FLEET, artifact: 'reactio/app.tar.gz', environmentStack: 'irekae-production' };
const BUCKET = 'bucket-1';
const EXECUTION = `arn:aws:states:ap-northeast-1:222222222222:execution:irekae-${FLEET}:d1`;
const MACHINE = `arn:aws:states:ap-northeast-1:222222222222:stateMachine:irekae-${FLEET}`;
const HOLD = { holder: EXECUTION, generation: 1 };
const GROUP = 'arn:aws:elasticloadbalancing:ap-northeast-1:222222222222:targetgroup/reactio/0123456789abcdef';
const ON_HOLD = { reason: 'it moves', by: 'me', since: new Date(0) };
const CLASSIC = { kind: 'classic', name: 'reactio' } as const;
const TARGETS = { kind: 'target-group', arn: GROUP } as const;

/** Port call → arguments with which it asks for all that it may ask for. */
const CALLS: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  'ec2.describe': [[['i-1']]],
  'ec2.listByTag': [['irekae:fleet', FLEET]],
  'ec2.listByToken': [['token-']],
  'ec2.findImage': [['ami-1']],
  'ec2.matchingImages': [[{ from: 'search', owner: 'self', namePattern: 'a-*', tags: {} }]],
  'ec2.subnets': [[['subnet-1']]],
  'tagger.tag': [[['i-1'], { a: 'b' }]],
  'loadBalancers.settings': [[CLASSIC], [TARGETS]],
  'loadBalancers.members': [[CLASSIC], [TARGETS]],
  'mackerel.hosts': [['service', 'role']],
  'mackerel.roles': [['service']],
  'mackerel.openAlerts': [[]],
  'mackerel.latestMetric': [['loadavg5', ['host-1']]],
  'mackerel.proveWriting': [['service']],
  'artifacts.find': [
    [BUCKET, WHOSE.artifact],
    [BUCKET, WHOSE.artifact, 'v1'],
    [BUCKET, 'runtimes/perl.tar.gz'],
  ],
  'artifacts.list': [[BUCKET, `irekae/${FLEET}/`]],
  'artifacts.versions': [[BUCKET, WHOSE.artifact]],
  'records.readRecord': [[BUCKET, `irekae/${FLEET}/current.json`]],
  'parameters.read': [['/irekae/mackerel-api-key'], ['/aws/service/ami']],
  'ledger.read': [[FLEET]],
  'ledger.take': [[FLEET, { holder: EXECUTION, startedBy: 'me' }]],
  'ledger.takeOver': [[FLEET, HOLD, EXECUTION, new Date(0)]],
  'ledger.release': [[FLEET, HOLD]],
  'ledger.clearPending': [[FLEET, 'd1']],
  'ledger.requestCancel': [[FLEET, EXECUTION, 'me']],
  'ledger.putOnHold': [[FLEET, ON_HOLD, undefined]],
  'ledger.liftHold': [[FLEET, ON_HOLD]],
  'executions.status': [[EXECUTION]],
  'executions.describe': [[EXECUTION]],
  'executions.recent': [[EXECUTION]],
  'executions.document': [[EXECUTION]],
  'executions.start': [[MACHINE, 'd1', '{}']],
  'inspector.offerings': [[['t4g.small'], ['ap-northeast-1a']]],
  'inspector.volumeKeys': [['ami-1']],
  'inspector.balancer': [[CLASSIC], [TARGETS]],
  'inspector.bucket': [[BUCKET]],
  'inspector.lambda': [['arn:aws:lambda:ap-northeast-1:123456789012:function:migrate:live']],
  'inspector.stackStatus': [['irekae-production']],
  'inspector.machine': [[MACHINE]],
  'inspector.rulesThatStart': [[MACHINE]],
  'inspector.awsTime': [[]],
  'remover.deleteStack': [['irekae-production-fleet-x']],
};

// ── The wire ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What IAM would be asked for this request; nothing for Mackerel's, and for one that nobody has signed. */
function actionOf({ method, path, headers, form }: AwsRequest): string | undefined {
  const service = /\/ap-northeast-1\/([a-z0-9-]+)\/aws4_request/.exec(headers.authorization ?? '')?.[1];
  if (service === undefined) return undefined;
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return `${service}:${target.split('.')[1]}`;
  if (service === 'lambda' && /\/functions\/migrate\/configuration\?Qualifier=live$/.test(path))
    return 'lambda:GetFunctionConfiguration';
  return service === 's3'
    ? `s3:${s3Action(method, new URL(path, 'http://s3'))}`
    : `${service}:${form.Action}`;
}

function s3Action(method: string, { searchParams }: URL): string {
  if (searchParams.has('versioning')) return 'GetBucketVersioning';
  if (searchParams.has('notification')) return 'GetBucketNotification';
  if (searchParams.has('encryption')) return 'GetEncryptionConfiguration';
  if (searchParams.has('list-type')) return 'ListBucket';
  if (searchParams.has('versions')) return 'ListBucketVersions';
  if (method !== 'GET' && method !== 'HEAD') return method;
  return searchParams.has('versionId') ? 'GetObjectVersion' : 'GetObject';
}

/** Enough for the adapters to go on to their next request. */
const ANSWERS: Readonly<Record<string, string>> = {
  'sts:GetCallerIdentity': xml({ Account: '222222222222', Arn: 'arn:aws:iam::222222222222:user/me' }),
  'cloudformation:DescribeStacks': xml({
    StackStatus: 'CREATE_COMPLETE',
    Outputs: { member: { OutputKey: 'LedgerTable', OutputValue: 'ledger-1' } },
  }),
  'ssm:GetParameter': JSON.stringify({ Parameter: { Value: 'a-key' } }),
  'events:ListRuleNamesByTarget': JSON.stringify({ RuleNames: ['rule-1'] }),
  'lambda:GetFunctionConfiguration': JSON.stringify({ State: 'Active', Timeout: 60 }),
  'kms:DescribeKey': JSON.stringify({
    KeyMetadata: { Arn: 'arn:aws:kms:r:1:key/1', KeyManager: 'CUSTOMER' },
  }),
  'ec2:GetEbsDefaultKmsKeyId': xml({ GetEbsDefaultKmsKeyIdResponse: { kmsKeyId: 'arn:aws:kms:r:1:key/1' } }),
  'ec2:DescribeImages': xml({
    DescribeImagesResponse: {
      imagesSet: {
        item: {
          imageId: 'ami-1',
          blockDeviceMapping: { item: { ebs: { encrypted: 'true', snapshotId: 'snap-1' } } },
        },
      },
    },
  }),
  'elasticloadbalancing:DescribeTargetGroups': xml({
    DescribeTargetGroupsResponse: {
      DescribeTargetGroupsResult: {
        TargetGroups: {
          member: {
            TargetGroupArn: GROUP,
            TargetType: 'instance',
            VpcId: 'vpc-1',
            HealthCheckEnabled: 'true',
            HealthCheckIntervalSeconds: '5',
            HealthyThresholdCount: '2',
            LoadBalancerArns: { member: 'arn:aws:elasticloadbalancing:r:1:loadbalancer/net/a/1' },
          },
        },
      },
    },
  }),
  'elasticloadbalancing:DescribeLoadBalancers': xml({
    DescribeLoadBalancersResponse: {
      DescribeLoadBalancersResult: {
        LoadBalancerDescriptions: {
          member: {
            VPCId: 'vpc-1',
            HealthCheck: {
              Target: 'HTTP:80/',
              Interval: '5',
              Timeout: '4',
              HealthyThreshold: '2',
              UnhealthyThreshold: '2',
            },
          },
        },
        LoadBalancers: {
          member: {
            LoadBalancerArn: 'arn:aws:elasticloadbalancing:r:1:loadbalancer/net/a/1',
            Type: 'network',
          },
        },
      },
    },
  }),
};

function answer(request: AwsRequest): AwsReply {
  const action = actionOf(request);
  const body = action === undefined ? undefined : ANSWERS[action];
  return { status: 200, body: body ?? (request.headers['x-amz-target'] ? '{}' : '<Nothing/>') };
}

let aws: AwsEndpoint;
let ports: CommandPorts;
beforeAll(async () => {
  aws = await startAwsEndpoint();
  aws.answer(answer);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await aws.stop();
});
beforeEach(async () => {
  vi.stubEnv('AWS_ENDPOINT_URL', aws.url);
  vi.stubEnv('MACKEREL_APIBASE', aws.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
  const production = exampleEnvironments.find(({ name }) => name === 'production');
  if (!production) throw new Error('The example has no production.');
  ports = await (await connect(production)).ports(FLEET);
  aws.requests.length = 0;
});

/** The call through the live adapter; what comes back is no matter here. */
async function make(call: string, args: readonly unknown[]): Promise<void> {
  const [service = '', method = ''] = call.split('.');
  const port = ports[service as keyof CommandPorts] as unknown as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  const made = port[method];
  if (!made) throw new Error(`There is no ${call}.`);
  await Promise.resolve(made.apply(port, [...args])).catch(() => {});
}

const actionsSent = () => [...new Set(aws.requests.flatMap((request) => actionOf(request) ?? []))].sort();

describe('A call through a port', () => {
  it('has arguments here for each that the table has', () =>
    expect(Object.keys(CALLS).sort()).toEqual(Object.keys(PORT_PERMISSIONS).sort()));

  const cases = Object.entries(CALLS).flatMap(([call, all]) => all.map((args) => ({ call, args })));
  it.each(cases)('$call $args asks for what the table says', async ({ call, args }) => {
    await make(call, args);
    const said = permissionsOf(call, args, WHOSE).map(({ action }) => action);
    // Nothing is sent to learn of an absence: without the permission, S3 answers otherwise.
    const isRead = call === 'artifacts.find' || call === 'records.readRecord';
    const sent = isRead ? [...actionsSent(), 's3:ListBucket'] : actionsSent();
    expect(sent.sort()).toEqual([...new Set(said)].sort());
  });

  it('that nobody has looked up is no silent "nothing"', () =>
    expect(() => permissionsOf('ec2.launch', [], WHOSE)).toThrow(/^What ec2\.launch asks IAM is not known/));
});
