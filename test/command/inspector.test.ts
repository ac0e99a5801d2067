/** The inspector's adapter: what it asks AWS, and what it makes of the answers. */
import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectorAdapter } from '../../bin/command/live/inspector.ts';
import {
  type AwsEndpoint,
  type AwsReply,
  type AwsRequest,
  ec2Error,
  elbError,
  startAwsEndpoint,
  testClientOptions,
  xml,
} from '../clients/aws-endpoint.ts';

let aws: AwsEndpoint;
beforeEach(async () => {
  aws = await startAwsEndpoint();
});
afterEach(() => aws.stop());

function inspector() {
  const clientOptions = testClientOptions(aws.url);
  return inspectorAdapter({
    ec2: new EC2Client(clientOptions),
    classic: new ElasticLoadBalancingClient(clientOptions),
    targetGroups: new ElasticLoadBalancingV2Client(clientOptions),
    s3: new S3Client({ ...clientOptions, forcePathStyle: true }),
    options: {
      region: 'ap-northeast-1',
      endpoint: aws.url,
      credentials: async () => clientOptions.credentials,
      timeoutMs: 200,
    },
  });
}

const named = (name: string) => expect.objectContaining({ name });
/** Answers by the action of the query protocol, or by the target of the JSON protocol. */
const byAction = (answers: Readonly<Record<string, AwsReply>>) =>
  aws.answer(({ form, headers }: AwsRequest) => {
    const target =
      String(headers['x-amz-target'] ?? '')
        .split('.')
        .at(-1) ?? '';
    return answers[form.Action ?? target] ?? { status: 501, body: `no answer for ${form.Action ?? target}` };
  });
const json = (body: object): AwsReply => ({ body: JSON.stringify(body) });
const refusedJson = (type: string): AwsReply => ({ status: 400, body: JSON.stringify({ __type: type }) });

describe('offerings', () => {
  it('are asked for by zone and type, page by page', async () => {
    const page = (zone: string, rest = {}) => ({
      body: xml({
        DescribeInstanceTypeOfferingsResponse: {
          instanceTypeOfferingSet: { item: { instanceType: 't4g.small', location: zone } },
          ...rest,
        },
      }),
    });
    aws.answer(({ form }) => (form.NextToken ? page('zone-c') : page('zone-a', { nextToken: 'more' })));
    expect(await inspector().offerings(['t4g.small', 't4g.medium'], ['zone-a', 'zone-c'])).toEqual([
      { instanceType: 't4g.small', zone: 'zone-a' },
      { instanceType: 't4g.small', zone: 'zone-c' },
    ]);
    expect(aws.requests[0]?.form).toMatchObject({
      Action: 'DescribeInstanceTypeOfferings',
      LocationType: 'availability-zone',
      'Filter.1.Name': 'instance-type',
      'Filter.1.Value.2': 't4g.medium',
      'Filter.2.Name': 'location',
      'Filter.2.Value.2': 'zone-c',
    });
  });

  it('that may not be asked for are refused', async () => {
    aws.answer(() => ec2Error('UnauthorizedOperation', 'You are not authorized', 403));
    await expect(inspector().offerings(['t4g.small'], ['zone-a'])).rejects.toThrow(named('ServiceRefused'));
  });
});

describe('the KMS keys of an image’s volumes', () => {
  const KEY = (id: string) => `arn:aws:kms:ap-northeast-1:222222222222:key/${id}`;
  const device = (snapshotId: string, encrypted: boolean) => ({
    deviceName: '/dev/xvda',
    ebs: { snapshotId, encrypted: String(encrypted) },
  });
  /** The account's default, and the key of the snapshot `snap-1`, who manages it. */
  const answering = (byDefault: string, manager: AwsReply) =>
    byAction({
      GetEbsDefaultKmsKeyId: { body: xml({ R: { kmsKeyId: byDefault } }) },
      DescribeImages: {
        body: xml({
          R: {
            imagesSet: {
              item: {
                imageId: 'ami-1',
                blockDeviceMapping: { item: [device('snap-1', true), device('snap-2', false)] },
              },
            },
          },
        }),
      },
      DescribeSnapshots: {
        body: xml({ R: { snapshotSet: { item: { snapshotId: 'snap-1', kmsKeyId: KEY('of-snapshot') } } } }),
      },
      DescribeKey: manager,
    });
  const managed = (KeyManager: string) => json({ KeyMetadata: { Arn: KEY('of-snapshot'), KeyManager } });

  it('are those of its encrypted snapshots, if they are the customer’s', async () => {
    answering('alias/aws/ebs', managed('CUSTOMER'));
    expect(await inspector().volumeKeys('ami-1')).toEqual([KEY('of-snapshot')]);
    const asked = aws.requests.find(({ form }) => form.Action === 'DescribeSnapshots');
    expect(asked?.form).toMatchObject({ 'Filter.1.Name': 'snapshot-id', 'Filter.1.Value.1': 'snap-1' });
    expect(asked?.form).not.toHaveProperty('Filter.1.Value.2');
  });

  it('are none where they are AWS’s own', async () => {
    answering('arn:aws:kms:ap-northeast-1:222222222222:alias/aws/ebs', managed('AWS'));
    expect(await inspector().volumeKeys('ami-1')).toEqual([]);
  });

  it('are another account’s where KMS does not show them, and the account’s default', async () => {
    answering(KEY('default'), refusedJson('NotFoundException'));
    expect(await inspector().volumeKeys('ami-1')).toEqual([KEY('default'), KEY('of-snapshot')]);
  });

  it('that may not be asked for are unknown', async () => {
    answering('alias/aws/ebs', refusedJson('AccessDeniedException'));
    await expect(inspector().volumeKeys('ami-1')).rejects.toThrow(named('ServiceRefused'));
  });
});

describe('a classic ELB', () => {
  const described = {
    HealthCheck: {
      Target: 'HTTP:80/health',
      Interval: '30',
      Timeout: '5',
      HealthyThreshold: '10',
      UnhealthyThreshold: '2',
    },
    AvailabilityZones: { member: ['zone-a', 'zone-c'] },
  };
  const answer = (crossZone: string) =>
    byAction({
      DescribeLoadBalancers: {
        body: xml({
          DescribeLoadBalancersResponse: {
            DescribeLoadBalancersResult: { LoadBalancerDescriptions: { member: described } },
          },
        }),
      },
      DescribeLoadBalancerAttributes: {
        body: xml({
          DescribeLoadBalancerAttributesResponse: {
            DescribeLoadBalancerAttributesResult: {
              LoadBalancerAttributes: { CrossZoneLoadBalancing: { Enabled: crossZone } },
            },
          },
        }),
      },
    });

  it.each([true, false])(
    'says what it checks, its zones, and whether it spreads over them (%s)',
    async (crossZone) => {
      answer(String(crossZone));
      expect(await inspector().balancer({ kind: 'classic', name: 'blog' })).toEqual({
        target: 'HTTP:80/health',
        crossZone,
        zones: ['zone-a', 'zone-c'],
        inUse: true,
      });
    },
  );

  it('that is not there is named', async () => {
    aws.answer(() => elbError('LoadBalancerNotFound'));
    await expect(inspector().balancer({ kind: 'classic', name: 'blog' })).rejects.toThrow(
      /^There is no classic load balancer blog\./,
    );
  });
});

describe('a target group', () => {
  const arn = 'arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/blog/0123456789abcdef';
  const ref = { kind: 'target-group', arn } as const;
  const result = (action: string, content: object) => ({
    body: xml({ [`${action}Response`]: { [`${action}Result`]: content as never } }),
  });
  const attributes = (action: string, value: string) =>
    result(action, { Attributes: { member: { Key: 'load_balancing.cross_zone.enabled', Value: value } } });
  const zones = (...names: string[]) => ({ member: names.map((ZoneName) => ({ ZoneName })) });
  const group = (balancers: string[]) =>
    result('DescribeTargetGroups', {
      TargetGroups: { member: { HealthCheckTimeoutSeconds: '6', LoadBalancerArns: { member: balancers } } },
    });

  it('serves the zones that all of its load balancers serve', async () => {
    byAction({
      DescribeTargetGroups: group(['lb-1', 'lb-2']),
      DescribeTargetGroupAttributes: attributes(
        'DescribeTargetGroupAttributes',
        'use_load_balancer_configuration',
      ),
      DescribeLoadBalancers: result('DescribeLoadBalancers', {
        LoadBalancers: {
          member: [
            { LoadBalancerArn: 'lb-1', Type: 'application', AvailabilityZones: zones('zone-a', 'zone-c') },
            { LoadBalancerArn: 'lb-2', Type: 'network', AvailabilityZones: zones('zone-c', 'zone-d') },
          ],
        },
      }),
      DescribeLoadBalancerAttributes: attributes('DescribeLoadBalancerAttributes', 'false'),
    });
    expect(await inspector().balancer(ref)).toEqual({
      // The network load balancer is not told to.
      crossZone: false,
      zones: ['zone-c'],
      inUse: true,
    });
  });

  it('may say itself that it spreads over zones', async () => {
    byAction({
      DescribeTargetGroups: group(['lb-1']),
      DescribeTargetGroupAttributes: attributes('DescribeTargetGroupAttributes', 'true'),
      DescribeLoadBalancers: result('DescribeLoadBalancers', {
        LoadBalancers: {
          member: { LoadBalancerArn: 'lb-1', Type: 'network', AvailabilityZones: zones('zone-a') },
        },
      }),
    });
    expect(await inspector().balancer(ref)).toMatchObject({ crossZone: true, zones: ['zone-a'] });
  });

  it('that nobody uses is said to be so, and not asked about as if it were all load balancers', async () => {
    byAction({
      DescribeTargetGroups: group([]),
      DescribeTargetGroupAttributes: attributes('DescribeTargetGroupAttributes', 'true'),
    });
    expect(await inspector().balancer(ref)).toMatchObject({ inUse: false, zones: [] });
  });

  it('that is not there is named', async () => {
    aws.answer(() => elbError('TargetGroupNotFound'));
    await expect(inspector().balancer(ref)).rejects.toThrow(named('LoadBalancerUnusable'));
  });
});

describe('a bucket', () => {
  const encryptedBy = (KMSMasterKeyID?: string) =>
    xml({
      ServerSideEncryptionConfiguration: {
        Rule: {
          ApplyServerSideEncryptionByDefault: {
            SSEAlgorithm: KMSMasterKeyID === undefined ? 'AES256' : 'aws:kms',
            ...(KMSMasterKeyID !== undefined && { KMSMasterKeyID }),
          },
        },
      },
    });
  const answer = (versioning: string, notification: string, encryption = encryptedBy(), key = {}) =>
    aws.answer(({ path }) => {
      if (path === '/') return { body: JSON.stringify({ KeyMetadata: key }) };
      if (path.includes('encryption')) return { body: encryption };
      return { body: path.includes('versioning') ? versioning : notification };
    });
  const plain = [xml({ VersioningConfiguration: '' }), xml({ NotificationConfiguration: '' })] as const;
  const KEY = 'arn:aws:kms:ap-northeast-1:123456789012:key/1234abcd';

  it.each([
    ['a key of its owner’s, by whatever name', 'alias/artifacts', { Arn: KEY, KeyManager: 'CUSTOMER' }, KEY],
    ['AWS’s own key', 'alias/aws/s3', { Arn: KEY, KeyManager: 'AWS' }, undefined],
  ])('says that it is encrypted with %s', async (_title, named, key, kmsKey) => {
    answer(...plain, encryptedBy(named), key);
    expect((await inspector().bucket('artifacts'))?.kmsKey).toBe(kmsKey);
  });

  it('is not asked for a key where S3 has no word on encryption', async () => {
    aws.answer(({ path }) =>
      path.includes('encryption')
        ? {
            status: 404,
            body: xml({ Error: { Code: 'ServerSideEncryptionConfigurationNotFoundError', Message: 'none' } }),
          }
        : { body: path.includes('versioning') ? plain[0] : plain[1] },
    );
    expect(await inspector().bucket('artifacts')).toEqual({
      versioned: false,
      eventBridge: false,
      notifications: {},
    });
  });

  it('says whether it keeps versions and tells EventBridge, and whom else it tells', async () => {
    answer(
      xml({ VersioningConfiguration: { Status: 'Enabled' } }),
      // As S3 writes it.
      `<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TopicConfiguration><Id>mine</Id>
       <Topic>arn:aws:sns:::topic</Topic><Event>s3:ObjectCreated:*</Event></TopicConfiguration>
       <EventBridgeConfiguration/></NotificationConfiguration>`,
    );
    expect(await inspector().bucket('artifacts')).toEqual({
      versioned: true,
      eventBridge: true,
      notifications: {
        TopicConfigurations: [
          { Id: 'mine', TopicArn: 'arn:aws:sns:::topic', Events: ['s3:ObjectCreated:*'] },
        ],
        EventBridgeConfiguration: {},
      },
    });
    expect(aws.requests.map(({ path }) => path.replace(/&.*|=&?.*/, '')).sort()).toEqual([
      '/artifacts/?encryption',
      '/artifacts/?notification',
      '/artifacts/?versioning',
    ]);
  });

  it.each(['', 'Suspended'])('does not keep versions when S3 says "%s"', async (status) => {
    answer(
      xml({ VersioningConfiguration: status ? { Status: status } : '' }),
      xml({ NotificationConfiguration: '' }),
    );
    expect(await inspector().bucket('artifacts')).toEqual({
      versioned: false,
      eventBridge: false,
      notifications: {},
    });
  });

  it('that is not there is absent; one that may not be asked is refused', async () => {
    const error = (Code: string, status: number) => ({
      status,
      body: xml({ Error: { Code, Message: 'because' } }),
    });
    aws.answer(() => error('NoSuchBucket', 404));
    expect(await inspector().bucket('artifacts')).toBeUndefined();
    aws.answer(() => error('AccessDenied', 403));
    await expect(inspector().bucket('artifacts')).rejects.toThrow(named('ServiceRefused'));
  });
});

describe('a state machine', () => {
  const arn = 'arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae-blog';

  it('is given with its definition, parsed', async () => {
    byAction({ DescribeStateMachine: json({ definition: '{"StartAt":"One"}' }) });
    expect(await inspector().machine(arn)).toEqual({ definition: { StartAt: 'One' } });
    expect(JSON.parse(aws.requests[0]?.body ?? '')).toEqual({ stateMachineArn: arn });
  });

  it('that is not there is absent; half an answer is none', async () => {
    byAction({ DescribeStateMachine: refusedJson('com.amazonaws.states#StateMachineDoesNotExist') });
    expect(await inspector().machine(arn)).toBeUndefined();
    byAction({ DescribeStateMachine: json({}) });
    await expect(inspector().machine(arn)).rejects.toThrow(named('ServiceUnavailable'));
  });

  it('is started by the rules that EventBridge names; one that is gone by then is none', async () => {
    aws.answer(({ headers, body }) => {
      if (headers['x-amz-target'] === 'AWSEvents.ListRuleNamesByTarget')
        return json({ RuleNames: ['on', 'off', 'gone'] });
      const { Name } = JSON.parse(body);
      if (Name === 'gone') return refusedJson('ResourceNotFoundException');
      return json({
        Name,
        State: Name === 'on' ? 'ENABLED' : 'DISABLED',
        EventPattern: '{"source":["aws.s3"]}',
      });
    });
    const pattern = { source: ['aws.s3'] };
    expect(await inspector().rulesThatStart(arn)).toEqual([
      { name: 'on', enabled: true, pattern },
      { name: 'off', enabled: false, pattern },
    ]);
  });
});

describe('a hook’s function', () => {
  const arn = 'arn:aws:lambda:ap-northeast-1:123456789012:function:migrate:live';

  it.each([
    [200, { State: 'Active', Timeout: 60 }, { state: 'Active', timeoutSeconds: 60 }],
    [404, { Message: 'Function not found' }, undefined],
  ])('answered with %i is what Lambda says', async (status, body, found) => {
    aws.answer(() => ({ status, body: JSON.stringify(body) }));
    expect(await inspector().lambda(arn)).toEqual(found);
    expect(aws.requests.at(-1)).toMatchObject({
      method: 'GET',
      path: '/2015-03-31/functions/migrate/configuration?Qualifier=live',
    });
  });

  it('that may not be asked for is refused', async () => {
    const headers = { 'x-amzn-errortype': 'AccessDeniedException:http://internal' };
    aws.answer(() => ({ status: 403, headers, body: '{"Message":"not authorized"}' }));
    await expect(inspector().lambda(arn)).rejects.toThrow(named('ServiceRefused'));
  });
});

describe('a stack', () => {
  it('has the status that CloudFormation says', async () => {
    byAction({ DescribeStacks: { body: xml({ Stacks: { member: { StackStatus: 'UPDATE_COMPLETE' } } }) } });
    expect(await inspector().stackStatus('irekae-qa')).toBe('UPDATE_COMPLETE');
  });

  it('that is not there is absent; one that may not be asked is refused', async () => {
    byAction({ DescribeStacks: elbError('ValidationError', 'Stack with id irekae-qa does not exist') });
    expect(await inspector().stackStatus('irekae-qa')).toBeUndefined();
    byAction({ DescribeStacks: elbError('AccessDenied', 'not authorized', 403) });
    await expect(inspector().stackStatus('irekae-qa')).rejects.toThrow(named('ServiceRefused'));
  });
});

describe('AWS’s clock', () => {
  it('is read from whatever STS answers, unsigned', async () => {
    aws.answer(() => ({ status: 302, headers: { date: 'Sun, 22 Nov 2026 03:00:00 GMT' } }));
    expect(await inspector().awsTime()).toEqual(new Date('2026-11-22T03:00:00Z'));
    expect(aws.requests[0]).toMatchObject({ method: 'HEAD' });
    expect(aws.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('that says nothing is unknown', async () => {
    aws.answer(() => ({ instead: 'silence' }));
    await expect(inspector().awsTime()).rejects.toThrow(named('ServiceUnavailable'));
  });
});
