/** State *Watch the new hosts*: the bake. Still ready, and no Mackerel alert open on them. Only reads. */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { BAKE_RETRY_SECONDS, BAKE_SILENCE_SECONDS } from './domain/core/steps.ts';
import { defineWait, type Found, type Turn } from './domain/core/wait.ts';
import { secondsBetween, span } from './domain/core/words.ts';
import { BAKE_PAUSE_SECONDS, decideBake, watchOf, watchSeconds } from './domain/hosts/bake.ts';
import { lookAtNewHosts } from './domain/hosts/look-at-hosts.ts';
import { assertNoMonitorAlerts } from './domain/hosts/monitors.ts';
import { standings } from './domain/hosts/readiness.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import type { Ports } from './ports/ports.ts';

type Launched = After<'launch' | 'oldHosts'>;
type BakePorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock' | 'ledger'>;

export const watchTheNewHosts = defineWait('watch-the-new-hosts', {
  needs: ['launch', 'oldHosts'],
  remembers: ['badLooks'],
  seconds: (deployment) => watchSeconds(theWatch(deployment)) + BAKE_SILENCE_SECONDS,
  dueSeconds: (deployment) => watchSeconds(theWatch(deployment)),
  look: lookAndJudge,
  late: (_deployment, { reason }) =>
    new DeploymentError(
      'ServiceUnavailable',
      `The new hosts could not be watched to the end, ${span(BAKE_SILENCE_SECONDS)} after the bake should have ended: ${reason}.`,
    ),
});

const theWatch = ({ fleet, oldHosts }: Launched) =>
  watchOf(fleet.limits.bakeSeconds, oldHosts.balancers, oldHosts.monitors);

async function lookAndJudge(
  deployment: Launched,
  ports: BakePorts,
  { now, deadline, memory }: Turn<'badLooks'>,
): Promise<Found<'badLooks'>> {
  await assertMayGoOn(deployment, ports);
  const [facts, alerts] = await Promise.all([
    lookAtNewHosts(deployment, deployment.launch.instances, ports),
    ports.mackerel.openAlerts(),
  ]);
  const hosts = standings(deployment.launch.instances, facts);
  const { baked, badLooks, reason } = decideBake({
    standings: hosts,
    alerts,
    badLooks: memory.badLooks ?? 0,
    watch: theWatch(deployment),
    secondsLeft: secondsBetween(now, deadline) - BAKE_SILENCE_SECONDS,
  });
  const told = assertNoMonitorAlerts(deployment, alerts, hosts);
  const patienceSeconds = badLooks > 0 ? BAKE_RETRY_SECONDS : BAKE_PAUSE_SECONDS;
  return {
    ready: baked,
    reason: [reason, told].filter(Boolean).join('; '),
    memory: { badLooks, hosts: {} },
    patienceSeconds,
  };
}

export const handler = lambdaHandler(watchTheNewHosts, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
