/**
 * Why a load balancer does not take a host, in few and plain words. AWS's own are long, and differ from one kind of load
 * balancer to the other; they stand in sentences that a person reads on a phone, in the middle of a deployment.
 */
import { plain } from '../core/words.ts';

/** By what AWS says of a classic ELB's instance, or by the reason's code of a target; the first that fits. */
const WORDS: readonly (readonly [says: RegExp, words: string])[] = [
  [/^Instance registration is still in progress/, 'registering'],
  [/^Elb\.RegistrationInProgress/, 'registering'],
  [/^Elb\.InitialHealthChecking/, 'first health checks'],
  [/^Instance has failed at least the UnhealthyThreshold/, 'health checks fail'],
  [/^Instance has not passed the configured HealthyThreshold/, 'too few health checks passed yet'],
  [/^Target\.ResponseCodeMismatch.*\[([\d,\s-]+)\]/s, 'health checks answer $1'],
  [/^Target\.ResponseCodeMismatch/, 'health checks answer with a wrong code'],
  [/^Target\.Timeout/, 'health checks time out'],
  [/^Target\.FailedHealthChecks/, 'health checks fail'],
  [/^Target\.HealthCheckDisabled/, 'health checks are turned off'],
  [/^Instance deregistration currently in progress/, 'deregistering'],
  [/^Target\.DeregistrationInProgress/, 'deregistering'],
  [/^(?:Instance is|Target\.InvalidState: Target is) in (?:the )?(\w+) state/, 'it is $1'],
  [/^Target\.InvalidState/, 'it does not run'],
  [
    /^Instance is in the EC2 Availability Zone for which LoadBalancer is not configured/,
    'its zone is not enabled',
  ],
  [/^Target\.NotInUse: .*Availability Zone/s, 'its zone is not enabled'],
  [/^Target\.NotInUse: /, 'no listener uses the target group'],
  [/^Target\.NotInUse/, 'no listener uses the target group, or its zone is not enabled'],
  [/^Disable Availability Zone is currently in progress/, 'its zone is being disabled'],
  [/^Target\.IpUnusable/, 'its address cannot be used'],
  [/^A transient error occurred/, 'a passing error of the load balancer'],
  [/^Elb\.InternalError/, 'an internal error of the load balancer'],
];

/** What AWS adds one day is said in its own words, up to here. */
const LONGEST = 100;

/** @param reason as `Member` has it; empty when the load balancer gives none */
export function healthWords(reason: string): string {
  for (const [says, words] of WORDS) {
    const found = says.exec(reason);
    if (found) return words.replace('$1', found[1] ?? '');
  }
  return plain(reason, LONGEST);
}
