/**
 * State *New hosts are ready*: one look at EC2, Mackerel and every load balancer. Registers each host at its load
 * balancers at the moment that makes it healthy earliest, and says in a sentence what is still waited for. Where the
 * fleet wants it, a few hosts join first and are watched before the others do, and stragglers are named that are to be
 * replaced.
 */

import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerelReader } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After, Readiness } from './domain/core/document.ts';
import { isUnknown } from './domain/core/looks.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { judgeNewHosts, REMEMBERED, type Remembered } from './domain/hosts/judging.ts';
import { compareBeside, listen } from './domain/hosts/listening.ts';
import { type Asks, atEachBalancer, lookAtNewHosts } from './domain/hosts/look-at-hosts.ts';
import { heldUpByMackerel, mackerelMatters, mackerelPause, notReady } from './domain/hosts/readiness.ts';
import { mustAsk, registrationLimit } from './domain/hosts/registration.ts';
import { readyDeadline, sideBySideSeconds, waitsFrom } from './domain/hosts/side-by-side.ts';
import { waitsFor } from './domain/hosts/starts.ts';
import { notWatched } from './domain/hosts/watching.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import { EC2_SECONDS } from './domain/record/plan.ts';
import { newHostMilestones } from './domain/record/timeline/milestones.ts';
import type { Ports } from './ports/ports.ts';

type Launched = After<'release' | 'oldHosts' | 'launch'>;
type ReadinessPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock' | 'ledger'>;
type Extra = Pick<Readiness, 'stragglers' | 'starts' | 'tolerated' | 'first' | 'compared'>;

export const newHostsAreReady = defineWait('new-hosts-are-ready', {
  needs: ['release', 'oldHosts', 'launch'],
  remembers: REMEMBERED,
  keeps: ['tolerated', 'compared'],
  from: (deployment) => waitsFrom(deployment).at,
  seconds: (deployment) => deployment.fleet.limits.readySeconds + sideBySideSeconds(deployment),
  dueSeconds: (deployment) => registrationLimit(deployment)?.seconds ?? deployment.fleet.limits.readySeconds,
  look: async (deployment: Launched, ports: ReadinessPorts, turn: Turn<Remembered, Extra>) => {
    const runningAt = new Date(new Date(deployment.launch.at).getTime() + EC2_SECONDS.launch * 1000);
    // Nothing can be ready before EC2 has started an instance: the first look does not bother anybody before that.
    return turn.now < runningAt && !deployment.readiness
      ? { ready: false, reason: 'EC2 is starting the new instances', earliest: runningAt }
      : lookAndJoin(deployment, ports, turn);
  },
  late: (deployment, { reason, seconds }) =>
    isUnknown(reason) && deployment.readiness?.memory?.allReadyAt !== undefined
      ? notWatched('The new hosts', 'their time beside the old ones', reason, 0)
      : notReady(deployment.fleet, reason, seconds, waitsFrom(deployment).what),
});

async function lookAndJoin(
  deployment: Launched,
  ports: ReadinessPorts,
  { now, memory, seen: earlier, keep, remember }: Turn<Remembered, Extra>,
): Promise<Found<Remembered>> {
  await assertMayGoOn(deployment, ports);
  const { launch, oldHosts, release } = deployment;
  const launched = launch.instances;
  const limit = registrationLimit(deployment);
  const askedBefore = memory.mackerelAskedAt ?? 0;
  const unanswered = limit && { unanswered: 1 };
  remember({ ...memory, ...unanswered });
  const waits = waitsFor(oldHosts.balancers, launched, release.starts);
  // The sentence of the last look is the one that people read: it asks everybody.
  const isLast = now >= readyDeadline(deployment) || mustAsk(limit, memory, now);
  const asks: Asks = (seen) => isLast || mackerelMatters(launched, seen, waits, (+now - askedBefore) / 1000);
  const facts = await lookAtNewHosts(deployment, launched, ports, asks);
  const { ready, reason, hosts, joining, ...judged } = judgeNewHosts(deployment, facts, memory, now);
  // What these saw counts, also where nobody answers what is asked from here on.
  remember({ ...judged.memory, ...unanswered });
  const alertsAskedAt = await listen(deployment, ports, { now, memory, keep, facts, hosts, joining });
  const comparedUpTo = await compareBeside(deployment, ports, { now, memory, keep, hosts });
  await atEachBalancer('register', deployment, ports, joining);
  keep(judged.extra);
  if (judged.isLate) throw judged.isLate;
  const { patienceSeconds = 0 } = judged;
  // Asked for the sentence's sake alone, it is not asked by the next look, which may come soon.
  const pause = mackerelPause(heldUpByMackerel(launched, facts, waits), facts).patienceSeconds ?? 0;
  return {
    ready,
    reason,
    memory: {
      ...judged.memory,
      alertsAskedAt,
      comparedUpTo,
      mackerelAskedAt: facts.hosts === 'not asked' ? askedBefore : +now,
    },
    seen: newHostMilestones(deployment, launched, facts, now, earlier),
    patienceSeconds: Math.max(patienceSeconds, pause),
  };
}

export const handler = lambdaHandler(newHostsAreReady, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerelReader(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
