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
import type { After, Straggler } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { span } from './domain/core/words.ts';
import { atEachBalancer, lookAtNewHosts } from './domain/hosts/look-at-hosts.ts';
import { judgeNameless } from './domain/hosts/nameless.ts';
import {
  allReady,
  assertBalancersInUse,
  mackerelMatters,
  readinessSentence,
  standings,
  toRegister,
  usualReason,
} from './domain/hosts/readiness.ts';
import { decideStragglers, isBearable, mayReplace, mostStragglers } from './domain/hosts/stragglers.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import { EC2_SECONDS } from './domain/record/plan.ts';
import { newHostMilestones } from './domain/record/timeline/milestones.ts';
import type { Ports } from './ports/ports.ts';

/** While Mackerel is who holds things up the next look waits this long. */
const MACKEREL_PAUSE_SECONDS = 3;

type Launched = After<'oldHosts' | 'launch'>;
type ReadinessPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock' | 'ledger'>;
type Remembered = 'halfReadyAt' | 'mackerelAskedAt';
interface Extra {
  readonly stragglers: Straggler[];
}

export const newHostsAreReady = defineWait('new-hosts-are-ready', {
  needs: ['oldHosts', 'launch'],
  remembers: ['halfReadyAt', 'mackerelAskedAt'],
  from: ({ launch }) => launch.at,
  look: async (deployment: Launched, ports: ReadinessPorts, turn: Turn<Remembered, Extra>) => {
    const runningAt = new Date(new Date(deployment.launch.at).getTime() + EC2_SECONDS.launch * 1000);
    // Nothing can be ready before EC2 has started an instance: the first look does not bother anybody before that.
    return turn.now < runningAt && !deployment.readiness
      ? { ready: false, reason: 'EC2 is starting the new instances', earliest: runningAt }
      : lookAndJoin(deployment, ports, turn);
  },
  late: ({ fleet }, { reason, seconds }) =>
    new DeploymentError(
      'NewHostsNotReady',
      `Not ready ${span(seconds)} after the launch: ${reason}. Look at the hosts' console output and at ${usualReason(fleet)}; ` +
        'if they only need longer, raise limits.readySeconds in bin/fleets.ts.',
    ),
});

async function lookAndJoin(
  deployment: Launched,
  ports: ReadinessPorts,
  { now, deadline, memory, seen: earlier, keep }: Turn<Remembered, Extra>,
): Promise<Found<Remembered>> {
  await assertMayGoOn(deployment, ports);
  const { launch } = deployment;
  const { instances: launched } = launch;
  const askedBefore = memory.mackerelAskedAt ?? 0;
  const joins = new Map(deployment.oldHosts.balancers.map(({ name, joins }) => [name, joins]));
  // The sentence of the last look is the one that people read: it asks everybody.
  const isLast = now >= deadline;
  const secondsSinceAsked = (now.getTime() - askedBefore) / 1000;
  const facts = await lookAtNewHosts(
    deployment,
    launched,
    ports,
    (seen) => isLast || mackerelMatters(launched, seen, joins, secondsSinceAsked),
  );
  const replaces = mayReplace(deployment, memory, deadline, now);
  const hosts = standings(launched, facts, (dead) => replaces && isBearable(dead, launched));
  assertBalancersInUse(hosts, facts.members);
  const nameless = judgeNameless(facts, now, replaces ? mostStragglers(launched.length) : 0);
  await atEachBalancer('register', deployment, ports, toRegister(hosts, facts.members, joins));
  const asked = facts.hosts !== 'not asked';
  const late = replaces && asked ? decideStragglers({ ...facts, hosts, launch, memory, now }) : undefined;
  if (late && late.replace.length > 0) keep({ stragglers: [...late.replace] });
  return {
    ready: allReady(hosts),
    reason: [readinessSentence(hosts, facts), late?.reason, nameless].filter(Boolean).join('; '),
    memory: { ...(late?.memory ?? memory), mackerelAskedAt: asked ? now.getTime() : askedBefore },
    seen: newHostMilestones(deployment, launched, facts, now, earlier),
    // Asked for the sentence's sake alone, it is not asked by the next look, which may come soon.
    ...(mackerelMatters(launched, facts, joins, 0) && { patienceSeconds: MACKEREL_PAUSE_SECONDS }),
  };
}

export const handler = lambdaHandler(newHostsAreReady, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
