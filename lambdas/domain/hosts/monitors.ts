/**
 * The monitors of Mackerel that a fleet names decide: a deployment does not begin over their alerts, and one that alerts
 * once new hosts have traffic undoes it. What else alerts is told, not obeyed.
 */
import type { MackerelAlert, MackerelMonitor } from '../../ports/mackerel.ts';
import type { After, GateRefusal, OldHost, WatchedMonitor } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { type DeploymentInput, insisting } from '../core/input.ts';
import { meant, nearest } from '../core/nearest.ts';
import { list, plain } from '../core/words.ts';

/** Mackerel evaluates once a minute, points that are a minute old at the most. */
const GRANULARITY_SECONDS = 60;
/** Of a host whose agent is silent; Mackerel's own, not a monitor's. */
const CONNECTIVITY_SECONDS = 600;
/** Monitors and alerts are for people to read. */
const MOST_TOLD = 3;

const called = ({ name, type }: Pick<WatchedMonitor, 'name' | 'type'>) => `“${plain(name)}” (${type})`;

/** So long after something went wrong its alert is open. */
function noticesAfter({ type, durationMinutes = 1, maxCheckAttempts = 1 }: MackerelMonitor): number {
  if (type === 'connectivity') return CONNECTIVITY_SECONDS + GRANULARITY_SECONDS;
  return GRANULARITY_SECONDS * (durationMinutes + maxCheckAttempts);
}

/**
 * @param named by name or id, as the fleets file has them
 * @throws MonitorUnusable with all that is wrong: unknown, ambiguous or muted
 */
export function resolveMonitors(
  named: readonly string[],
  monitors: readonly MackerelMonitor[],
): WatchedMonitor[] {
  const found = named.map((name) => theMonitor(name, monitors));
  const problems = found.flatMap((each) => (typeof each === 'string' ? [each] : []));
  if (problems.length > 0)
    throw new DeploymentError('MonitorUnusable', `${problems.join(' ')} Nothing was changed.`);
  const resolved = found.flatMap((each) => (typeof each === 'string' ? [] : [each]));
  return [...new Map(resolved.map((each) => [each.id, each])).values()];
}

function theMonitor(name: string, monitors: readonly MackerelMonitor[]): WatchedMonitor | string {
  const byId = monitors.filter(({ id }) => id === name);
  const own = byId.length > 0 ? byId : monitors.filter((each) => each.name === name);
  const [monitor, ...others] = own;
  const field = `watch.monitors names “${plain(name)}”`;
  if (!monitor) {
    const near = nearest(name, [...new Set(monitors.map((each) => each.name))]).map((each) => plain(each));
    return `${field}, and Mackerel has no such monitor${meant(near) || '.'}`;
  }
  if (others.length > 0)
    return `${field}, and ${own.length} monitors are called so: name one by its id (${list(own.map(({ id }) => id))}).`;
  if (monitor.isMute) return `${field}, which is muted and could not speak: unmute it, or do not name it.`;
  const { id, type } = monitor;
  return { id, name: monitor.name, type, noticesAfterSeconds: noticesAfter(monitor) };
}

interface Obeyed {
  readonly alert: MackerelAlert;
  readonly monitor: WatchedMonitor;
}

/** `CRITICAL of “checkout 5xx” (service), value 12.5, since 2026-11-27T12:00:00Z`. */
function wordsOf({ alert: { status, value, openedAt }, monitor }: Obeyed): string {
  const at = openedAt.toISOString().replace('.000Z', 'Z');
  return `${status} of ${called(monitor)}${value === undefined ? '' : `, value ${value}`}, since ${at}`;
}

/** Of a host that is none of the new ones an alert says nothing about the release. */
function obeyed(
  alerts: readonly MackerelAlert[],
  watched: readonly WatchedMonitor[],
  newHostIds: readonly string[] = [],
): Obeyed[] {
  return alerts.flatMap((alert) => {
    const monitor = watched.find(({ id }) => id === alert.monitorId);
    const isOurs = alert.hostId === undefined || newHostIds.includes(alert.hostId);
    return monitor && isOurs ? [{ alert, monitor }] : [];
  });
}

const told = (those: readonly Obeyed[]): string => list(those.map(wordsOf), MOST_TOLD);

export interface Alerting {
  readonly refusals: GateRefusal[];
  /** What somebody has overridden; empty for nothing. */
  readonly although: string;
}

/**
 * The gate of *Agree*: a monitor that decides alerts already and could say nothing of the new hosts, or an old host is in
 * trouble, which a deployment may only move.
 */
export function alreadyAlerting(
  fleet: Pick<Fleet, 'name'>,
  alerts: readonly MackerelAlert[],
  watched: readonly WatchedMonitor[],
  oldHosts: readonly OldHost[],
  input: DeploymentInput = {},
): Alerting {
  const instanceOf = new Map(
    oldHosts.flatMap(({ instanceId, hostIds }) => hostIds.map((id) => [id, instanceId])),
  );
  const ofHosts = alerts.flatMap(({ status, hostId, message, id }) => {
    const instanceId = instanceOf.get(hostId ?? '');
    return status === 'CRITICAL' && instanceId
      ? [`CRITICAL on the old host ${instanceId}: ${plain(message || id)}`]
      : [];
  });
  const all = [...obeyed(alerts, watched).map(wordsOf), ...ofHosts];
  if (all.length === 0) return { refusals: [], although: '' };
  const open = list(all, MOST_TOLD);
  if (input.override?.includes('alerting'))
    return { refusals: [], although: `, although Mackerel has open ${open}` };
  const sentence =
    `Mackerel has open alerts: ${open}. Look at them first: a deployment over them could not be judged, and may only move ` +
    `the trouble. To deploy all the same, as with a hotfix: start ${insisting(fleet.name, 'alerting', input)}.`;
  return { refusals: [{ name: 'AlreadyAlerting', sentence }], although: '' };
}

/**
 * The look right before the first new host gets traffic.
 * @returns the ids of the monitors that somebody has overridden: they are not heard in this deployment
 * @throws AlreadyAlerting
 */
export function assertQuiet(
  fleet: Pick<Fleet, 'name'>,
  alerts: readonly MackerelAlert[],
  watched: readonly WatchedMonitor[],
  input: DeploymentInput = {},
): string[] {
  const those = obeyed(alerts, watched);
  if (input.override?.includes('alerting')) return [...new Set(those.map(({ monitor }) => monitor.id))];
  if (those.length === 0) return [];
  throw new DeploymentError(
    'AlreadyAlerting',
    `When the new hosts were about to get traffic, Mackerel had open ${told(those)}. Find out why; to deploy all the same, start ${insisting(fleet.name, 'alerting', input)}.`,
  );
}

/**
 * @returns what else opened since the launch, for the sentence; empty for nothing
 * @throws AlertDuringBake when a monitor that decides alerts since new hosts have traffic
 */
export function assertNoMonitorAlerts(
  { oldHosts, launch, readiness }: After<'oldHosts' | 'launch'>,
  alerts: readonly MackerelAlert[],
  newHosts: readonly { readonly hostIds: readonly string[] }[],
): string {
  const { monitors = [] } = oldHosts;
  if (monitors.length === 0) return '';
  const heard = monitors.filter(({ id }) => !readiness?.tolerated?.includes(id));
  const newHostIds = newHosts.flatMap(({ hostIds }) => hostIds);
  const those = obeyed(alerts, heard, newHostIds);
  if (those.length > 0)
    throw new DeploymentError(
      'AlertDuringBake',
      `Since the new hosts have traffic, Mackerel opened an alert: ${told(those)}. The fleet's watch.monitors names it.`,
    );
  const others = alerts.filter(({ openedAt }) => openedAt >= new Date(launch.at));
  const each = others.map(({ status, message, id }) => `${status} ${plain(message || id)}`);
  return each.length === 0 ? '' : `not obeyed: ${list(each, MOST_TOLD)}`;
}
