/** What is specific to a classic ELB: its defaults when created by API, and its words. */
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import type { BalancerKind, BalancerSettings } from './load-balancers.ts';

export type ClassicRef = Extract<LoadBalancerRef, { kind: 'classic' }>;

/** AWS's own defaults: a host that once failed needs 10 × 30 s to come back. */
export const CLASSIC_DEFAULTS: Omit<BalancerSettings, 'vpcId'> = {
  zones: [],
  intervalSeconds: 30,
  timeoutSeconds: 5,
  healthyThreshold: 10,
  unhealthyThreshold: 2,
  drainSeconds: 300,
  attached: true,
};

/** `DescribeInstanceHealth`: its descriptions, word for word where AWS documents them. */
export const CLASSIC: BalancerKind = {
  registration: (timings) => timings.classicRegistration,
  words: {
    registering: () => 'Instance registration is still in progress.',
    initial: () => 'Instance registration is still in progress.',
    unhealthy: ({ unhealthyThreshold: times }) =>
      `Instance has failed at least the UnhealthyThreshold number of health checks consecutively (${times}).`,
    recovering: ({ healthyThreshold: times }) =>
      `Instance has not passed the configured HealthyThreshold number of health checks consecutively (${times}).`,
    stopped: () => 'Instance is in stopped state.',
    draining: () => 'Instance deregistration currently in progress.',
    'zone-disabled': () =>
      'Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to.',
    'not-in-use': () => 'The load balancer is not in use.',
  },
};
