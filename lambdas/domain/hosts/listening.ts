/** When a wait for the new hosts listens to the monitors that decide, and to alerts of those that serve beside the old ones. */
import type { Ports } from '../../ports/ports.ts';
import type { After, Compared } from '../core/document.ts';
import type { Turn } from '../core/wait.ts';
import { assertNoAlert } from './bake.ts';
import { compareNow } from './comparing.ts';
import { assertNoMonitorAlerts, assertQuiet } from './monitors.ts';
import type { HostFacts, HostStanding } from './readiness.ts';
import { heardIn } from './side-by-side.ts';

/** As often as the bake does. */
const EVERY_MILLIS = 10_000;

interface Look
  extends Pick<
    Turn<'alertsAskedAt' | 'allReadyAt', { readonly tolerated?: string[] }>,
    'now' | 'memory' | 'keep'
  > {
  readonly facts: Pick<HostFacts, 'instances' | 'members'>;
  readonly hosts: readonly HostStanding[];
  /** By load balancer: who is about to join. */
  readonly joining: ReadonlyMap<string, readonly string[]>;
}

/**
 * Once right before the first new host gets traffic, and from then on now and then. Without a load balancer nothing tells
 * when that is, so the first look listens.
 * @returns when it listened last, epoch milliseconds
 * @throws AlreadyAlerting, or AlertDuringBake once a host has traffic, also for an alert of its own while it serves beside the old ones
 */
export async function listen(
  deployment: After<'oldHosts' | 'launch'>,
  { mackerel }: Pick<Ports, 'mackerel'>,
  { now, memory: { alertsAskedAt, allReadyAt }, keep, facts, hosts, joining }: Look,
): Promise<number | undefined> {
  const { fleet, oldHosts, input, readiness } = deployment;
  const hasTraffic = readiness?.tolerated !== undefined;
  const heard = heardIn(deployment, hosts, allReadyAt);
  const isDue =
    hasTraffic || heard.length > 0
      ? now.getTime() >= (alertsAskedAt ?? 0) + EVERY_MILLIS
      : joining.size > 0 || fleet.loadBalancers.length === 0 || isAnyIn(facts);
  if ((!oldHosts.monitors && heard.length === 0) || !isDue) return alertsAskedAt;
  const alerts = await mackerel.openAlerts();
  assertNoAlert(heard, alerts, 'first.watchSeconds');
  if (!oldHosts.monitors) return now.getTime();
  if (hasTraffic) assertNoMonitorAlerts(deployment, alerts, hosts);
  else keep({ tolerated: assertQuiet(fleet, alerts, oldHosts.monitors, input) });
  return now.getTime();
}

/**
 * While both fleets serve side by side, all ready: as in the watches, and as often.
 * @returns up to which minute it has asked
 * @throws WorseThanBefore
 */
export async function compareBeside(
  deployment: After<'oldHosts' | 'launch'>,
  ports: Pick<Ports, 'mackerel' | 'clock'>,
  {
    now,
    memory: { allReadyAt, comparedUpTo },
    keep,
    hosts,
  }: Pick<
    Turn<'allReadyAt' | 'comparedUpTo', { readonly compared?: Compared[] }>,
    'now' | 'memory' | 'keep'
  > &
    Pick<Look, 'hosts'>,
): Promise<number | undefined> {
  if (allReadyAt === undefined) return comparedUpTo;
  const { rows, askedUpTo } = await compareNow(deployment, ports, {
    now,
    since: new Date(allReadyAt),
    hosts,
    isBeside: true,
    before: deployment.readiness?.compared,
    askedUpTo: comparedUpTo,
  });
  if (rows.length > 0) keep({ compared: [...rows] });
  return askedUpTo;
}

/** Registered by a run that was cut off, say. */
const isAnyIn = ({ instances, members }: Look['facts']): boolean =>
  [...members.values()]
    .flat()
    .some((member) => instances.some((each) => each.instanceId === member.instanceId));
