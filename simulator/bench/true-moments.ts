/**
 * When things really happened in the world, as opposed to when a look saw them. The world is read at the calls that
 * follow: by then everything that led there has been drawn.
 */
import { type Fleet, TAG } from '../../lambdas/domain/core/fleet.ts';
import type { Stage } from '../stage.ts';
import type { WorldEvent } from '../world/events.ts';
import { checkedAt } from '../world/health-checks.ts';
import type { World } from '../world/world.ts';

/** Epoch milliseconds. */
export interface TrueMoments {
  /** The first launch call took effect. */
  launched: number;
  /** Every new host was in Mackerel and in service everywhere. */
  ready: number;
  /** The old hosts were taken out of the load balancers; without one, out of Mackerel's monitoring. */
  shifted: number;
  drained: number;
  /** The first termination call took effect. */
  terminating: number;
  terminated: number;
}

/** Follows the next deployment on a stage. The moments are all there once it has succeeded. */
export function followTrueMoments({ world, fleet, clock }: Stage): Partial<TrueMoments> {
  const moments: Partial<TrueMoments> = {};
  const now = () => clock.now().getTime();
  const shift = fleet.loadBalancers.length > 0 ? 'instances-deregistered' : 'host-status-set';
  const handle = ({ kind }: WorldEvent) => {
    if (kind === 'instances-launched') moments.launched ??= now();
    if (kind === shift) {
      moments.ready ??= readyAt(world, fleet);
      moments.shifted ??= now();
      moments.drained = Math.max(now(), ...drainEnds(world, fleet));
    }
    if (kind === 'instances-terminated') {
      moments.terminating ??= now();
      moments.terminated = Math.max(...world.ec2.known().map(({ ending }) => ending?.doneAt ?? 0));
    }
  };
  world.on(handle);
  return moments;
}

function readyAt(world: World, fleet: Fleet): number {
  const now = world.view().at.getTime();
  const launched = world.ec2.known().filter(({ facts }) => TAG.deployment in facts.tags);
  const inService = fleet.loadBalancers.flatMap((ref) => {
    const { settings, registrations } = world.loadBalancers.balancer(ref);
    return launched.map(({ id }) => {
      const registration = registrations.get(id);
      if (!registration) throw new Error(`${id} is not registered, and yet the old hosts leave.`);
      return checkedAt(settings, registration.firstCheckAt, registration.instance.uptime(), now).since;
    });
  });
  return Math.max(...launched.map(({ life }) => life.registersAt), ...inService);
}

function drainEnds(world: World, fleet: Fleet): number[] {
  return fleet.loadBalancers.flatMap((ref) =>
    [...world.loadBalancers.balancer(ref).registrations.values()].map(({ drainsUntil }) => drainsUntil ?? 0),
  );
}
