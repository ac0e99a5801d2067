/** A small world whose every duration is known, and a clock that the test moves by hand. */

import { expect } from 'vitest';
import type { LaunchRequest } from '../../lambdas/ports/ec2.ts';
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import type { Timings } from '../../simulator/world/timings.ts';
import { World, type WorldOptions } from '../../simulator/world/world.ts';

export const START = new Date('2026-03-01T09:00:00Z');

/** Running after 15 s, booted after 20, up after 40, in Mackerel after 44. */
export const STEADY: Timings = {
  pending: [15, 15],
  osBoot: [5, 5],
  bootScript: [20, 20],
  agentRegistration: [4, 4],
  shutdown: [10, 10],
  visibility: [1, 1],
  tagsKept: [60, 60],
  classicRegistration: [20, 20],
  targetRegistration: [2, 2],
  idle: [8, 8],
};

export interface SmallWorld {
  readonly world: World;
  readonly ports: Ports;
  /** Sets the clock to so many seconds after the start. */
  readonly at: (seconds: number) => void;
}

/** Two subnets (`subnet-a`, `subnet-c`), an image, a launch template, and the fleet `shop` in Mackerel's `Shop:web`. */
export function smallWorld(options: Partial<WorldOptions> = {}): SmallWorld {
  let millis = START.getTime();
  const world = new World({ seed: 1, timings: STEADY, ...options, now: () => new Date(millis) });
  world.ec2.addSubnet({ subnetId: 'subnet-a', vpcId: 'vpc-1', zone: 'ap-northeast-1a' });
  world.ec2.addSubnet({ subnetId: 'subnet-c', vpcId: 'vpc-1', zone: 'ap-northeast-1c' });
  world.ec2.addImage({ imageId: 'ami-1' });
  world.ec2.addLaunchTemplate({ id: 'lt-1', version: '1' });
  world.addFleet('shop', { service: 'Shop', role: 'web' });
  const at = (seconds: number) => {
    millis = START.getTime() + seconds * 1000;
  };
  return { world, ports: world.ports, at };
}

export const request: LaunchRequest = {
  clientToken: 'token',
  count: 1,
  subnetId: 'subnet-a',
  imageId: 'ami-1',
  instanceType: 't4g.small',
  launchTemplate: { id: 'lt-1', version: '1' },
  userData: '#!/bin/sh',
  tags: { 'irekae:fleet': 'shop' },
};

/** Launches one host and answers its id. */
export async function launchOne(ports: Ports, changes: Partial<LaunchRequest> = {}): Promise<string> {
  const [instance] = await ports.ec2.launch({ ...request, ...changes });
  if (instance === undefined) throw new Error('nothing was launched');
  return instance.instanceId;
}

export const named = (name: string) => expect.objectContaining({ name });

/** An old host behind these load balancers, a day old. */
export function oldHost(
  world: World,
  loadBalancers: readonly LoadBalancerRef[],
  subnetId = 'subnet-a',
): string {
  return world.addRunningHost({ subnetId, loadBalancers, service: 'Shop', role: 'web', fleet: 'shop' });
}
