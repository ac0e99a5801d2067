/**
 * The timeline of a deployment: what its record keeps beside the bare result, so that it can be drawn. Moments are
 * whole seconds since the execution began, and are those at which a look saw something, which is late by a pause at
 * most. One column per milestone, in the order of the record's instance ids.
 */
import type { Deployment, Ending, Look, Milestones, ReleaseBefore } from '../../core/document.ts';
import { loadBalancerName } from '../../core/fleet.ts';
import { rowOf, STEP_NAMES, STEPS, type StepRow } from '../../core/steps.ts';
import { explain } from '../ending.ts';
import { type Bound, lowerBound } from './bound.ts';
import { secondsIn } from './milestones.ts';
import { type Column, unpack } from './packed.ts';

/** A stretch of the deployment; those of an undo are told from those that led there. */
export interface Span {
  readonly phase: string;
  readonly from: number;
  readonly to: number;
  readonly kind: 'done' | 'failed' | 'undo';
}

/** A sentence of the story, under the name of the state that said it. */
export interface Told {
  /** Absent: while *Agree* lasted. */
  readonly at?: number;
  readonly state: string;
  readonly says: string;
  readonly isFailure?: true;
}

export interface Timeline {
  readonly service: string;
  readonly role: string;
  readonly loadBalancers: readonly string[];
  readonly bucket: string;
  readonly before?: ReleaseBefore;
  readonly spans: readonly Span[];
  readonly told: readonly Told[];
  /** When the launch was asked for, the old hosts taken out of service, the undo began. */
  readonly moments: Readonly<
    Partial<Record<'launched' | 'othersJoin' | 'shifted' | 'removing' | 'undone' | 'leaving', number>>
  >;
  readonly newHosts: HostColumns;
  readonly oldHosts: HostColumns & { readonly served: readonly boolean[] };
  /** New hosts that the failure names. */
  readonly failed: readonly string[];
  /** Only of a deployment that succeeded. */
  readonly bound?: Bound;
}

export interface HostColumns {
  readonly zones: readonly string[];
  readonly types?: readonly string[];
  /** Milestone → column. */
  readonly seen: Readonly<Record<string, Column>>;
}

/** Has this deployment done anything that can be shown? A refusal has not. */
export function hasTimeline({ launch, putBack, undoFailure, bake }: Deployment): boolean {
  return [launch, putBack, undoFailure, bake].some((key) => key !== undefined);
}

export function timelineOf(deployment: Deployment, now: Date, ending?: Ending): Timeline {
  const { fleet, launch, oldHosts, readiness, drain, termination, putBack, removal, release } = deployment;
  const old = oldHosts?.hosts ?? [];
  const spans = spansOf(deployment, secondsIn(deployment, now));
  return {
    service: fleet.mackerel.service,
    role: fleet.mackerel.role,
    loadBalancers: fleet.loadBalancers.map(loadBalancerName),
    bucket: fleet.artifact.bucket,
    ...(release?.before && { before: release.before }),
    spans,
    told: toldBy(deployment, now),
    moments: moments(deployment),
    newHosts: {
      zones: launch?.instances.map(({ zone }) => zone) ?? [],
      types: launch?.instances.map(({ instanceType }) => instanceType) ?? [],
      seen: columns({ ...readiness?.seen, ...removal?.seen }),
    },
    oldHosts: {
      zones: old.map(({ zone }) => zone),
      served: old.map(({ served }) => served),
      seen: columns({ ...drain?.seen, ...termination?.seen, ...putBack?.seen }),
    },
    failed: failedHosts(deployment),
    ...(!ending && { bound: lowerBound(deployment, spans) }),
  };
}

const columns = (seen: Milestones) =>
  Object.fromEntries(Object.entries(seen).map(([name, packed]) => [name, unpack(packed)]));

function moments(deployment: Deployment): Timeline['moments'] {
  const { launch, firstWatch, shift, termination, putBack, removal } = deployment;
  const at = {
    launched: launch?.at,
    othersJoin: firstWatch?.ready ? firstWatch.at : undefined,
    shifted: shift?.done ? shift.at : undefined,
    removing: termination?.since,
    undone: putBack?.since,
    leaving: removal?.since,
  };
  return Object.fromEntries(
    Object.entries(at).flatMap(([name, moment]) => (moment ? [[name, secondsIn(deployment, moment)]] : [])),
  );
}

/** One after the other, without gaps, from the start to the end. */
function spansOf(deployment: Deployment, end: number): Span[] {
  const { launch, oldHosts, readiness, firstWatch, drain, bake, putBack, undoFailure, failure } = deployment;
  const at = (moment: string | undefined) =>
    moment === undefined ? undefined : secondsIn(deployment, moment);
  const when = (look: Look | undefined) => (look?.ready ? at(look.at) : undefined);
  const undoneAt = putBack ? at(putBack.since) : undoFailure ? end : undefined;
  const forward: [string, number | undefined][] = [
    [launch || !oldHosts ? 'Agree' : 'Agree and launch', at(launch?.at)],
    ...(firstWatch
      ? ([
          ['Bring up', at(firstWatch.since)],
          ['First hosts', when(firstWatch)],
          ['All hosts', readiness?.first ? undefined : when(readiness)],
        ] satisfies [string, number | undefined][])
      : ([['Bring up', when(readiness)]] satisfies [string, number | undefined][])),
    ['Shift', deployment.shift?.done ? when(drain) : undefined],
    ['Watch', when(bake)],
    ['Remove', undefined],
  ];
  const spans: Span[] = [];
  let from = 0;
  for (const [phase, to = undoneAt ?? end] of forward) {
    const isLast = spans.length === forward.length - 1 || forward[spans.length]?.[1] === undefined;
    const kind = isLast && failure ? 'failed' : 'done';
    spans.push({ phase, from, to: Math.max(from, to), kind });
    from = Math.max(from, to);
    if (isLast) break;
  }
  if (undoneAt === undefined) return spans;
  const back = when(putBack) ?? end;
  spans.push({ phase: 'Put back', from, to: back, kind: 'undo' });
  if (putBack?.ready) spans.push({ phase: 'Clear away', from: back, to: Math.max(back, end), kind: 'undo' });
  return spans;
}

// ── The sentences ──────────────────────────────────────────────────────────────────────────────────────────────────

function toldBy(deployment: Deployment, now: Date): Told[] {
  const { failure, undoFailure, putBack, removal } = deployment;
  const failed = (state: string, error: Deployment['failure'], at: Date | string): Told[] => {
    if (!error) return [];
    const { name, sentence } = explain(error);
    return [{ at: secondsIn(deployment, at), state, says: `${name}: ${sentence}`, isFailure: true }];
  };
  const [forward, back] = [toldIn(deployment, isForward), toldIn(deployment, (row) => row.act === 'undo')];
  const undoing = removal || putBack?.ready ? 'terminate-new-instances' : 'put-old-hosts-back';
  const told = [
    ...forward,
    ...failed(failedState(deployment), failure, putBack?.since ?? now),
    ...back,
    ...failed(STEPS[undoing].title, undoFailure, now),
  ];
  // A wait may have been left and entered again. The sort is stable: what has no moment stays in front.
  return told.sort((a, b) => (a.at ?? 0) - (b.at ?? 0));
}

/** On the way of a deployment that succeeds; what takes a span of its own is, where it comes about. */
const isForward = ({ act, isAside, span }: StepRow): boolean =>
  act !== 'undo' && (!isAside || span !== undefined);

/** What a step may have answered: a wait with all that it has said, by epoch seconds. */
interface Answer {
  readonly reason?: string;
  readonly at?: string;
  readonly ready?: boolean;
  readonly done?: boolean;
  readonly said?: readonly (readonly [number, string])[];
}

const answerOf = (deployment: Deployment, { key }: StepRow) => deployment[key] as Answer | undefined;

/** What the steps have said; of one that writes down no moment, without it. */
function toldIn(deployment: Deployment, isMeant: (row: StepRow) => boolean): Told[] {
  return ROWS.filter(isMeant).flatMap((row) => {
    const { reason, at, said } = answerOf(deployment, row) ?? {};
    if (said)
      return said.map(([seconds, says]) => ({
        at: secondsIn(deployment, new Date(seconds * 1000)),
        state: row.title,
        says,
      }));
    if (reason === undefined) return [];
    return [{ ...(at && { at: secondsIn(deployment, at) }), state: row.title, says: reason }];
  });
}

const ROWS = STEP_NAMES.map(rowOf);

/** Where the story was when it failed: behind the last step on its way that was done. */
export function failedState(deployment: Deployment): string {
  const way = ROWS.filter((row) => isForward(row) && row.lasts?.(deployment.fleet) !== 0);
  // A wait may have been left and entered again: after the watch of the first hosts all others are waited for.
  const open = way.find((row) => answerOf(deployment, row) && !isDone(answerOf(deployment, row)));
  const last = way.findLastIndex((row) => isDone(answerOf(deployment, row)));
  return (open ?? way[last + 1] ?? way[last])?.title ?? '';
}

const isDone = (answer: Answer | undefined): boolean =>
  answer !== undefined && (answer.ready ?? answer.done ?? true);

/** Those that the first error names, and those whose console was read. */
function failedHosts({ failure, launch, removal }: Deployment): string[] {
  const named = new Set([
    ...(failure?.Cause?.match(/\bi-\w+/g) ?? []),
    ...(removal?.evidence ?? []).map(({ instanceId }) => instanceId),
  ]);
  return (launch?.instances ?? []).map(({ instanceId }) => instanceId).filter((id) => named.has(id));
}
