/** State *Old hosts are drained*: no load balancer holds a request for an old host anymore. Only reads. */
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import { type After, oldInstanceIds } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { DEREGISTRATION_SECONDS } from './domain/core/steps.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { secondsBetween, span } from './domain/core/words.ts';
import { decideDrained } from './domain/hosts/draining.ts';
import { membersByTwoAnswers } from './domain/hosts/look-at-hosts.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import { drainedMilestones } from './domain/record/timeline/milestones.ts';
import type { Ports } from './ports/ports.ts';

type Shifted = After<'oldHosts' | 'shift'>;
type DrainPorts = Pick<Ports, 'loadBalancers' | 'ledger' | 'clock'>;

export const oldHostsAreDrained = defineWait('old-hosts-are-drained', {
  needs: ['oldHosts', 'shift'],
  from: ({ shift }) => shift.at,
  seconds: (deployment) => Math.max(drainSeconds(deployment), DEREGISTRATION_SECONDS),
  look: lookAtOldHosts,
  // A look that saw the load balancers has decided by now: this one is unknown.
  late: ({ shift }, { reason, now }) =>
    new DeploymentError(
      'ServiceUnavailable',
      `Whether the old hosts are drained could not be seen for ${span(secondsBetween(shift.at, now))}: ${reason}`,
    ),
});

/** The fleet's limit, or what the load balancers allow, whichever is shorter; a little more for their clocks. */
function drainSeconds({ fleet, oldHosts }: Shifted): number {
  const longest = Math.max(0, ...oldHosts.balancers.map((balancer) => balancer.drainSeconds));
  return Math.min(fleet.limits.drainSeconds, longest + 15);
}

async function lookAtOldHosts(
  deployment: Shifted,
  ports: DrainPorts,
  { now, seen: earlier }: Turn,
): Promise<Found> {
  await assertMayGoOn(deployment, ports);
  const ids = oldInstanceIds(deployment);
  if (ids.length === 0) return { ready: true, reason: 'no old host to drain' };
  const members = await membersByTwoAnswers(deployment, ports, ids);
  const seen = drainedMilestones(deployment, deployment.oldHosts.hosts, members, now, earlier);
  const secondsPassed = secondsBetween(deployment.shift.at, now);
  return { ...decideDrained(members, secondsPassed, drainSeconds(deployment)), seen };
}

export const handler = lambdaHandler(oldHostsAreDrained, () => ({
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
