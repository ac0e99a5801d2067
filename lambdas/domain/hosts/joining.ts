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

/** How long hosts may at most join before the slowest start would register in Mackerel, by how many they are. */
const LEADS = {
  classic: [
    { hosts: 4, seconds: Number.POSITIVE_INFINITY },
    // A little of the registration may still overlap the boot of the slowest: what it wins is more than what it risks.
    { hosts: 16, seconds: 20 },
    // From the application's start to its agent's registration in Mackerel, the least that a registration here takes, and
    // what passes until the look that finds it is time.
    { hosts: Number.POSITIVE_INFINITY, seconds: 7 + 5 + 1 },
  ],
  // It registers in 2 to 5 s: a failed check costs ten times what there is to win.
  'target-group': [
    { hosts: 16, seconds: 0 },
    { hosts: Number.POSITIVE_INFINITY, seconds: 3 },
  ],
} as const;

/**
 * How long before the slowest start would register in Mackerel hosts join, once it is known how slow that is; 0: there is
 * nothing to win. A new host stays new until as many checks as the unhealthy threshold have failed; so one check fewer may
 * fail, and the registration overlaps the boot. Of many hosts the last one would then wait for its second check, as one
 * nearly always has the longest registration, and one the slowest start; if they join so late that their first check
 * passes, however short the registration, all are in service earlier.
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
  const most = LEADS[ref.kind].find((lead) => hosts <= lead.hosts)?.seconds ?? 0;
  return Math.min(spared, most);
}
