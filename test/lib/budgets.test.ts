import { describe, expect, it } from 'vitest';
import { HISTORY_BUDGET, machineTimeoutSeconds, mostEvents } from '../../lib/budgets.ts';
import { definitionOf } from '../../lib/resolve-definition.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';

const DEFAULTS = {
  readySeconds: 900,
  bakeSeconds: 60,
  drainSeconds: 300,
  terminateSeconds: 600,
  undoSeconds: 600,
};

describe('The history budget', () => {
  it('leaves room below the 25,000 events at which AWS fails an execution', () => {
    expect(HISTORY_BUDGET).toBeLessThan(25_000);
    expect(mostEvents(DEFAULTS)).toBeLessThan(HISTORY_BUDGET);
  });

  it.each(Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[])('counts the looks that %s allows', (limit) => {
    const longer = mostEvents({ ...DEFAULTS, [limit]: 3_600 });
    // At the pauses of a long wait: every 30 s at the least, nine events each.
    expect(longer - mostEvents(DEFAULTS)).toBeGreaterThan(((3_600 - DEFAULTS[limit]) / 30) * 9);
  });
});

describe('The machine’s timeout', () => {
  it('is longer than all waits and all tasks with all their retries, one after the other', () => {
    const [limits] = exampleEnvironments.flatMap(({ fleets }) => fleets.map((fleet) => fleet.limits));
    if (limits === undefined) throw new Error('the example has lost its fleets');
    const waits = Object.values(limits).reduce((sum, seconds) => sum + seconds, limits.undoSeconds);
    expect(machineTimeoutSeconds(limits)).toBeGreaterThan(waits + worstTasks());
  });

  function worstTasks(): number {
    const { definition, stepOf } = definitionOf(synthesize('staging'), 'reactio-staging-app');
    const tasks = Object.values(definition.States).filter(({ Type }) => Type === 'Task');
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
