/** What of a dead execution may still act, by its own history. */
import { describe, expect, it } from 'vitest';
import { FUNCTION_START_SECONDS, STEPS, TAKE_OVER_AFTER_SECONDS } from '../../lambdas/domain/core/steps.ts';
import { anyInFlight, lastInFlight, lookAtInFlight } from '../../lambdas/domain/lock/in-flight.ts';
import type { HistoryEvent } from '../../lambdas/ports/executions.ts';
import { at, HOLD } from '../support/deployments.ts';

const DIED = at(1_000);
const SINCE = at(1_000 - TAKE_OVER_AFTER_SECONDS);
const SHIFT = STEPS['take-old-hosts-out-of-service'];
const READY = STEPS['new-hosts-are-ready'];
const DRAIN = STEPS['old-hosts-are-drained'];

type Said = Omit<HistoryEvent, 'id' | 'follows' | 'at'> & { readonly after?: number; readonly at: number };
/** One after the other, from the execution's first. */
const history = (...said: Said[]): HistoryEvent[] =>
  [{ kind: 'other' as const, at: 0 }, ...said].map(({ at: seconds, after, ...event }: Said, index) => ({
    ...event,
    id: index + 1,
    follows: after ?? index,
    at: at(seconds),
  }));

const begun = (state: string, seconds: number): Said[] => [
  { kind: 'entered', state, at: seconds },
  { kind: 'scheduled', at: seconds },
  { kind: 'other', at: seconds },
];
const answered = (state: string, seconds: number): Said[] => [
  ...begun(state, seconds),
  { kind: 'answered', at: seconds + 1 },
];
const failed = (state: string, seconds: number, error?: string): Said[] => [
  ...begun(state, seconds),
  { kind: 'failed', at: seconds + 1, ...(error !== undefined && { error }) },
];
const retried = (seconds: number): Said[] => [
  { kind: 'scheduled', at: seconds },
  { kind: 'other', at: seconds },
];
const pause: Said = { kind: 'entered', state: 'Old hosts are drained (look again soon)', at: 999 };
const died: Said = { kind: 'ended', at: 1_000 };
const secondsAfterDeath = (events: readonly HistoryEvent[]) => {
  const found = lastInFlight(events, SINCE);
  return found && { seconds: (found.until.getTime() - DIED.getTime()) / 1_000, what: found.what };
};

const NOTHING = { seconds: -TAKE_OVER_AFTER_SECONDS, what: 'nothing' };
const shiftFrom = (seconds: number) => ({
  seconds: seconds + SHIFT.seconds + FUNCTION_START_SECONDS - 1_000,
  what: `the function of "${SHIFT.title}"`,
});

describe('Of a dead execution, there may be in flight', () => {
  it.each<[string, Said[], object]>([
    ['nothing, if it died in a wait state', [...answered(SHIFT.title, 950), pause], NOTHING],
    ['the function that was running', begun(SHIFT.title, 995), shiftFrom(995)],
    ['not one that only reads', [...answered(SHIFT.title, 950), ...begun(DRAIN.title, 999)], NOTHING],
    [
      'not a hook that still runs: it is none of ours',
      [...answered(SHIFT.title, 950), ...begun('Call hook 1 after the shift', 960)],
      NOTHING,
    ],
    [
      'one whose task timed out before, although a later run answered',
      [...failed(SHIFT.title, 900, 'States.Timeout'), ...retried(971), { kind: 'answered', at: 972 }, pause],
      shiftFrom(900),
    ],
    [
      'one that Lambda lost',
      [...failed(SHIFT.title, 980, 'Lambda.Unknown'), ...retried(984), { kind: 'answered', at: 985 }, pause],
      shiftFrom(980),
    ],
    ['one that failed without a name', [...failed(SHIFT.title, 980), pause], shiftFrom(980)],
    [
      'one of an earlier phase',
      [...failed(READY.title, 980, 'Sandbox.Timedout'), ...answered(SHIFT.title, 985)],
      {
        seconds: 980 + READY.seconds + FUNCTION_START_SECONDS - 1_000,
        what: `the function of "${READY.title}"`,
      },
    ],
    [
      'not one that failed under a name of ours',
      [...failed(SHIFT.title, 990, 'ReadinessLost'), pause],
      NOTHING,
    ],
    [
      'what one asked for that was not answered itself',
      [...failed(SHIFT.title, 990, 'ServiceUnavailable'), pause],
      shiftFrom(990),
    ],
    [
      'what crashed under a name of its own',
      [...failed(SHIFT.title, 990, 'TypeError'), pause],
      shiftFrom(990),
    ],
    [
      'of several, the one that may act last',
      [...failed(SHIFT.title, 940, 'States.Timeout'), ...begun(SHIFT.title, 999)],
      shiftFrom(999),
    ],
    [
      'as much as any may, of a state that nobody here knows',
      begun('Walk the canary', 990),
      { seconds: TAKE_OVER_AFTER_SECONDS - 10, what: 'the function of "Walk the canary"' },
    ],
    [
      'nothing of branches side by side that have all answered',
      [
        ...begun(SHIFT.title, 990),
        { kind: 'entered', state: 'Wake', at: 990, after: 1 },
        { kind: 'scheduled', at: 990 },
        { kind: 'answered', at: 991, after: 4 },
        { kind: 'answered', at: 992, after: 6 },
      ],
      NOTHING,
    ],
    [
      'the one of branches side by side that has not',
      [
        ...begun(SHIFT.title, 990),
        { kind: 'entered', state: DRAIN.title, at: 990, after: 1 },
        { kind: 'scheduled', at: 990 },
        { kind: 'answered', at: 992, after: 6 },
      ],
      shiftFrom(990),
    ],
  ])('%s', (_what, events, expected) =>
    expect(secondsAfterDeath(history(...events, died))).toEqual(expected),
  );

  it('its first function also where the event that names it is too old', () => {
    const events = history(...begun(SHIFT.title, 840), ...answered(DRAIN.title, 990), died).slice(2);
    expect(lastInFlight(events, at(845))?.what).toBe('a function');
  });

  it('nothing after its time, however often it was tried', () => {
    const tries = Array.from({ length: 60 }, (_, index) =>
      failed(SHIFT.title, 300 + index, 'Lambda.Unknown'),
    );
    const found = lastInFlight(history(...tries.flat(), ...answered(DRAIN.title, 990), died), SINCE);
    expect(found && found.until < DIED).toBe(true);
  });
});

describe('A history says nothing', () => {
  const whole = history(...answered(SHIFT.title, 950), pause, died);
  const without = (index: number) => whole.filter((_, each) => each !== index);

  it.each<[string, readonly HistoryEvent[]]>([
    ['that is empty', []],
    ['that lacks the end: it is not all there yet', whole.slice(0, -1)],
    ['that ends with what came before', history(...answered(SHIFT.title, 950), pause)],
    ...whole
      .slice(0, -1)
      .map((event, index): [string, HistoryEvent[]] => [
        `that lacks event ${event.id} of ${whole.length}`,
        without(index),
      ]),
    ['that says an event twice', [...whole.slice(0, 3), ...whole.slice(2)]],
    ['that is in another order', [...whole].reverse()],
    ['that does not reach back far enough', history(...answered(SHIFT.title, 950), died).slice(1)],
    ['whose moments are none', whole.map((event) => ({ ...event, at: new Date(Number.NaN) })).slice(1)],
    ['in which no function was run', history(pause, died)],
  ])('%s', (_what, events) => expect(lastInFlight(events, SINCE)).toBeUndefined());

  it('says something when it reaches back far enough, also if it is not read from the beginning', () => {
    const long = history(...answered(READY.title, 100), ...answered(SHIFT.title, 950), pause, died).slice(4);
    expect(secondsAfterDeath(long)).toEqual(NOTHING);
  });

  it('that follows itself does not hang', () =>
    expect(
      lastInFlight(
        whole.map((event) => ({ ...event, follows: event.id })),
        SINCE,
      )?.what,
    ).toBe('a function'));
});

describe('A look at the history', () => {
  const look = (events: () => Promise<readonly HistoryEvent[]>) =>
    lookAtInFlight(HOLD.holder, DIED, { executions: { events } });

  it('asks for what could still be in flight, and no more', async () => {
    const asked: unknown[] = [];
    const events = async (...args: unknown[]) => {
      asked.push(args);
      return history(...answered(SHIFT.title, 950), died);
    };
    expect((await lookAtInFlight(HOLD.holder, DIED, { executions: { events } })).what).toBe('nothing');
    expect(asked).toEqual([[HOLD.holder, SINCE]]);
  });

  it.each<[string, () => Promise<readonly HistoryEvent[]>]>([
    ['is refused', () => Promise.reject(new Error('AccessDenied'))],
    ['cannot be read', async () => [null] as never],
    ['says nothing', async () => []],
  ])('that %s waits for as long as any function may take', async (_what, events) =>
    expect(await look(events)).toEqual(anyInFlight(DIED)),
  );
});
