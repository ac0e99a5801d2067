/**
 * State *Take old hosts out of service*: looks at the new hosts once more, and only if every one of them is ready in
 * this very look (rule 1) takes the old ones out of the load balancers and stops Mackerel from paging about them.
 */
import { liveEc2 } from './clients/ec2.ts';
import { atEachBalancer, lookAtNewHosts } from './clients/facts.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { Ports } from './clients/ports.ts';
import { groupBy } from './domain/collections.ts';
import type { Shift } from './domain/deployment.ts';
import { allReady, readinessSentence, standings } from './domain/readiness.ts';
import { defineStep } from './domain/step.ts';
import { count } from './domain/words.ts';

export const takeOldHostsOutOfService = defineStep(
  'take-old-hosts-out-of-service',
  ['oldHosts', 'launch', 'readiness'],
  async (deployment, ports: Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'clock'>): Promise<Shift> => {
    const { launch, oldHosts } = deployment;
    const facts = await lookAtNewHosts(deployment, launch.instances, ports);
    const hosts = standings(launch.instances, facts);
    const at = ports.clock.now().toISOString();
    if (!allReady(hosts)) return { done: false, at, reason: `back to waiting: ${readinessSentence(hosts)}` };

    // `maintenance` before the load balancer lets go: an old host that stops answering pages nobody.
    const hostIds = oldHosts.hosts.flatMap((host) => host.hostIds);
    if (hostIds.length > 0) await ports.mackerel.setStatus(hostIds, 'maintenance');
    const memberships = oldHosts.hosts.flatMap((host) =>
      host.memberOf.map((name) => ({ name, id: host.instanceId })),
    );
    const idsByName = new Map(
      [...groupBy(memberships, ({ name }) => name)].map(([name, those]) => [name, those.map(({ id }) => id)]),
    );
    await atEachBalancer('deregister', deployment, ports, idsByName);
    return {
      done: true,
      at,
      reason: `${readinessSentence(hosts)}; ${count(oldHosts.hosts.length, 'old host')} taken out of service`,
    };
  },
);

export const handler = lambdaHandler(takeOldHostsOutOfService, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  clock: systemClock,
}));
