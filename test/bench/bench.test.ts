/** The benchmark's targets in small, and that it measures what it says. */
import { describe, expect, it } from 'vitest';
import { measureBreaks } from '../../simulator/bench/breaks.ts';
import { costOf } from '../../simulator/bench/costs.ts';
import type { Crowd } from '../../simulator/bench/crowd.ts';
import { benchTemplate } from '../../simulator/bench/fleets.ts';
import { functionsIn } from '../../simulator/bench/functions.ts';
import { type Joins, measureJoins } from '../../simulator/bench/joins.ts';
import { measureMissing } from '../../simulator/bench/missing.ts';
import { printed } from '../../simulator/bench/print.ts';
import { measureRow, type Row, type Subject } from '../../simulator/bench/rows.ts';
import { type Results, verdicts } from '../../simulator/bench/targets.ts';
import { measureThroughput } from '../../simulator/bench/throughput.ts';

const template = benchTemplate();
const functions = functionsIn(template);
const row = (subject: Partial<Subject>, seeds = [1, 2, 3]) =>
  measureRow(template, functions, { kind: 'classic ELB', size: 2, tuning: 'tuned', ...subject }, seeds);

const small = await row({ size: 2 });
const middle = await row({ size: 10 });
const large = await row({ size: 500 }, [1]);
const worker = await row({ kind: 'worker', size: 10 });
const rows = [small, middle, large, worker];

const CROWDED: Crowd = {
  fleets: 10,
  subnets: 6,
  seed: 1,
  deployed: 10,
  launched: 60,
  askedTwice: 0,
  turnedAway: 150,
  launchSeconds: 33,
  leastSeconds: 27.5,
};

const JOINED: Joins = {
  size: 2,
  runs: 40,
  learned: { ratio: 1.2, p50: 70, p95: 95 },
  unlearned: { ratio: 1.5, p50: 80, p95: 100 },
};

const results = (changes: Partial<Results> = {}): Results => ({
  seeds: [1, 2, 3],
  rows,
  bundles: [],
  throughput: { deployments: 1, seconds: 0.01 },
  joins: [JOINED],
  missing: [{ tuning: 'tuned', runs: 40, undone: 40, longestSeconds: 260 }],
  breaks: [{ tuning: 'tuned', runs: 300, undone: 300, longestSeconds: 19 }],
  crowds: [CROWDED],
  policies: [{ what: '6 subnets', characters: 7_000, role: 'launch-new-instances' }],
  ...changes,
});
const missed = (changes: Partial<Results>) =>
  verdicts(results(changes)).flatMap(({ target, met }) => (met ? [] : [target]));
const changed = (changes: Partial<Row>) => missed({ rows: [{ ...small, ...changes }] });

describe('the targets', () => {
  it('are met by fleets of 2, 10 and 500 hosts', () => {
    expect(missed({})).toEqual([]);
    expect(large.largestPayload).toBeLessThan(128 * 1024);
    expect(large.mostHistoryEvents).toBeLessThan(5_000);
  });

  it('leave little to the exact bound, which nobody can reach without knowing the future', () => {
    // Of the small fleets' some 10 %, taking and releasing the lock are one: two more functions that start cold.
    for (const { ratios } of [small, middle]) expect(ratios.exact).toBeLessThan(1.11);
    expect(large.ratios.exact).toBeLessThan(1.12);
  });

  it('hold the speed of the simulation to what it took by its clock', async () => {
    // `npm run bench` judges the real clock, on a machine that does nothing else.
    const clock = (millis: number) => {
      const times = [5_000, 5_000 + millis];
      return () => times.shift() ?? Number.NaN;
    };
    const quick = await measureThroughput(template, 2, clock(100));
    expect(quick).toEqual({ deployments: 2, seconds: 0.1 });
    expect(missed({ throughput: quick })).toEqual([]);
    const slow = await measureThroughput(template, 1, clock(100));
    expect(missed({ throughput: slow })).toEqual([expect.stringMatching(/simulated in under 0\.06 s/)]);
  });
});

describe('a target that is missed', () => {
  it.each<[string, Partial<Row>, RegExp]>([
    ['a slow deployment', { ratios: { exact: 1.2, sum: 1.051 } }, /1\.05 × the sum bound/],
    ['a late look', { delays: { ready: 1, drained: 3.1, terminated: 1 } }, /3 s late/],
    ['a large document', { largestPayload: 128 * 1024 }, /128 KiB/],
    ['a long history', { mostHistoryEvents: 5_000 }, /5,000 events/],
    ['a dear deployment', { cost: { ...small.cost, lambdaCents: 1 } }, /one cent/],
  ])('is told: %s', (_, changes, target) => {
    expect(changed(changes)).toEqual([expect.stringMatching(target)]);
  });

  it('is told: more calls for more hosts', () => {
    const most = small.callsPerLook.most;
    const asking = (calls: number, from: Row) => ({ ...from, callsPerLook: { mean: 2, most: calls } });
    expect(missed({ rows: [small, asking(most + 1, middle)] })).toEqual([expect.stringMatching(/10 hosts/)]);
    expect(missed({ rows: [small, asking(most + 5, large)] })).toEqual([]);
    expect(missed({ rows: [small, asking(most + 6, large)] })).toEqual([expect.stringMatching(/500 hosts/)]);
  });

  it('is told: bundles that are too large, or carry a client that they may not use', () => {
    const bundle = {
      step: 'write-the-plan',
      bytes: 1,
      needsEc2: false,
      carriesEc2: false,
      importMillis: 1,
    } as const;
    expect(missed({ bundles: [{ ...bundle, carriesEc2: true }] })).toEqual([expect.stringMatching(/client/)]);
    expect(missed({ bundles: [{ ...bundle, bytes: 450_000 }] })).toEqual([expect.stringMatching(/450 kB/)]);
    expect(missed({ bundles: [{ ...bundle, needsEc2: true, bytes: 900_001 }] })).toEqual([
      expect.stringMatching(/900 kB/),
    ]);
  });

  it.each<[string, Partial<Crowd>, RegExp]>([
    ['a share that was never launched', { launched: 59 }, /all are launched/],
    ['a share that was asked for twice', { askedTwice: 1 }, /none is asked for twice/],
    ['a fleet that was not deployed', { deployed: 9 }, /all are launched/],
    ['a crowd that waits too long', { launchSeconds: 42 }, /1\.5 × the 27\.5 s/],
  ])('is told: %s', (_, changes, target) => {
    expect(missed({ crowds: [{ ...CROWDED, ...changes }] })).toEqual([expect.stringMatching(target)]);
  });

  it.each<[string, Partial<Joins['learned']>, RegExp]>([
    ['traffic that comes late', { ratio: 1.31 }, /at most 1\.30 × its bound/],
    ['a slow run that is slower than without knowing', { p95: 101 }, /no later at p95/],
  ])('is told: %s', (_, changes, target) => {
    const joins = [{ ...JOINED, learned: { ...JOINED.learned, ...changes } }];
    expect(missed({ joins })).toEqual([expect.stringMatching(target)]);
  });

  it.each([
    ['late', { undone: 40, longestSeconds: 271 }],
    ['not always', { undone: 39, longestSeconds: 260 }],
  ])('is told: a host that never registers is undone %s', (_, changes) =>
    expect(missed({ missing: [{ tuning: 'tuned', runs: 40, ...changes }] })).toEqual([
      expect.stringMatching(/never registers/),
    ]),
  );

  it('is told: a host that broke in the bake, and was called deployed', () => {
    const breaks = [{ tuning: 'default', runs: 300, undone: 299, longestSeconds: 19 }] as const;
    expect(missed({ breaks })).toEqual([expect.stringMatching(/default: a host that breaks/)]);
  });

  it('is told: a policy without room', () => {
    const policies = [{ what: '6 subnets', characters: 10_241, role: 'launch-new-instances' }];
    expect(missed({ policies })).toEqual([expect.stringMatching(/6 subnets: role policies/)]);
  });

  it('is told: a slow simulation', () => {
    expect(missed({ throughput: { deployments: 100, seconds: 6 } })).toEqual([expect.stringMatching(/6 s/)]);
  });
});

describe('a host that breaks at a random moment of the bake', () => {
  it.each(['tuned', 'default'] as const)('is undone: %s', async (tuning) =>
    expect(await measureBreaks(template, tuning, 15)).toMatchObject({ runs: 15, undone: 15 }),
  );
});

describe('a host that never registers', () => {
  it.each(['tuned', 'default'] as const)('is noticed within 4.5 minutes: %s', async (tuning) => {
    const { runs, undone, longestSeconds } = await measureMissing(template, tuning, 4);
    expect(undone).toBe(runs);
    expect(longestSeconds).toBeLessThanOrEqual(270);
  });
});

describe('a fleet that knows how long its hosts take', () => {
  it('has its traffic on the new release earlier, behind a classic ELB’s defaults', async () => {
    const { learned, unlearned } = await measureJoins(template, 2, 6);
    expect(learned.p50).toBeLessThan(unlearned.p50 - 3);
    expect(learned.ratio).toBeLessThan(unlearned.ratio - 0.1);
    expect(learned.p95).toBeLessThanOrEqual(unlearned.p95);
  });
});

describe('a row', () => {
  it.each(rows.map((each) => [`${each.kind}, ${each.size} hosts`, each] as const))(
    'explains every second beyond the exact bound: %s',
    (_, { seconds, bounds, overhead, delays }) => {
      const parts = Object.values(overhead) as number[];
      expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(seconds - bounds.exact, 3);
      for (const part of [...parts, ...Object.values(delays)]) expect(part).toBeGreaterThanOrEqual(0);
    },
  );

  it('is the same whenever it is measured', async () => {
    expect(await row({ size: 2 })).toEqual(small);
  });

  it('knows default settings as slower ones', async () => {
    const untuned = await row({ size: 2, tuning: 'default' });
    expect(untuned.overhead.join).toBeGreaterThan(small.overhead.join + 5);
  });

  it('counts calls to load balancers only where there are some', () => {
    expect(worker.requests.loadBalancers).toBe(0);
    expect(middle.requests.loadBalancers).toBeGreaterThan(10);
  });
});

describe('the cost', () => {
  it('is that of memory, time, invocations and transitions', () => {
    const runs = new Map([
      ['resolve-the-release', { count: 1, seconds: 3 }],
      ['new-hosts-are-ready', { count: 10, seconds: 4 }],
    ] as const);
    const cost = costOf({ runs, transitions: 1_000 }, functions);
    expect(cost.gbSeconds).toBeCloseTo(3 * 1 + 4 * 0.5, 6);
    expect(cost.invocations).toBe(11);
    expect(cost.lambdaCents).toBeCloseTo(100 * (5 * 0.0000133334 + 11 * 0.0000002), 9);
    expect(cost.stepFunctionsCents).toBeCloseTo(2.5, 9);
  });
});

describe('the template', () => {
  it('says of each function whether it may ask EC2', () => {
    expect(functions.get('launch-new-instances')?.mayAskEc2).toBe(true);
    expect(functions.get('record-the-failure')?.mayAskEc2).toBe(false);
  });
});

describe('the printed results', () => {
  it('fit into 100 columns and mark every target', () => {
    const lines = printed(results({ throughput: { deployments: 100, seconds: 7 } })).split('\n');
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    expect(lines.filter((line) => line.startsWith('  ✗'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('  ✓')).length).toBeGreaterThan(8);
  });
});
