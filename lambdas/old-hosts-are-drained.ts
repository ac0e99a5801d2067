/** State *Old hosts are drained*: no load balancer holds a request for an old host anymore. Only reads. */

import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import { type After, type Look, oldInstanceIds } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { deadlineOf, type Finding, nextLook, unlessUnavailable } from './domain/core/looks.ts';
import { defineStep } from './domain/core/step.ts';
import { DEREGISTRATION_SECONDS } from './domain/core/steps.ts';
import { span } from './domain/core/words.ts';
import { decideDraining } from './domain/hosts/draining.ts';
import { membersByTwoAnswers } from './domain/hosts/look-at-hosts.ts';
import { holdingUnlessCancelled } from './domain/lock/fence.ts';
import { drainedMilestones } from './domain/record/timeline/milestones.ts';
import type { Ports } from './ports/ports.ts';

type Shifted = After<'oldHosts' | 'shift'>;

export const oldHostsAreDrained = defineStep(
  'old-hosts-are-drained',
  ['oldHosts', 'shift'],
  async (deployment: Shifted, ports: Pick<Ports, 'loadBalancers' | 'ledger' | 'clock'>): Promise<Look> => {
    const now = ports.clock.now();
    const limit = drainSeconds(deployment);
    const deadline = deadlineOf(
      deployment.drain,
      now,
      Math.max(limit, DEREGISTRATION_SECONDS),
      deployment.shift.at,
    );
    const secondsPassed = (now.getTime() - new Date(deployment.shift.at).getTime()) / 1000;
    const found = await unlessUnavailable(undefined, () =>
      lookAtOldHosts(deployment, ports, secondsPassed, limit),
    );
    // A look that saw the load balancers has decided by now: this one is unknown.
    if (!found.ready && now >= deadline) {
      throw new DeploymentError(
        'ServiceUnavailable',
        `Whether the old hosts are drained could not be seen for ${span(secondsPassed)}: ${found.reason}`,
      );
    }
    return nextLook(deployment.drain, now, deadline, found);
  },
);

/** The fleet's limit, or what the load balancers allow, whichever is shorter; a little more for their clocks. */
function drainSeconds({ fleet, oldHosts }: Shifted): number {
  const longest = Math.max(0, ...oldHosts.balancers.map((balancer) => balancer.drainSeconds));
  return Math.min(fleet.limits.drainSeconds, longest + 15);
}

async function lookAtOldHosts(
  deployment: Shifted,
  ports: Pick<Ports, 'loadBalancers' | 'ledger' | 'clock'>,
  secondsPassed: number,
  limit: number,
): Promise<Finding> {
  await holdingUnlessCancelled(deployment, ports);
  const ids = oldInstanceIds(deployment);
  if (ids.length === 0) return { ready: true, reason: 'no old host to drain' };
  const members = await membersByTwoAnswers(deployment, ports, ids);
  const seen = drainedMilestones(
    deployment,
    deployment.oldHosts.hosts,
    members,
    ports.clock.now(),
    deployment.drain?.seen,
  );
  const { drained, back, reason } = decideDraining(members);
  if (drained) return { ready: true, reason, seen };
  if (back.length > 0) {
    if (secondsPassed < DEREGISTRATION_SECONDS) return { ready: false, reason, seen };
    throw new DeploymentError(
      'DrainingStuck',
      `${span(secondsPassed)} after the deregistration ${reason}. Does something else register hosts there?`,
    );
  }
  if (secondsPassed < limit) return { ready: false, reason, seen };
  return { ready: true, seen, reason: `${reason} after ${span(limit)}, the drain limit: they are cut` };
}

export const handler = lambdaHandler(oldHostsAreDrained, () => ({
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
