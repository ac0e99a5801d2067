/**
 * A target group of an application or network load balancer. New hosts are registered by instance id on the group's own
 * port. A target that somebody registered under another one is another target for AWS: asked for, and deregistered,
 * without that port, it is not registered.
 */

import type {
  ElasticLoadBalancingV2Client,
  TargetHealthDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  DeregisterTargetsCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { loadBalancerName } from '../domain/core/fleet.ts';
import type {
  LoadBalancerRef,
  LoadBalancerSettings,
  Member,
  MemberState,
  TargetPorts,
} from '../ports/load-balancers.ts';
import { noSuch, type OneLoadBalancer, oneLoadBalancer, unusable } from './one-load-balancer.ts';
import { unavailable } from './wire/aws-errors.ts';

type TargetGroupRef = Extract<LoadBalancerRef, { kind: 'target-group' }>;

export function targetGroup(client: ElasticLoadBalancingV2Client, ref: TargetGroupRef): OneLoadBalancer {
  const TargetGroupArn = ref.arn;
  return oneLoadBalancer<TargetHealthDescription>({
    kind: 'target group',
    name: loadBalancerName(ref),
    noSuchBalancer: 'TargetGroupNotFoundException',
    // Only running instances are taken.
    noSuchInstance: 'InvalidTargetException',
    settings: () => settings(client, ref),
    health: async (ids) => {
      const ask = async (asked: object = {}) =>
        (await client.send(new DescribeTargetHealthCommand({ TargetGroupArn, ...asked })))
          .TargetHealthDescriptions ?? [];
      if (!ids) return ask();
      const found = await ask({ Targets: toTargets(ids) });
      const absent = found.filter(isAbsent).map(({ Target }) => Target?.Id);
      // Under a port of its own, perhaps.
      return absent.length === 0
        ? found
        : [...found, ...(await ask()).filter(({ Target }) => absent.includes(Target?.Id))];
    },
    toMember: toTargetMember,
    register: (ids, ports) =>
      client.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: toTargets(ids, ports) })),
    deregister: (ids, ports) =>
      client.send(new DeregisterTargetsCommand({ TargetGroupArn, Targets: toTargets(ids, ports) })),
  });
}

const toTargets = (ids: readonly string[], ports: TargetPorts = {}) =>
  ids.flatMap((Id) => ports[Id]?.map((Port) => ({ Id, Port })) ?? [{ Id }]);

const isAbsent = ({ TargetHealth }: TargetHealthDescription) =>
  TargetHealth?.Reason === 'Target.NotRegistered';

async function settings(
  client: ElasticLoadBalancingV2Client,
  ref: TargetGroupRef,
): Promise<LoadBalancerSettings> {
  const named = { kind: 'target group', name: loadBalancerName(ref) } as const;
  const answer = await client.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [ref.arn] }));
  const [group] = answer.TargetGroups ?? [];
  if (group === undefined) throw noSuch(named);
  const { VpcId: vpcId, HealthCheckIntervalSeconds: intervalSeconds } = group;
  if (group.TargetType !== 'instance')
    throw unusable(named, `its targets are of type ${group.TargetType}, not instances`);
  if (vpcId === undefined || intervalSeconds === undefined) {
    throw unusable(named, 'it has no health check or stands in no VPC');
  }
  return {
    ref,
    vpcId,
    ...(group.Port !== undefined && { port: group.Port }),
    // A target group does not say which zones its load balancer serves.
    zones: [],
    intervalSeconds,
    healthyThreshold: group.HealthyThresholdCount ?? 5,
    unhealthyThreshold: group.UnhealthyThresholdCount ?? 2,
    timeoutSeconds: group.HealthCheckTimeoutSeconds ?? 5,
    ...(await attributesOf(client, ref)),
  };
}

async function attributesOf(
  client: ElasticLoadBalancingV2Client,
  ref: TargetGroupRef,
): Promise<Required<Pick<LoadBalancerSettings, 'drainSeconds' | 'slowStartSeconds'>>> {
  const answer = await client.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: ref.arn }));
  const seconds = (key: string, otherwise: number) =>
    Number((answer.Attributes ?? []).find(({ Key }) => Key === key)?.Value ?? otherwise);
  // AWS's own defaults, for a group that does not name them: one of a network load balancer knows no slow start.
  return {
    drainSeconds: seconds('deregistration_delay.timeout_seconds', 300),
    slowStartSeconds: seconds('slow_start.duration_seconds', 0),
  };
}

/** No member when the reason says that the instance is not registered. */
export function toTargetMember({ Target, TargetHealth }: TargetHealthDescription): Member[] {
  const instanceId = Target?.Id;
  if (instanceId === undefined)
    throw unavailable('describe members', 'ELB answered a health without a target id');
  const { State: wire = 'unknown', Reason: code, Description: description } = TargetHealth ?? {};
  if (code === 'Target.NotRegistered') return [];
  const state = memberState(wire, code);
  const words = [code, description].filter((part) => part !== undefined).join(': ');
  const reason = state === 'in-service' ? '' : words || wire;
  return [{ instanceId, ...(Target?.Port !== undefined && { port: Target.Port }), state, reason }];
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
