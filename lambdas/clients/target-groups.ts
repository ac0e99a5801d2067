/**
 * A target group of an application or network load balancer. Hosts are registered by instance id on the group's own
 * port; a target that somebody registered with another port is seen, and not taken out by us.
 */

import type {
  ElasticLoadBalancingV2Client,
  TargetGroup,
  TargetHealthDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  DeregisterTargetsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { chunksOf } from '../domain/core/collections.ts';
import { DeploymentError } from '../domain/core/errors.ts';
import { loadBalancerName } from '../domain/core/fleet.ts';
import type { LoadBalancerRef, LoadBalancerSettings, Member, MemberState } from '../ports/load-balancers.ts';
import { IDS_PER_REQUEST, type OneLoadBalancer } from './one-load-balancer.ts';
import { asking, isNamed, unavailable, wordsOf } from './wire/aws-errors.ts';
import { inChunks } from './wire/in-chunks.ts';

type TargetGroupRef = Extract<LoadBalancerRef, { kind: 'target-group' }>;

export function targetGroup(client: ElasticLoadBalancingV2Client, ref: TargetGroupRef): OneLoadBalancer {
  const name = loadBalancerName(ref);
  return {
    settings: () => asking(`describe target group ${name}`, () => settings(client, ref)),
    members: (ids) => asking(`describe the members of target group ${name}`, () => members(client, ref, ids)),
    register: (ids) => asking(`register hosts with target group ${name}`, () => register(client, ref, ids)),
    deregister: (ids) =>
      asking(`deregister hosts from target group ${name}`, () => deregister(client, ref, ids)),
  };
}

async function settings(
  client: ElasticLoadBalancingV2Client,
  ref: TargetGroupRef,
): Promise<LoadBalancerSettings> {
  const group = await existing(ref, () => describeOne(client, ref));
  const { VpcId: vpcId, HealthCheckIntervalSeconds: intervalSeconds } = group;
  if (group.TargetType !== 'instance')
    throw unusable(ref, `its targets are of type ${group.TargetType}, not instances`);
  if (vpcId === undefined || intervalSeconds === undefined) {
    throw unusable(ref, 'it has no health check or stands in no VPC');
  }
  return {
    ref,
    vpcId,
    // A target group does not say which zones its load balancer serves.
    zones: [],
    intervalSeconds,
    healthyThreshold: group.HealthyThresholdCount ?? 5,
    unhealthyThreshold: group.UnhealthyThresholdCount ?? 2,
    drainSeconds: await drainSecondsOf(client, ref),
  };
}

async function describeOne(client: ElasticLoadBalancingV2Client, ref: TargetGroupRef): Promise<TargetGroup> {
  const answer = await client.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [ref.arn] }));
  const [group] = answer.TargetGroups ?? [];
  if (group === undefined) throw unusable(ref, 'there is no such target group');
  return group;
}

async function drainSecondsOf(client: ElasticLoadBalancingV2Client, ref: TargetGroupRef): Promise<number> {
  const answer = await client.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: ref.arn }));
  const delay = (answer.Attributes ?? []).find(({ Key }) => Key === 'deregistration_delay.timeout_seconds');
  // AWS's own default, for a group that does not name it.
  return Number(delay?.Value ?? 300);
}

async function members(
  client: ElasticLoadBalancingV2Client,
  ref: TargetGroupRef,
  instanceIds?: readonly string[],
): Promise<Member[]> {
  const health = async (ids?: string[]): Promise<TargetHealthDescription[]> => {
    const asked = ids === undefined ? {} : { Targets: toTargets(ids) };
    const command = new DescribeTargetHealthCommand({ TargetGroupArn: ref.arn, ...asked });
    return (await client.send(command)).TargetHealthDescriptions ?? [];
  };
  const answers = await existing(ref, () =>
    instanceIds === undefined
      ? health().then((all) => [all])
      : inChunks(instanceIds, IDS_PER_REQUEST, isUnknown, health),
  );
  return answers.flat().flatMap(toMember);
}

/** No member when the reason says that the instance is not registered. */
function toMember({ Target, TargetHealth }: TargetHealthDescription): Member[] {
  const instanceId = Target?.Id;
  if (instanceId === undefined)
    throw unavailable('describe members', 'ELB answered a health without a target id');
  const { State: wire = 'unknown', Reason: code, Description: description } = TargetHealth ?? {};
  if (code === 'Target.NotRegistered') return [];
  const state = memberState(wire, code);
  const words = [code, description].filter((part) => part !== undefined).join(': ');
  return [{ instanceId, state, reason: state === 'in-service' ? '' : words || wire }];
}

/** States that are not named here (`initial`, `unhealthy`, `unavailable`, and any that AWS adds) are not in service. */
function memberState(state: string, reason: string | undefined): MemberState {
  if (state === 'healthy') return 'in-service';
  // `unhealthy.draining` is not meant: that target is still registered, and only its open connections are kept.
  if (state === 'draining') return 'draining';
  // The other reasons of `unused` pass or are told by EC2 too: a stopped instance, say.
  if (state === 'unused' && reason === 'Target.NotInUse') return 'unused';
  return 'out-of-service';
}

async function register(
  client: ElasticLoadBalancingV2Client,
  ref: TargetGroupRef,
  instanceIds: readonly string[],
) {
  for (const ids of chunksOf(instanceIds, IDS_PER_REQUEST)) {
    const input = { TargetGroupArn: ref.arn, Targets: toTargets(ids) };
    try {
      await existing(ref, () => client.send(new RegisterTargetsCommand(input)));
    } catch (error) {
      // Only running instances are taken. If one died instead, the next look at it tells.
      const doing = `register ${ids.join(', ')} with ${loadBalancerName(ref)}`;
      if (isUnknown(error)) throw unavailable(doing, wordsOf(error));
      throw error;
    }
  }
}

async function deregister(
  client: ElasticLoadBalancingV2Client,
  ref: TargetGroupRef,
  instanceIds: readonly string[],
) {
  await inChunks(instanceIds, IDS_PER_REQUEST, isUnknown, (ids) => {
    const input = { TargetGroupArn: ref.arn, Targets: toTargets(ids) };
    return existing(ref, () => client.send(new DeregisterTargetsCommand(input)));
  });
}

const toTargets = (ids: string[]) => ids.map((Id) => ({ Id }));
const isUnknown = (error: unknown): error is Error => isNamed(error, 'InvalidTargetException');

/** Runs a request that only makes sense when the target group exists. */
async function existing<T>(ref: TargetGroupRef, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (isNamed(error, 'TargetGroupNotFoundException')) throw unusable(ref, 'there is no such target group');
    throw error;
  }
}

function unusable(ref: TargetGroupRef, why: string): DeploymentError {
  return new DeploymentError(
    'LoadBalancerUnusable',
    `The target group ${loadBalancerName(ref)} cannot be used: ${why}. Correct the fleet's loadBalancers in bin/fleets.ts.`,
  );
}
