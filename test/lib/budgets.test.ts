import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Limits, TAKE_OVER_AFTER_SECONDS } from '../../lambdas/domain/core/steps.ts';
import {
  cleanUpTimeoutSeconds,
  HISTORY_BUDGET,
  machineTimeoutSeconds,
  mostCleanUpEvents,
  mostEvents,
} from '../../lib/budgets.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import { limitsOf } from '../../lib/runtime-fleet.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';

const DEFAULTS = {
  readySeconds: 900,
  bakeSeconds: 60,
  drainSeconds: 300,
  terminateSeconds: 600,
  undoSeconds: 600,
};

/** All that a fleets file may say. */
const LIMITS = fc.record({
  readySeconds: fc.integer({ min: 60, max: 7_200 }),
  bakeSeconds: fc.integer({ min: 0, max: 86_400 }),
  drainSeconds: fc.integer({ min: 0, max: 3_600 }),
  terminateSeconds: fc.integer({ min: 60, max: 3_600 }),
  undoSeconds: fc.integer({ min: 60, max: 3_600 }),
});

describe('The history budget', () => {
  it('leaves room below the 25,000 events at which AWS fails an execution', () => {
    expect(HISTORY_BUDGET).toBeLessThan(25_000);
    expect(mostEvents({ limits: DEFAULTS })).toBeLessThan(HISTORY_BUDGET);
  });

  it.each(Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[])('counts the looks that %s allows', (limit) => {
    const longer = mostEvents({ limits: { ...DEFAULTS, [limit]: 3_600 } });
    // At the pauses of a long wait: every 30 s at the least, nine events each.
    expect(longer - mostEvents({ limits: DEFAULTS })).toBeGreaterThan(((3_600 - DEFAULTS[limit]) / 30) * 9);
  });

  it.each(['drainSeconds', 'terminateSeconds', 'undoSeconds'] as const)(
    'counts the looks of a clean-up that %s allows',
    (limit) => {
      const longer = mostCleanUpEvents({ limits: { ...DEFAULTS, [limit]: 3_600 } });
      expect(longer - mostCleanUpEvents({ limits: DEFAULTS })).toBeGreaterThan(
        ((3_600 - DEFAULTS[limit]) / 30) * 9,
      );
    },
  );

  it('counts the watch of the slowest load balancer that AWS accepts, where there is a bake', () => {
    const loadBalancers = [{ kind: 'classic', name: 'web' }] as const;
    const most = (bakeSeconds: number) =>
      mostEvents({ limits: { ...DEFAULTS, bakeSeconds }, loadBalancers: [...loadBalancers] });
    expect(most(60) - mostEvents({ limits: DEFAULTS })).toBeGreaterThan(200 * 9);
    expect(most(60)).toBeLessThan(HISTORY_BUDGET);
    expect(most(0)).toBe(mostEvents({ limits: { ...DEFAULTS, bakeSeconds: 0 } }));
  });

  it('counts the first hosts, their watch and the others after them, and has room for all that by default', () => {
    const loadBalancers: Limits['loadBalancers'] = [{ kind: 'target-group', arn: 'web' }];
    const all = { limits: DEFAULTS, loadBalancers, replaceStragglers: true };
    const first = (watchSeconds: number) => mostEvents({ ...all, first: { hosts: 1, watchSeconds } });
    // Looks of the watch alone; the wait looks less often then, but twice.
    expect(first(300)).toBeGreaterThan(
      mostEvents({ ...all, limits: { ...DEFAULTS, bakeSeconds: 0 } }) + 9 * 200,
    );
    expect(first(300)).toBeLessThan(HISTORY_BUDGET);
    expect(first(86_400)).toBeGreaterThan(HISTORY_BUDGET);
  });

  it('counts what both fleets serve side by side, by default the longest slow start of a target group', () => {
    const most = (more: object) => mostEvents({ limits: DEFAULTS, ...more });
    const group = { loadBalancers: [{ kind: 'target-group', arn: 'web' }] };
    expect(most({ ...group, sideBySideSeconds: 900 })).toBe(most(group));
    expect(most({ sideBySideSeconds: 900 }) - most({})).toBe(90 * 9);
    expect(most({ sideBySideSeconds: 0 })).toBe(most({}));
  });

  it('counts the removal of stragglers where these are replaced', () =>
    expect(mostEvents({ limits: DEFAULTS, replaceStragglers: true })).toBeGreaterThan(
      mostEvents({ limits: DEFAULTS }) + 250 * 9,
    ));

  it('need not be asked about a clean-up, which uses up less than its deployment whatever the limits', () => {
    fc.assert(
      fc.property(LIMITS, (limits) => {
        expect(mostCleanUpEvents({ limits })).toBeLessThanOrEqual(mostEvents({ limits }));
      }),
    );
  });
});

describe('The timeout', () => {
  const [limits] = exampleEnvironments.flatMap(({ fleets }) => fleets.map(limitsOf));
  if (limits === undefined) throw new Error('the example has lost its fleets');
  const { terminateSeconds, undoSeconds, drainSeconds } = limits;

  it('of a deployment is longer than all waits and all tasks with all their retries, one after the other', () => {
    const waits = Object.values(limits).reduce((sum, seconds) => sum + seconds, undoSeconds);
    expect(machineTimeoutSeconds({ limits })).toBeGreaterThan(waits + worstTasks('reactio-staging-app'));
  });

  it('of a deployment that may replace stragglers has time for that', () =>
    expect(
      machineTimeoutSeconds({ limits, replaceStragglers: true }) - machineTimeoutSeconds({ limits }),
    ).toBe(drainSeconds + 300));

  it('of a clean-up is so too, with the wait for functions in flight', () => {
    const waits = TAKE_OVER_AFTER_SECONDS + terminateSeconds + 2 * undoSeconds + drainSeconds;
    const least = waits + worstTasks('reactio-staging-app-clean-up');
    expect(cleanUpTimeoutSeconds({ limits })).toBeGreaterThan(least);
    expect(cleanUpTimeoutSeconds({ limits })).toBeLessThan(machineTimeoutSeconds({ limits }));
  });

  it.each(['reactio-staging-app', 'reactio-staging-app-clean-up'])('is that of the machine: %s', (fleet) => {
    const seconds = fleet.endsWith('-clean-up')
      ? cleanUpTimeoutSeconds({ limits })
      : machineTimeoutSeconds({ limits });
    expect(definitionOf(synthesize('staging'), fleet).definition.TimeoutSeconds).toBe(seconds);
  });

  function worstTasks(fleet: string): number {
    const { definition, stepOf } = definitionOf(synthesize('staging'), fleet);
    const all = Object.values(definition.States).filter(({ Type }) => Type === 'Task');
    // The start of the wakes takes seconds, once.
    const tasks = all.filter(({ Resource }) => !String(Resource).endsWith(':startExecution'));
    // States that share a step exclude each other: one recording per ending.
    const bySteps = new Map(tasks.map((task) => [stepOf(String(task.Resource)), worstSeconds(task)]));
    return [...bySteps.values()].reduce((sum, seconds) => sum + seconds, 0);
  }

  function worstSeconds(task: { readonly [field: string]: unknown }): number {
    const retriers = task.Retry as {
      IntervalSeconds: number;
      MaxAttempts: number;
      BackoffRate: number;
      MaxDelaySeconds: number;
    }[];
    const pauses = retriers.flatMap(({ IntervalSeconds, MaxAttempts, BackoffRate, MaxDelaySeconds }) =>
      Array.from({ length: MaxAttempts }, (_, i) =>
        Math.min(IntervalSeconds * BackoffRate ** i, MaxDelaySeconds),
      ),
    );
    const attempts = pauses.length + 1;
    return attempts * Number(task.TimeoutSeconds) + pauses.reduce((sum, seconds) => sum + seconds, 0);
  }
});
