/**
 * A classic ELB. Its answers need reading: a draining host is still "InService", and whether a host is registered at
 * all is said only in the description. The error names are the SDK's, not the ones of AWS's documentation.
 */

import type {
  ElasticLoadBalancingClient,
  InstanceState as WireHealth,
} from '@aws-sdk/client-elastic-load-balancing';
import {
  DeregisterInstancesFromLoadBalancerCommand,
  DescribeInstanceHealthCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  RegisterInstancesWithLoadBalancerCommand,
} from '@aws-sdk/client-elastic-load-balancing';
import type { LoadBalancerRef, LoadBalancerSettings, Member } from '../ports/load-balancers.ts';
import { noSuch, type OneLoadBalancer, oneLoadBalancer, unusable } from './one-load-balancer.ts';
import { unavailable } from './wire/aws-errors.ts';

type ClassicRef = Extract<LoadBalancerRef, { kind: 'classic' }>;

/** On the wire and in AWS's documentation: LoadBalancerNotFound. */
const NO_SUCH_LOAD_BALANCER = 'AccessPointNotFoundException';
/** On the wire and in AWS's documentation: InvalidInstance. */
const UNKNOWN_INSTANCE = 'InvalidEndPointException';

export function classicElb(client: ElasticLoadBalancingClient, ref: ClassicRef): OneLoadBalancer {
  const LoadBalancerName = ref.name;
  return oneLoadBalancer<WireHealth>({
    kind: 'load balancer',
    name: ref.name,
    noSuchBalancer: NO_SUCH_LOAD_BALANCER,
    noSuchInstance: UNKNOWN_INSTANCE,
    settings: () => settings(client, ref),
    health: async (ids) => {
      const asked = ids && { Instances: toInstances(ids) };
      const answer = await client.send(new DescribeInstanceHealthCommand({ LoadBalancerName, ...asked }));
      return answer.InstanceStates ?? [];
    },
    toMember: toClassicMember,
    register: (ids) => {
      const input = { LoadBalancerName, Instances: toInstances(ids) };
      return client.send(new RegisterInstancesWithLoadBalancerCommand(input));
    },
    deregister: (ids) => {
      const input = { LoadBalancerName, Instances: toInstances(ids) };
      return client.send(new DeregisterInstancesFromLoadBalancerCommand(input));
    },
  });
}

const toInstances = (ids: readonly string[]) => ids.map((InstanceId) => ({ InstanceId }));

async function settings(client: ElasticLoadBalancingClient, ref: ClassicRef): Promise<LoadBalancerSettings> {
  const named = { kind: 'load balancer', name: ref.name } as const;
  const answer = await client.send(new DescribeLoadBalancersCommand({ LoadBalancerNames: [ref.name] }));
  const [description] = answer.LoadBalancerDescriptions ?? [];
  if (description === undefined) throw noSuch(named);
  const { HealthCheck: check, VPCId: vpcId } = description;
  if (check?.Interval === undefined || vpcId === undefined) {
    throw unusable(named, 'it has no health check or stands in no VPC');
  }
  return {
    ref,
    vpcId,
    zones: description.AvailabilityZones ?? [],
    intervalSeconds: check.Interval,
    healthyThreshold: check.HealthyThreshold ?? 10,
    unhealthyThreshold: check.UnhealthyThreshold ?? 2,
    timeoutSeconds: check.Timeout ?? 5,
    drainSeconds: await drainSecondsOf(client, ref),
  };
}

/** 0 when draining is off, whatever time-out the load balancer remembers from when it was on. */
async function drainSecondsOf(client: ElasticLoadBalancingClient, ref: ClassicRef): Promise<number> {
  const command = new DescribeLoadBalancerAttributesCommand({ LoadBalancerName: ref.name });
  const draining = (await client.send(command)).LoadBalancerAttributes?.ConnectionDraining;
  return draining?.Enabled ? (draining.Timeout ?? 300) : 0;
}

const DRAINING = /deregistration currently in progress/i;
const NOT_REGISTERED = /not currently registered/i;
const ZONE_NOT_ENABLED = /Availability Zone for which LoadBalancer is not configured/i;

/** No member when the description says that the instance is not registered. */
export function toClassicMember({
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
