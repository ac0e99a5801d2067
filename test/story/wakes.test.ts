/** Functions are woken beside a deployment: it is faster for it, and it never depends on it. */
import { afterEach, describe, expect, it } from 'vitest';
import { STEP_NAMES } from '../../lambdas/domain/core/steps.ts';
import { WAKE_STATE } from '../../lambdas/domain/core/story.ts';
import { WOKEN_STEPS } from '../../lambdas/domain/core/wake.ts';
import { definitionOf, type StateJson } from '../../lib/resolve-definition.ts';
import { faultsTemplate } from '../../simulator/faults/kinds.ts';
import { Rules } from '../../simulator/rules.ts';
import type { ExecutionResult } from '../../simulator/run-definition.ts';
import { Sandboxes } from '../../simulator/sandboxes.ts';
import { Stage } from '../../simulator/stage.ts';
import { definitionProblems } from '../definition-lint.ts';

const template = faultsTemplate();
let stage: Stage | undefined;
afterEach(() => stage?.close());

function setStage(): Stage {
  stage = new Stage({ template, fleet: 'faults-app', seed: 3 });
  stage.upload();
  return stage;
}

const refuse = () => {
  throw new Error('Step Functions starts nothing.');
};

describe('The machine of the wakes', () => {
  const { wakes } = setStage().machine;

  it('wakes what a deployment comes by after its first step, and changes nothing by it', async () => {
    expect(Object.values(wakes?.machine.steps ?? {}).sort()).toEqual([...WOKEN_STEPS].sort());
    expect(STEP_NAMES.filter((name) => !WOKEN_STEPS.includes(name))).toEqual([
      'take-the-fleet-lock',
      'write-the-plan',
      'watch-the-first-hosts',
      'replace-the-stragglers',
      'remove-the-stragglers',
      'start-the-followers',
      'take-over-the-lock',
    ]);
    const on = setStage();
    await on.deploy();
    const results = await Promise.all(on.wakes);
    expect(results).toEqual([expect.objectContaining({ status: 'SUCCEEDED' })]);
    expect([...(results[0]?.runs.values() ?? [])].map(({ count }) => count)).toEqual(
      WOKEN_STEPS.map(() => 1),
    );
  });

  it('is nothing that the lint refuses, goes on whatever fails, and is started by nobody else', () => {
    const machines = Object.entries(template.Resources).filter(
      ([, { Properties }]) => Properties?.StateMachineType === 'EXPRESS',
    );
    expect(machines).toHaveLength(1);
    const [[id = ''] = []] = machines;
    const { definition } = definitionOf(template, id);
    expect(definitionProblems(definition)).toEqual([]);
    const branches = Object.values(definition.States).flatMap(
      ({ Branches = [] }) => Branches as { States: Record<string, StateJson> }[],
    );
    const tasks = branches
      .flatMap(({ States }) => Object.values(States))
      .filter(({ Type }) => Type === 'Task');
    expect(tasks).toHaveLength(WOKEN_STEPS.length);
    for (const { Catch, Next, TimeoutSeconds } of tasks) {
      expect(Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath: null, Next }]);
      expect(TimeoutSeconds).toBe(10);
    }
  });
});

describe('A deployment', () => {
  const play = async (arrange: (on: Stage) => void): Promise<ExecutionResult> => {
    const on = setStage();
    arrange(on);
    const rules = new Rules(on.world, on.fleet, 'd');
    const result = await on.deploy({}, 'd');
    rules.ended(result);
    expect(rules.violations).toEqual([]);
    on.close();
    return result;
  };

  it('is seconds faster with its wakes, and ends the same without them', async () => {
    const woken = await play(() => {});
    const cold = await play((on) => {
      on.waking = refuse;
    });
    expect([woken.endedIn, cold.endedIn]).toEqual(['Deployed', 'Deployed']);
    expect(cold.seconds - woken.seconds).toBeGreaterThan(2.5);
  });

  it('is undone as ever without them', async () => {
    const result = await play((on) => {
      on.waking = refuse;
      on.world.ec2.fate = () => ({
        kind: 'dies',
        afterSeconds: 20,
        stateReason: 'Client.UserInitiatedShutdown',
      });
    });
    expect(result.error).toBe('RolledBack');
  });

  it('that is stopped while it starts them leaves nothing', async () => {
    const on = setStage();
    on.whenEntering(WAKE_STATE, () => on.executions[0]?.stop());
    const result = await on.clock.until(on.start({}, 'd').result);
    expect(result.status).toBe('ABORTED');
    await on.wait(5);
    await on.settle();
    expect(on.world.ledger.read(on.fleet.name)?.held).toBeUndefined();
    expect(on.world.view().instances).toHaveLength(on.oldInstances.length);
  });
});

describe('The sandboxes of a function', () => {
  const STEP = 'terminate-old-instances';
  const set = () => {
    let now = 0;
    const sandboxes = new Sandboxes(() => now * 1_000);
    const run = (at: number, isWake = false) => {
      now = at;
      const { billedSeconds, ended } = sandboxes.startUp(STEP, isWake);
      return { billedSeconds, ended };
    };
    return run;
  };

  it('are started once, and kept for five minutes', () => {
    const run = set();
    const first = run(0);
    expect(first.billedSeconds).toBeCloseTo(0.4);
    first.ended();
    const second = run(299);
    expect(second.billedSeconds).toBe(0);
    second.ended();
    expect(run(299 + 301).billedSeconds).toBeCloseTo(0.4);
  });

  it('run one at a time: another deployment’s run needs one of its own', () => {
    const run = set();
    run(0);
    expect(run(1).billedSeconds).toBeCloseTo(0.4);
  });

  it('that were woken still have their connections to open', () => {
    const run = set();
    const wake = run(0, true);
    expect(wake.billedSeconds).toBeCloseTo(0.3);
    wake.ended();
    const woken = run(10);
    expect(woken.billedSeconds).toBeCloseTo(0.1);
    woken.ended();
    expect(run(20).billedSeconds).toBe(0);
  });
});
