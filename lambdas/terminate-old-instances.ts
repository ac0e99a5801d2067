/**
 * State *Terminate old instances*: the point of no return. Looks at the new hosts right before each call; waits until
 * EC2 says that the old instances have ended, because Mackerel must not forget them before that.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import { type After, type Look, oldInstanceIds } from './domain/core/document.ts';
import { DeploymentError, isFailure } from './domain/core/errors.ts';
import { deadlineOf, type Finding, nextLook, unlessUnavailable } from './domain/core/looks.ts';
import { defineStep } from './domain/core/step.ts';
import { count, list, span } from './domain/core/words.ts';
import { retireHostsOf } from './domain/hosts/end-instances.ts';
import { lookAtNewHosts } from './domain/hosts/look-at-hosts.ts';
import { allReady, type HostFacts, readinessSentence, standings } from './domain/hosts/readiness.ts';
import {
  allEnded,
  decideTermination,
  refuseAny,
  rememberUnseen,
  type TerminationDecision,
} from './domain/hosts/termination.ts';
import { entering, holding } from './domain/lock/fence.ts';
import { terminatedMilestones } from './domain/record/timeline/milestones.ts';
import type { Ports } from './ports/ports.ts';

type Baked = After<'oldHosts' | 'launch' | 'bake'>;
type Eyes = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock'>;

export const terminateOldInstances = defineStep(
  'terminate-old-instances',
  ['oldHosts', 'launch', 'bake'],
  async (deployment: Baked, ports: Eyes): Promise<Look> => {
    const now = ports.clock.now();
    const { terminateSeconds } = deployment.fleet.limits;
    const deadline = deadlineOf(deployment.termination, now, terminateSeconds);
    const found = await unlessUnavailable(deployment.termination?.memory, () =>
      lookAndTerminate(deployment, ports, now),
    );
    if (!found.ready && now >= deadline) {
      throw new DeploymentError(
        'OldHostsNotTerminated',
        `After ${span(terminateSeconds)}: ${found.reason}. They are out of service; terminate them in the EC2 console.` +
          (await retireEnded(deployment, ports)),
      );
    }
    return nextLook(deployment.termination, now, deadline, found);
  },
);

async function lookAndTerminate(deployment: Baked, ports: Eyes, now: Date): Promise<Finding> {
  const { phase } = await holding(deployment, ports);
  const ids = oldInstanceIds(deployment);
  const decision = decideTermination(
    'old',
    deployment,
    ids,
    ids.length > 0 ? await ports.ec2.describe(ids) : [],
  );
  const earlier = deployment.termination?.memory;
  // EC2's answer may be older than our own call of an earlier look, and a run that was cut off may have called: then
  // the ledger says so.
  const begun =
    decision.going.length + decision.gone.length > 0 || earlier?.begun === 1 || phase === 'remove';
  const memory = { ...rememberUnseen(decision, earlier, now), ...(begun && { begun: 1 }) };
  const seenBefore = deployment.termination?.seen;
  const seen = terminatedMilestones(deployment, deployment.oldHosts.hosts, decision.gone, now, seenBefore);
  if (allEnded(decision, memory, now)) {
    // Nothing is left to go back to: from here on a clean-up finishes, too.
    await entering('remove', deployment, ports);
    return {
      ready: true,
      seen,
      reason:
        ids.length > 0 ? `${count(ids.length, 'old instance')} terminated` : 'no old instance to terminate',
    };
  }
  if (!begun) refuseAny(decision);
  if (decision.terminate.length === 0)
    return { ready: false, reason: endingSentence(decision), memory, seen };

  // Only now: while the old instances shut down there is nothing to decide about the new ones.
  const facts = await lookAtNewHosts(deployment, deployment.launch.instances, ports);
  const lack = readinessLack(deployment, facts, begun);
  if (lack) {
    const reason = `the new hosts are not ready, so no old one is terminated: ${lack}`;
    // Thrown only while no old instance has ended: the story undoes the deployment on this name.
    if (!begun) throw new DeploymentError('ReadinessLost', `Right before the termination ${reason}.`);
    return { ready: false, reason, memory };
  }
  // The point of no return is written down before it is passed, also when an old instance has ended by itself.
  await entering('remove', deployment, ports);
  // A call that was not answered may have been heard: from here on nothing is undone.
  const afterwards = { ...memory, begun: 1 };
  return unlessUnavailable(afterwards, () => terminate(decision, begun, ports, afterwards));
}

/** @throws NewHostDied only when old instances have ended already: before that, a dead new host is undone too. */
function readinessLack(deployment: Baked, facts: HostFacts, begun: boolean): string | undefined {
  try {
    const hosts = standings(deployment.launch.instances, facts);
    return allReady(hosts) ? undefined : readinessSentence(hosts);
  } catch (error) {
    if (begun || !isFailure(error, 'NewHostDied')) throw error;
    return error.message.replace(/\.$/, '');
  }
}

async function terminate(
  { terminate: ids, refused }: TerminationDecision,
  begun: boolean,
  { ec2 }: Pick<Ports, 'ec2'>,
  memory: Record<string, number>,
): Promise<Finding> {
  const answer = await ec2.terminate(ids);
  // EC2 refused every one of them (termination protection): nothing has ended yet, so the deployment can be undone.
  if (!begun && answer.refused.length === ids.length) refuseAny({ refused: answer.refused });
  const all = [...refused, ...answer.refused];
  const taken = ids.filter((id) => !all.some((refusal) => refusal.id === id));
  const parts = [
    taken.length > 0 && `EC2 terminates ${list(taken)}`,
    all.length > 0 && `not terminated: ${list(all.map(({ id, reason }) => `${id} (${reason})`))}`,
  ];
  return { ready: false, reason: parts.filter(Boolean).join('; '), memory };
}

/**
 * Those that did end, for nobody else comes by to retire them: a human looks after the rest. Best effort.
 * @returns a sentence about them.
 */
async function retireEnded(deployment: Baked, ports: Eyes): Promise<string> {
  try {
    const instances = await ports.ec2.describe(oldInstanceIds(deployment));
    const ids = instances.filter(({ state }) => state === 'terminated').map(({ instanceId }) => instanceId);
    if (ids.length === 0) return '';
    const ended = deployment.oldHosts.hosts.filter(({ instanceId }) => ids.includes(instanceId));
    const known = ended.flatMap(({ hostIds }) => hostIds);
    const { refusals } = await retireHostsOf(deployment, ports, ids, known);
    const but = refusals && `, but for ${refusals}`;
    return ` ${list(ids)} ended, and ${ids.length === 1 ? 'is' : 'are'} retired in Mackerel${but}.`;
  } catch (error) {
    if (!isFailure(error)) throw error;
    return '';
  }
}

function endingSentence({ going, unseen, refused }: TerminationDecision): string {
  const parts = [
    going.length > 0 && `${list(going)} ${going.length === 1 ? 'is' : 'are'} shutting down`,
    unseen.length > 0 && `EC2 does not show ${list(unseen)}`,
    refused.length > 0 && `not terminated: ${list(refused.map(({ id, reason }) => `${id} (${reason})`))}`,
  ];
  return parts.filter(Boolean).join('; ');
}

export const handler = lambdaHandler(terminateOldInstances, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
