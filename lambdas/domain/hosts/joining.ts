/**
 * When a new host joins a load balancer. Joining early overlaps the load balancer's registration with the boot; but a
 * host whose first checks fail, because its application is not up yet, needs `healthy threshold` passes in a row
 * instead of one: with a classic ELB's defaults, 10 × 30 s. The load balancer's own settings decide.
 */
import type { LoadBalancerSettings } from '../../ports/load-balancers.ts';

export type Joining = 'when-running' | 'when-registered';

/** From the registration call to the first health check, in seconds, at most. */
export const REGISTRATION_SECONDS = { classic: 30, 'target-group': 5 } as const;

type Settings = Pick<LoadBalancerSettings, 'ref' | 'intervalSeconds' | 'healthyThreshold'>;

/** Counted from the moment at which the application is up: what does joining early cost, what does joining late? */
export function joinCosts({ ref, intervalSeconds, healthyThreshold }: Settings): {
  early: number;
  late: number;
} {
  return {
    early: healthyThreshold * intervalSeconds,
    late: REGISTRATION_SECONDS[ref.kind] + intervalSeconds,
  };
}

export function decideJoining(settings: Settings): Joining {
  const { early, late } = joinCosts(settings);
  return early <= late ? 'when-running' : 'when-registered';
}
