/**
 * State *Snapshot old hosts*: who serves now, by Mackerel's answer, confirmed by EC2 and by the load balancers. All
 * that could be wrong around a launch is found here, while nothing was changed. Only reads.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler } from './clients/handler.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { Snapshot } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { type Fleet, loadBalancerName, TAG } from './domain/core/fleet.ts';
import { defineStep } from './domain/core/step.ts';
import { list } from './domain/core/words.ts';
import { decideJoining } from './domain/hosts/joining.ts';
import { hostsOfRole, membersByTwoAnswers } from './domain/hosts/look-at-hosts.ts';
import { checkNetwork } from './domain/hosts/network.ts';
import { decideSnapshot } from './domain/hosts/snapshot.ts';
import type { Mackerel } from './ports/mackerel.ts';
import type { Ports } from './ports/ports.ts';

/** Strangers are for people to read: beyond this many the count says enough. */
const MOST_STRANGERS = 50;

export const snapshotOldHosts = defineStep(
  'snapshot-old-hosts',
  ['release'],
  async (deployment, ports: Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers'>): Promise<Snapshot> => {
    const { fleet } = deployment;
    const [subnets, balancers, hosts, tagged, members] = await Promise.all([
      ports.ec2.subnets(fleet.subnets),
      Promise.all(fleet.loadBalancers.map((ref) => ports.loadBalancers.settings(ref))),
      hostsOfRole(deployment, ports),
      ports.ec2.listByTag(TAG.fleet, fleet.name),
      membersByTwoAnswers(deployment, ports),
      assertRoleExists(fleet, ports.mackerel),
    ]);
    checkNetwork(fleet, subnets, balancers);
    const named = new Set(hosts.flatMap((host) => host.instanceId ?? []));
    const instances = named.size === 0 ? [] : await ports.ec2.describe([...named]);
    const decision = decideSnapshot(fleet, { hosts, instances, tagged, members });
    return {
      reason: decision.reason,
      hosts: decision.hosts,
      strangers: decision.strangers.slice(0, MOST_STRANGERS),
      strangerCount: decision.strangers.length,
      balancers: balancers.map(({ ref, intervalSeconds, healthyThreshold, drainSeconds }) => ({
        name: loadBalancerName(ref),
        intervalSeconds,
        healthyThreshold,
        drainSeconds,
        joins: decideJoining({ ref, intervalSeconds, healthyThreshold }),
      })),
    };
  },
);

async function assertRoleExists(
  { name, mackerel: { service, role } }: Fleet,
  mackerel: Mackerel,
): Promise<void> {
  const roles = await mackerel.roles(service);
  if (roles?.includes(role)) return;
  const what = roles
    ? `no role ${role} in the service ${service} (it has ${list(roles)})`
    : `no service ${service}`;
  throw new DeploymentError(
    'MackerelRoleUnknown',
    `Mackerel has ${what}. Create it there, or correct \`mackerel\` of ${name} in bin/fleets.ts.`,
  );
}

export const handler = lambdaHandler(snapshotOldHosts, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
}));
