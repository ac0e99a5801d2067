/**
 * Where a peer plays: the stage that irekae plays on, with the same old hosts, the same lives of new ones by the seed,
 * and calls that take the same time. Its run may die; what AWS does for it goes on.
 */
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { LoadBalancerRef, Member } from '../../lambdas/ports/load-balancers.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import { callLatencyMillis } from '../latency.ts';
import { OLD_IMAGE, type Stage } from '../stage.ts';
import type { ModelInstance } from '../world/instance.ts';
import { Random } from '../world/prng.ts';
import { TIMINGS } from '../world/timings.ts';

export type Release = 'old' | 'new';

/** What a host was launched as, to tell it from the old ones where a peer launches those again. */
export const RELEASE_TAG = 'race:release';

/** The run is no more. */
export class Died extends Error {}

export interface ArenaOptions {
  readonly stage: Stage;
  readonly seed: number;
  readonly releaseIsBad: boolean;
  /** Seconds after the start; never, if left out. */
  readonly diesAfter?: number;
}

export class Arena {
  readonly stage: Stage;
  readonly size: number;
  readonly balancer: LoadBalancerRef;
  /** The peer's own calls: they end with its run. */
  readonly ports: Ports;
  /** What AWS does by itself. */
  readonly aws: Ports;
  readonly releaseIsBad: boolean;
  /** When a host got the new release in place, as epoch milliseconds. */
  readonly updated = new Map<string, number>();
  readonly #random: Random;
  readonly #diesAt: number;
  #launches = 0;

  constructor({ stage, seed, releaseIsBad, diesAfter = Number.POSITIVE_INFINITY }: ArenaOptions) {
    const [balancer] = stage.fleet.loadBalancers;
    if (!balancer) throw new Error('The race is run behind a load balancer.');
    this.stage = stage;
    this.balancer = balancer;
    this.size = stage.oldInstances.length;
    this.releaseIsBad = releaseIsBad;
    this.#random = new Random(seed).branch('boot script');
    this.#diesAt = this.now() + diesAfter * 1_000;
    const { world } = stage;
    this.aws = world.distantPorts({
      millis: callLatencyMillis,
      sleep: (millis) => this.awsWaits(millis / 1_000),
    });
    this.ports = world.distantPorts({
      millis: callLatencyMillis,
      sleep: (millis) => this.wait(millis / 1_000),
    });
  }

  now(): number {
    return this.stage.clock.now().getTime();
  }

  awsWaits(seconds: number): Promise<void> {
    return this.stage.clock.sleep(seconds);
  }

  /** @throws Died when the run's time has come meanwhile. */
  async wait(seconds: number): Promise<void> {
    const left = (this.#diesAt - this.now()) / 1_000;
    await this.awsWaits(Math.max(0, Math.min(seconds, left)));
    if (left <= seconds) throw new Died();
  }

  /** Looks again and again, for a limited time. @returns whether it came true. */
  async waitUntil(
    isTrue: () => boolean | Promise<boolean>,
    { every = 1, atMost = 3_600 } = {},
  ): Promise<boolean> {
    const end = this.now() + atMost * 1_000;
    while (!(await isTrue())) {
      if (this.now() >= end) return false;
      await this.wait(every);
    }
    return true;
  }

  instance(id: string): ModelInstance {
    return this.stage.world.ec2.instance(id);
  }

  /** As the balancer would answer this moment. */
  membersNow(ids?: readonly string[]): readonly Member[] {
    return this.stage.world.loadBalancers.members(this.balancer, ids);
  }

  areInService(ids: readonly string[]): boolean {
    return this.membersNow(ids).filter(({ state }) => state === 'in-service').length === ids.length;
  }

  /** Running and known to all of EC2: from then on it can be registered. */
  async untilRunning(id: string, wait: (seconds: number) => Promise<void>): Promise<void> {
    const { runningAt, visibleAt } = this.instance(id).life;
    await wait(Math.max(0, Math.max(runningAt, visibleAt) - this.now()) / 1_000);
  }

  /** Spread over the zones, one call for each. */
  async launch(ports: Ports, count: number, release: Release = 'new'): Promise<string[]> {
    const { fleet } = this.stage;
    const zones = fleet.subnets.slice(0, count);
    const launched = await Promise.all(
      zones.map((subnetId, zone) => {
        this.#launches += 1;
        return ports.ec2.launch({
          clientToken: `race-${this.#launches}`,
          count: Math.floor((count + zones.length - 1 - zone) / zones.length),
          subnetId,
          imageId: OLD_IMAGE,
          instanceType: fleet.instanceTypes[0] ?? 't4g.small',
          launchTemplate: fleet.launchTemplate,
          userData: '#!/bin/sh\n',
          tags: { Name: fleet.name, [TAG.fleet]: fleet.name, [RELEASE_TAG]: release },
        });
      }),
    );
    return launched.flat().map(({ instanceId }) => instanceId);
  }

  /** How long a host takes to fetch, unpack and start a release: as in the boot script. */
  installSeconds(): number {
    return this.#random.between(TIMINGS.bootScript);
  }

  /** When the last request that is in flight from this host now is answered. */
  drainedAt(id: string): number {
    return (
      this.stage.world.loadBalancers.balancer(this.balancer).registrations.get(id)?.drainsUntil ?? this.now()
    );
  }
}
