/** State *Watch the new hosts*: the bake. Still ready, and no Mackerel alert open on them. Only reads. */

import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After, Look } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { deadlineOf, type Finding, nextLook, unlessUnavailable } from './domain/core/looks.ts';
import { defineStep } from './domain/core/step.ts';
import { BAKE_RETRY_SECONDS, BAKE_SILENCE_SECONDS } from './domain/core/steps.ts';
import { span } from './domain/core/words.ts';
import { BAKE_PAUSE_SECONDS, decideBake } from './domain/hosts/bake.ts';
import { lookAtNewHosts } from './domain/hosts/look-at-hosts.ts';
import { standings } from './domain/hosts/readiness.ts';
import { holdingUnlessCancelled } from './domain/lock/fence.ts';
import type { Ports } from './ports/ports.ts';

type Launched = After<'launch'>;
type Eyes = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock' | 'ledger'>;

export const watchTheNewHosts = defineStep(
  'watch-the-new-hosts',
  ['launch'],
  async (deployment: Launched, ports: Eyes): Promise<Look> => {
    const now = ports.clock.now();
    const { bakeSeconds } = deployment.fleet.limits;
    const end = deadlineOf(deployment.bake, now, bakeSeconds);
    const found = await unlessUnavailable(deployment.bake?.memory, () =>
      lookAndJudge(deployment, ports, now, end),
    );
    const silent = new Date(end.getTime() + BAKE_SILENCE_SECONDS * 1000);
    if (!found.ready && now >= silent) {
      throw new DeploymentError(
        'ServiceUnavailable',
        `The new hosts could not be watched to the end, ${span(BAKE_SILENCE_SECONDS)} after the bake should have ended: ${found.reason}.`,
      );
    }
    const patient = { patienceSeconds: BAKE_RETRY_SECONDS, ...found };
    return nextLook(deployment.bake, now, now < end ? end : silent, patient);
  },
);

async function lookAndJudge(deployment: Launched, ports: Eyes, now: Date, end: Date): Promise<Finding> {
  await holdingUnlessCancelled(deployment, ports);
  const [facts, alerts] = await Promise.all([
    lookAtNewHosts(deployment, deployment.launch.instances, ports),
    ports.mackerel.openAlerts(),
  ]);
  const { baked, badLooks, reason } = decideBake({
    standings: standings(deployment.launch.instances, facts),
    alerts,
    badLooks: deployment.bake?.memory?.badLooks ?? 0,
    secondsLeft: (end.getTime() - now.getTime()) / 1000,
  });
  const patienceSeconds = badLooks > 0 ? BAKE_RETRY_SECONDS : BAKE_PAUSE_SECONDS;
  return { ready: baked, reason, memory: { badLooks }, patienceSeconds };
}

export const handler = lambdaHandler(watchTheNewHosts, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
