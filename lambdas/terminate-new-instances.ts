/**
 * State *Terminate new instances*: the second half of the undo. Out of the load balancers, drained, terminated,
 * retired in Mackerel: each look does what is due and says what is left, until nothing of the deployment is.
 */
import { liveEc2 } from './clients/ec2.ts';
import { atEachBalancer, membersByName } from './clients/facts.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { Ports } from './clients/ports.ts';
import { type Deployment, deploymentId, type Look } from './domain/deployment.ts';
import { decideDraining } from './domain/draining.ts';
import { DeploymentError } from './domain/errors.ts';
import { TAG } from './domain/fleet.ts';
import { deadlineOf, type Finding, nextLook, unlessUnavailable } from './domain/looks.ts';
import { removalCandidates, settledAfterSeconds } from './domain/removal.ts';
import { defineStep } from './domain/step.ts';
import { allEnded, decideTermination, refuseAny } from './domain/termination.ts';
import { count, list, span } from './domain/words.ts';

type Eyes = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock'>;

export const terminateNewInstances = defineStep(
  'terminate-new-instances',
  [],
  async (deployment: Deployment, ports: Eyes): Promise<Look> => {
    const now = ports.clock.now();
    const { undoSeconds, drainSeconds } = deployment.fleet.limits;
    const deadline = deadlineOf(deployment.removal, now, undoSeconds + drainSeconds);
    const found = await unlessUnavailable(() => lookAndRemove(deployment, ports, now));
    if (!found.ready && now >= deadline) {
      throw new DeploymentError(
        'NewHostsNotRemoved',
        `After ${span(undoSeconds + drainSeconds)}: ${found.reason}. The old hosts serve; remove the new ones by their tag ${TAG.deployment}=${deploymentId(deployment)}.`,
      );
    }
    return nextLook(deployment.removal, now, deadline, found);
  },
);

async function lookAndRemove(deployment: Deployment, ports: Eyes, now: Date): Promise<Finding> {
  const secondsPassed = (now.getTime() - new Date(deployment.removal?.since ?? now).getTime()) / 1000;
  const tagged = await ports.ec2.listByTag(TAG.deployment, deploymentId(deployment));
  const ids = removalCandidates(deployment, tagged);
  if (ids.length === 0) return nothingLaunched(deployment, secondsPassed, now);

  const leaving = await leaveBalancers(deployment, ports, ids, secondsPassed);
  if (leaving) return leaving;
  const instances = await ports.ec2.describe(ids);
  const decision = decideTermination('new', deployment, ids, instances);
  refuseAny(decision);
  if (decision.terminate.length > 0) {
    const { refused } = await ports.ec2.terminate(decision.terminate);
    const note =
      refused.length > 0 ? `; refused: ${list(refused.map(({ id, reason }) => `${id} (${reason})`))}` : '';
    return { ready: false, reason: `EC2 terminates ${list(decision.terminate)}${note}` };
  }
  const unseenSince = deployment.removal?.memory?.unseenSince ?? now.getTime();
  if (!allEnded(decision, (now.getTime() - unseenSince) / 1000)) {
    const waiting = [...decision.going, ...decision.unseen];
    return {
      ready: false,
      reason: `${list(waiting)} still shutting down`,
      ...(decision.unseen.length > 0 && { memory: { unseenSince } }),
    };
  }
  return retire(deployment, ports, ids);
}

function nothingLaunched(deployment: Deployment, secondsPassed: number, now: Date): Finding {
  const settled = settledAfterSeconds(deployment);
  if (secondsPassed >= settled) return { ready: true, reason: 'nothing was launched' };
  const earliest = new Date(now.getTime() + (settled - secondsPassed) * 1000);
  return {
    ready: false,
    reason: 'EC2 shows nothing of this deployment; making sure that no launch is still in flight',
    earliest,
  };
}

/** @returns what is still waited for at the load balancers, or nothing when they have let go (or may be cut off). */
async function leaveBalancers(
  deployment: Deployment,
  ports: Eyes,
  ids: readonly string[],
  secondsPassed: number,
): Promise<Finding | undefined> {
  const members = await membersByName(deployment, ports, ids);
  const serving = new Map(
    [...members].map(([name, listed]) => [
      name,
      listed.filter(({ state }) => state !== 'draining').map(({ instanceId }) => instanceId),
    ]),
  );
  await atEachBalancer('deregister', deployment, ports, serving);
  const { drained, reason } = decideDraining(members);
  if (drained || secondsPassed >= deployment.fleet.limits.drainSeconds) return undefined;
  return { ready: false, reason: `new hosts leave the load balancers: ${reason}` };
}

async function retire({ fleet }: Deployment, { mackerel }: Eyes, ids: readonly string[]): Promise<Finding> {
  const hosts = await mackerel.hosts(fleet.mackerel.service, fleet.mackerel.role);
  const ours = hosts
    .filter((host) => host.instanceId !== undefined && ids.includes(host.instanceId))
    .map((host) => host.id);
  const { refused } = ours.length > 0 ? await mackerel.retire(ours) : { refused: [] };
  if (refused.length > 0)
    return {
      ready: false,
      reason: `Mackerel did not retire ${list(refused.map(({ id, reason }) => `${id} (${reason})`))}`,
    };
  return { ready: true, reason: `${count(ids.length, 'new instance')} removed` };
}

export const handler = lambdaHandler(terminateNewInstances, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  clock: systemClock,
}));
