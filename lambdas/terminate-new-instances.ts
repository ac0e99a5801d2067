/**
 * State *Terminate new instances*: the second half of the undo. Out of the load balancers, drained, terminated,
 * retired in Mackerel: each look does what is due and says what is left, until nothing of the deployment is. What the
 * instances that failed have to say is read first; one of them is kept for debugging where the fleet wants that.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import { type Deployment, deploymentId, launchedIds } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { TAG } from './domain/core/fleet.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { span } from './domain/core/words.ts';
import { endInstances } from './domain/hosts/end-instances.ts';
import { keptSentence } from './domain/hosts/kept.ts';
import { launchedByTag } from './domain/hosts/look-at-hosts.ts';
import { inFlightUntil, removalCandidates, settledAfterSeconds } from './domain/hosts/removal.ts';
import { type Aside, setAside } from './domain/hosts/set-aside.ts';
import { decideTermination } from './domain/hosts/termination.ts';
import { entering, holding } from './domain/lock/fence.ts';
import { terminatedMilestones } from './domain/record/timeline/milestones.ts';
import type { Instance } from './ports/ec2.ts';
import type { Ports } from './ports/ports.ts';

type UndoPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock'>;

export const terminateNewInstances = defineWait('terminate-new-instances', {
  needs: [],
  keeps: ['evidence', 'kept'],
  seconds: (deployment: Deployment) => {
    const { undoSeconds, drainSeconds } = deployment.fleet.limits;
    return undoSeconds + drainSeconds + settledAfterSeconds(deployment);
  },
  look: lookAndRemove,
  late: (deployment: Deployment, { reason, seconds }) =>
    new DeploymentError(
      'NewHostsNotRemoved',
      `After ${span(seconds)}: ${reason}. The old hosts serve; remove the new ones by their tag ${TAG.deployment}=${deploymentId(deployment)}.`,
    ),
});

async function lookAndRemove(
  deployment: Deployment,
  ports: UndoPorts,
  turn: Turn<never, Aside>,
): Promise<Found> {
  const { document } = await holding(deployment, ports);
  const earlier = [...Object.keys(turn.memory.hosts), ...launchedIn(document)];
  const ids = removalCandidates(deployment, await launchedByTag(deployment, ports), earlier);
  const instances = ids.length === 0 ? [] : await ports.ec2.describe(ids);
  const kept = await keepAside(deployment, ports, turn, ids, instances);
  const unsettled = inFlightUntil(
    settledAfterSeconds(deployment),
    turn,
    'EC2 shows nothing more of this deployment; making sure that no launch is still in flight',
  );
  if (ids.length === 0) return unsettled ?? { ready: true, reason: 'nothing was launched' };
  const launched = deployment.launch?.instances ?? [];
  const found = await endInstances(deployment, ports, turn, {
    noun: 'new instance',
    ids,
    keptId: kept?.instanceId,
    instances,
    unsettled,
    beforeTerminating: () => rememberLaunched(deployment, ports, instances, turn.now),
    milestones: ({ gone }) => terminatedMilestones(deployment, launched, gone, turn.now, turn.seen),
  });
  return found.ready && kept ? { ...found, reason: `${found.reason}; ${keptSentence(kept)}` } : found;
}

async function keepAside(
  deployment: Deployment,
  ports: UndoPorts,
  turn: Turn<never, Aside>,
  ids: readonly string[],
  instances: readonly Instance[],
): Promise<Aside['kept']> {
  const { terminate } = decideTermination('new', deployment, ids, instances);
  const removable = instances.filter(({ instanceId }) => terminate.includes(instanceId));
  const { evidence, kept } = deployment.removal ?? {};
  const before: Aside = { ...(evidence && { evidence }), ...(kept && { kept }) };
  const aside = await setAside(before, deployment, instances, removable, turn.now, ports.ec2);
  turn.keep(aside);
  return aside.kept;
}

/** @param document the ledger's: a run of this step that was cut off wrote down there whom it terminates. */
function launchedIn(document = '{}'): string[] {
  const { launch } = JSON.parse(document) as Partial<Deployment>;
  return launch?.instances.map(({ instanceId }) => instanceId) ?? [];
}

/**
 * A launch that was cut off (the first, or that of replacements) wrote down no ids, and what has ended is not listed by
 * its tag anymore: a clean-up that comes after this undo, if that is cut off too, finds them in the ledger.
 */
async function rememberLaunched(
  deployment: Deployment,
  ports: UndoPorts,
  instances: readonly Instance[],
  now: Date,
): Promise<void> {
  const known = launchedIds(deployment);
  const found = instances
    .filter(({ instanceId }) => !known.includes(instanceId))
    .map(({ instanceId, zone, instanceType }) => ({ instanceId, zone, instanceType }));
  if (found.length === 0) return;
  const { launch = { reason: 'found by the tag of the deployment', at: now.toISOString(), instances: [] } } =
    deployment;
  const all = { ...launch, instances: [...launch.instances, ...found] };
  await entering('undo', { ...deployment, launch: all }, ports);
}

export const handler = lambdaHandler(terminateNewInstances, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
