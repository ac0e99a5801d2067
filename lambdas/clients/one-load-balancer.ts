/** What the two kinds of load balancer have in common: `classic-elb.ts` and `target-groups.ts` implement it. */
import type { LoadBalancerSettings, Member } from '../ports/load-balancers.ts';

/** The port, for one load balancer. */
export interface OneLoadBalancer {
  settings(): Promise<LoadBalancerSettings>;
  members(instanceIds?: readonly string[]): Promise<readonly Member[]>;
  register(instanceIds: readonly string[]): Promise<void>;
  deregister(instanceIds: readonly string[]): Promise<void>;
}

/**
 * Ids per request, for reading and for registering. AWS documents no limit but the 1,000 members of a load balancer;
 * 100 ids are a request of 3 KB, and one bad id makes at most 99 others be asked for alone.
 */
export const IDS_PER_REQUEST = 100;
