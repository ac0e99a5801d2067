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
import {
  type Deployment,
  deploymentId,
  type Kept,
  launchedIds,
  type Removal,
} from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { TAG } from './domain/core/fleet.ts';
import { deadlineOf, type Finding, nextLook, unlessUnavailable } from './domain/core/looks.ts';
import { defineStep } from './domain/core/step.ts';
import { count, list, secondsBetween, span } from './domain/core/words.ts';
import { leaveBalancers, retireHostsOf, terminateInstances } from './domain/hosts/end-instances.ts';
import { keptSentence } from './domain/hosts/kept.ts';
import { launchedByTag } from './domain/hosts/look-at-hosts.ts';
import { removalCandidates, settledAfterSeconds } from './domain/hosts/removal.ts';
import { type Aside, setAside } from './domain/hosts/set-aside.ts';
import { allEnded, decideTermination, refuseAny, rememberUnseen } from './domain/hosts/termination.ts';
import { entering, holding } from './domain/lock/fence.ts';
import { terminatedMilestones } from './domain/record/timeline/milestones.ts';
import type { Instance } from './ports/ec2.ts';
import type { Ports } from './ports/ports.ts';

type Eyes = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock'>;

export const terminateNewInstances = defineStep(
  'terminate-new-instances',
  [],
  async (deployment: Deployment, ports: Eyes): Promise<Removal> => {
    const now = ports.clock.now();
    const { undoSeconds, drainSeconds } = deployment.fleet.limits;
    const seconds = undoSeconds + drainSeconds + settledAfterSeconds(deployment);
    const deadline = deadlineOf(deployment.removal, now, seconds);
    // Held here: what was set aside stays so when the rest of the look fails.
    let aside: Aside = { ...deployment.removal };
    const found = await unlessUnavailable(deployment.removal?.memory, async () => {
      const seen = await survey(deployment, ports, now);
      aside = await setAside(aside, deployment, seen.instances, seen.removable, now, ports.ec2);
      return remove(deployment, ports, seen, aside.kept, now);
    });
    if (!found.ready && now >= deadline) {
      throw new DeploymentError(
        'NewHostsNotRemoved',
        `After ${span(seconds)}: ${found.reason}. The old hosts serve; remove the new ones by their tag ${TAG.deployment}=${deploymentId(deployment)}.`,
      );
    }
    const { evidence, kept } = aside;
    return {
      ...nextLook(deployment.removal, now, deadline, found),
      ...(evidence && { evidence }),
      ...(kept && { kept }),
    };
  },
);

/** What this deployment launched, as EC2 shows it in this look. */
interface Seen {
  readonly ids: readonly string[];
  readonly instances: readonly Instance[];
  /** May be terminated now. */
  readonly removable: readonly Instance[];
  readonly secondsPassed: number;
}

async function survey(deployment: Deployment, ports: Eyes, now: Date): Promise<Seen> {
  const { document } = await holding(deployment, ports);
  const earlier = [...Object.keys(deployment.removal?.memory ?? {}), ...launchedIn(document)];
  const tagged = await launchedByTag(deployment, ports);
  const ids = removalCandidates(deployment, tagged, earlier);
  const instances = ids.length === 0 ? [] : await ports.ec2.describe(ids);
  const { terminate } = decideTermination('new', deployment, ids, instances);
  return {
    ids,
    instances,
    removable: instances.filter(({ instanceId }) => terminate.includes(instanceId)),
    secondsPassed: secondsBetween(deployment.removal?.since ?? now, now),
  };
}

async function remove(
  deployment: Deployment,
  ports: Eyes,
  { ids, instances, secondsPassed }: Seen,
  kept: Kept | undefined,
  now: Date,
): Promise<Finding> {
  const inFlight = mayBeInFlight(deployment, secondsPassed, now);
  if (ids.length === 0) return inFlight ?? { ready: true, reason: 'nothing was launched' };

  const earlier = deployment.removal?.memory ?? {};
  const leaving = ids.filter((id) => id !== kept?.instanceId);
  const decision = decideTermination('new', deployment, leaving, instances);
  // 0: seen. The id is kept, because the instance will not be listed by its tag once it has ended.
  const seen = Object.fromEntries(ids.map((id) => [id, 0]));
  const memory = { ...seen, ...rememberUnseen(decision, earlier, now) };
  const launched = deployment.launch?.instances ?? [];
  const seenSoFar = deployment.removal?.seen;
  const milestones = terminatedMilestones(deployment, launched, decision.gone, now, seenSoFar);
  const waiting = (reason: string): Finding => ({ ready: false, reason, memory, seen: milestones });

  const unleft = await leaveBalancers(deployment, ports, ids, secondsPassed);
  if (unleft) return waiting(unleft);
  if (decision.terminate.length > 0) {
    await rememberLaunched(deployment, ports, instances, now);
    const reason = await terminateInstances(decision.terminate, ports);
    // One that EC2 refuses is asked for until the deadline: nobody shall be paged meanwhile about those that are gone.
    if (decision.gone.length > 0) await retireHostsOf(deployment, ports, decision.gone);
    return waiting(reason);
  }
  // A refused one does not keep the others from being removed: it is told when they are.
  if (!allEnded({ ...decision, refused: [] }, memory, now))
    return waiting(`${list([...decision.going, ...decision.unseen])} still shutting down`);
  if (inFlight) return { ...inFlight, memory, seen: milestones };
  const ended = [...decision.gone, ...decision.unseen];
  const leftMackerel = kept ? [...ended, kept.instanceId] : ended;
  const { refusals } = await retireHostsOf(deployment, ports, leftMackerel);
  if (refusals) return waiting(`Mackerel did not retire ${refusals}`);
  refuseAny(decision);
  const removed = `${count(leaving.length, 'new instance')} removed`;
  return { ready: true, reason: kept ? `${removed}; ${keptSentence(kept)}` : removed, seen: milestones };
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
  ports: Eyes,
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

/** "EC2 shows nothing that we launched" is no proof while a launch may still be in flight. */
function mayBeInFlight(deployment: Deployment, secondsPassed: number, now: Date): Finding | undefined {
  const left = settledAfterSeconds(deployment) - secondsPassed;
  if (left <= 0) return undefined;
  return {
    ready: false,
    reason: 'EC2 shows nothing more of this deployment; making sure that no launch is still in flight',
    earliest: new Date(now.getTime() + left * 1000),
  };
}

export const handler = lambdaHandler(terminateNewInstances, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
