/**
 * Old against new, in noise: how often a release with three times the errors is seen, and how often one with as many as
 * before is stopped. The decision alone is played, on series that are drawn; all that they assume stands in `NOISE`.
 */
import type { Compared } from '../../lambdas/domain/core/document.ts';
import { watchOf, watchSeconds } from '../../lambdas/domain/hosts/bake.ts';
import {
  BEFORE_MINUTES,
  closedMinute,
  comparedBefore,
  compareSides,
  type Minutes,
  pointsByMinute,
} from '../../lambdas/domain/hosts/compare.ts';
import type { MetricPoint } from '../../lambdas/ports/mackerel.ts';
import { Random, type Range } from '../world/prng.ts';

const METRIC = 'errors';
const FLEET = { compare: [{ metric: METRIC, atMostTimes: 2, from: 5 }] };
const WORSE_TIMES = 3;
const BAKE_SECONDS = 300;
const SHIFT_MINUTE = 60;
const LAUNCHED_BEFORE_MINUTES = 2;

/** What the series assume of the world. */
export const NOISE = {
  /** Of a side; as many new as old ones. */
  hosts: [2, 10],
  /** Per host and minute; drawn evenly in its logarithm. */
  level: [6, 200],
  /** Of the traffic, a minute: more than half of it in an hour. */
  trend: [-0.01, 0.01],
  /** Of a minute of one host, beside what counting itself scatters; and of the hosts among each other (log-normal). */
  scatter: [0.2, 0.6],
  skew: 0.15,
  /** Of the whole fleet, once an hour: for one to three minutes so many times as much. */
  burst: { everyMinutes: 60, minutes: 3, times: [3, 10] },
  /** Of one host, once in two hours, for one or two minutes. */
  hostBurst: { everyMinutes: 120, minutes: 2, times: [5, 20] },
  /** In three of ten metrics, so many of the points are 0; and of all of them, so many are missing. */
  zeros: [0, 0.2],
  metricsWithZeros: 0.3,
  missing: 0.05,
  /** What new hosts have in their first two minutes. */
  warmUp: { minutes: 2, times: [2, 6] },
} as const satisfies Readonly<Record<string, unknown>>;

export interface ComparedRow {
  readonly mode: 'in the bake' | 'while both serve';
  readonly runs: number;
  /** Of so many with three times the errors, since a random minute of the bake. */
  readonly seen: number;
  /** Of so many deployments with as many as before. */
  readonly stopped: number;
  /** From the first bad minute until it is undone: of nine of ten that are seen. */
  readonly minutes: number;
}

export function measureCompared(runs: number): ComparedRow[] {
  return (['in the bake', 'while both serve'] as const).map((mode) => {
    const play = (times: number) =>
      Array.from({ length: runs }, (_, seed) => playOne(new Random(seed + 1), mode, times)).filter(
        (minutes) => minutes !== undefined,
      );
    const seen = play(WORSE_TIMES).sort((a, b) => a - b);
    const minutes = seen[Math.floor(seen.length * 0.9)] ?? Number.NaN;
    return { mode, runs, seen: seen.length, stopped: play(1).length, minutes };
  });
}

/** @returns the minutes from what got worse until it was undone; `undefined`: it was not */
function playOne(random: Random, mode: ComparedRow['mode'], times: number): number | undefined {
  const drawn = draw(random, times);
  const [old, fresh] = [pointsByMinute(drawn.old), pointsByMinute(drawn.new)];
  const isBeside = mode === 'while both serve';
  const before = comparedBefore(FLEET, lastOf(old, SHIFT_MINUTE - LAUNCHED_BEFORE_MINUTES));
  const watch = watchSeconds(watchOf(BAKE_SECONDS, [], [], 'limits.bakeSeconds', before));
  let rows: readonly Compared[] = before;
  for (let minute = SHIFT_MINUTE; (minute - SHIFT_MINUTE) * 60 <= watch; minute += 1) {
    const sides = { new: lastOf(fresh, minute), ...(isBeside && { old: lastOf(old, minute) }) };
    rows = compareSides(FLEET, rows, sides, { now: moment(minute), since: moment(SHIFT_MINUTE) });
    if (rows.some(({ worse = 0 }) => worse > 1)) return minute - drawn.worseFrom;
  }
  return undefined;
}

const moment = (minute: number, second = 0) => new Date((minute * 60 + second) * 1000);

/** What Mackerel would be asked for in the first second of this minute. */
function lastOf(minutes: Minutes, now: number): ReadonlyMap<string, Minutes> {
  const last = closedMinute(moment(now));
  return new Map([
    [METRIC, new Map([...minutes].filter(([at]) => at > last - BEFORE_MINUTES && at <= last))],
  ]);
}

// ── Series ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const LAST_MINUTE = SHIFT_MINUTE + 20;

interface Drawn {
  readonly old: readonly (readonly MetricPoint[])[];
  readonly new: readonly (readonly MetricPoint[])[];
  readonly worseFrom: number;
}

function draw(random: Random, times: number): Drawn {
  const shared = {
    level: Math.exp(random.between([Math.log(NOISE.level[0]), Math.log(NOISE.level[1])])),
    trend: random.between(NOISE.trend),
    scatter: random.between(NOISE.scatter),
    zeros: random.next() < NOISE.metricsWithZeros ? random.between(NOISE.zeros) : 0,
    bursts: burstsOf(random, NOISE.burst),
  };
  const hosts = Math.round(random.between(NOISE.hosts));
  const worseFrom = SHIFT_MINUTE + Math.floor(random.between([0, BAKE_SECONDS / 60]));
  const side = (isNew: boolean) =>
    Array.from({ length: hosts }, () => hostOf(random, shared, isNew, worseFrom, isNew ? times : 1));
  return { old: side(false), new: side(true), worseFrom };
}

type Shared = { level: number; trend: number; scatter: number; zeros: number; bursts: readonly number[] };

function hostOf(
  random: Random,
  { level, trend, scatter, zeros, bursts }: Shared,
  isNew: boolean,
  worseFrom: number,
  times: number,
): MetricPoint[] {
  const own = burstsOf(random, NOISE.hostBurst);
  const base = level * logNormal(random, NOISE.skew);
  const warmUp = random.between(NOISE.warmUp.times);
  const points: MetricPoint[] = [];
  for (let minute = isNew ? SHIFT_MINUTE : 0; minute < LAST_MINUTE; minute += 1) {
    const traffic = 1 + trend * (minute - SHIFT_MINUTE);
    const burst = (bursts[minute] ?? 1) * (own[minute] ?? 1);
    const cold = isNew && minute < SHIFT_MINUTE + NOISE.warmUp.minutes ? warmUp : 1;
    const worse = minute >= worseFrom ? times : 1;
    const mean = base * traffic * burst * cold * worse * logNormal(random, scatter);
    const value = random.next() < zeros ? 0 : counted(random, mean);
    const at = moment(minute, Math.floor(random.between([0, 60])));
    if (random.next() >= NOISE.missing) points.push({ at, value });
  }
  return points;
}

/** By minute: how many times as much. */
function burstsOf(
  random: Random,
  { everyMinutes, minutes, times }: { everyMinutes: number; minutes: number; times: Range },
): number[] {
  const factors = Array<number>(LAST_MINUTE).fill(1);
  for (let minute = 0; minute < LAST_MINUTE; minute += 1) {
    if (random.next() >= 1 / everyMinutes) continue;
    const [length, factor] = [1 + Math.floor(random.next() * minutes), random.between(times)];
    for (let n = minute; n < Math.min(LAST_MINUTE, minute + length); n += 1)
      factors[n] = (factors[n] ?? 1) * factor;
  }
  return factors;
}

const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

/** Its mean is 1. */
const logNormal = (random: Random, scatter: number): number =>
  Math.exp(scatter * normal(random) - (scatter * scatter) / 2);

/** Poisson's; of large numbers nearly. */
function counted(random: Random, mean: number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const limit = Math.exp(-mean);
  let found = -1;
  for (let product = 1; product > limit; product *= random.next()) found += 1;
  return found;
}
