import { describe, expect, it } from 'vitest';
import { checkedAt } from '../../simulator/world/health-checks.ts';

const DEFAULT = { intervalSeconds: 30, timeoutSeconds: 5, healthyThreshold: 10, unhealthyThreshold: 2 };
const TUNED = { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 2, unhealthyThreshold: 2 };

/** The state at a second, given the stretches of seconds in which the application answers. */
function state(settings: typeof DEFAULT, firstCheck: number, up: readonly [number, number][], at: number) {
  const stretches = up.map(([from, to]) => ({ from: from * 1000, to: to * 1000 }));
  const checked = checkedAt(settings, firstCheck * 1000, stretches, at * 1000);
  return `${checked.state} since ${checked.since / 1000}`;
}

const UP = Number.POSITIVE_INFINITY;

describe('health checks', () => {
  it.each([
    ['its first check passes', DEFAULT, 0, [[0, UP]], 0, 'in-service since 0'],
    ['its second check passes after one failure', DEFAULT, 0, [[20, UP]], 30, 'in-service since 30'],
    ['tuned, up between the checks', TUNED, 0, [[3, UP]], 5, 'in-service since 5'],
  ] as const)('one pass is enough for a new host when %s', (_, settings, first, up, at, expected) => {
    expect(state(settings, first, [...up.map(([from, to]) => [from, to] as [number, number])], at)).toBe(
      expected,
    );
  });

  it.each([
    // Fails at 0 and 30, so out of service from 35; passes from 60 on, the tenth at 330.
    [DEFAULT, 45, 329, 'out-of-service since 35'],
    [DEFAULT, 45, 330, 'in-service since 330'],
    // Fails at 0, 5, … 40; passes at 45 and 50.
    [TUNED, 45, 49, 'out-of-service since 7'],
    [TUNED, 45, 50, 'in-service since 50'],
  ])(
    'a host that failed its first checks needs all passes in a row (%o, up at %d s, seen at %d s)',
    (settings, upAt, at, expected) => {
      expect(state(settings, 0, [[upAt, UP]], at)).toBe(expected);
    },
  );

  it('counts a failed check only when its time-out is over', () => {
    expect(state(TUNED, 0, [], 6.9)).toBe('initial since 0');
    expect(state(TUNED, 0, [], 7)).toBe('out-of-service since 7');
  });

  it('keeps a host in service over a single failed check', () => {
    expect(
      state(
        TUNED,
        0,
        [
          [0, 8],
          [12, UP],
        ],
        100,
      ),
    ).toBe('in-service since 0');
  });

  it('takes a host out after the unhealthy threshold and back after the healthy one', () => {
    // Fails at 10 and 15.
    const up: [number, number][] = [
      [0, 8],
      [18, UP],
    ];
    expect(state(TUNED, 0, up, 16.9)).toBe('in-service since 0');
    expect(state(TUNED, 0, up, 17)).toBe('out-of-service since 17');
    expect(state(TUNED, 0, up, 25)).toBe('in-service since 25');
  });

  it('carries a streak over a gap that no check fell into', () => {
    // Out at 7; passes at 10; down 11 to 14, unseen; passes at 15: two in a row.
    expect(
      state(
        TUNED,
        0,
        [
          [8, 11],
          [14, UP],
        ],
        15,
      ),
    ).toBe('in-service since 15');
  });

  it('starts the streak again after a failure', () => {
    // Out at 7; passes at 10, fails at 15, passes at 20 and 25.
    const up: [number, number][] = [
      [8, 12],
      [18, UP],
    ];
    expect(state(TUNED, 0, up, 20)).toBe('out-of-service since 7');
    expect(state(TUNED, 0, up, 25)).toBe('in-service since 25');
  });

  it('agrees with a simulation that makes one check after the other', () => {
    let seed = 7;
    const draw = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    for (let run = 0; run < 300; run += 1) {
      const up: [number, number][] = [];
      let from = draw(40);
      while (up.length < 6) {
        const to = from + 1 + draw(30);
        up.push([from, to]);
        from = to + 1 + draw(30);
      }
      const settings = {
        intervalSeconds: 5,
        timeoutSeconds: 2,
        healthyThreshold: 1 + draw(4),
        unhealthyThreshold: 1 + draw(3),
      };
      const at = draw(250);
      expect(state(settings, 3, up, at), `run ${run}`).toBe(oneByOne(settings, 3, up, at));
    }
  });
});

/** The same rules, the slow way. */
function oneByOne(settings: typeof DEFAULT, firstCheck: number, up: readonly [number, number][], at: number) {
  let state = 'initial';
  let since = firstCheck;
  let passes = 0;
  let fails = 0;
  for (let check = firstCheck; check <= at; check += settings.intervalSeconds) {
    const isUp = up.some(([from, to]) => from <= check && check < to);
    if (!isUp && check + settings.timeoutSeconds > at) break;
    passes = isUp ? passes + 1 : 0;
    fails = isUp ? 0 : fails + 1;
    const before = state;
    if (
      isUp &&
      (state === 'initial' || (state === 'out-of-service' && passes >= settings.healthyThreshold))
    ) {
      state = 'in-service';
    }
    if (!isUp && fails >= settings.unhealthyThreshold) state = 'out-of-service';
    if (state !== before) since = isUp ? check : check + settings.timeoutSeconds;
  }
  return `${state} since ${since}`;
}
