import { describe, expect, it } from 'vitest';
import type { Compared, Deployment } from '../../lambdas/domain/core/document.ts';
import { watchOf, watchSeconds } from '../../lambdas/domain/hosts/bake.ts';
import {
  assertNotWorse,
  closedMinute,
  comparedBefore,
  comparedSentence,
  comparePlan,
  compareSides,
  metricsToAsk,
  notCompared,
  noticesWorse,
  pointsByMinute,
  sidesOf,
  sideWords,
} from '../../lambdas/domain/hosts/compare.ts';
import { aLook } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';

const ERRORS = 'custom.nginx.5xx';
const FLEET = { compare: [{ metric: ERRORS, atMostTimes: 2, from: 5 }] };
/** A minute since the epoch, and a second in it. */
const at = (minute: number, second = 0) => new Date((minute * 60 + second) * 1000);
const minutes = (values: readonly number[], from = 0) =>
  new Map(values.map((value, index) => [from + index, value]));
const ofErrors = (values: readonly number[], from = 0) => new Map([[ERRORS, minutes(values, from)]]);

describe('the points of some hosts', () => {
  const host = (...points: readonly (readonly [number, number])[]) =>
    points.map(([minute, value]) => ({ at: at(minute, 40), value }));

  it.each([
    ['a minute is the mean of its hosts', [host([7, 1]), host([7, 3])], [[7, 2]]],
    ['a host without a point is no zero', [host([7, 4]), host()], [[7, 4]]],
    ['a minute that most hosts lack is not known', [host([7, 4]), host(), host()], []],
    ['nobody has posted', [host(), host()], []],
  ])('%s', (_title, hosts, expected) => expect([...pointsByMinute(hosts)]).toEqual(expected));
});

describe('the old hosts, before the launch', () => {
  const before = (values: readonly number[]) => comparedBefore(FLEET, ofErrors(values))[0];

  it.each<[string, readonly number[], number | undefined, number | undefined]>([
    ['all minutes alike', Array(10).fill(6), 6, 12],
    ['the four highest of ten are a burst', [6, 6, 90, 90, 6, 6, 90, 90, 6, 6], 6, 12],
    ['what is small is not worse up to the floor', Array(10).fill(1), 1, 5],
    ['zeros are values', Array(10).fill(0), 0, 5],
    ['five minutes do', Array(5).fill(6), 6, 12],
    ['four do not', Array(4).fill(6), undefined, undefined],
  ])('%s', (_title, values, old, atMost) =>
    expect(before(values)).toEqual({
      metric: ERRORS,
      ...(old !== undefined && { old }),
      ...(atMost !== undefined && { atMost }),
    }),
  );

  it('load, CPU and memory stand beside what is named, and have no limit', () => {
    expect(metricsToAsk(FLEET)).toEqual([ERRORS, 'loadavg5', 'cpu.user.percentage', 'memory.used']);
    expect(metricsToAsk({ compare: [] })).toEqual([]);
    expect(comparedBefore(FLEET, new Map([['loadavg5', minutes(Array(10).fill(0.5))]]))[1]).toEqual({
      metric: 'loadavg5',
      old: 0.5,
    });
  });

  it('a metric that they do not have is told', () => {
    const rows = comparedBefore(FLEET, new Map());
    expect(notCompared(FLEET, rows)).toContain(`too few points of it: ${ERRORS}`);
    expect(notCompared(FLEET, comparedBefore(FLEET, ofErrors(Array(10).fill(6))))).toBe('');
    expect(noticesWorse(rows, 300)).toBeUndefined();
    expect(comparePlan(rows)[0]).toMatch(/not compared$/);
  });
});

/** Traffic since the first second of minute 0: the first two minutes are left out. */
const BEFORE: readonly Compared[] = [{ metric: ERRORS, old: 6, atMost: 12 }];
const since = at(0);
/** The minute is over, and so is the one in which the last agents post. */
const once = (closed: number) => at(closed + 2);
const judge = (values: readonly number[], closed: number, before = BEFORE, old?: readonly number[]) =>
  compareSides(
    FLEET,
    before,
    { new: ofErrors(values), ...(old && { old: ofErrors(old) }) },
    { now: once(closed), since },
  )[0];

describe('a verdict', () => {
  it.each<[string, readonly number[], number, Partial<Compared>]>([
    ['waits for five minutes after the warm-up', Array(7).fill(99), 5, {}],
    ['is about these', Array(7).fill(18), 6, { new: 18, minute: 6, worse: 1 }],
    ['leaves the warm-up out', [99, 99, 6, 6, 6, 6, 6], 6, { new: 6, minute: 6, worse: 0 }],
    ['leaves the two highest out', [0, 0, 6, 99, 6, 99, 6], 6, { new: 6, minute: 6, worse: 0 }],
    ['is not bad at the limit', Array(7).fill(12), 6, { new: 12, minute: 6, worse: 0 }],
    ['is bad above it', Array(7).fill(12.1), 6, { new: 12.1, minute: 6, worse: 1 }],
    ['knows no minute that is not over', Array(9).fill(18), 6, { new: 18, minute: 6, worse: 1 }],
    [
      'is about the last five',
      [...Array(7).fill(99), ...Array(5).fill(6)],
      11,
      { new: 6, minute: 11, worse: 0 },
    ],
  ])('%s', (_title, values, closed, expected) =>
    expect(judge(values, closed)).toEqual({ ...BEFORE[0], ...expected }),
  );

  it.each<[string, number, number, number, number]>([
    ['up to the floor', 1, 12_344, 100, 12_343],
    ['as many as the old hosts', 1, 0, 12_344, 12_344],
  ])('knows more digits than it tells: %s', (_title, atMostTimes, from, old, fresh) => {
    const [row] = compareSides(
      { compare: [{ metric: ERRORS, atMostTimes, from }] },
      [{ metric: ERRORS }],
      { new: ofErrors(Array(7).fill(fresh)), old: ofErrors(Array(7).fill(old)) },
      { now: once(6), since },
    );
    expect(row?.worse).toBe(0);
  });

  it('takes a missing minute for unknown, and waits for another', () => {
    const gaps = new Map([...minutes(Array(8).fill(18))].filter(([minute]) => minute !== 4));
    const row = (closed: number) =>
      compareSides(FLEET, BEFORE, { new: new Map([[ERRORS, gaps]]) }, { now: once(closed), since })[0];
    expect(row(6)).toEqual(BEFORE[0]);
    expect(row(7)).toMatchObject({ minute: 7, worse: 1 });
  });

  it('has nothing to say where the new hosts post nothing', () =>
    expect(compareSides(FLEET, BEFORE, { new: new Map() }, { now: once(60), since })).toEqual(BEFORE));

  it('compares the same minutes while both serve', () => {
    const rising = [6, 6, 20, 21, 22, 23, 24];
    expect(judge(rising, 6, BEFORE, rising)).toMatchObject({ old: 21, new: 21, atMost: 42, worse: 0 });
    expect(judge(rising, 6, BEFORE, Array(7).fill(6))).toMatchObject({ atMost: 12, worse: 1 });
    // An old host’s agent is silent: not known, and nothing is concluded from what it was before.
    expect(judge(rising, 6, BEFORE, [6, 6])).toEqual(BEFORE[0]);
  });
});

describe('two verdicts', () => {
  const worseAfter = (closed: number, values: readonly number[], before: Compared) =>
    judge(values, closed, [before])?.worse;
  const bad: Compared = { metric: ERRORS, old: 6, new: 18, atMost: 12, minute: 6, worse: 1 };

  it.each<[string, number, readonly number[], number]>([
    ['the second one comes four minutes later', 10, Array(11).fill(18), 2],
    ['not sooner', 9, Array(10).fill(18), 1],
    ['a good one takes the bad one back', 10, Array(11).fill(6), 0],
    ['a burst of four minutes is over by then', 10, [0, 0, 6, 99, 99, 99, 99, 6, 6, 6, 6], 0],
  ])('%s', (_title, closed, values, worse) => expect(worseAfter(closed, values, bad)).toBe(worse));

  it('are of different minutes, however often they are asked for', () => {
    const good = { ...bad, worse: 0 };
    expect(worseAfter(6, Array(7).fill(18), good)).toBe(0);
    expect(worseAfter(7, Array(8).fill(18), good)).toBe(1);
  });

  it('undo the deployment, and say by how much', () => {
    expect(() => assertNotWorse([bad])).not.toThrow();
    expect(() => assertNotWorse([{ ...bad, worse: 2 }])).toThrow(
      failure('WorseThanBefore', `${ERRORS} 18 per host, 3.0 times the old hosts’ 6 (more than 12 is worse)`),
    );
    expect(() => assertNotWorse([{ metric: 'loadavg5', old: 1, new: 99 }])).not.toThrow();
    expect(() => assertNotWorse([{ ...bad, old: 0, worse: 2 }])).toThrow(
      '18 per host, beside the old hosts’ 0',
    );
  });

  it('are told one by one', () => {
    expect(comparedSentence(BEFORE)).toBe('');
    expect(comparedSentence([{ ...bad, worse: 0 }])).toBe(`no worse than the old hosts: ${ERRORS} 6 → 18`);
    expect(comparedSentence([bad])).toMatch(/^worse, and looked at once more: /);
  });
});

describe('how long it takes', () => {
  it('a minute is closed when the next one is over', () => expect(closedMinute(at(9, 59))).toBe(7));

  it('a watch outlasts two verdicts about what broke in its last second', () => {
    // The minute that it falls into, five, four more, and the one in which agents post.
    expect(noticesWorse(BEFORE, 300)?.noticesAfterSeconds).toBe(660);
    const watch = watchOf(300, [], [], 'limits.bakeSeconds', BEFORE);
    expect(watch.slowest).toBe(`the comparison of ${ERRORS}`);
    expect(watchSeconds(watch)).toBe(970);
  });

  it('a short one the warm-up, too; none where nothing is watched', () => {
    expect(noticesWorse(BEFORE, 30)?.noticesAfterSeconds).toBe(750);
    expect(watchSeconds(watchOf(0, [], [], 'limits.bakeSeconds', BEFORE))).toBe(0);
  });

  it.each([0, 1, 29, 59])('what breaks in second %i of a minute is judged twice within that', (second) => {
    const BROKEN_IN = 12;
    const values = [...Array(BROKEN_IN + 1).fill(6), ...Array(20).fill(18)];
    let rows = BEFORE;
    let stoppedAt = Number.NaN;
    for (let now = +at(5); Number.isNaN(stoppedAt) && now < +at(40); now += 10_000) {
      rows = compareSides(FLEET, rows, { new: ofErrors(values) }, { now: new Date(now), since });
      if (rows.some(({ worse = 0 }) => worse > 1)) stoppedAt = now;
    }
    expect((stoppedAt - +at(BROKEN_IN, second)) / 1000).toBeLessThanOrEqual(670);
  });
});

describe('what is told of it at the end', () => {
  const row = { metric: ERRORS, old: 6, new: 18, atMost: 12, minute: 6, worse: 1 };
  const look = (compared: readonly Compared[]) => ({ ...aLook(), compared: [...compared] });

  it.each<[string, Partial<Deployment>, number | undefined]>([
    ['the bake', { bake: look([row]), firstWatch: look([{ ...row, new: 1 }]) }, 18],
    ['the first hosts, where the bake has no verdict', { bake: look(BEFORE), firstWatch: look([row]) }, 18],
    ['both fleets side by side', { readiness: look([row]) }, 18],
    ['nothing', { bake: look(BEFORE) }, undefined],
  ])('of %s', (_title, deployment, fresh) => expect(sidesOf(deployment as Deployment)[0]?.new).toBe(fresh));

  it('in words and numbers', () => {
    const [side] = sidesOf({ bake: look([row]) } as Deployment);
    expect(side).toEqual({ metric: ERRORS, old: 6, new: 18, times: 3, atMost: 12 });
    expect(sidesOf({ bake: look([{ ...row, atMost: 1.1 * 3 }]) } as Deployment)[0]?.atMost).toBe(3.3);
    expect(sideWords({ metric: 'loadavg5', new: 0.51234 })).toBe('loadavg5 – → 0.5123');
    expect(side && sideWords(side)).toBe(`${ERRORS} 6 → 18 (at most 12)`);
  });
});
