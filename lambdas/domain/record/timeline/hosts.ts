/** The hosts of a record, row by row, and how each spent the deployment: the bars of the timeline. */
import type { DeploymentRecord } from '../record.ts';
import type { Column } from './packed.ts';
import type { Timeline } from './timeline.ts';

export type BarKind = 'launch' | 'boot' | 'reserve' | 'join' | 'serve' | 'old' | 'drain' | 'out';

export interface Bar {
  readonly kind: BarKind;
  readonly from: number;
  readonly to: number;
}

export interface HostRow {
  readonly instanceId: string;
  readonly side: 'old' | 'new';
  readonly zone: string;
  readonly type?: string;
  /** Milestone → seconds, in the order in which they came to be. */
  readonly milestones: Readonly<Partial<Record<Milestone, number>>>;
  readonly bars: readonly Bar[];
  readonly served: boolean;
  /** It got traffic first, and was watched before the others joined. */
  readonly wentFirst?: true;
  /** The failure names it. */
  readonly hasFailed: boolean;
}

export type Milestone =
  | 'launched'
  | 'running'
  | 'registered'
  | 'inService'
  | 'outOfService'
  | 'drained'
  | 'backInService'
  | 'terminated';

type Drawn = DeploymentRecord & { readonly timeline: Timeline };

/** How long the whole picture is, in seconds. */
export const totalSeconds = ({ timeline }: Drawn): number =>
  Math.max(1, ...timeline.spans.map(({ to }) => to));

export function newHosts(record: Drawn): HostRow[] {
  const { newHosts: hosts, moments, failed, loadBalancers } = record.timeline;
  const { zones, types, seen } = hosts;
  const hasFailed = new Set(failed);
  const first = new Set(record.first?.instances);
  return record.newInstances.map((instanceId, i) => {
    const at = (column: Column | undefined) => column?.[i] ?? undefined;
    const registered = at(seen.registered);
    const inService = loadBalancers.length > 0 ? at(seen.inService) : registered;
    const left = moments.leaving;
    const joins = first.size > 0 && !first.has(instanceId) ? (moments.othersJoin ?? left) : undefined;
    const milestones = {
      launched: moments.launched ?? 0,
      running: at(seen.running),
      registered,
      inService,
      outOfService: inService === undefined ? undefined : left,
      terminated: at(seen.terminated),
    };
    const type = types?.[i];
    return {
      instanceId,
      side: 'new' as const,
      zone: zones[i] ?? '',
      ...(type && { type }),
      milestones: known(milestones),
      bars: newBars(milestones, { left, joins }, totalSeconds(record)),
      served: inService !== undefined,
      ...(first.has(instanceId) && { wentFirst: true as const }),
      hasFailed: hasFailed.has(instanceId),
    };
  });
}

type Moments = { readonly [M in Milestone]?: number | undefined };

const known = (moments: Moments): HostRow['milestones'] =>
  Object.fromEntries(Object.entries(moments).filter(([, seconds]) => seconds !== undefined));

/** @param at when it left, and from when it might join, where it let others go first */
function newBars(
  moments: Moments,
  { left, joins }: { readonly left: number | undefined; readonly joins: number | undefined },
  total: number,
): Bar[] {
  const { launched = 0, running, registered, inService, terminated } = moments;
  const end = terminated ?? total;
  // What it was doing when it was taken away ends there.
  const until = Math.min(left ?? end, end);
  const firstSign = Math.min(registered ?? until, inService ?? until);
  return drawable([
    { kind: 'launch', from: launched, to: running ?? firstSign },
    { kind: 'boot', from: running ?? firstSign, to: firstSign },
    { kind: 'reserve', from: firstSign, to: Math.min(joins ?? firstSign, until) },
    { kind: 'join', from: Math.max(firstSign, joins ?? firstSign), to: inService ?? until },
    { kind: 'serve', from: inService ?? until, to: until },
    { kind: 'out', from: until, to: end },
  ]);
}

export function oldHosts(record: Drawn): HostRow[] {
  const { oldHosts: hosts, moments, loadBalancers } = record.timeline;
  const { zones, seen, served } = hosts;
  const total = totalSeconds(record);
  return record.oldInstances.map((instanceId, i) => {
    const at = (column: Column | undefined) => column?.[i] ?? undefined;
    const back = moments.shifted === undefined ? undefined : backAt(record, at(seen.serving));
    const milestones = {
      outOfService: moments.shifted,
      drained: loadBalancers.length > 0 ? at(seen.drained) : undefined,
      backInService: back,
      terminated: at(seen.terminated),
    };
    return {
      instanceId,
      side: 'old' as const,
      zone: zones[i] ?? '',
      milestones: known(milestones),
      bars: oldBars(milestones, served[i] ?? true, total),
      served: served[i] ?? true,
      hasFailed: false,
    };
  });
}

/** Without a load balancer, an old host is back when the undo has given it its Mackerel status. */
function backAt({ timeline }: Drawn, serving: number | undefined): number | undefined {
  if (serving !== undefined) return serving;
  return timeline.loadBalancers.length === 0 ? timeline.moments.undone : undefined;
}

function oldBars(
  { outOfService, drained, backInService, terminated }: Moments,
  served: boolean,
  total: number,
): Bar[] {
  const end = terminated ?? total;
  const out = Math.min(outOfService ?? end, end);
  const back = Math.min(backInService ?? end, end);
  const letGo = Math.min(drained ?? out, back);
  return drawable([
    { kind: served ? 'old' : 'out', from: 0, to: out },
    { kind: 'drain', from: out, to: letGo },
    { kind: 'out', from: letGo, to: back },
    { kind: 'old', from: back, to: end },
  ]);
}

const drawable = (bars: readonly Bar[]): Bar[] => bars.filter(({ from, to }) => to > from);

// ── Many hosts ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Shown {
  readonly host: HostRow;
  /** Why this one is shown, when not all are. */
  readonly as?: string;
}

/** Up to so many of a side are all shown. */
export const MOST_ROWS = 24;
const MOST_FAILED = 8;
const SLOWEST = 4;

/**
 * Who is shown of a large fleet: those that the failure names, the slowest, and of each zone the median one, which stands
 * for it. All of them are real hosts; an average would be nobody's.
 */
export function shownOf(hosts: readonly HostRow[]): Shown[] {
  if (hosts.length <= MOST_ROWS) return hosts.map((host) => ({ host }));
  const failed = hosts.filter(({ hasFailed }) => hasFailed).slice(0, MOST_FAILED);
  const byPace = [...hosts].sort((a, b) => paceOf(a) - paceOf(b));
  const slowest = byPace.slice(-SLOWEST).reverse();
  const zones = [...new Set(hosts.map(({ zone }) => zone))].sort();
  const medians = zones.flatMap((zone) => {
    const those = byPace.filter((host) => host.zone === zone);
    const host = those[Math.floor((those.length - 1) / 2)];
    return host ? [{ host, as: `the median of ${those.length} in ${zone}` }] : [];
  });
  const all: Shown[] = [
    ...failed.map((host) => ({ host, as: 'named by the failure' })),
    ...slowest.map((host, i) => ({ host, as: i === 0 ? 'the slowest' : 'among the slowest' })),
    ...medians,
  ];
  return [...new Map(all.reverse().map((each) => [each.host.instanceId, each])).values()].reverse();
}

/** When a host was where it was to be; those that never were are the slowest. */
function paceOf({ side, milestones }: HostRow): number {
  const { registered, inService, drained, terminated } = milestones;
  if (side === 'old') return terminated ?? drained ?? 0;
  const never = Number.MAX_SAFE_INTEGER;
  return Math.max(registered ?? never, inService ?? never);
}

// ── Who served ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Capacity {
  readonly from: number;
  readonly to: number;
  readonly old: number;
  readonly fresh: number;
}

/** How many hosts were in service, from moment to moment. */
export function capacity(hosts: readonly HostRow[], total: number): Capacity[] {
  const serving = hosts.flatMap(({ bars }) => bars.filter(({ kind }) => kind === 'serve' || kind === 'old'));
  const moments = [...new Set([0, total, ...serving.flatMap(({ from, to }) => [from, to])])].sort(
    (a, b) => a - b,
  );
  return moments.slice(0, -1).map((from, i) => {
    const now = serving.filter((bar) => bar.from <= from && from < bar.to);
    const fresh = now.filter(({ kind }) => kind === 'serve').length;
    return { from, to: moments[i + 1] ?? total, old: now.length - fresh, fresh };
  });
}
