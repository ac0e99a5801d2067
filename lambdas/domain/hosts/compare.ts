/**
 * Old against new: metrics of the hosts that the fleet names are compared, and new hosts that are clearly worse undo the
 * deployment. Mackerel has one point a minute and host, far too few for statistics. So the usual levels of some minutes
 * are compared, a floor keeps small numbers out, new hosts may warm up, and one bad verdict alone is none. Pure.
 */
import * as v from 'valibot';
import type { MetricPoint } from '../../ports/mackerel.ts';
import { groupBy, mean } from '../core/collections.ts';
import type { Compared, Deployment } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { list, plain, span } from '../core/words.ts';

/** New hosts fill their caches: so many whole minutes of theirs say nothing. */
const WARM_UP_MINUTES = 2;
/** A verdict is about so many minutes. */
const WINDOW_MINUTES = 5;
/** What the old hosts are known by; and what is asked for at once. */
export const BEFORE_MINUTES = 10;
/** Of both sides the highest minutes are left out: a burst of two is no level. */
const SHARE_THAT_COUNTS = 3 / 5;
/** So many bad ones in a row, this long after each other: by then a burst is over that reaches into the first. */
const VERDICTS = 2;
const APART_MINUTES = 4;
/** After the end of a minute, until the last agent has posted its point. */
const LATE_MINUTES = 1;
/** Shown beside them, never judged: an agent posts them by itself. */
const SHOWN = ['loadavg5', 'cpu.user.percentage', 'memory.used'];

const MINUTE_MILLIS = 60_000;

/** Minute since the epoch → the mean of the hosts. */
export type Minutes = ReadonlyMap<number, number>;

/** All that is asked for, where the fleet compares anything. */
export const metricsToAsk = ({ compare }: Pick<Fleet, 'compare'>): string[] =>
  compare.length === 0 ? [] : [...new Set([...compare.map(({ metric }) => metric), ...SHOWN])];

/**
 * A host without a point is unknown, and no zero (rule 4); so is a minute in which most hosts have none.
 * @param points of each host that was asked about
 */
export function pointsByMinute(points: readonly (readonly MetricPoint[])[]): Minutes {
  const ofHosts = points.map(
    (some) => new Map(some.map(({ at, value }) => [Math.floor(at.getTime() / MINUTE_MILLIS), value])),
  );
  const all = groupBy(
    ofHosts.flatMap((host) => [...host]),
    ([minute]) => minute,
  );
  const known = [...all].filter(([, some]) => 2 * some.length >= points.length);
  return new Map(known.map(([minute, some]) => [minute, mean(some.map(([, value]) => value))]));
}

/** The usual level of these minutes; too few are none. */
function levelOf(minutes: readonly number[]): number | undefined {
  if (minutes.length < WINDOW_MINUTES) return undefined;
  const lowestFirst = [...minutes].sort((a, b) => a - b);
  return mean(lowestFirst.slice(0, Math.ceil(minutes.length * SHARE_THAT_COUNTS)));
}

/** The last minute of which all agents have posted. */
export const closedMinute = (now: Date): number =>
  Math.floor(now.getTime() / MINUTE_MILLIS) - 1 - LATE_MINUTES;

/** The minutes until then, from their first to their last second. */
export const lastMinutes = (now: Date) => {
  const last = closedMinute(now);
  return {
    from: new Date((last - BEFORE_MINUTES + 1) * MINUTE_MILLIS),
    to: new Date((last + 1) * MINUTE_MILLIS - 1000),
  };
};

// ── Before the launch ──────────────────────────────────────────────────────────────────────────────────────────────

/** How the old hosts are, while nobody serves beside them: new hosts would take requests from them, and make them seem better. */
export function comparedBefore(fleet: Pick<Fleet, 'compare'>, old: ReadonlyMap<string, Minutes>): Compared[] {
  return metricsToAsk(fleet).map((metric) => {
    const level = levelOf([...(old.get(metric)?.values() ?? [])]);
    return { metric, ...(level !== undefined && { old: rounded(level), ...atMost(fleet, metric, level) }) };
  });
}

function atMost({ compare }: Pick<Fleet, 'compare'>, metric: string, old: number): Pick<Compared, 'atMost'> {
  const judged = compare.find((each) => each.metric === metric);
  // Not rounded, as what is shown is: hosts at the limit, or up to the floor, would be worse by a digit.
  return judged ? { atMost: Math.max(judged.from, judged.atMostTimes * old) } : {};
}

/** A metric that no old host has may come with this release: told, not refused. */
export function notCompared({ compare }: Pick<Fleet, 'compare'>, rows: readonly Compared[]): string {
  const unknown = compare.filter(
    ({ metric }) => rows.find((row) => row.metric === metric)?.old === undefined,
  );
  if (unknown.length === 0) return '';
  return `; not compared in the bake, because the old hosts have too few points of it: ${list(unknown.map(({ metric }) => plain(metric)))}`;
}

/** So long after it something that went wrong has been judged twice; a short watch outlasts the warm-up, too. */
export function noticesWorse(
  compared: readonly Compared[],
  watchedSeconds: number,
): { readonly name: string; readonly noticesAfterSeconds: number } | undefined {
  const judged = compared.filter((row) => row.atMost !== undefined);
  if (judged.length === 0) return undefined;
  // The minute that it falls into is not counted.
  const minutes = 1 + WINDOW_MINUTES + APART_MINUTES * (VERDICTS - 1) + LATE_MINUTES;
  const warmUp = Math.max(0, WARM_UP_MINUTES * 60 - watchedSeconds);
  return {
    name: `the comparison of ${list(
      judged.map(({ metric }) => plain(metric)),
      2,
    )}`,
    noticesAfterSeconds: minutes * 60 + warmUp,
  };
}

// ── While the new hosts are watched ────────────────────────────────────────────────────────────────────────────────

export interface Sides {
  readonly new: ReadonlyMap<string, Minutes>;
  /** Of the same minutes, while both serve. In the bake the old hosts serve nothing: what they were before counts. */
  readonly old?: ReadonlyMap<string, Minutes>;
}

/**
 * @param before what each row was, by the look before or before the launch
 * @param since when the new hosts got traffic
 * @returns the same rows, with one more verdict where there are minutes for one
 */
export function compareSides(
  fleet: Pick<Fleet, 'compare'>,
  before: readonly Compared[],
  sides: Sides,
  { now, since }: { readonly now: Date; readonly since: Date },
): Compared[] {
  const warm = Math.ceil(since.getTime() / MINUTE_MILLIS) + WARM_UP_MINUTES;
  const isJudged = (minute: number) => minute >= warm && minute <= closedMinute(now);
  return before.map((row) => compareOne(fleet, row, sides, isJudged));
}

function compareOne(
  fleet: Pick<Fleet, 'compare'>,
  before: Compared,
  sides: Sides,
  isJudged: (minute: number) => boolean,
): Compared {
  const { metric, minute: earlier = 0, worse: bad = 0 } = before;
  const fresh: Minutes = sides.new.get(metric) ?? new Map();
  const old = sides.old?.get(metric);
  const minutes = [...fresh.keys()]
    .filter((minute) => isJudged(minute) && (!sides.old || old?.has(minute)))
    .sort((a, b) => a - b)
    .slice(-WINDOW_MINUTES);
  const level = (side: Minutes) => levelOf(minutes.flatMap((minute) => side.get(minute) ?? []));
  const [minute = 0, newLevel] = [minutes.at(-1), level(fresh)];
  if (newLevel === undefined || minute < earlier + (bad > 0 ? APART_MINUTES : 1)) return before;
  const oldLevel = old && level(old);
  const row: Compared = {
    ...before,
    ...(oldLevel !== undefined && { old: rounded(oldLevel), ...atMost(fleet, metric, oldLevel) }),
    new: rounded(newLevel),
    minute,
  };
  return row.atMost === undefined ? row : { ...row, worse: newLevel > row.atMost ? bad + 1 : 0 };
}

/** @throws WorseThanBefore after the second bad verdict in a row */
export function assertNotWorse(rows: readonly Compared[]): void {
  const worse = rows.filter((row) => (row.worse ?? 0) >= VERDICTS);
  if (worse.length === 0) return;
  const since = span((WINDOW_MINUTES + APART_MINUTES) * 60);
  throw new DeploymentError(
    'WorseThanBefore',
    `The new hosts are worse than the old ones, by ${VERDICTS} verdicts in a row over their last ${since}: ${list(worse.map(rowSentence), 3)}. ` +
      'See what their application logged since they got traffic. If the release is meant to raise it, raise atMostTimes or from of compare in the fleets file, and deploy again.',
  );
}

/** `custom.nginx.5xx 9.4 per host, 3.1 times the 3 of the old hosts (more than 6 is worse)` */
function rowSentence({ metric, old, new: fresh, atMost }: Compared): string {
  return `${plain(metric)} ${figure(fresh)} per host, ${timesWords(old, fresh)} the old hosts’ ${figure(old)} (more than ${figure(atMost)} is worse)`;
}

/** What the last verdicts were, for the sentence of a look; empty while there are none. */
export function comparedSentence(rows: readonly Compared[]): string {
  const judged = rows.filter(({ worse, atMost }) => worse !== undefined && atMost !== undefined);
  const bad = judged.filter(({ worse = 0 }) => worse > 0);
  if (bad.length > 0) return `worse, and looked at once more: ${list(bad.map(rowSentence), 3)}`;
  return judged.length === 0
    ? ''
    : `no worse than the old hosts: ${list(
        judged.map(({ metric, old, new: fresh }) => `${plain(metric)} ${figure(old)} → ${figure(fresh)}`),
        3,
      )}`;
}

/** How many times the old hosts'; of nothing that is not known. */
export function timesOf({ old, new: fresh }: Pick<Compared, 'old' | 'new'>): number | undefined {
  return old === undefined || fresh === undefined || old === 0
    ? undefined
    : Number((fresh / old).toPrecision(3));
}

const timesWords = (old: number | undefined, fresh: number | undefined): string => {
  const times = timesOf({ old, new: fresh });
  return times === undefined ? 'beside' : `${times.toFixed(1)} times`;
};

/** For whoever reads how it ended: the metrics of both sides, by the last verdict that was written down. */
export const Side = v.strictObject({
  metric: v.string(),
  old: v.exactOptional(v.number()),
  new: v.exactOptional(v.number()),
  times: v.exactOptional(v.number()),
  atMost: v.exactOptional(v.number()),
});
export type Side = v.InferOutput<typeof Side>;

/** Empty where no new host was compared. */
export function sidesOf({
  bake,
  readiness,
  firstWatch,
}: Pick<Deployment, 'bake' | 'readiness' | 'firstWatch'>): Side[] {
  const rows = [bake, readiness, firstWatch].map((watch) => watch?.compared ?? []);
  const told = rows.find((some) => some.some((row) => row.new !== undefined)) ?? [];
  return told.map(({ metric, old, new: fresh, atMost }) => {
    const times = timesOf({ old, new: fresh });
    return {
      metric,
      ...(old !== undefined && { old }),
      ...(fresh !== undefined && { new: fresh }),
      ...(times !== undefined && { times }),
      ...(atMost !== undefined && { atMost: rounded(atMost) }),
    };
  });
}

/** `custom.nginx.5xx 4.5 → 14 (at most 9)` */
export const sideWords = ({ metric, old, new: fresh, atMost }: Side): string =>
  `${plain(metric)} ${figure(old)} → ${figure(fresh)}${atMost === undefined ? '' : ` (at most ${figure(atMost)})`}`;

/** As people read it: a graph has no more digits. */
export const figure = (value: number | undefined): string =>
  value === undefined ? '–' : value.toLocaleString('en', { maximumSignificantDigits: 4 });

const rounded = (value: number): number => Number(value.toPrecision(4));

/** What a plan says of it: what will be compared, and how many minutes that takes. */
export function comparePlan(rows: readonly Compared[]): string[] {
  return rows.flatMap(({ metric, old, atMost }) => {
    if (atMost !== undefined)
      return [
        `${plain(metric)}: ${figure(old)} per old host; new hosts with more than ${figure(atMost)} are undone`,
      ];
    return SHOWN.includes(metric)
      ? [`${plain(metric)}: ${figure(old)} per old host; shown, not judged`]
      : [`${plain(metric)}: the old hosts have too few points of it; in the bake it is not compared`];
  });
}
