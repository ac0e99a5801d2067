/** What is specific to a target group: its defaults, its ARN, and its words. */
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import type { BalancerKind, BalancerSettings } from './load-balancers.ts';

export type TargetGroupRef = Extract<LoadBalancerRef, { kind: 'target-group' }>;

export const TARGET_GROUP_DEFAULTS: Omit<BalancerSettings, 'vpcId'> = {
  zones: [],
  intervalSeconds: 30,
  timeoutSeconds: 5,
  healthyThreshold: 5,
  unhealthyThreshold: 2,
  drainSeconds: 300,
  attached: true,
};

/** `DescribeTargetHealth`: reason, then description. */
export const TARGET_GROUP: BalancerKind = {
  registration: (timings) => timings.targetRegistration,
  words: {
    registering: () => 'Elb.RegistrationInProgress: Target registration is in progress',
    initial: () => 'Elb.InitialHealthChecking: Initial health checks in progress',
    unhealthy: () => 'Target.FailedHealthChecks: Health checks failed',
    recovering: () => 'Target.FailedHealthChecks: Health checks failed',
    stopped: () => 'Target.InvalidState: Target is in the stopped state',
    draining: () => 'Target.DeregistrationInProgress: Target deregistration is in progress',
    'zone-disabled': () =>
      'Target.NotInUse: Target is in an Availability Zone that is not enabled for the load balancer',
    'not-in-use': () =>
      'Target.NotInUse: Target group is not configured to receive traffic from the load balancer',
  },
};

/** The ARN that a target group of this name would have; the id at its end is derived from the name. */
export function targetGroupRef(region: string, account: string, name: string): TargetGroupRef {
  const id = Buffer.from(name.padEnd(8, '0')).toString('hex').slice(0, 16);
  return {
    kind: 'target-group',
    arn: `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${name}/${id}`,
  };
}
