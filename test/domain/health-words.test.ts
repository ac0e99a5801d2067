/** What AWS says of a host, word for word, and what our sentences make of it. */
import { describe, expect, it } from 'vitest';
import { healthWords } from '../../lambdas/domain/hosts/health-words.ts';
import { CLASSIC, CLASSIC_DEFAULTS } from '../../simulator/world/classic-elb.ts';
import { TARGET_GROUP, TARGET_GROUP_DEFAULTS } from '../../simulator/world/target-groups.ts';

describe('A load balancer’s reason', () => {
  it.each([
    ['Instance registration is still in progress.', 'registering'],
    [
      'Instance has failed at least the UnhealthyThreshold number of health checks consecutively.',
      'health checks fail',
    ],
    [
      'Instance has not passed the configured HealthyThreshold number of health checks consecutively.',
      'too few health checks passed yet',
    ],
    ['Instance deregistration currently in progress.', 'deregistering'],
    ['Instance is in stopped state.', 'it is stopped'],
    ['Instance is in pending state.', 'it is pending'],
    [
      'Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to.',
      'its zone is not enabled',
    ],
    ['Disable Availability Zone is currently in progress.', 'its zone is being disabled'],
    ['A transient error occurred. Please try again later.', 'a passing error of the load balancer'],
    ['Elb.RegistrationInProgress: Target registration is in progress', 'registering'],
    ['Elb.InitialHealthChecking: Initial health checks in progress', 'first health checks'],
    ['Elb.InternalError', 'an internal error of the load balancer'],
    ['Target.FailedHealthChecks: Health checks failed', 'health checks fail'],
    ['Target.FailedHealthChecks', 'health checks fail'],
    ['Target.Timeout: Request timed out', 'health checks time out'],
    ['Target.ResponseCodeMismatch: Health checks failed with these codes: [502]', 'health checks answer 502'],
    [
      'Target.ResponseCodeMismatch: Health checks failed with these codes: [502, 503]',
      'health checks answer 502, 503',
    ],
    ['Target.ResponseCodeMismatch', 'health checks answer with a wrong code'],
    ['Target.DeregistrationInProgress: Target deregistration is in progress', 'deregistering'],
    ['Target.InvalidState: Target is in the stopped state', 'it is stopped'],
    ['Target.InvalidState', 'it does not run'],
    [
      'Target.NotInUse: Target is in an Availability Zone that is not enabled for the load balancer',
      'its zone is not enabled',
    ],
    [
      'Target.NotInUse: Target group is not configured to receive traffic from the load balancer',
      'no listener uses the target group',
    ],
    ['Target.NotInUse', 'no listener uses the target group, or its zone is not enabled'],
    ['Target.IpUnusable', 'its address cannot be used'],
    [
      'Target.HealthCheckDisabled: Health checks are disabled for this target',
      'health checks are turned off',
    ],
    ['', ''],
    ['Unknown', 'Unknown'],
  ])('"%s" is said as "%s"', (reason, words) => expect(healthWords(reason)).toBe(words));

  it('that nobody knows yet is cut, and moves no cursor', () => {
    const words = healthWords(`Target.Haunted: \u001b[2J${'the host is haunted '.repeat(20)}`);
    expect(words).toMatch(/^Target\.Haunted: \uFFFD\[2Jthe host.*…$/);
    expect(words.length).toBeLessThanOrEqual(100);
  });

  it.each([
    // A classic ELB is always in use.
    ...Object.entries(CLASSIC.words)
      .filter(([situation]) => situation !== 'not-in-use')
      .map(([, words]) => words({ ...CLASSIC_DEFAULTS, vpcId: 'vpc-1' })),
    ...Object.values(TARGET_GROUP.words).map((words) => words({ ...TARGET_GROUP_DEFAULTS, vpcId: 'vpc-1' })),
  ])('of the modelled world is short: %s', (reason) => {
    expect(healthWords(reason)).not.toBe(reason);
    expect(healthWords(reason).length).toBeLessThan(40);
  });
});
