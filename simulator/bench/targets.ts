/** The targets of the benchmark. A target that is missed fails the run. */
import { count } from '../../lambdas/domain/core/words.ts';
import { MOST_POLICIES } from '../../lib/policy-sizes.ts';
import type { AskedRow } from './asked.ts';
import type { BundleRow } from './bundles.ts';
import type { ComparedRow } from './compared.ts';
import type { Crowd } from './crowd.ts';
import type { Exposed } from './exposure.ts';
import type { Size } from './fleets.ts';
import type { Joins } from './joins.ts';
import type { Row } from './rows.ts';
import type { SignalRow } from './signals.ts';
import type { PolicyRow, StacksRow } from './stacks.ts';
import type { Standing } from './standing.ts';
import type { Throughput } from './throughput.ts';
import type { UndoRow } from './undo.ts';
import type { Undone } from './undone.ts';

export interface Results {
  readonly seeds: readonly number[];
  readonly rows: readonly Row[];
  readonly undos: readonly UndoRow[];
  readonly bundles: readonly BundleRow[];
  readonly throughput: readonly Throughput[];
  readonly joins: readonly Joins[];
  readonly breaks: readonly Undone[];
  readonly signals: SignalRow;
  readonly compared: readonly ComparedRow[];
  readonly exposures: readonly Exposed[];
  readonly asked: readonly AskedRow[];
  readonly missing: readonly Undone[];
  readonly crowds: readonly Crowd[];
  readonly policies: readonly PolicyRow[];
  readonly standing: readonly Standing[];
  readonly stacks: readonly StacksRow[];
}

export interface Verdict {
  readonly target: string;
  /** What was measured, with the limit's unit. */
  readonly measured: string;
  readonly met: boolean;
}

const MOST_RATIO = 1.05;
/** With the fleet's bake, which stands on both sides, and with none. */
const MOST_EXACT_RATIO = { bake: 1.07, noBake: 1.11 } as const;
/** Until all traffic is on the new release, behind a load balancer with a classic ELB’s defaults. */
const MOST_JOIN_RATIO = 1.3;
/** From the alert being there until the undo begins. */
const MOST_SIGNAL_SECONDS = 15;
/** Of releases with three times the errors; and of those with as many as before. */
const LEAST_SEEN = 0.95;
const MOST_STOPPED = 0.01;
/** From the start until the undo begins, where a record says how long hosts take. */
const MOST_MISSING_SECONDS = 270;
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
  joins,
  breaks,
  signals,
  compared,
  exposures,
  missing,
  crowds,
  policies,
  stacks,
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
    ...joins.flatMap(joined),
    ...breaks.map(broken),
    heard(signals),
    ...compared.flatMap(worse),
    ...exposures.map(exposed),
    ...missing.map(missed),
    ...crowds.flatMap(crowded),
    standingCost(standing),
    ...policies.map(policySize),
    ...stacks.map(stackSizes),
    ...code(bundles),
  ];
}

export const isTuned = (row: Row): boolean => row.kind === 'classic ELB' && row.tuning === 'tuned';

/**
 * Compared with the sum of the phases, and with what somebody could reach who knows the future: of that the launch call,
 * looks that are half a pause late and the health checks during the boot are most. Only fleets behind a tuned ELB have
 * these targets: one without has no checks. Without a bake the sum is too small for the same seconds.
 */
function overhead(rows: readonly Row[]): Verdict[] {
  return rows.filter(isTuned).flatMap(({ size, ratios, bakeSeconds }) => {
    const isBaked = bakeSeconds !== 0;
    const whose = `${size} hosts, tuned${isBaked ? '' : ', no bake'}`;
    const most = isBaked ? MOST_EXACT_RATIO.bake : MOST_EXACT_RATIO.noBake;
    const exact = {
      target: `${whose}: total time at most ${most} × the exact bound`,
      measured: ratios.exact.toFixed(3),
      met: ratios.exact <= most,
    };
    const sum = {
      target: `${whose}: total time at most ${MOST_RATIO} × the sum bound`,
      measured: ratios.sum.toFixed(3),
      met: ratios.sum <= MOST_RATIO,
    };
    return isBaked ? [sum, exact] : [exact];
  });
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
  // A bake has no part in it.
  const tuned = rows.filter((row) => isTuned(row) && row.bakeSeconds === undefined);
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

function speed({ hosts, deployments, cpuMillis, slack = 1 }: Throughput): Verdict[] {
  const limit = slack * (MOST_CPU_MILLIS[hosts] ?? Number.NaN);
  if (Number.isNaN(limit)) return [];
  const each = cpuMillis / deployments;
  return [
    {
      target: `a deployment of ${hosts} hosts is simulated in at most ${limit} ms of CPU`,
      measured: `${each.toFixed(1)} ms (${deployments.toLocaleString('en')} deployments)`,
      met: each <= limit,
    },
  ];
}

function joined({ kind, size, learned, unlearned }: Joins): Verdict[] {
  const fleet = kind === 'classic ELB' ? `${size} hosts, defaults` : `${kind}, ${size} hosts`;
  const whose = `${fleet}, starts known`;
  return [
    {
      target: `${whose}: traffic on new ≤ ${MOST_JOIN_RATIO.toFixed(2)} × its bound`,
      measured: `${learned.ratio.toFixed(3)} (${unlearned.ratio.toFixed(3)} unknown)`,
      met: learned.ratio <= MOST_JOIN_RATIO,
    },
    {
      target: `${whose}: p95 no later than where they are unknown`,
      measured: `${learned.p95.toFixed(1)} s (${unlearned.p95.toFixed(1)} s)`,
      met: learned.p95 <= unlearned.p95,
    },
  ];
}

const broken = ({ tuning, runs, undone, longestSeconds }: Undone): Verdict => ({
  target: `${tuning}: a host that breaks in the bake is undone in ${runs} of ${runs} runs`,
  measured: `${undone}, after ${longestSeconds.toFixed(0)} s at most`,
  met: undone === runs,
});

const heard = ({ runs, right, longestSeconds }: SignalRow): Verdict => ({
  target: `all kinds of monitors: named alerts alone undo, within ${MOST_SIGNAL_SECONDS} s`,
  measured: `${right} of ${runs}, after ${longestSeconds.toFixed(0)} s at most`,
  met: right === runs && longestSeconds <= MOST_SIGNAL_SECONDS,
});

const percentOf = (some: number, all: number): string => `${((100 * some) / all).toFixed(1)} %`;

/** In the noise that `compared.ts` says; of one metric. */
const worse = ({ mode, runs, seen, stopped, minutes }: ComparedRow): Verdict[] => [
  {
    target: `${mode}: three times as bad is seen in ${LEAST_SEEN * 100} % of them`,
    measured: `${percentOf(seen, runs)} of ${runs.toLocaleString('en')}, most in ${minutes} min`,
    met: seen >= LEAST_SEEN * runs,
  },
  {
    target: `${mode}: no worse is stopped in at most ${MOST_STOPPED * 100} % of them`,
    measured: `${percentOf(stopped, runs)} of ${runs.toLocaleString('en')}`,
    met: stopped <= MOST_STOPPED * runs,
  },
];
/** One that goes to all at once meets every request; it stands there to be compared with. */
const exposed = ({ old, first, runs, undone, share }: Exposed): Verdict => {
  const most = first === 0 ? 1 : first / (old + first);
  const who = first === 0 ? `${old} at once` : `${first} of ${old} first`;
  return {
    target: `${who}: a bad release meets at most ${(most * 100).toFixed(1)} % of requests`,
    measured: `${(share * 100).toFixed(1)} %, undone in ${undone} of ${runs}`,
    met: share <= most && undone === runs,
  };
};

const missed = ({ tuning, runs, undone, longestSeconds }: Undone): Verdict => ({
  target: `${tuning}: a host that never registers is undone within ${MOST_MISSING_SECONDS / 60} min`,
  measured: `${undone} of ${runs}, after ${longestSeconds.toFixed(0)} s at most`,
  met: undone === runs && longestSeconds <= MOST_MISSING_SECONDS,
});

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

const policySize = ({ what, characters, managed }: PolicyRow): Verdict => ({
  target: `${what}: at most ${MOST_POLICIES} policies beside a role’s own`,
  measured: `${managed} (${kilobytes(characters)} kB)`,
  met: managed <= MOST_POLICIES,
});

/** What CloudFormation and EventBridge have room for. */
export const stackSizes = ({ fleets, shared, fleet, rules }: StacksRow): Verdict => {
  const characters = Math.max(shared.characters, fleet.characters);
  const resources = Math.max(shared.resources, fleet.resources);
  return {
    target: `${count(fleets, 'fleet')}: each stack under 1 MB and 500 resources, and 300 rules in all`,
    measured: `${kilobytes(characters)} kB, ${resources}, ${rules}`,
    met: characters < 1_000_000 && resources < 500 && rules <= 300,
  };
};

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
