/** The targets of the benchmark. A target that is missed fails the run. */
import { MOST_CHARACTERS } from '../../lib/policy-sizes.ts';
import type { BundleRow } from './bundles.ts';
import type { Crowd } from './crowd.ts';
import type { Size } from './fleets.ts';
import type { PolicyRow } from './policies.ts';
import type { Row } from './rows.ts';
import type { Standing } from './standing.ts';
import type { Throughput } from './throughput.ts';
import type { UndoRow } from './undo.ts';

export interface Results {
  readonly seeds: readonly number[];
  readonly rows: readonly Row[];
  readonly undos: readonly UndoRow[];
  readonly bundles: readonly BundleRow[];
  readonly throughput: readonly Throughput[];
  readonly crowds: readonly Crowd[];
  readonly policies: readonly PolicyRow[];
  readonly standing: readonly Standing[];
}

export interface Verdict {
  readonly target: string;
  /** What was measured, with the limit's unit. */
  readonly measured: string;
  readonly met: boolean;
}

const MOST_RATIO = 1.05;
const MOST_DELAY_SECONDS = 3;
const MOST_PAYLOAD = 128 * 1024;
const MOST_EVENTS = 5_000;
const MOST_CENTS = 1;
const MOST_CENTS_500 = 1.5;
const MOST_STANDING_USD = 0.4;
/** 1,000 deployments in a minute. */
/** Hosts → milliseconds of CPU for one deployment. Campaigns and `npm test` grow with them. */
const MOST_CPU_MILLIS: Partial<Record<Size, number>> = { 2: 25, 100: 100 };
/** Of the time that EC2's empty bucket takes by itself. */
const MOST_CROWD_RATIO = 1.5;
const MOST_BUNDLE = { withEc2: 900_000, withoutEc2: 450_000 };

export function verdicts({
  rows,
  undos,
  bundles,
  throughput,
  crowds,
  policies,
  standing,
}: Results): Verdict[] {
  return [
    ...overhead(rows),
    detection(rows),
    ...undos.map(undone),
    ...callsPerLook(rows),
    ...size(rows),
    ...cost(rows),
    ...throughput.flatMap(speed),
    ...crowds.flatMap(crowded),
    standingCost(standing),
    ...policies.map(policySize),
    ...code(bundles),
  ];
}

export const isTuned = (row: Row): boolean => row.kind === 'classic ELB' && row.tuning === 'tuned';

/**
 * Compared with the sum of the phases, which is what the target names. The exact bound is out of reach: the launch
 * call, the cold starts of a dozen functions and the health checks during the boot alone make up some 5 % of it. The
 * distance to it is printed beside. Only fleets behind a tuned ELB have this target: one without has no checks.
 */
function overhead(rows: readonly Row[]): Verdict[] {
  return rows.filter(isTuned).map(({ size, ratios }) => ({
    target: `${size} hosts, tuned: total time at most ${MOST_RATIO} × the sum bound`,
    measured: `${ratios.sum.toFixed(3)} (${ratios.exact.toFixed(3)} × the exact bound)`,
    met: ratios.sum <= MOST_RATIO,
  }));
}

function detection(rows: readonly Row[]): Verdict {
  const delays = rows.flatMap(({ delays: { ready, drained, terminated } }) => [ready, drained, terminated]);
  const worst = Math.max(...delays);
  return {
    target: `each wait sees its end at most ${MOST_DELAY_SECONDS} s late on average`,
    measured: `${worst.toFixed(1)} s in the slowest row`,
    met: worst <= MOST_DELAY_SECONDS,
  };
}

const undone = ({ what, mostSeconds, median, p95, runs }: UndoRow): Verdict => ({
  target: `${what}: the old hosts alone serve within ${mostSeconds} s at the median of ${runs} runs`,
  measured: `${median.toFixed(1)} s (p95 ${p95.toFixed(1)} s)`,
  met: median <= mostSeconds,
});

function callsPerLook(rows: readonly Row[]): Verdict[] {
  const tuned = rows.filter(isTuned);
  const smallest = tuned.find(({ size }) => size === 2)?.callsPerLook.most ?? Number.NaN;
  return tuned.map(({ size, callsPerLook: { most } }) => {
    const limit = size <= 100 ? smallest : smallest + size / 100;
    return {
      target: `${size} hosts: at most ${limit} calls in a look of New hosts are ready`,
      measured: `${most}`,
      met: most <= limit,
    };
  });
}

function size(rows: readonly Row[]): Verdict[] {
  const payload = Math.max(...rows.map(({ largestPayload }) => largestPayload));
  const events = Math.max(...rows.map(({ mostHistoryEvents }) => mostHistoryEvents));
  const hosts = Math.max(...rows.map((row) => row.size));
  return [
    {
      target: `the document stays below 128 KiB at ${hosts} hosts`,
      measured: `${(payload / 1024).toFixed(1)} KiB`,
      met: payload < MOST_PAYLOAD,
    },
    {
      target: `the history stays below ${MOST_EVENTS.toLocaleString('en')} events`,
      measured: `${events}`,
      met: events < MOST_EVENTS,
    },
  ];
}

/** Up to a hundred hosts a deployment costs a cent at most; five hundred cost half as much more. */
function cost(rows: readonly Row[]): Verdict[] {
  return [MOST_CENTS, MOST_CENTS_500].flatMap((limit) => {
    const those = rows.filter((row) => (row.size === 500) === (limit === MOST_CENTS_500));
    if (those.length === 0) return [];
    const dearest = Math.max(...those.map((row) => row.cost.cents));
    const most = Math.max(...those.map((row) => row.size));
    return [
      {
        target: `a deployment of up to ${most} hosts costs at most ${limit} cents`,
        measured: `${dearest.toFixed(2)} cents at most`,
        met: dearest <= limit,
      },
    ];
  });
}

function speed({ hosts, deployments, cpuMillis }: Throughput): Verdict[] {
  const limit = MOST_CPU_MILLIS[hosts];
  if (limit === undefined) return [];
  const each = cpuMillis / deployments;
  return [
    {
      target: `a deployment of ${hosts} hosts is simulated in at most ${limit} ms of CPU`,
      measured: `${each.toFixed(1)} ms (${deployments.toLocaleString('en')} deployments)`,
      met: each <= limit,
    },
  ];
}

/** One fleet has its own pace, of which the bucket is the smaller part: only several are held to it. */
function crowded({ fleets, subnets, ...crowd }: Crowd): Verdict[] {
  const all = fleets * subnets;
  const whose = `${fleets} × ${subnets} launches at once`;
  const ratio = crowd.launchSeconds / crowd.leastSeconds;
  const everybody = {
    target: `${whose}: all are launched, none is asked for twice`,
    measured: `${crowd.launched}, ${crowd.askedTwice} twice, ${crowd.deployed} deployed`,
    met: crowd.launched === all && crowd.askedTwice === 0 && crowd.deployed === fleets,
  };
  const inTime = {
    target: `${whose}: at most ${MOST_CROWD_RATIO} × the ${crowd.leastSeconds} s of EC2's bucket`,
    measured: `${crowd.launchSeconds.toFixed(1)} s`,
    met: ratio <= MOST_CROWD_RATIO,
  };
  return fleets > 1 ? [everybody, inTime] : [everybody];
}

function standingCost(standing: readonly Standing[]): Verdict {
  const dearest = Math.max(...standing.map(({ fleetUsd }) => fleetUsd));
  const shared = Math.max(...standing.map(({ environmentUsd }) => environmentUsd));
  const fleets = standing.map((row) => row.fleets).join(', ');
  return {
    target: `of ${fleets}, each idle fleet costs at most ${MOST_STANDING_USD.toFixed(2)} USD a month`,
    measured: `${dearest.toFixed(2)}, and ${shared.toFixed(2)} for all`,
    met: dearest <= MOST_STANDING_USD,
  };
}

const policySize = ({ what, characters }: PolicyRow): Verdict => ({
  target: `10 fleets, each ${what}: role policies of at most ${MOST_CHARACTERS} characters`,
  measured: `${characters}`,
  met: characters <= MOST_CHARACTERS,
});

function code(bundles: readonly BundleRow[]): Verdict[] {
  const wrong = bundles.filter(({ needsEc2, carriesEc2 }) => carriesEc2 && !needsEc2);
  const largest = (withEc2: boolean) =>
    Math.max(...bundles.filter(({ needsEc2 }) => needsEc2 === withEc2).map(({ bytes }) => bytes));
  return [
    {
      target: 'only steps that may call EC2 contain its client',
      measured: wrong.length === 0 ? 'met' : wrong.map(({ step }) => step).join(', '),
      met: wrong.length === 0,
    },
    {
      target: 'no bundle is above 900 kB',
      measured: `${kilobytes(largest(true))} kB`,
      met: largest(true) <= MOST_BUNDLE.withEc2,
    },
    {
      target: 'a bundle without the EC2 client is below 450 kB',
      measured: `${kilobytes(largest(false))} kB`,
      met: largest(false) < MOST_BUNDLE.withoutEc2,
    },
  ];
}

/** In units of 1,000 bytes. */
export const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(0);
