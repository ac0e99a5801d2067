/**
 * How a look of *New hosts are ready* ends when all are ready that are to be: the first hosts are watched, or both fleets
 * go on serving for a while, so that load balancers give the new hosts their full share before they have to do alone.
 */
import { sum } from '../core/collections.ts';
import type { After, Deployment, Snapshot } from '../core/document.ts';
import { deadlineOf } from '../core/looks.ts';
import { BAKE_PAUSE_SECONDS } from '../core/steps.ts';
import { list, secondsBetween, span } from '../core/words.ts';
import { firstHosts, servingOf, wereWatched, whoGoesFirst } from './first-hosts.ts';
import { allReady, type HostStanding } from './readiness.ts';

type Agreed = Pick<Deployment, 'fleet' | 'oldHosts'>;

/** The target group that makes new targets wait longest for their full share. */
export function slowestStart(
  balancers: readonly Pick<Snapshot['balancers'][number], 'name' | 'slowStartSeconds'>[],
): { readonly name: string; readonly slowStartSeconds: number } | undefined {
  const [slowest] = [...balancers].sort((a, b) => b.slowStartSeconds - a.slowStartSeconds);
  return slowest && slowest.slowStartSeconds > 0 ? slowest : undefined;
}

/** 0 where no old host serves that could stand beside the new ones. */
export function sideBySideSeconds(deployment: Agreed): number {
  if (servingOf(deployment).length === 0) return 0;
  const { fleet, oldHosts } = deployment;
  return fleet.sideBySideSeconds ?? slowestStart(oldHosts?.balancers ?? [])?.slowStartSeconds ?? 0;
}

/**
 * From when the wait for the new hosts counts its time: once the first ones were watched, it begins anew; and what hooks
 * and people were waited for before the shift is not theirs.
 */
export function waitsFrom(deployment: After<'launch'>): { readonly at: string; readonly what: string } {
  const { launch, firstWatch, hooksBeforeShift, pauseBeforeShift } = deployment;
  const begun = firstWatch?.ready
    ? { at: firstWatch.at, what: 'the watch of the first hosts' }
    : { at: launch.at, what: 'the launch' };
  const waited = [hooksBeforeShift, pauseBeforeShift].flatMap((look) =>
    look ? [secondsBetween(look.since, look.at)] : [],
  );
  const seconds = sum(waited);
  return seconds === 0
    ? begun
    : {
        at: new Date(new Date(begun.at).getTime() + seconds * 1_000).toISOString(),
        what: `${begun.what}, hooks and people not counted`,
      };
}

/** Until when all have to be ready that are to be; what both fleets serve side by side comes on top. */
export const readyDeadline = (deployment: After<'launch'>): Date =>
  deadlineOf(undefined, new Date(0), deployment.fleet.limits.readySeconds, waitsFrom(deployment).at);

/** Until when the wait lasts, with what both fleets serve side by side. */
export const besideDeadline = (deployment: After<'launch'>): Date =>
  new Date(readyDeadline(deployment).getTime() + sideBySideSeconds(deployment) * 1000);

export interface Stage {
  /** Does the story go on? */
  readonly ready: boolean;
  /** To the watch of these. */
  readonly first?: string[];
  readonly reason?: string;
  /** Since when all are ready, epoch milliseconds. */
  readonly allReadyAt?: number;
  readonly patienceSeconds?: number;
}

type Waiting = After<'launch'>;

/** @param allReadyAt by the look before */
export function decideStage(
  deployment: Waiting,
  hosts: readonly HostStanding[],
  allReadyAt: number | undefined,
  now: Date,
): Stage {
  if (!allReady(hosts)) return { ready: false };
  if (whoGoesFirst(deployment) && !wereWatched(deployment)) {
    const first = firstHosts(deployment);
    const next = first.length < hosts.length ? ' before the others join' : '';
    return { ready: true, first, reason: `watching ${list(first, 2)} beside the old hosts${next}` };
  }
  // Sent back from the shift because one was not ready: the time begins anew.
  const { shift } = deployment;
  const sentBackAt = shift && !shift.done ? Date.parse(shift.at) : 0;
  const since = allReadyAt !== undefined && allReadyAt >= sentBackAt ? allReadyAt : now.getTime();
  // Begun anew late, it is cut short: all are ready, and that is what the deadline is about.
  const left = Math.min(
    sideBySideSeconds(deployment) - secondsBetween(new Date(since), now),
    secondsBetween(now, besideDeadline(deployment)),
  );
  if (left <= 0) return { ready: true, allReadyAt: since };
  return {
    ready: false,
    allReadyAt: since,
    reason: `both fleets serve for another ${span(left)}`,
    patienceSeconds: Math.min(BAKE_PAUSE_SECONDS, Math.ceil(left)),
  };
}

/** Whose alerts undo the deployment in this look: those that have traffic, while the old hosts serve beside them. */
export function heardIn(
  deployment: Waiting,
  hosts: readonly HostStanding[],
  allReadyAt: number | undefined,
): readonly HostStanding[] {
  if (allReadyAt !== undefined && sideBySideSeconds(deployment) > 0) return hosts;
  if (!wereWatched(deployment)) return [];
  const first = new Set(deployment.firstWatch?.hosts);
  return hosts.filter(({ instanceId }) => first.has(instanceId));
}

/** For plan and doctor: where the number comes from; nothing where there is none. */
export function sideBySidePlan(deployment: Agreed): string | undefined {
  const seconds = sideBySideSeconds(deployment);
  if (seconds === 0) return undefined;
  const slowest = slowestStart(deployment.oldHosts?.balancers ?? []);
  const because =
    deployment.fleet.sideBySideSeconds === undefined
      ? `, the slow start of ${slowest?.name}`
      : slowest && slowest.slowStartSeconds > seconds
        ? `, although ${slowest.name} gives a new host its full share only after ${span(slowest.slowStartSeconds)}`
        : '';
  return `${span(seconds)} once all are ready${because}`;
}
