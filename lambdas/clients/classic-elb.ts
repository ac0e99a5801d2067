/**
 * A classic ELB. Its answers need reading: a draining host is still "InService", and whether a host is registered at
 * all is said only in the description. The error names are the SDK's, not the ones of AWS's documentation.
 */

import type {
  ElasticLoadBalancingClient,
  LoadBalancerDescription,
  InstanceState as WireHealth,
} from '@aws-sdk/client-elastic-load-balancing';
import {
  DeregisterInstancesFromLoadBalancerCommand,
  DescribeInstanceHealthCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  RegisterInstancesWithLoadBalancerCommand,
} from '@aws-sdk/client-elastic-load-balancing';
import { chunksOf } from '../domain/core/collections.ts';
import { DeploymentError } from '../domain/core/errors.ts';
import type { LoadBalancerRef, LoadBalancerSettings, Member } from '../ports/load-balancers.ts';
import { IDS_PER_REQUEST, type OneLoadBalancer } from './one-load-balancer.ts';
import { asking, isNamed, unavailable, wordsOf } from './wire/aws-errors.ts';
import { inChunks } from './wire/in-chunks.ts';

type ClassicRef = Extract<LoadBalancerRef, { kind: 'classic' }>;

/** On the wire and in AWS's documentation: LoadBalancerNotFound. */
const NO_SUCH_LOAD_BALANCER = 'AccessPointNotFoundException';
/** On the wire and in AWS's documentation: InvalidInstance. */
const UNKNOWN_INSTANCE = 'InvalidEndPointException';

export function classicElb(client: ElasticLoadBalancingClient, ref: ClassicRef): OneLoadBalancer {
  return {
    settings: () => asking(`describe load balancer ${ref.name}`, () => settings(client, ref)),
    members: (ids) =>
      asking(`describe the members of load balancer ${ref.name}`, () => members(client, ref, ids)),
    register: (ids) =>
      asking(`register hosts with load balancer ${ref.name}`, () => register(client, ref, ids)),
    deregister: (ids) =>
      asking(`deregister hosts from load balancer ${ref.name}`, () => deregister(client, ref, ids)),
  };
}

async function settings(client: ElasticLoadBalancingClient, ref: ClassicRef): Promise<LoadBalancerSettings> {
  const description = await existing(ref, () => describeOne(client, ref));
  const { HealthCheck: check, VPCId: vpcId } = description;
  if (check?.Interval === undefined || vpcId === undefined) {
    throw unusable(ref, 'it has no health check or stands in no VPC');
  }
  return {
    ref,
    vpcId,
    zones: description.AvailabilityZones ?? [],
    intervalSeconds: check.Interval,
    healthyThreshold: check.HealthyThreshold ?? 10,
    unhealthyThreshold: check.UnhealthyThreshold ?? 2,
    drainSeconds: await drainSecondsOf(client, ref),
  };
}

async function describeOne(
  client: ElasticLoadBalancingClient,
  ref: ClassicRef,
): Promise<LoadBalancerDescription> {
  const answer = await client.send(new DescribeLoadBalancersCommand({ LoadBalancerNames: [ref.name] }));
  const [description] = answer.LoadBalancerDescriptions ?? [];
  if (description === undefined) throw unusable(ref, 'there is no such load balancer');
  return description;
}

/** 0 when draining is off, whatever time-out the load balancer remembers from when it was on. */
async function drainSecondsOf(client: ElasticLoadBalancingClient, ref: ClassicRef): Promise<number> {
  const command = new DescribeLoadBalancerAttributesCommand({ LoadBalancerName: ref.name });
  const draining = (await client.send(command)).LoadBalancerAttributes?.ConnectionDraining;
  return draining?.Enabled ? (draining.Timeout ?? 300) : 0;
}

async function members(
  client: ElasticLoadBalancingClient,
  ref: ClassicRef,
  instanceIds?: readonly string[],
): Promise<Member[]> {
  const health = async (ids?: string[]): Promise<WireHealth[]> => {
    const asked = ids === undefined ? {} : { Instances: toInstances(ids) };
    const command = new DescribeInstanceHealthCommand({ LoadBalancerName: ref.name, ...asked });
    return (await client.send(command)).InstanceStates ?? [];
  };
  // With ids, those are really asked for: the answer to "all" need not hold the ones that drain. An unknown id among
  // them is looked for alone, rather than in the answer to "all": a draining host must never look gone.
  const answers = await existing(ref, () =>
    instanceIds === undefined
      ? health().then((all) => [all])
      : inChunks(instanceIds, IDS_PER_REQUEST, isUnknown, health),
  );
  return answers.flat().flatMap(toMember);
}

const DRAINING = /deregistration currently in progress/i;
const NOT_REGISTERED = /not currently registered/i;
const ZONE_NOT_ENABLED = /Availability Zone for which LoadBalancer is not configured/i;

/** No member when the description says that the instance is not registered. */
function toMember({
  InstanceId: instanceId,
  State: state,
  Description: description = '',
}: WireHealth): Member[] {
  if (instanceId === undefined)
    throw unavailable('describe members', 'ELB answered a health without an instance id');
  if (NOT_REGISTERED.test(description)) return [];
  // Before the state: a host that drains is still "InService".
  if (DRAINING.test(description)) return [{ instanceId, state: 'draining', reason: description }];
  if (state === 'InService') return [{ instanceId, state: 'in-service', reason: '' }];
  const reason = description === '' || description === 'N/A' ? (state ?? 'Unknown') : description;
  return [{ instanceId, state: ZONE_NOT_ENABLED.test(description) ? 'unused' : 'out-of-service', reason }];
}

async function register(client: ElasticLoadBalancingClient, ref: ClassicRef, instanceIds: readonly string[]) {
  for (const ids of chunksOf(instanceIds, IDS_PER_REQUEST)) {
    const input = { LoadBalancerName: ref.name, Instances: toInstances(ids) };
    try {
      await existing(ref, () => client.send(new RegisterInstancesWithLoadBalancerCommand(input)));
    } catch (error) {
      // A young instance may not be known everywhere yet. If it died instead, the next look at it tells.
      if (isUnknown(error)) throw unavailable(`register ${ids.join(', ')} with ${ref.name}`, wordsOf(error));
      throw error;
    }
  }
}

async function deregister(
  client: ElasticLoadBalancingClient,
  ref: ClassicRef,
  instanceIds: readonly string[],
) {
  // An unknown id is as good as deregistered.
  await inChunks(instanceIds, IDS_PER_REQUEST, isUnknown, (ids) => {
    const input = { LoadBalancerName: ref.name, Instances: toInstances(ids) };
    return existing(ref, () => client.send(new DeregisterInstancesFromLoadBalancerCommand(input)));
  });
}

const toInstances = (ids: string[]) => ids.map((InstanceId) => ({ InstanceId }));
const isUnknown = (error: unknown): error is Error => isNamed(error, UNKNOWN_INSTANCE);

/** Runs a request that only makes sense when the load balancer exists. */
async function existing<T>(ref: ClassicRef, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (isNamed(error, NO_SUCH_LOAD_BALANCER)) throw unusable(ref, 'there is no such load balancer');
    throw error;
  }
}

function unusable(ref: ClassicRef, why: string): DeploymentError {
  return new DeploymentError(
    'LoadBalancerUnusable',
    `The classic load balancer ${ref.name} cannot be used: ${why}. Correct the fleet's loadBalancers in bin/fleets.ts.`,
  );
}
