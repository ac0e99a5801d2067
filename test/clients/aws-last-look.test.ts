/** The look at the end over the wire: what it asks, and how it reads the XML of EC2 and of both kinds of load balancer. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastLookAdapter } from '../../lambdas/clients/last-look.ts';
import { failure } from '../support/failures.ts';
import { API, WEB } from '../support/fleets.ts';
import {
  type AwsEndpoint,
  type AwsReply,
  ec2Error,
  elbError,
  startAwsEndpoint,
  testClientOptions,
  type XmlValue,
  xml,
} from './aws-endpoint.ts';

let aws: AwsEndpoint;
beforeEach(async () => {
  aws = await startAwsEndpoint();
});
afterEach(() => aws.stop());

const look = () => {
  const { region, credentials } = testClientOptions(aws.url);
  return lastLookAdapter({
    region,
    endpoint: aws.url,
    credentials: async () => credentials,
    timeoutMs: 200,
    pauseMs: 1,
  });
};

const instance = (instanceId: string, state: string, more: Readonly<Record<string, XmlValue>> = {}) => ({
  // In this order, and with items within: so does moto.
  groupSet: { item: { groupId: 'sg-1' } },
  imageId: 'ami-1',
  instanceState: { code: '16', name: state },
  instanceType: 't4g.small',
  launchTime: '2026-03-01T09:00:00.000Z',
  placement: { availabilityZone: 'ap-northeast-1a' },
  tagSet: {
    item: [
      { key: 'irekae:fleet', value: 'shop' },
      { key: 'a&b', value: '<c>' },
    ],
  } as never,
  instanceId,
  ...more,
});
const reservations = (instances: readonly object[], token = ''): AwsReply => ({
  body: xml({
    DescribeInstancesResponse: {
      reservationSet: { item: { instancesSet: { item: instances } } },
      nextToken: token,
    } as never,
  }),
});

describe('EC2', () => {
  it('is asked for ids by a filter, and read to the letter', async () => {
    const reason = { stateReason: { code: 'Server.InternalError', message: 'Server.InternalError: lost' } };
    aws.answer(() => reservations([instance('i-1', 'running'), instance('i-2', 'terminated', reason)]));
    const found = await look().ec2.describe(['i-1', 'i-2']);
    expect(found).toMatchObject([
      { instanceId: 'i-1', state: 'running', tags: { 'irekae:fleet': 'shop', 'a&b': '<c>' } },
      { instanceId: 'i-2', state: 'terminated', stateReason: 'Server.InternalError: lost' },
    ]);
    expect(found[0]).toMatchObject({ zone: 'ap-northeast-1a', imageId: 'ami-1', instanceType: 't4g.small' });
    expect(found[0]).not.toHaveProperty('stateReason');
    expect(aws.requests[0]?.form).toMatchObject({
      Action: 'DescribeInstances',
      'Filter.1.Name': 'instance-id',
      'Filter.1.Value.1': 'i-1',
      'Filter.1.Value.2': 'i-2',
    });
  });

  it('is asked for nobody without a request', async () => {
    expect(await look().ec2.describe([])).toEqual([]);
    expect(aws.requests).toEqual([]);
  });

  it('is read to the last page; a tag’s wildcards and the terminated are left out', async () => {
    const pages = [
      reservations([instance('i-1', 'running')], 'more'),
      reservations([instance('i-2', 'stopped'), instance('i-3', 'terminated')]),
    ];
    aws.answer(() => pages.shift() ?? {});
    const found = await look().ec2.listByTag('irekae:fleet', 'shop');
    expect(found.map(({ instanceId }) => instanceId)).toEqual(['i-1', 'i-2']);
    expect(aws.requests.map(({ form }) => form.NextToken)).toEqual([undefined, 'more']);
    aws.answer(() => reservations([instance('i-1', 'running')]));
    expect(await look().ec2.listByTag('irekae:fleet', 'sh*')).toEqual([]);
  });

  it('is not believed when it answers half an instance', async () => {
    aws.answer(() => ({
      body: '<r><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></r>',
    }));
    await expect(look().ec2.describe(['i-1'])).rejects.toThrow(failure('ServiceUnavailable', 'half'));
  });

  it('is not believed when its answer was cut off', async () => {
    aws.answer(() => ({ body: '<r><instancesSet><item><instanceId>i-1</instanceId>' }));
    await expect(look().ec2.describe(['i-1'])).rejects.toThrow(failure('ServiceUnavailable', 'read'));
  });

  it.each([
    [ec2Error('UnauthorizedOperation', 'no', 403), 'ServiceRefused', 1],
    [ec2Error('RequestLimitExceeded', 'slow down', 503), 'ServiceUnavailable', 3],
    [{ instead: 'silence' }, 'ServiceUnavailable', 3],
    [{ instead: 'hang-up' }, 'ServiceUnavailable', 3],
  ] as const)('that answers %j is a failure of the closed list', async (reply, name, times) => {
    aws.answer(() => reply as AwsReply);
    await expect(look().ec2.describe(['i-1'])).rejects.toThrow(failure(name));
    expect(aws.requests).toHaveLength(times);
  });
});

describe('A load balancer', () => {
  it('of the classic kind is read as the SDK’s adapter reads it', async () => {
    const states = [
      { InstanceId: 'i-1', State: 'InService', Description: 'N/A' },
      {
        InstanceId: 'i-2',
        State: 'InService',
        Description: 'Instance deregistration currently in progress.',
      },
      { InstanceId: 'i-3', State: 'OutOfService', Description: 'It failed.' },
      { Description: 'Instance is not currently registered with the LoadBalancer.', InstanceId: 'i-4' },
    ];
    aws.answer(() => ({ body: xml({ r: { InstanceStates: { member: states } } as never }) }));
    expect(
      (await look().loadBalancers.members(WEB)).map(({ instanceId, state }) => [instanceId, state]),
    ).toEqual([
      ['i-1', 'in-service'],
      ['i-2', 'draining'],
      ['i-3', 'out-of-service'],
    ]);
    expect(aws.requests[0]?.form).toMatchObject({
      Action: 'DescribeInstanceHealth',
      LoadBalancerName: 'web',
    });
  });

  it('that is a target group is read by its target’s health, not by what stands beside', async () => {
    const target = (Id: string, health: Readonly<Record<string, string>>) => ({
      HealthCheckPort: '80',
      AdministrativeOverride: { State: 'no_override' },
      Target: { Id, Port: '80' },
      TargetHealth: health,
    });
    const targets = [
      target('i-1', { State: 'healthy' }),
      target('i-2', { State: 'draining', Reason: 'Target.DeregistrationInProgress' }),
      target('i-3', { State: 'unused', Reason: 'Target.NotRegistered' }),
    ];
    aws.answer(() => ({ body: xml({ r: { TargetHealthDescriptions: { member: targets } } as never }) }));
    expect(await look().loadBalancers.members(API)).toMatchObject([
      { instanceId: 'i-1', state: 'in-service' },
      { instanceId: 'i-2', state: 'draining' },
    ]);
    expect(aws.requests[0]?.form).toMatchObject({ Action: 'DescribeTargetHealth', TargetGroupArn: API.arn });
  });

  it('that is not there is a refusal', async () => {
    aws.answer(() => elbError('LoadBalancerNotFound'));
    await expect(look().loadBalancers.members(WEB)).rejects.toThrow(failure('ServiceRefused'));
  });
});
