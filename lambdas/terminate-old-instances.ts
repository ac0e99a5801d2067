/**
 * State *Terminate old instances*: the point of no return. Looks at the new hosts right before each call, and does what
 * `domain/hosts/point-of-no-return.ts` decides; waits until EC2 says that the old instances have ended, because Mackerel
 * must not forget them before that.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import { type After, oldInstanceIds } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { span } from './domain/core/words.ts';
import { retireEndedOldHosts, terminateInstances } from './domain/hosts/end-instances.ts';
import { lookAtNewHosts } from './domain/hosts/look-at-hosts.ts';
import {
  decideAfterCall,
  decideOldInstances,
  isPassed,
  mustSeeNewHosts,
  unlooked,
  whenUnlooked,
} from './domain/hosts/point-of-no-return.ts';
import { decideTermination, rememberUnseen } from './domain/hosts/termination.ts';
import { assertHoldsLock, enterPhase } from './domain/lock/fence.ts';
import { goingBack } from './domain/lock/going-back.ts';
import { terminatedMilestones } from './domain/record/timeline/milestones.ts';
import type { Ports } from './ports/ports.ts';

/** Watched, where the fleet has a bake. */
type Shifted = After<'oldHosts' | 'launch' | 'shift'>;
type TerminationPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock'>;

export const terminateOldInstances = defineWait('terminate-old-instances', {
  needs: ['oldHosts', 'launch', 'shift'],
  remembers: ['begun'],
  look: lookAndTerminate,
  late: async (deployment, { reason, seconds }, ports) => {
    const { phase } = await assertHoldsLock(deployment, ports);
    if (phase !== 'remove' && deployment.termination?.memory?.begun !== 1)
      return goingBack(unlooked(reason), deployment, ports);
    return new DeploymentError(
      'OldHostsNotTerminated',
      `After ${span(seconds)}: ${reason}. They are out of service. What holds them, such as termination protection, has to be taken off before they can be terminated: ` +
        'see OldHostsNotTerminated in docs/runbook.md.' +
        (await retireEndedOldHosts(deployment, ports)),
    );
  },
});

async function lookAndTerminate(
  deployment: Shifted,
  ports: TerminationPorts,
  turn: Turn<'begun'>,
): Promise<Found<'begun'>> {
  const { now, memory: earlier } = turn;
  const { phase } = await assertHoldsLock(deployment, ports);
  const ids = oldInstanceIds(deployment);
  const shown = ids.length > 0 ? await ports.ec2.describe(ids) : [];
  const old = decideTermination('old', deployment, ids, shown);
  const known = { old, phase, hasCalled: earlier.begun === 1 };
  const { instances: launched } = deployment.launch;
  const newHosts = mustSeeNewHosts(known)
    ? await lookAtNewHosts(deployment, launched, ports).catch(async (error: unknown) => {
        if (!isPassed(known)) throw await goingBack(whenUnlooked(error), deployment, ports);
        // Mackerel keeps nobody from finishing: EC2 and the load balancers say who serves.
        return lookAtNewHosts(deployment, launched, ports, () => false);
      })
    : undefined;
  const unseenSince = rememberUnseen(old, earlier.hosts, now);
  const verdict = decideOldInstances({ ...known, unseenSince, launched, newHosts, now });
  const seen = terminatedMilestones(deployment, deployment.oldHosts.hosts, old.gone, now, turn.seen);
  const memory = { begun: isPassed(known) ? 1 : undefined, hosts: unseenSince };
  switch (verdict.do) {
    case 'undo':
    case 'refuse':
      throw isPassed(known) ? verdict.error : await goingBack(verdict.error, deployment, ports);
    case 'wait':
      return { ready: false, reason: verdict.reason, memory, seen };
    case 'done':
      // Nothing is left to go back to: from here on a clean-up finishes, too.
      await enterPhase('remove', deployment, ports);
      return { ready: true, reason: verdict.reason, seen };
    case 'terminate': {
      // The point of no return is written down before it is passed, also when an old instance has ended by itself.
      await enterPhase('remove', deployment, ports);
      // A call that was not answered may have been heard: from here on nothing is undone.
      turn.remember({ ...memory, begun: 1 });
      const { refused } = await terminateInstances(verdict.ids, ports);
      const after = decideAfterCall(known, verdict.ids, refused);
      if ('error' in after) throw after.error;
      return { ready: false, reason: after.reason, memory: { ...memory, begun: 1 } };
    }
  }
}

export const handler = lambdaHandler(terminateOldInstances, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
