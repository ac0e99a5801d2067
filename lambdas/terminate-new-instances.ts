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
import { liveRecords } from './clients/records.ts';
import { type Deployment, deploymentId, type Untold } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { TAG } from './domain/core/fleet.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { span } from './domain/core/words.ts';
import { endInstances } from './domain/hosts/end-instances.ts';
import { keptSentence } from './domain/hosts/kept.ts';
import { launchedByToken } from './domain/hosts/look-at-hosts.ts';
import {
  inFlightUntil,
  launchKnown,
  launchWith,
  removalCandidates,
  settledAt,
} from './domain/hosts/removal.ts';
import { type Aside, setAside } from './domain/hosts/set-aside.ts';
import { assertHoldsLock, enterPhase } from './domain/lock/fence.ts';
import { oweRetirement } from './domain/lock/owing.ts';
import { terminatedMilestones } from './domain/record/timeline/milestones.ts';
import type { Instance } from './ports/ec2.ts';
import type { Ports } from './ports/ports.ts';

type UndoPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'records' | 'clock'>;

export const terminateNewInstances = defineWait('terminate-new-instances', {
  needs: [],
  keeps: ['evidence', 'kept', 'owed', 'untoldSince'],
  look: lookAndRemove,
  late: (deployment: Deployment, { reason, seconds }) =>
    new DeploymentError(
      'NewHostsNotRemoved',
      `After ${span(seconds)}: ${reason}. The old hosts serve; terminate the new ones, found by the tag ${TAG.deployment}=${deploymentId(deployment)}.`,
    ),
});

async function lookAndRemove(
  deployment: Deployment,
  ports: UndoPorts,
  turn: Turn<never, Aside & Untold>,
): Promise<Found> {
  const { document, run } = await assertHoldsLock(deployment, ports);
  const known = launchKnown(deployment, document);
  const written = known?.instances.map(({ instanceId }) => instanceId) ?? [];
  const earlier = [...Object.keys(turn.memory.hosts), ...written];
  const ids = removalCandidates(deployment, await launchedByToken(deployment, ports), earlier);
  const instances = ids.length === 0 ? [] : await ports.ec2.describe(ids);
  const aside = await setAside(deployment, ids, instances, turn.now, ports);
  turn.keep(aside);
  const unsettled = inFlightUntil(
    settledAt(run, turn),
    turn.now,
    'EC2 shows no more instances of this deployment; making sure that no launch is still in flight',
  );
  if (ids.length === 0) return unsettled ?? { ready: true, reason: 'nothing was launched' };
  const launched = deployment.launch?.instances ?? [];
  const found = await endInstances(deployment, ports, turn, {
    noun: 'new instance',
    ids,
    known,
    keptId: aside.kept?.instanceId,
    instances,
    unsettled,
    beforeTerminating: () => rememberLaunched(deployment, ports, instances),
    unretired: (ended, why) => oweRetirement(deployment, ports, turn, ended, why),
    milestones: ({ gone }) => terminatedMilestones(deployment, launched, gone, turn.now, turn.seen),
  });
  return found.ready && aside.kept
    ? { ...found, reason: `${found.reason}; ${keptSentence(aside.kept)}` }
    : found;
}

/** A clean-up that comes after this undo, if that is cut off too, finds in the ledger what was launched unanswered. */
async function rememberLaunched(
  deployment: Deployment,
  ports: UndoPorts,
  instances: readonly Instance[],
): Promise<void> {
  const launch = launchWith(deployment, instances);
  if (launch) await enterPhase('undo', { ...deployment, launch }, ports);
}

export const handler = lambdaHandler(terminateNewInstances, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  records: liveRecords(),
  clock: systemClock,
}));
