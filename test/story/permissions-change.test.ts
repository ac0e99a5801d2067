/**
 * `cdk deploy` while a deployment runs, or waits for its clean-up: the permissions, too, become those of another build.
 * Roles have no versions, so that IAM is asked by the policies in force at each moment.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Verdict } from '../../lambdas/domain/lock/permission-change.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { synthesizeTemplates } from '../../lib/synthesize.ts';
import { exampleEntry, type FleetEntry } from '../../simulator/example-fleet.ts';
import { Rules } from '../../simulator/rules.ts';
import { ACCOUNT, REGION } from '../../simulator/run-definition.ts';
import { Stage } from '../../simulator/stage.ts';
import { Account, type Build } from '../support/account.ts';
import { codeThat, STOPPED_IN, statesPassed } from '../support/builds.ts';
import { some } from '../support/thorough.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

const WEB = { kind: 'classic', name: 'web' } as const;
const ADMIN = { kind: 'classic', name: 'admin' } as const;
type BuildName = 'wide' | 'narrow';

/** Whose code ran, in order. */
const ran: BuildName[] = [];
const builds = () => [...new Set(ran)];

function build(name: BuildName, changes: Partial<FleetEntry> & Pick<FleetEntry, 'loadBalancers'>): Build {
  const file = {
    environments: [{ name: 'shop', account: ACCOUNT, region: REGION }],
    fleets: [exampleEntry('shop', 'shop', { limits: { bakeSeconds: 20 }, ...changes })],
  };
  const environments = readFleets(file);
  const [own] = environments;
  const template = synthesizeTemplates(environments).shop;
  if (!own || !template) throw new Error('There is no environment.');
  const code = codeThat(() => ran.push(name));
  return { own, template, code };
}
const BUILDS = {
  wide: build('wide', { loadBalancers: [WEB, ADMIN], keepFailedHostMinutes: 30 }),
  narrow: build('narrow', {
    loadBalancers: [WEB],
    subnets: ['subnet-0a1b2c3d4e5f60003'],
    instancesPerZone: 2,
  }),
};

function setUp(first: BuildName): { set: Stage; account: Account } {
  ran.length = 0;
  // The world has both load balancers.
  const set = new Stage({ template: BUILDS.wide.template, fleet: 'shop', seed: 5, oldPerZone: 1 });
  if (first === 'narrow') set.world.loadBalancers.deregister(ADMIN, set.oldInstances);
  set.upload();
  stage = set;
  return { set, account: new Account(set, BUILDS[first]) };
}

const rulesOf = ({ world, fleet }: Stage, first: BuildName): Rules => {
  const { loadBalancers = [] } = BUILDS[first].own.fleets[0] ?? {};
  return new Rules(world, { ...fleet, loadBalancers }, 'the-deployment');
};

const passed = await statesPassed(setUp('wide').set);

/** Deploys the other build at that moment, and the artifact; afterwards the build is in force. */
async function deployed(state: string, first: BuildName, then: BuildName) {
  const { set, account } = setUp(first);
  const rules = rulesOf(set, first);
  let verdict: Promise<Verdict> | undefined;
  let isHeld = false;
  set.whenEntering(state, () => {
    isHeld = set.world.ledger.read('shop')?.held !== undefined;
    verdict = account.cdkDeploy(BUILDS[then]);
  });
  const result = await set.deploy({}, 'the-deployment');
  if (!verdict) throw new Error(`It never came to ${state}.`);
  const { Status, Reason } = await set.clock.until(verdict);
  return { set, account, rules, result, isHeld, Status, Reason };
}

describe('A build that takes permissions, deployed while a deployment is in the state', () => {
  it.each(some(passed))('"%s": it is refused, or the deployment begins after it', async (state) => {
    const { set, account, rules, result, isHeld, Status, Reason } = await deployed(state, 'wide', 'narrow');
    expect(account.refused).toEqual([]);
    expect(Status).toBe(isHeld ? 'FAILED' : 'SUCCESS');
    if (isHeld) {
      expect(Reason).toMatch(/the-deployment holds the lock of shop since .*Nothing was changed/);
      expect(result).toMatchObject({ endedIn: 'Deployed' });
      expect(builds()).toEqual(['wide']);
      rules.ended(result);
      expect(rules.violations).toEqual([]);
    } else {
      // It waited until the fleet had its new definition, or had ended before.
      await set.settle();
      expect(['Waiting for its turn', 'Deployed']).toContain(result.endedIn);
    }
    rules.stop();
    // In the end the other build is deployed, and what it deploys needs no more than it has.
    expect((await set.clock.until(account.cdkDeploy(BUILDS.narrow))).Status).toBe('SUCCESS');
    ran.length = 0;
    set.upload('the next release');
    expect(await set.deploy({}, 'the-next')).toMatchObject({ endedIn: 'Deployed' });
    expect(builds()).toEqual(['narrow']);
    expect(account.refused).toEqual([]);
  });
});

describe('A build that adds permissions, deployed while a deployment is in the state', () => {
  it.each(some(passed))('"%s" changes nothing for it', async (state) => {
    const { account, rules, result, Status } = await deployed(state, 'narrow', 'wide');
    expect(Status).toBe('SUCCESS');
    expect(result).toMatchObject({ endedIn: 'Deployed' });
    expect(account.refused).toEqual([]);
    expect(builds()).toEqual(['narrow']);
    expect(rules.violations).toEqual([]);
  });
});

/** Stops it after the state has acted once; the other build is deployed before its clean-up. */
async function stopped(state: string, first: BuildName, then: BuildName) {
  const { set, account } = setUp(first);
  const rules = rulesOf(set, first);
  let verdict: Promise<Verdict> | undefined;
  const running = set.start({}, 'the-deployment');
  set.onEvent = (event) => {
    if (verdict || event.state !== state || event.kind !== 'answered') return;
    verdict = account.cdkDeploy(BUILDS[then]);
    setTimeout(running.stop, 0);
  };
  await set.clock.until(running.result);
  if (!verdict) throw new Error(`It never came to ${state}.`);
  await set.wait(5);
  ran.length = 0;
  await set.settle();
  const { Status } = await set.clock.until(verdict);
  return { set, account, rules, Status };
}

describe('A deployment that was stopped, while the build changes', () => {
  it.each(some(STOPPED_IN))(
    'to one with fewer permissions, in "%s": that waits, and %s serve',
    async (state, who) => {
      const { set, account, rules, Status } = await stopped(state, 'wide', 'narrow');
      expect(Status).toBe('FAILED');
      expect(account.refused).toEqual([]);
      rules.settled(who);
      expect(rules.violations).toEqual([]);
      expect((await set.clock.until(account.cdkDeploy(BUILDS.narrow))).Status).toBe('SUCCESS');
    },
  );

  it.each(some(STOPPED_IN))(
    'to one with more, in "%s": its clean-up may do what it needs, and %s serve',
    async (state, who) => {
      const { account, rules, Status } = await stopped(state, 'narrow', 'wide');
      expect(Status).toBe('SUCCESS');
      expect(account.refused).toEqual([]);
      rules.settled(who);
      expect(rules.violations).toEqual([]);
    },
  );
});

describe('Without the guard', () => {
  it.each([
    [true, 'RolledBack'],
    [false, 'RollbackFailed'],
  ])('an undo could not put the old hosts back (guarded: %s)', async (isGuarded, endedIn) => {
    const { set, account } = setUp('wide');
    set.whenEntering('Old hosts are drained', () => {
      void account.cdkDeploy(BUILDS.narrow, isGuarded);
      for (const { instanceId, tags } of set.world.view().instances)
        if ('irekae:deployment' in tags) set.world.ec2.kill(instanceId, 'Server.InternalError');
    });
    const result = await set.deploy({}, 'the-deployment');
    expect(account.refused.length > 0).toBe(!isGuarded);
    expect(result.endedIn).toBe(endedIn);
  });
});

describe('A start between the roles and the definition', () => {
  it('waits, and is deployed by the new build', async () => {
    const { set, account } = setUp('wide');
    const change = account.cdkDeploy(BUILDS.narrow);
    await set.wait(5);
    const early = set.start({}, 'early');
    expect(await set.clock.until(early.result)).toMatchObject({ endedIn: 'Waiting for its turn' });
    expect((await set.clock.until(change)).Status).toBe('SUCCESS');
    ran.length = 0;
    await set.settle();
    expect(builds()).toEqual(['narrow']);
    expect(account.refused).toEqual([]);
    expect(set.world.ledger.read('shop')).not.toHaveProperty('pending');
  });

  it('does not wait for a change that is rolled back', async () => {
    const { set, account } = setUp('wide');
    expect((await set.clock.until(account.ask(BUILDS.narrow))).Status).toBe('SUCCESS');
    expect(set.world.ledger.read('shop')?.held?.holder).toMatch(/:cdk-deploy-shop$/);
    account.status = 'UPDATE_ROLLBACK_IN_PROGRESS';
    expect((await set.clock.until(account.ask(BUILDS.narrow))).Status).toBe('SUCCESS');
    expect(await set.deploy()).toMatchObject({ endedIn: 'Deployed' });
  });

  it('waits no longer than a clean-up takes for a change that was never finished', async () => {
    const { set, account } = setUp('wide');
    await set.clock.until(account.ask(BUILDS.narrow));
    set.start({}, 'early');
    await set.settle();
    expect(set.world.ledger.read('shop')?.held).toBeUndefined();
    expect(set.executions.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^waited-/));
  });
});
