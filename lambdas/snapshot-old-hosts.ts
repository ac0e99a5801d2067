/**
 * State *Snapshot old hosts*: who serves now, by Mackerel's answer, confirmed by EC2 and by the load balancers. All
 * that could be wrong around a launch is found here, while nothing was changed. Only reads, but for what an earlier
 * deployment owes to Mackerel, and for a proof that the key may write.
 */
import { liveEc2 } from './clients/ec2.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveLoadBalancers } from './clients/load-balancers.ts';
import type { After, Snapshot } from './domain/core/document.ts';
import { assertGatesOpen } from './domain/core/errors.ts';
import { fleetSize, loadBalancerName, TAG } from './domain/core/fleet.ts';
import { defineStep } from './domain/core/step.ts';
import { noticesAfter } from './domain/hosts/bake.ts';
import { notCompared } from './domain/hosts/compare.ts';
import { lookBefore } from './domain/hosts/comparing.ts';
import { decideJoining, leadSeconds } from './domain/hosts/joining.ts';
import { hostsOfRole, membersByTwoAnswers, withoutGroupsPort } from './domain/hosts/look-at-hosts.ts';
import { assertMackerelTakesUs } from './domain/hosts/mackerel-takes-us.ts';
import { alreadyAlerting, resolveMonitors } from './domain/hosts/monitors.ts';
import { checkNetwork } from './domain/hosts/network.ts';
import { decideSnapshot } from './domain/hosts/snapshot.ts';
import { payBeforeReading, payersAt } from './domain/lock/debts.ts';
import { assertMayGoOn } from './domain/lock/fence.ts';
import type { Ports } from './ports/ports.ts';

/** Strangers are for people to read: beyond this many the count says enough. */
const MOST_STRANGERS = 50;

type SnapshotPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers' | 'ledger' | 'clock'>;

export const snapshotOldHosts = defineStep(
  'snapshot-old-hosts',
  ['release'],
  async (deployment, ports: SnapshotPorts): Promise<Snapshot> => {
    const { fleet } = deployment;
    const mayLook = beforeTheLook(deployment, ports);
    const listByTag = () => ports.ec2.listByTag(TAG.fleet, fleet.name);
    const [subnets, balancers, hosts, once, again, members, alerts, monitors] = await Promise.all([
      ports.ec2.subnets(fleet.subnets),
      Promise.all(fleet.loadBalancers.map((ref) => ports.loadBalancers.settings(ref))),
      mayLook.then(() => hostsOfRole(fleet.mackerel, ports)),
      listByTag(),
      listByTag(),
      membersByTwoAnswers(deployment, ports),
      mayLook.then(() => ports.mackerel.openAlerts()),
      fleet.watch.monitors.length > 0 ? mayLook.then(() => ports.mackerel.monitors()) : [],
      mayLook.then(() => assertMackerelTakesUs(deployment, ports.mackerel)),
    ]);
    checkNetwork(fleet, subnets, balancers);
    // Whose are those that Mackerel or a load balancer lists, and the tag does not? Mostly there are none.
    const tagged = [...once, ...again];
    const listed = new Set(tagged.map(({ instanceId }) => instanceId));
    const named = [...hosts, ...[...members.values()].flat()].flatMap((each) => each.instanceId ?? []);
    const others = [...new Set(named)].filter((id) => !listed.has(id));
    const instances = others.length === 0 ? [] : await ports.ec2.describe(others);
    const facts = { hosts, tagged, instances, members: withoutGroupsPort(members, balancers) };
    const decision = decideSnapshot(fleet, facts, deployment.input);
    const watched = resolveMonitors(fleet.watch.monitors, monitors);
    const alerting = alreadyAlerting(fleet, alerts, watched, decision.hosts, deployment.input);
    const refusals = [...decision.refusals, ...alerting.refusals];
    if (!deployment.release.dryRun) assertGatesOpen(refusals);
    const compared = await lookBefore(fleet, decision.hosts, ports);
    return {
      reason: decision.reason + alerting.although + notCompared(fleet, compared),
      ...(refusals.length > 0 && { refusals }),
      ...(watched.length > 0 && { monitors: watched }),
      ...(compared.length > 0 && { compared }),
      hosts: decision.hosts,
      ...(fleet.first && { zones: subnets.map(({ zone }) => zone) }),
      strangers: decision.strangers.slice(0, MOST_STRANGERS),
      strangerCount: decision.strangers.length,
      balancers: balancers.map((settings) => ({
        name: loadBalancerName(settings.ref),
        intervalSeconds: settings.intervalSeconds,
        healthyThreshold: settings.healthyThreshold,
        drainSeconds: settings.drainSeconds,
        joins: decideJoining(settings),
        noticesAfterSeconds: noticesAfter(settings),
        leadSeconds: leadSeconds(settings, fleetSize(fleet)),
        slowStartSeconds: settings.slowStartSeconds ?? 0,
      })),
    };
  },
);

/** A dry run holds no lock, and changes nothing. */
async function beforeTheLook(deployment: After<'release'>, ports: SnapshotPorts): Promise<void> {
  if (deployment.release.dryRun) return;
  const row = await assertMayGoOn(deployment, ports);
  await payBeforeReading(row, payersAt(ports), ports);
}

export const handler = lambdaHandler(snapshotOldHosts, (apiKeyParameter) => ({
  ec2: liveEc2(),
  mackerel: liveMackerel(apiKeyParameter),
  loadBalancers: liveLoadBalancers(),
  ledger: liveLedger(),
  clock: systemClock,
}));
