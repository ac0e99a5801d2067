/** Everything in the world at one instant, as plain data: for pictures, and for the rules that are checked on it. */

import { loadBalancerName } from '../../lambdas/domain/core/fleet.ts';
import type { InstanceState } from '../../lambdas/ports/ec2.ts';
import type { LoadBalancerRef, MemberState } from '../../lambdas/ports/load-balancers.ts';
import type { MackerelStatus } from '../../lambdas/ports/mackerel.ts';
import type { Ec2Model } from './ec2.ts';
import type { Stage } from './instance-life.ts';
import { type Balancer, hasLeft, type LoadBalancersModel, memberAt } from './load-balancers.ts';
import type { MackerelModel, Role } from './mackerel.ts';

export interface WorldView {
  readonly at: Date;
  /** In order of launch; a terminated one for as long as EC2 describes it. */
  readonly instances: readonly InstanceView[];
  readonly loadBalancers: readonly LoadBalancerView[];
  /** Every host that is not retired. */
  readonly hosts: readonly HostView[];
  readonly openAlerts: readonly { readonly id: string; readonly hostId?: string; readonly message: string }[];
}

export interface InstanceView {
  readonly instanceId: string;
  readonly state: InstanceState;
  readonly stateReason?: string;
  readonly stage: Stage;
  readonly applicationUp: boolean;
  readonly zone: string;
  readonly subnetId: string;
  readonly instanceType: string;
  readonly imageId: string;
  readonly launchedAt: Date;
  /** The true ones: here they do not fade with the instance. */
  readonly tags: Readonly<Record<string, string>>;
  /** Its live entries in Mackerel, mostly one. */
  readonly hosts: readonly HostView[];
  readonly memberOf: readonly { readonly loadBalancer: string; readonly state: MemberState }[];
  /** The last line on its console, once a boot script has failed. */
  readonly consoleLine?: string;
}

export interface LoadBalancerView {
  readonly name: string;
  readonly ref: LoadBalancerRef;
  readonly zones: readonly string[];
  readonly members: readonly MemberView[];
  readonly inService: number;
}

export interface MemberView {
  readonly instanceId: string;
  readonly zone: string;
  /** Of its own, at a target group. */
  readonly port?: number;
  readonly state: MemberState;
  readonly reason: string;
}

export interface HostView {
  readonly id: string;
  readonly name: string;
  readonly status: MackerelStatus;
  readonly roles: readonly Role[];
  readonly instanceId?: string;
}

export interface Models {
  readonly ec2: Ec2Model;
  readonly loadBalancers: LoadBalancersModel;
  readonly mackerel: MackerelModel;
}

export function viewWorld({ ec2, loadBalancers, mackerel }: Models, at: number): WorldView {
  const balancers = loadBalancers.all().map((balancer) => viewBalancer(balancer, at));
  const hosts = mackerel.live().map(({ id, name, status, roles, instanceId }) => ({
    id,
    name,
    status,
    roles,
    ...(instanceId !== undefined && { instanceId }),
  }));
  const hostsOf = grouped(hosts, (host) => host.instanceId);
  const placesOf = grouped(
    balancers.flatMap(({ name, members }) => members.map((member) => ({ loadBalancer: name, ...member }))),
    (member) => member.instanceId,
  );
  return {
    at: new Date(at),
    instances: ec2.known().map((instance) => ({
      ...viewInstance(instance, at),
      hosts: hostsOf.get(instance.id) ?? [],
      memberOf: (placesOf.get(instance.id) ?? []).map(({ loadBalancer, state }) => ({ loadBalancer, state })),
    })),
    loadBalancers: balancers,
    hosts,
    openAlerts: mackerel.openAlerts().map(({ id, hostId, message }) => ({
      id,
      ...(hostId !== undefined && { hostId }),
      message,
    })),
  };
}

function viewInstance(
  instance: ReturnType<Ec2Model['instance']>,
  at: number,
): Omit<InstanceView, 'hosts' | 'memberOf'> {
  const { instanceId, zone, subnetId, instanceType, imageId, tags, consoleLine } = instance.facts;
  const stateReason = instance.stateReason(at);
  return {
    instanceId,
    state: instance.state(at),
    ...(stateReason !== undefined && { stateReason }),
    stage: instance.stage(at),
    applicationUp: instance.applicationIsUp(at),
    zone,
    subnetId,
    instanceType,
    imageId,
    launchedAt: new Date(instance.life.launchedAt),
    tags,
    ...(consoleLine !== undefined && stateReason !== undefined && { consoleLine }),
  };
}

function viewBalancer(balancer: Balancer, at: number): LoadBalancerView {
  const members = [...balancer.registrations.values()]
    .filter((registration) => !hasLeft(registration, at))
    .map((registration) => ({
      ...memberAt(balancer, registration, at),
      zone: registration.instance.facts.zone,
    }));
  return {
    name: loadBalancerName(balancer.ref),
    ref: balancer.ref,
    zones: balancer.settings.zones,
    members,
    inService: members.filter(({ state }) => state === 'in-service').length,
  };
}

/** `Map.groupBy`, which Node 20 does not have. */
function grouped<T>(
  things: readonly T[],
  keyOf: (thing: T) => string | undefined,
): Map<string | undefined, T[]> {
  const groups = new Map<string | undefined, T[]>();
  for (const thing of things) {
    const key = keyOf(thing);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [thing]);
    else group.push(thing);
  }
  return groups;
}
