/**
 * `cdk deploy` while a deployment runs: code, definition and permissions become those of another build. What runs keeps
 * the versions that it began with; the clean-up of what died comes with the new code, and reads the old document.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { exampleEntry, templateOf } from '../../simulator/example-fleet.ts';
import { Rules } from '../../simulator/rules.ts';
import { Stage } from '../../simulator/stage.ts';
import { codeThat, STOPPED_IN, statesPassed } from '../support/builds.ts';
import { some } from '../support/thorough.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

const entry = (changes: object) =>
  exampleEntry('shop', 'shop', {
    loadBalancers: [{ kind: 'classic', name: 'web' }],
    limits: { bakeSeconds: 20 },
    ...changes,
  });
const before = templateOf('shop', [entry({})]);
/** Another bake, another start command, and a failed host is kept. */
const after = templateOf('shop', [
  entry({ limits: { bakeSeconds: 40 }, startCommand: 'systemctl start other', keepFailedHostMinutes: 30 }),
]);

type Build = 'before' | 'after';

/** Whose code ran, in order. */
const ran: Build[] = [];
const codeOf = (build: Build) => codeThat(() => ran.push(build));
const builds = () => [...new Set(ran)];

function setUp(): Stage {
  ran.length = 0;
  const set = new Stage({ template: before, fleet: 'shop', seed: 5 });
  set.cdkDeploy(before, codeOf('before'));
  set.upload();
  stage = set;
  return set;
}

const passed = await statesPassed(setUp());

describe('Another build, deployed while a deployment is in the state', () => {
  it.each(some(passed))('"%s" changes nothing for it', async (state) => {
    const set = setUp();
    const rules = new Rules(set.world, set.fleet, 'the-deployment');
    let isDeployed = false;
    set.whenEntering(state, () => {
      isDeployed = true;
      set.cdkDeploy(after, codeOf('after'));
    });
    const result = await set.deploy({}, 'the-deployment');
    expect(isDeployed).toBe(true);
    expect(result).toMatchObject({ endedIn: 'Deployed' });
    rules.ended(result);
    expect(rules.violations).toEqual([]);
    expect(builds()).toEqual(['before']);
    // The next one is the new build's.
    rules.stop();
    ran.length = 0;
    set.upload('the next release');
    expect(await set.deploy({}, 'the-next')).toMatchObject({ endedIn: 'Deployed' });
    expect(builds()).toEqual(['after']);
  });
});

describe('A deployment that was stopped, cleaned up by the build after it', () => {
  it.each(some(STOPPED_IN))('in "%s": %s serve', async (state, outcome) => {
    const set = setUp();
    const rules = new Rules(set.world, set.fleet, 'the-deployment');
    // The function of the state acts once more, and the execution is stopped then.
    let seen = 0;
    const running = set.start({}, 'the-deployment');
    set.onEvent = (event) => {
      if (event.state !== state || event.kind !== 'answered' || seen++ > 0) return;
      set.cdkDeploy(after, codeOf('after'));
      setTimeout(running.stop, 0);
    };
    await set.clock.until(running.result);
    // A function that ran when it was stopped acts on, with the code that it has.
    await set.wait(5);
    ran.length = 0;
    await set.settle();
    expect(seen).toBeGreaterThan(0);
    expect(builds()).toEqual(['after']);
    rules.settled(outcome);
    expect(rules.violations).toEqual([]);
    expect(set.world.ledger.read('shop')?.held).toBeUndefined();
  });
});
