/**
 * When a new host joins a load balancer. Joining early overlaps the load balancer's registration with the boot; but a
 * host whose first checks fail, because its application is not up yet, needs `healthy threshold` passes in a row
 * instead of one: with a classic ELB's defaults, 10 × 30 s. The load balancer's own settings decide; once it is known how long this
 * fleet's hosts take to start, the moment in between (`starts.ts`).
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

/** Of more hosts than these one nearly always has the longest registration, and one the slowest start. */
const FEW_HOSTS = 4;

/** Up to so many, a little of the registration may still overlap the boot of the slowest: what it wins is more than what it risks. */
const SOME_HOSTS = 16;
const SOME_SECONDS = 20;

/** From the application's start to its agent's registration in Mackerel, and the least that a registration here takes. */
const SURE_SECONDS = { classic: 7 + 5, 'target-group': 5 + 2 } as const;

/**
 * How long before the slowest start would register in Mackerel hosts join, once it is known how slow that is. A new host
 * stays new until as many checks as the unhealthy threshold have failed; so one check fewer may fail, and the
 * registration overlaps the boot. Of many hosts the last one would then wait for its second check; if they join so late
 * that their first one passes, however short the registration, all are in service earlier.
 */
export function leadSeconds(
  {
    ref,
    intervalSeconds,
    unhealthyThreshold,
  }: Pick<LoadBalancerSettings, 'ref' | 'intervalSeconds' | 'unhealthyThreshold'>,
  hosts: number,
): number {
  const spared = (unhealthyThreshold - 1) * intervalSeconds;
  if (hosts <= FEW_HOSTS) return spared;
  return Math.min(spared, hosts <= SOME_HOSTS ? SOME_SECONDS : SURE_SECONDS[ref.kind]);
}
