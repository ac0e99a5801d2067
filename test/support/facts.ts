/** What AWS and Mackerel say, in a few words: instances, hosts and members for decisions and for literal ports. */

import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { launchTokens } from '../../lambdas/domain/core/names.ts';
import type { Image, Instance } from '../../lambdas/ports/ec2.ts';
import type { LoadBalancerSettings, Member } from '../../lambdas/ports/load-balancers.ts';
import type { MackerelAlert, MackerelHost } from '../../lambdas/ports/mackerel.ts';
import { at, EXECUTION, NEW, OLD, ZONES } from './deployments.ts';
import { WEB } from './fleets.ts';

/** A running instance of the fleet `shop`. */
export const anInstance = (instanceId: string, changes: Partial<Instance> = {}): Instance => ({
  instanceId,
  state: 'running',
  launchedAt: at(10),
  zone: ZONES[0],
  subnetId: 'subnet-a',
  imageId: 'ami-0abc',
  instanceType: 't4g.small',
  tags: { [TAG.fleet]: 'shop' },
  ...changes,
});

/** An instance that the deployment `deploy-2` of the fleet `shop` launched. */
export const aNewInstance = (instanceId: string, changes: Partial<Instance> = {}): Instance =>
  anInstance(instanceId, {
    tags: { [TAG.fleet]: 'shop', [TAG.deployment]: 'deploy-2', [TAG.template]: 'lt-1' },
    clientToken: `${launchTokens(EXECUTION)}1`,
    ...changes,
  });

export const aHost = (instanceId: string, changes: Partial<MackerelHost> = {}): MackerelHost => ({
  id: `host of ${instanceId}`,
  name: instanceId,
  status: 'working',
  instanceId,
  createdAt: at(0),
  ...changes,
});

/** A Mackerel host that is no EC2 instance. */
export const aHostElsewhere = (name: string): MackerelHost => ({
  id: `host of ${name}`,
  name,
  status: 'working',
  createdAt: at(0),
});

export const inService = (instanceId: string): Member => ({ instanceId, state: 'in-service', reason: '' });
export const outOfService = (instanceId: string, reason = 'checks fail'): Member => ({
  instanceId,
  state: 'out-of-service',
  reason,
});
export const draining = (instanceId: string): Member => ({
  instanceId,
  state: 'draining',
  reason: 'deregistration currently in progress',
});

export const anAlert = (instanceId: string, changes: Partial<MackerelAlert> = {}): MackerelAlert => ({
  id: 'alert-1',
  status: 'CRITICAL',
  hostId: `host of ${instanceId}`,
  message: 'loadavg5 12 > 8',
  openedAt: at(110),
  ...changes,
});

export const anImage = (changes: Partial<Image> = {}): Image => ({
  imageId: 'ami-0abc',
  name: 'shop-1',
  architecture: 'arm64',
  state: 'available',
  owner: '123456789012',
  tags: {},
  rootDevice: '/dev/xvda',
  createdAt: at(-86_400),
  ...changes,
});

export const someSettings = (changes: Partial<LoadBalancerSettings> = {}): LoadBalancerSettings => ({
  ref: WEB,
  vpcId: 'vpc-1',
  zones: [...ZONES],
  intervalSeconds: 5,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
  timeoutSeconds: 4,
  drainSeconds: 30,
  ...changes,
});

/** All that the outside world would show. */
export interface Scene {
  readonly instances: readonly Instance[];
  readonly hosts: readonly MackerelHost[];
  readonly members: Readonly<Record<string, readonly Member[]>>;
  readonly alerts: readonly MackerelAlert[];
}

/** Old and new hosts run and serve, side by side. */
export const allWell = (changes: Partial<Scene> = {}): Scene => ({
  instances: [...OLD.map((id) => anInstance(id)), ...NEW.map((id) => aNewInstance(id))],
  hosts: [...OLD, ...NEW].map((id) => aHost(id)),
  members: { web: [...OLD, ...NEW].map(inService) },
  alerts: [],
  ...changes,
});
