/**
 * State *Take old hosts out of service*: looks at the new hosts once more, and only if every one of them is ready in
 * this very look (rule 1) takes the old ones out of the load balancers and stops Mackerel from paging about them.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After, Shift } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { TAG } from './domain/core/fleet.ts';
import { defineStep } from './domain/core/step.ts';
import { count, list, secondsBetween, span } from './domain/core/words.ts';
import { atEachBalancer, lookAtNewHosts, oldIdsByBalancer, portsOf } from './domain/hosts/look-at-hosts.ts';
import { assertNoMonitorAlerts } from './domain/hosts/monitors.ts';
import {
  allReady,
  type HostFacts,
  type HostStanding,
  readinessSentence,
  standings,
} from './domain/hosts/readiness.ts';
import { besideDeadline, waitsFrom } from './domain/hosts/side-by-side.ts';
import { besidesSentence } from './domain/hosts/who-serves.ts';
import { enterPhase } from './domain/lock/fence.ts';
import type { Member } from './ports/load-balancers.ts';
import type { Ports } from './ports/ports.ts';

type Ready = After<'oldHosts' | 'launch' | 'readiness'>;

export const takeOldHostsOutOfService = defineStep(
  'take-old-hosts-out-of-service',
  ['oldHosts', 'launch', 'readiness'],
  async (
    deployment,
    ports: Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock'>,
  ): Promise<Shift> => {
    const { fleet, launch, oldHosts } = deployment;
    // Before the look: what it sees must be no older than the calls below.
    await enterPhase('shift', deployment, ports);
    const [facts, tagged, alerts] = await Promise.all([
      lookAtNewHosts(deployment, launch.instances, ports),
      ports.ec2.listByTag(TAG.fleet, fleet.name),
      oldHosts.monitors ? ports.mackerel.openAlerts() : [],
    ]);
    const hosts = standings(launch.instances, facts);
    assertNoMonitorAlerts(deployment, alerts, hosts);
    if (!allReady(hosts)) return backToWaiting(deployment, facts, hosts, ports.clock.now());

    // `maintenance` before the load balancer lets go: an old host that stops answering pages nobody.
    const hostIds = oldHosts.hosts.flatMap((host) => host.hostIds);
    if (hostIds.length > 0) await ports.mackerel.setStatus(hostIds, 'maintenance');
    const leaving = oldIdsByBalancer(oldHosts.hosts);
    const portsAt = (name: string) => portsOf(facts.members.get(name));
    await atEachBalancer('deregister', deployment, ports, leaving, portsAt);
    return {
      done: true,
      // Afterwards: draining is counted from here.
      at: ports.clock.now().toISOString(),
      reason: `${readinessSentence(hosts)}; ${count(oldHosts.hosts.length, 'old host')} taken out of service${besidesSentence(deployment, tagged, facts.members)}`,
    };
  },
);

/**
 * @throws ReadinessLost when there is no way back to waiting: an old host has left already (this step was cut off while
 * it acted, and runs again), or nobody may wait any longer. Both are undone.
 */
function backToWaiting(
  deployment: Ready,
  { members }: HostFacts,
  hosts: readonly HostStanding[],
  now: Date,
): Shift {
  const { oldHosts } = deployment;
  const lack = readinessSentence(hosts);
  const left = oldHosts.hosts.filter(({ instanceId, memberOf }) =>
    memberOf.some((name) => !staysAt(instanceId, members.get(name))),
  );
  if (left.length > 0) {
    const who = list(left.map((host) => host.instanceId));
    throw new DeploymentError(
      'ReadinessLost',
      `${who} left the load balancers already, but the new hosts are not ready anymore: ${lack}.`,
    );
  }
  if (now >= besideDeadline(deployment)) {
    const { at, what } = waitsFrom(deployment);
    throw new DeploymentError(
      'ReadinessLost',
      `The new hosts were ready and no longer are, ${span(Math.round(secondsBetween(at, now)))} after ${what}: ${lack}.`,
    );
  }
  return { done: false, at: now.toISOString(), reason: `back to waiting: ${lack}` };
}

const staysAt = (instanceId: string, registered: readonly Member[] = []) =>
  registered.some((member) => member.instanceId === instanceId && member.state !== 'draining');

export const handler = lambdaHandler(takeOldHostsOutOfService, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
