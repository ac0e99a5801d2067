import { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadBalancersAdapter } from '../../lambdas/clients/load-balancers.ts';
import type { LoadBalancerRef, LoadBalancers } from '../../lambdas/ports/load-balancers.ts';
import {
  type AwsEndpoint,
  type AwsReply,
  type AwsRequest,
  elbError,
  startAwsEndpoint,
  testClientOptions,
  type XmlValue,
  xml,
} from './aws-endpoint.ts';

let aws: AwsEndpoint;
let loadBalancers: LoadBalancers;
beforeEach(async () => {
  aws = await startAwsEndpoint();
  loadBalancers = loadBalancersAdapter({
    classic: new ElasticLoadBalancingClient(testClientOptions(aws.url)),
    targetGroups: new ElasticLoadBalancingV2Client(testClientOptions(aws.url)),
  });
});
afterEach(() => aws.stop());

/** An answer of the query protocol: `<ActionResponse><ActionResult>…`. */
const result = (action: string, content: XmlValue): AwsReply => ({
  body: xml({ [`${action}Response`]: { [`${action}Result`]: content } }),
});

const actions = () => aws.requests.map(({ form }) => form.Action);
const valuesOf = ({ form }: AwsRequest, prefix: string) =>
  Object.keys(form)
    .filter((key) => key.startsWith(prefix))
    .map((key) => form[key]);

describe('a classic ELB', () => {
  const elb: LoadBalancerRef = { kind: 'classic', name: 'blog' };
  const idsOf = (request: AwsRequest) => valuesOf(request, 'Instances.member.');
  const health = (...member: { InstanceId: string; State: string; Description?: string }[]) =>
    result('DescribeInstanceHealth', { InstanceStates: { member } });

  const description = {
    LoadBalancerName: 'blog',
    VPCId: 'vpc-1',
    AvailabilityZones: { member: ['az-a', 'az-c'] },
    HealthCheck: {
      Target: 'HTTP:80/',
      Interval: '10',
      Timeout: '5',
      HealthyThreshold: '2',
      UnhealthyThreshold: '3',
    },
  };
  const described = (draining: { Enabled: string; Timeout: string }) =>
    aws.answer(({ form }) =>
      form.Action === 'DescribeLoadBalancers'
        ? result('DescribeLoadBalancers', { LoadBalancerDescriptions: { member: description } })
        : result('DescribeLoadBalancerAttributes', {
            LoadBalancerAttributes: { ConnectionDraining: draining },
          }),
    );

  it('tells its settings', async () => {
    described({ Enabled: 'true', Timeout: '120' });
    expect(await loadBalancers.settings(elb)).toEqual({
      ref: elb,
      vpcId: 'vpc-1',
      zones: ['az-a', 'az-c'],
      intervalSeconds: 10,
      healthyThreshold: 2,
      unhealthyThreshold: 3,
      timeoutSeconds: 5,
      drainSeconds: 120,
    });
  });

  it('has no draining when it is switched off, whatever the time-out says', async () => {
    described({ Enabled: 'false', Timeout: '300' });
    expect(await loadBalancers.settings(elb)).toMatchObject({ drainSeconds: 0 });
  });

  it.each([
    ['settings', () => loadBalancers.settings(elb)],
    ['members', () => loadBalancers.members(elb)],
    ['register', () => loadBalancers.register(elb, ['i-1'])],
    ['deregister', () => loadBalancers.deregister(elb, ['i-1'])],
  ])('is unusable when it does not exist: %s', async (_, ask) => {
    aws.answer(() => elbError('LoadBalancerNotFound', 'There is no ACTIVE Load Balancer named blog'));
    await expect(ask()).rejects.toMatchObject({
      name: 'LoadBalancerUnusable',
      message: expect.stringContaining('blog'),
    });
  });

  it.each([
    ['in service', 'InService', 'N/A', [{ state: 'in-service', reason: '' }]],
    [
      'draining although it says InService',
      'InService',
      'Instance deregistration currently in progress.',
      [{ state: 'draining', reason: 'Instance deregistration currently in progress.' }],
    ],
    [
      'absent when it is not registered',
      'OutOfService',
      'Instance is not currently registered with the LoadBalancer.',
      [],
    ],
    [
      'out of service while its checks have not passed',
      'OutOfService',
      'Instance registration is still in progress.',
      [{ state: 'out-of-service', reason: 'Instance registration is still in progress.' }],
    ],
    [
      'unused in a zone that is not enabled',
      'OutOfService',
      'Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to.',
      [{ state: 'unused' }],
    ],
    [
      'out of service after a transient error',
      'Unknown',
      'A transient error occurred. Please try again later.',
      [{ state: 'out-of-service', reason: 'A transient error occurred. Please try again later.' }],
    ],
    [
      'out of service when there is no reason',
      'Unknown',
      'N/A',
      [{ state: 'out-of-service', reason: 'Unknown' }],
    ],
  ])('calls a member %s', async (_, State, Description, expected) => {
    aws.answer(() => health({ InstanceId: 'i-1', State, Description }));
    expect(await loadBalancers.members(elb, ['i-1'])).toMatchObject(expected);
  });

  it('asks for all members without ids, and for exactly those with ids', async () => {
    aws.answer(() => health({ InstanceId: 'i-1', State: 'InService' }));
    expect(await loadBalancers.members(elb)).toHaveLength(1);
    await loadBalancers.members(elb, ['i-1', 'i-2']);
    expect(aws.requests.map(idsOf)).toEqual([[], ['i-1', 'i-2']]);
  });

  it('asks nothing for no ids: the same request without ids would mean all', async () => {
    expect(await loadBalancers.members(elb, [])).toEqual([]);
    expect(aws.requests).toEqual([]);
  });

  it('leaves out an id that ELB does not know, and still sees the one that drains', async () => {
    aws.answer((request) => {
      const ids = idsOf(request);
      if (ids.includes('i-unknown'))
        return elbError('InvalidInstance', 'Could not find EC2 instance i-unknown.');
      return health(
        ...ids.map((id = '') => ({
          InstanceId: id,
          State: 'InService',
          Description: 'Instance deregistration currently in progress.',
        })),
      );
    });
    expect(await loadBalancers.members(elb, ['i-1', 'i-unknown', 'i-2'])).toMatchObject([
      { instanceId: 'i-1', state: 'draining' },
      { instanceId: 'i-2', state: 'draining' },
    ]);
  });

  it('does not know its members when ELB throttles', async () => {
    aws.answer(() => elbError('Throttling', 'Rate exceeded'));
    await expect(loadBalancers.members(elb, ['i-1'])).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('does not know its members when one of the single answers is lost', async () => {
    aws.answer((request) => {
      const ids = idsOf(request);
      if (ids.length > 1) return elbError('InvalidInstance');
      return ids[0] === 'i-1' ? { instead: 'hang-up' } : health();
    });
    await expect(loadBalancers.members(elb, ['i-1', 'i-2'])).rejects.toMatchObject({
      name: 'ServiceUnavailable',
    });
  });

  it('registers at most 100 hosts at a time, each once', async () => {
    aws.answer(() => result('RegisterInstancesWithLoadBalancer', ''));
    const ids = Array.from({ length: 101 }, (_, n) => `i-${n}`);
    await loadBalancers.register(elb, [...ids, 'i-0']);
    expect(aws.requests.map((request) => idsOf(request).length)).toEqual([100, 1]);
    expect(aws.requests[0]?.form).toMatchObject({
      Action: 'RegisterInstancesWithLoadBalancer',
      LoadBalancerName: 'blog',
      'Instances.member.1.InstanceId': 'i-0',
    });
  });

  it('does not take a host that it does not know yet: that may pass', async () => {
    aws.answer(() => elbError('InvalidInstance', 'Could not find EC2 instance i-1.'));
    await expect(loadBalancers.register(elb, ['i-1'])).rejects.toMatchObject({
      name: 'ServiceUnavailable',
      message: expect.stringContaining('i-1'),
    });
  });

  it('deregisters the rest when one is unknown, which counts as done', async () => {
    aws.answer((request) =>
      idsOf(request).includes('i-gone')
        ? elbError('InvalidInstance')
        : result('DeregisterInstancesFromLoadBalancer', ''),
    );
    await loadBalancers.deregister(elb, ['i-1', 'i-gone', 'i-2']);
    expect(aws.requests.map(idsOf)).toEqual([['i-1', 'i-gone', 'i-2'], ['i-1'], ['i-gone'], ['i-2']]);
  });

  it('is not asked to register or deregister nobody', async () => {
    await loadBalancers.register(elb, []);
    await loadBalancers.deregister(elb, []);
    expect(actions()).toEqual([]);
  });
});

describe('a target group', () => {
  const arn = 'arn:aws:elasticloadbalancing:ap-northeast-1:1:targetgroup/blog/abc';
  const group: LoadBalancerRef = { kind: 'target-group', arn };
  const idsOf = (request: AwsRequest) => valuesOf(request, 'Targets.member.');
  const health = (...states: { id: string; State: string; Reason?: string; Description?: string }[]) =>
    result('DescribeTargetHealth', {
      TargetHealthDescriptions: {
        member: states.map(({ id, ...TargetHealth }) => ({ Target: { Id: id, Port: '80' }, TargetHealth })),
      },
    });

  const described = (more: Record<string, string>, attributes: XmlValue[]) =>
    aws.answer(({ form }) =>
      form.Action === 'DescribeTargetGroups'
        ? result('DescribeTargetGroups', {
            TargetGroups: {
              member: {
                TargetGroupArn: arn,
                VpcId: 'vpc-1',
                TargetType: 'instance',
                HealthCheckIntervalSeconds: '15',
                HealthyThresholdCount: '3',
                UnhealthyThresholdCount: '2',
                ...more,
              },
            },
          })
        : result('DescribeTargetGroupAttributes', { Attributes: { member: attributes } }),
    );

  it('tells its settings', async () => {
    described({}, [
      { Key: 'stickiness.enabled', Value: 'false' },
      { Key: 'deregistration_delay.timeout_seconds', Value: '60' },
      { Key: 'slow_start.duration_seconds', Value: '30' },
    ]);
    expect(await loadBalancers.settings(group)).toEqual({
      ref: group,
      vpcId: 'vpc-1',
      zones: [],
      intervalSeconds: 15,
      healthyThreshold: 3,
      unhealthyThreshold: 2,
      timeoutSeconds: 5,
      drainSeconds: 60,
      slowStartSeconds: 30,
    });
  });

  it('may cut requests at once, and one of a network load balancer knows no slow start', async () => {
    described({}, [{ Key: 'deregistration_delay.timeout_seconds', Value: '0' }]);
    expect(await loadBalancers.settings(group)).toMatchObject({ drainSeconds: 0, slowStartSeconds: 0 });
  });

  it('is unusable when it takes IP addresses instead of instances', async () => {
    described({ TargetType: 'ip' }, []);
    await expect(loadBalancers.settings(group)).rejects.toMatchObject({
      name: 'LoadBalancerUnusable',
      message: expect.stringContaining('type ip'),
    });
  });

  it.each([
    ['settings', () => loadBalancers.settings(group)],
    ['members', () => loadBalancers.members(group)],
    ['register', () => loadBalancers.register(group, ['i-1'])],
    ['deregister', () => loadBalancers.deregister(group, ['i-1'])],
  ])('is unusable when it does not exist: %s', async (_, ask) => {
    aws.answer(() => elbError('TargetGroupNotFound', 'One or more target groups not found'));
    await expect(ask()).rejects.toMatchObject({
      name: 'LoadBalancerUnusable',
      message: expect.stringContaining('blog'),
    });
  });

  it.each([
    ['healthy', undefined, [{ state: 'in-service', reason: '' }]],
    [
      'initial',
      'Elb.RegistrationInProgress',
      [{ state: 'out-of-service', reason: 'Elb.RegistrationInProgress' }],
    ],
    [
      'unhealthy',
      'Target.ResponseCodeMismatch',
      [{ state: 'out-of-service', reason: 'Target.ResponseCodeMismatch' }],
    ],
    ['unhealthy.draining', 'Target.FailedHealthChecks', [{ state: 'out-of-service' }]],
    ['draining', 'Target.DeregistrationInProgress', [{ state: 'draining' }]],
    ['unused', 'Target.NotInUse', [{ state: 'unused', reason: 'Target.NotInUse' }]],
    ['unused', 'Target.NotRegistered', []],
    ['unused', 'Target.InvalidState', [{ state: 'out-of-service', reason: 'Target.InvalidState' }]],
    ['unavailable', 'Elb.InternalError', [{ state: 'out-of-service', reason: 'Elb.InternalError' }]],
    ['half-healthy', undefined, [{ state: 'out-of-service', reason: 'half-healthy' }]],
  ])('reads %s (%s)', async (State, Reason, expected) => {
    aws.answer(() => health({ id: 'i-1', State, ...(Reason === undefined ? {} : { Reason }) }));
    expect(await loadBalancers.members(group, ['i-1'])).toMatchObject(expected);
  });

  it('gives the reason in the load balancer’s own words', async () => {
    aws.answer(() =>
      health({ id: 'i-1', State: 'unhealthy', Reason: 'Target.Timeout', Description: 'Request timed out' }),
    );
    expect(await loadBalancers.members(group)).toEqual([
      { instanceId: 'i-1', port: 80, state: 'out-of-service', reason: 'Target.Timeout: Request timed out' },
    ]);
  });

  it('asks for all members without ids, and for exactly those with ids', async () => {
    aws.answer(() => health());
    await loadBalancers.members(group);
    await loadBalancers.members(group, ['i-1', 'i-2']);
    expect(aws.requests.map(idsOf)).toEqual([[], ['i-1', 'i-2']]);
  });

  it('leaves out an id that it does not know', async () => {
    aws.answer((request) =>
      idsOf(request).includes('i-unknown')
        ? elbError('InvalidTarget')
        : health({ id: 'i-1', State: 'healthy' }),
    );
    expect(await loadBalancers.members(group, ['i-1', 'i-unknown'])).toMatchObject([{ instanceId: 'i-1' }]);
  });

  it('does not know its members when the health is unavailable', async () => {
    aws.answer(() => elbError('HealthUnavailable', 'internal', 500));
    await expect(loadBalancers.members(group)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('registers by instance id, on the group’s own port', async () => {
    aws.answer(() => result('RegisterTargets', ''));
    await loadBalancers.register(group, ['i-1', 'i-2']);
    expect(aws.requests[0]?.form).toEqual({
      Action: 'RegisterTargets',
      Version: '2015-12-01',
      TargetGroupArn: arn,
      'Targets.member.1.Id': 'i-1',
      'Targets.member.2.Id': 'i-2',
    });
  });

  it.each(['register', 'deregister'] as const)('%ss a target under each of its ports', async (act) => {
    aws.answer(() => result('Targets', ''));
    await loadBalancers[act](group, ['i-1', 'i-2'], { 'i-1': [80, 8081] });
    expect(aws.requests[0]?.form).toMatchObject({
      'Targets.member.1.Id': 'i-1',
      'Targets.member.1.Port': '80',
      'Targets.member.2.Id': 'i-1',
      'Targets.member.2.Port': '8081',
      'Targets.member.3.Id': 'i-2',
    });
  });

  it('looks under other ports for a target that is not on the group’s own', async () => {
    const target = (Port: string, State: string, Reason = '') => ({
      Target: { Id: 'i-1', Port },
      TargetHealth: { State, Reason },
    });
    aws.answer((request) =>
      result('DescribeTargetHealth', {
        TargetHealthDescriptions: {
          member:
            idsOf(request).length > 0
              ? [target('80', 'unused', 'Target.NotRegistered')]
              : [target('8081', 'draining', 'Target.DeregistrationInProgress')],
        },
      }),
    );
    expect(await loadBalancers.members(group, ['i-1'])).toMatchObject([
      { instanceId: 'i-1', port: 8081, state: 'draining' },
    ]);
  });

  it('does not take a host that is not running yet: that may pass', async () => {
    aws.answer(() => elbError('InvalidTarget', 'The following targets are not in a running state: i-1'));
    await expect(loadBalancers.register(group, ['i-1'])).rejects.toMatchObject({
      name: 'ServiceUnavailable',
    });
  });

  it('refuses more targets than its limit, with AWS’s words', async () => {
    aws.answer(() => elbError('TooManyTargets', 'You have reached the limit'));
    await expect(loadBalancers.register(group, ['i-1'])).rejects.toMatchObject({
      name: 'ServiceRefused',
      message: expect.stringContaining('You have reached the limit'),
    });
  });

  it('deregisters; an unknown instance counts as done', async () => {
    aws.answer((request) =>
      idsOf(request).includes('i-gone') ? elbError('InvalidTarget') : result('DeregisterTargets', ''),
    );
    await loadBalancers.deregister(group, ['i-1', 'i-gone']);
    expect(aws.requests.map(idsOf)).toEqual([['i-1', 'i-gone'], ['i-1'], ['i-gone']]);
  });
});
