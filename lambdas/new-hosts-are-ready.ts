/**
 * State *New hosts are ready*: one look at EC2, Mackerel and every load balancer. Registers each host at its load
 * balancers at the moment that makes it healthy earliest, and says in a sentence what is still waited for. Where the
 * fleet wants it, it names the stragglers that are to be replaced.
 */

import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After, Readiness } from './domain/core/document.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { listen } from './domain/hosts/listening.ts';
import { type Asks, atEachBalancer, lookAtNewHosts } from './domain/hosts/look-at-hosts.ts';
import { launchedSince } from './domain/hosts/meanwhile.ts';
import { judgeNameless } from './domain/hosts/nameless.ts';
import {
  allReady,
  assertBalancersInUse,
  heldUpByMackerel,
  mackerelMatters,
  mackerelPause,
  notReady,
  readinessSentence,
  standings,
  toRegister,
} from './domain/hosts/readiness.ts';
import { judgeRegistration, mustAsk, registrationLimit } from './domain/hosts/registration.ts';
import { learnedJoins, startsOf, waitsFor } from './domain/hosts/starts.ts';
import { decideStragglers, isBearable, mayReplace, mostStragglers } from './domain/hosts/stragglers.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import { EC2_SECONDS } from './domain/record/plan.ts';
import { newHostMilestones } from './domain/record/timeline/milestones.ts';
import type { Ports } from './ports/ports.ts';

type Launched = After<'release' | 'oldHosts' | 'launch'>;
type ReadinessPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock' | 'ledger'>;
type Remembered = 'halfReadyAt' | 'mackerelAskedAt' | 'alertsAskedAt' | 'unanswered' | 'missing';
type Extra = Pick<Readiness, 'stragglers' | 'starts' | 'tolerated'>;

export const newHostsAreReady = defineWait('new-hosts-are-ready', {
  needs: ['release', 'oldHosts', 'launch'],
  remembers: ['halfReadyAt', 'mackerelAskedAt', 'alertsAskedAt', 'unanswered', 'missing'],
  keeps: ['tolerated'],
  from: launchedSince,
  dueSeconds: (deployment) => registrationLimit(deployment)?.seconds ?? deployment.fleet.limits.readySeconds,
  look: async (deployment: Launched, ports: ReadinessPorts, turn: Turn<Remembered, Extra>) => {
    const runningAt = new Date(new Date(deployment.launch.at).getTime() + EC2_SECONDS.launch * 1000);
    // Nothing can be ready before EC2 has started an instance: the first look does not bother anybody before that.
    return turn.now < runningAt && !deployment.readiness
      ? { ready: false, reason: 'EC2 is starting the new instances', earliest: runningAt }
      : lookAndJoin(deployment, ports, turn);
  },
  late: ({ fleet }, { reason, seconds }) => notReady(fleet, reason, seconds),
});

async function lookAndJoin(
  deployment: Launched,
  ports: ReadinessPorts,
  { now, deadline, memory, seen: earlier, keep, remember }: Turn<Remembered, Extra>,
): Promise<Found<Remembered>> {
  await assertMayGoOn(deployment, ports);
  const { launch, oldHosts, release } = deployment;
  const launched = launch.instances;
  const limit = registrationLimit(deployment);
  const askedBefore = memory.mackerelAskedAt ?? 0;
  remember({ ...memory, ...(limit && { unanswered: 1 }) });
  const waits = waitsFor(oldHosts.balancers, launched, release.starts);
  // The sentence of the last look is the one that people read: it asks everybody.
  const isLast = now >= deadline || mustAsk(limit, memory, now);
  const asks: Asks = (seen) => isLast || mackerelMatters(launched, seen, waits, (+now - askedBefore) / 1000);
  const facts = await lookAtNewHosts(deployment, launched, ports, asks);
  const replaces = mayReplace(deployment, memory, deadline, now);
  const hosts = standings(launched, facts, (dead) => replaces && isBearable(dead, launched));
  assertBalancersInUse(hosts, facts.members);
  const judged = judgeRegistration(limit, hosts, facts, now, memory);
  const nameless = judgeNameless(facts, now, replaces ? mostStragglers(launched.length) : 0);
  const learned = learnedJoins(oldHosts.balancers, facts, now, release.starts);
  const joining = toRegister(hosts, facts.members, learned.isDue);
  const alertsAskedAt = await listen(deployment, ports, { now, memory, keep, facts, hosts, joining });
  await atEachBalancer('register', deployment, ports, joining);
  const asked = facts.hosts !== 'not asked';
  const mackerelAskedAt = asked ? +now : askedBefore;
  const late = replaces && asked ? decideStragglers({ ...facts, hosts, launch, memory, now }) : undefined;
  if (late && late.replace.length > 0) keep({ stragglers: [...late.replace] });
  if (allReady(hosts)) keep({ starts: startsOf(launched, facts) });
  const said = [readinessSentence(hosts, facts), learned.reason, late?.reason, nameless];
  return {
    ready: allReady(hosts),
    reason: said.filter(Boolean).join('; '),
    memory: { ...(late?.memory ?? memory), ...judged, alertsAskedAt, mackerelAskedAt },
    seen: newHostMilestones(deployment, launched, facts, now, earlier),
    // Asked for the sentence's sake alone, it is not asked by the next look, which may come soon.
    ...mackerelPause(heldUpByMackerel(launched, facts, waits), facts),
  };
}

export const handler = lambdaHandler(newHostsAreReady, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
