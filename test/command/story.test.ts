/** The command beside real deployments: what it says comes true. */
import { afterEach, describe, expect, it } from 'vitest';
import { Rules } from '../../simulator/rules.ts';
import { Stage, type StageOptions } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';
import { FLEET, runOn, type Said } from './desk.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

function setStage(options: Partial<StageOptions> = {}): Stage {
  stage = new Stage({ template: synthesize(), fleet: FLEET, seed: 5, ...options });
  return stage;
}

const on = (set: Stage, line: string) => runOn(set.world, line.split(' '));

const versionsRunning = ({ world }: Stage) =>
  world
    .view()
    .instances.filter(({ state }) => state === 'running')
    .map(({ tags }) => tags['irekae:artifact-version']);

describe('cancel', () => {
  it.each([
    'Snapshot old hosts',
    'Launch new instances',
    'New hosts are ready',
    'Take old hosts out of service',
    'Old hosts are drained',
    'Watch the new hosts',
  ])('during "%s" has the deployment end as Cancelled, and names who asked and why', async (state) => {
    const set = setStage();
    set.upload();
    const rules = new Rules(set.world, set.fleet, 'd');
    let said: Promise<Said> | undefined;
    set.whenEntering(state, () => {
      said = on(set, `cancel ${FLEET} --reason=wrong-config`);
    });
    const result = await set.deploy({}, 'd');
    rules.ended(result);
    expect(await said).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^Asked d to undo itself/) });
    expect(result.error).toBe('Cancelled');
    expect(result.cause).toMatch(/Operator\/hanako \(wrong-config\)/);
    expect(rules.violations).toEqual([]);
  });

  it('after the point of no return says so, and the deployment is finished', async () => {
    const set = setStage();
    set.upload();
    let said: Promise<Said> | undefined;
    set.whenEntering('Retire old hosts in Mackerel', () => {
      said = on(set, `cancel ${FLEET}`);
    });
    expect((await set.deploy()).endedIn).toBe('Deployed');
    expect(await said).toMatchObject({ exitCode: 1, err: expect.stringMatching(/^Too late/) });
  });
});

describe('unlock', () => {
  it('frees a fleet that stopped halfway, when nothing of it can act anymore, and what waits is deployed', async () => {
    const set = setStage();
    set.upload('older');
    set.world.ec2.protect(set.oldInstances[0] ?? '');
    let newer = '';
    set.whenEntering('Watch the new hosts', () => {
      newer = set.upload('newer');
      set.start({ versionId: newer, upload: { eventId: 'e' } }, 'upload-newer');
    });
    expect((await set.deploy({}, 'd')).endedIn).toBe('StoppedHalfway');
    expect(await on(set, `unlock ${FLEET} --yes`)).toMatchObject({
      exitCode: 1,
      out: expect.stringMatching(/a function of it may still be running/),
    });
    await set.wait(200);
    const said = await on(set, `unlock ${FLEET} --yes`);
    expect(said.out).toMatch(/needs a human +OldHostsNotTerminated/);
    expect(said.out).toContain(`The lock is free. Started what was waiting: version ${newer}.`);
    await set.settle();
    expect(versionsRunning(set).filter((version) => version !== undefined)).toEqual([newer, newer]);
  });

  it('sends the clean-up to what was stopped while its status event was lost', async () => {
    const set = setStage({ eventsLost: true });
    set.upload();
    const rules = new Rules(set.world, set.fleet, 'd');
    set.whenEntering('Watch the new hosts', () => set.executions[0]?.stop());
    expect((await set.deploy({}, 'd')).status).toBe('ABORTED');
    await set.wait(200);
    expect(await on(set, `unlock ${FLEET} --yes`)).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/starts automatically within 5 minutes to undo what it did/),
    });
    await set.clock.until(Promise.all(set.executions.map(({ result }) => result)));
    expect(set.executions.map(({ machineName }) => machineName)).toEqual([
      `irekae-${FLEET}`,
      `irekae-${FLEET}-clean-up`,
    ]);
    expect(set.world.ledger.read(FLEET)?.held).toBeUndefined();
    expect(versionsRunning(set)).toEqual([undefined, undefined]);
    expect(rules.violations).toEqual([]);
  });
});

describe('adopt', () => {
  it('has the next deployment replace the hosts of earlier tooling', async () => {
    const set = setStage({ oldPerZone: 0 });
    const legacy = set.fleet.subnets.map((subnetId) =>
      set.world.addRunningHost({ ...set.fleet.mackerel, subnetId, loadBalancers: set.fleet.loadBalancers }),
    );
    const versionId = set.upload();
    expect(await on(set, `adopt ${FLEET} --yes`)).toMatchObject({ exitCode: 0 });
    expect((await set.deploy()).endedIn).toBe('Deployed');
    expect(versionsRunning(set)).toEqual([versionId, versionId]);
    const states = set.world.view().instances.filter(({ instanceId }) => legacy.includes(instanceId));
    expect(states.map(({ state }) => state)).toEqual(['terminated', 'terminated']);
  });
});
