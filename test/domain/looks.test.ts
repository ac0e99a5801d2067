import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deadlineOf,
  lookOrUnknown,
  lostSeconds,
  mostLooks,
  nextLook,
} from '../../lambdas/domain/core/looks.ts';
import { aLook, at, iso } from '../support/deployments.ts';
import { failing } from '../support/ports.ts';

const FOUND = { ready: false, reason: 'not yet' };

describe('nextLook', () => {
  const pauseAfter = (waited: number) =>
    nextLook(aLook({ since: iso(0) }), at(waited), at(1_000_000), FOUND).nextLookInSeconds;

  it('looks every second while a result is due', () => expect(pauseAfter(0)).toBe(1));
  it('thins out when a wait has become a long one', () => {
    const pauses = [0, 60, 300, 900, 3_600, 10_000, 80_000].map(pauseAfter);
    expect(pauses).toEqual([...pauses].sort((one, other) => one - other));
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(120);
  });
  it('is patient with those who should not be asked every second', () =>
    expect(nextLook(undefined, at(0), at(900), { ...FOUND, patienceSeconds: 10 }).nextLookInSeconds).toBe(
      10,
    ));

  it('looks for the last time on the deadline itself', () =>
    expect(nextLook(aLook({ since: iso(0) }), at(5_000), at(5_002), FOUND).nextLookInSeconds).toBe(2));
  it('waits for the earliest moment at which something new can be seen', () =>
    expect(nextLook(undefined, at(0), at(900), { ...FOUND, earliest: at(12) }).nextLookInSeconds).toBe(12));
  it('waits a second at least, also past the deadline', () =>
    expect(nextLook(undefined, at(50), at(20), FOUND).nextLookInSeconds).toBe(1));
  it('remembers since when it waits and counts the looks', () =>
    expect(nextLook(aLook({ since: iso(7), looks: 4 }), at(20), at(900), FOUND)).toMatchObject({
      since: iso(7),
      at: iso(20),
      looks: 5,
    }));

  it('always waits whole seconds, one at least, and less than a second beyond the deadline', () => {
    const millis = fc.integer({ min: 0, max: 90_000_000 });
    const cases = fc.record({ since: millis, waited: millis, left: millis, earliest: fc.option(millis) });
    fc.assert(
      fc.property(cases, ({ since, waited, left, earliest }) => {
        const now = at((since + waited) / 1000);
        const deadline = new Date(now.getTime() + left);
        const found = { ...FOUND, ...(earliest !== null && { earliest: at(earliest / 1000) }) };
        const { nextLookInSeconds } = nextLook(aLook({ since: iso(since / 1000) }), now, deadline, found);
        expect(Number.isInteger(nextLookInSeconds)).toBe(true);
        expect(nextLookInSeconds).toBeGreaterThanOrEqual(1);
        expect(nextLookInSeconds).toBeLessThan(Math.max(1, left / 1000) + 1);
      }),
    );
  });
});

describe('mostLooks', () => {
  /** Looks of a wait that is never content; each look takes a while itself. */
  function looksOf(limit: number, lookMillis: number, patienceSeconds: number): number {
    const deadline = at(limit);
    let now = at(0);
    let look = nextLook(undefined, now, deadline, { ...FOUND, patienceSeconds });
    while (now < deadline) {
      now = new Date(now.getTime() + lookMillis + look.nextLookInSeconds * 1000);
      look = nextLook(look, now, deadline, { ...FOUND, patienceSeconds });
    }
    return look.looks;
  }

  it('is reached by looks that take no time', () => expect(looksOf(600, 0, 1)).toBe(mostLooks(600)));

  it('bounds the looks of every wait', () => {
    const waits = [
      fc.integer({ min: 0, max: 90_000 }),
      fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20_000 })),
      fc.integer({ min: 1, max: 40 }),
    ] as const;
    fc.assert(
      fc.property(...waits, (limit, millis, patience) => {
        expect(looksOf(limit, millis, patience)).toBeLessThanOrEqual(mostLooks(limit, patience));
      }),
      {
        numRuns: 200,
        examples: [
          [0, 0, 1],
          [1, 0, 1],
          [4, 100, 1],
          [601, 0, 1],
          [1_801, 0, 10],
          [86_400, 0, 5],
        ],
      },
    );
  });
});

describe('deadlineOf', () => {
  it('counts from the given moment', () =>
    expect(deadlineOf(aLook(), at(50), 100, iso(10))).toEqual(at(110)));
  it('else from the first look', () =>
    expect(deadlineOf(aLook({ since: iso(20) }), at(50), 100)).toEqual(at(120)));
  it('else from now', () => expect(deadlineOf(undefined, at(50), 100)).toEqual(at(150)));
});

describe('lostSeconds', () => {
  const lostAt = (now: number, look: Parameters<typeof aLook>[0] = {}) =>
    lostSeconds(aLook({ since: iso(0), at: iso(100), nextLookInSeconds: 20, ...look }), at(now));

  it.each([
    ['of a look in time, nothing', 120, {}, 0],
    ['of one that was slow, nothing', 180, {}, 0],
    ['of one whose function was not run, as long as it is late', 181, {}, 61],
    ['besides what was lost before', 720, { lostSeconds: 61 }, 661],
    ['what was lost before, also when this one is in time', 121, { lostSeconds: 61 }, 61],
    ['a quarter of an hour at most', 5_000, { lostSeconds: 61 }, 900],
    ['since the clean-up took over, of a look of who died', 700, { since: iso(600) }, 80],
    ['besides nothing of what was lost to who died', 700, { since: iso(600), lostSeconds: 61 }, 80],
    ['nor when the clean-up is in time', 620, { since: iso(600), lostSeconds: 61 }, 0],
  ] as const)('is, %s', (_, now, look, lost) => expect(lostAt(now, look)).toBe(lost));

  it('is nothing before the first look', () => expect(lostSeconds(undefined, at(900))).toBe(0));
  it('is written down with the look', () =>
    expect(nextLook(undefined, at(0), at(900), { ...FOUND, lostSeconds: 600 }).lostSeconds).toBe(600));
});

describe('lookOrUnknown', () => {
  it('takes a failed look for unknown: neither good nor bad', async () =>
    expect(
      await lookOrUnknown(failing('ServiceUnavailable', 'Mackerel answered 503.'), () => undefined),
    ).toEqual({
      ready: false,
      reason: 'unknown: Mackerel answered 503.',
    }));
  it('forgets nothing over a failed look', async () =>
    expect(await lookOrUnknown(failing('ServiceUnavailable'), () => ({ badLooks: 1 }))).toMatchObject({
      memory: { badLooks: 1 },
    }));
  it('lets every other failure through', async () =>
    expect(lookOrUnknown(failing('MackerelRefused'), () => undefined)).rejects.toThrow('It did not answer.'));
});
