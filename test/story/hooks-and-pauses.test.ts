/** Hooks and pauses, told on the modelled world: the door for people's words, what is watched meanwhile, and who dies there. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Fleet } from '../../lambdas/domain/core/fleet.ts';
import { deploymentRecordKey } from '../../lambdas/domain/core/names.ts';
import type { DeploymentRecord } from '../../lambdas/domain/record/record.ts';
import { givePoints } from '../../simulator/given-points.ts';
import { MIGRATION, say } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

let stage: Stage;
afterEach(() => stage.close());

const PAUSED = 'Wait for a person after the shift';
const pause = (changes: Partial<Fleet['pauses'][number]> = {}) =>
  ({ at: 'after-shift', timeoutMinutes: 60, then: 'undo', ...changes }) as const;
const hook = (changes: Partial<Fleet['hooks'][number]> = {}) =>
  ({ at: 'before-launch', function: MIGRATION, timeoutMinutes: 20, onTimeout: 'undo', ...changes }) as const;

function set(points: Parameters<typeof givePoints>[1], kind = 'worker'): Stage {
  stage = new Stage({ template: synthesize(), fleet: `reactio-production-${kind}`, seed: 3 });
  stage.upload();
  givePoints(stage, points);
  return stage;
}

const recordOf = ({ world, fleet }: Stage, deployment: string) =>
  world.s3.readRecord(fleet.artifact.bucket, deploymentRecordKey(fleet.name, deployment)) as DeploymentRecord;

/** What every start after the first came to, and every clean-up: one is sent after whatever fails. */
const words = async () =>
  (await Promise.all(stage.executions.slice(1).map(({ result }) => result))).map(({ endedIn, cause }) => ({
    endedIn,
    cause,
  }));

describe('A deployment that waits for a person', () => {
  it('is told through the door to go on: who and why are in its record, and a mail says that it waits', async () => {
    say('go', PAUSED, 120, 'orders come in')(set({ pauses: [pause()] }));
    const result = await stage.deploy({}, 'release-7');
    expect(result.endedIn).toBe('Deployed');
    expect((await words())[0]).toMatchObject({ endedIn: 'Told' });
    const { decisions, phases, reason } = recordOf(stage, 'release-7');
    expect(decisions).toEqual(['after the shift, Hanako (orders come in) let it go on']);
    expect(reason).toContain('Hanako (orders come in)');
    expect(phases.pauses).toBeGreaterThan(115);
    expect(phases.bake).toBeLessThan(330);
    const [mail, ...others] = stage.world.announcer.messages;
    expect(mail?.subject).toBe(
      'Waits for a person: reactio-production-worker, after the shift, until 2026-11-22 04:01 UTC',
    );
    expect(mail?.body).toMatch(
      /then it is undone\.\nMeanwhile: 4 hosts run instead of 2.*\n\nTo let it go on: .*irekae go reactio-production-worker/,
    );
    expect(mail?.chat).toMatchObject({ metadata: { eventType: 'Deployment waits' } });
    expect(others.map(({ subject }) => subject)).toEqual([expect.stringMatching(/^Deployed/)]);
    expect(stage.world.announcer.events.map(({ detailType }) => detailType)).toEqual([
      'Deployment waits',
      'Deployment ended',
    ]);
  });

  it('hears whoever was let in at its last moment, however long the word is on its way', async () => {
    set({ pauses: [pause({ timeoutMinutes: 1 })] });
    const { ledger } = stage.world;
    const letGoOn = ledger.letGoOn.bind(ledger);
    // As it comes over the network: checked and written in time, and seen by nobody for two seconds.
    const { read } = ledger;
    let writtenAt = Number.POSITIVE_INFINITY;
    ledger.read = (fleet) => {
      const row = read.call(ledger, fleet);
      if (!row?.held?.go || stage.clock.now().getTime() >= writtenAt + 2_000) return row;
      const { go: _, ...held } = row.held;
      return { ...row, held };
    };
    stage.whenEntering(PAUSED, () => {
      void stage.clock.sleep(60).then(() => {
        const { held } = read.call(ledger, stage.fleet.name) ?? {};
        writtenAt = stage.clock.now().getTime();
        letGoOn(stage.fleet.name, held?.holder ?? '', 'after-shift', 'Hanako');
      });
    });
    expect((await stage.deploy({}, 'release-7')).endedIn).toBe('Deployed');
    expect(recordOf(stage, 'release-7').decisions).toEqual(['after the shift, Hanako let it go on']);
  });

  it('is waited for, and hears of it, also while Mackerel does not answer; it goes on when that is back', async () => {
    const { world, clock, fleet } = set({ pauses: [pause()] });
    let seen: { readonly told: number; readonly waits: unknown } | undefined;
    stage.whenEntering(PAUSED, () => {
      world.mackerel.suffer('answers-503', 10);
      void clock.sleep(120).then(() => stage.start({ go: 'release-7', reason: 'orders come in' }));
      void clock.sleep(60).then(() => {
        const { held } = world.ledger.read(fleet.name) ?? {};
        seen = { told: world.announcer.messages.length, waits: held?.waits?.where };
      });
    });
    const { endedIn } = await stage.deploy({}, 'release-7');
    expect(seen).toEqual({ told: 1, waits: 'after-shift' });
    expect((await words())[0]).toMatchObject({ endedIn: 'Told' });
    expect(endedIn).toBe('Deployed');
    expect(recordOf(stage, 'release-7').phases.pauses).toBeGreaterThan(600);
  });

  it('is cancelled through it', async () => {
    say('cancel', PAUSED, 30, 'orders fail')(set({ pauses: [pause()] }));
    const { endedIn, cause } = await stage.deploy({}, 'release-7');
    expect({ endedIn, cause }).toMatchObject({
      endedIn: 'RolledBack',
      cause: expect.stringMatching(/^Cancelled: Hanako \(orders fail\)/),
    });
  });

  it('is not told what is meant for another one, or comes when it does not wait; and nobody gets a mail of it', async () => {
    say('go', 'New hosts are ready', 5, 'too early')(set({ pauses: [pause({ timeoutMinutes: 2 })] }));
    stage.whenEntering(PAUSED, () => void stage.start({ go: 'release-6', reason: 'of last week' }));
    await stage.deploy({}, 'release-7');
    const [early, other] = (await words()).filter(({ endedIn }) => endedIn === 'Nothing was changed');
    expect(early).toMatchObject({
      endedIn: 'Nothing was changed',
      cause: expect.stringMatching(/^NotTold: .*does not wait for a person/),
    });
    expect(other?.cause).toMatch(/^NotTold: release-6 .*release-7 holds the fleet’s lock, and not release-6/);
    expect(stage.world.announcer.messages.map(({ subject }) => subject.split(':')[0])).toEqual([
      'Waits for a person',
      'Rolled back',
    ]);
  });

  it.each([
    [{ go: 'release-7', cancel: 'release-7' }, /cancel: given .*nothing beside go/],
    [{ go: 'release-7', versionId: 'v-1' }, /versionId: given .*nothing beside go/],
    [{ cancel: 'two words' }, /cancel: given "two words", allowed: the id of the deployment that runs/],
  ])('is told one thing at a time: %j', async (input, says) => {
    set({ pauses: [pause()] });
    expect((await stage.deploy(input)).cause).toMatch(says);
  });

  it('for a day looks a few hundred times, and goes on by itself where its fleet says so', async () => {
    set({ pauses: [pause({ timeoutMinutes: 1_440, then: 'go on' })] });
    const { endedIn, historyEvents } = await stage.deploy({}, 'release-7');
    expect(endedIn).toBe('Deployed');
    expect(historyEvents).toBeLessThan(3_500);
    expect(recordOf(stage, 'release-7').decisions).toEqual([
      expect.stringMatching(/nobody said anything in 24 h 0 min/),
    ]);
  });

  it.each([
    [
      'goes on although a host was not ready in the look that ends it, but was in the next',
      8,
      'Deployed',
      '',
    ],
    ['is undone by one that is not ready in the next either', 60, 'RolledBack', 'ReadinessLost: '],
  ])('%s', async (_, seconds, endedIn, first) => {
    set({ pauses: [pause({ timeoutMinutes: 1, then: 'go on' })] });
    const { mackerel } = stage.world;
    stage.whenEntering(PAUSED, () => {
      const { id = '' } =
        mackerel.live().find(({ instanceId = '' }) => !stage.oldInstances.includes(instanceId)) ?? {};
      void stage.clock
        .sleep(62)
        .then(() => mackerel.setStatus([id], 'poweroff'))
        .then(() => stage.clock.sleep(seconds))
        .then(() => mackerel.setStatus([id], 'working'));
    });
    const result = await stage.deploy({}, 'release-7');
    expect(result.endedIn).toBe(endedIn);
    expect(result.cause ?? '').toMatch(new RegExp(`^${first}`));
  });

  it('is undone by an alert on a new host meanwhile', async () => {
    set({ pauses: [pause()] });
    stage.whenEntering(PAUSED, () => {
      const [hostId = ''] = stage.world.mackerel
        .live()
        .flatMap(({ id, instanceId = '' }) => (stage.oldInstances.includes(instanceId) ? [] : [id]));
      void stage.clock
        .sleep(200)
        .then(() => stage.world.mackerel.openAlert({ hostId, status: 'CRITICAL', message: 'disk' }));
    });
    const { cause, seconds } = await stage.deploy({}, 'release-7');
    expect(cause).toMatch(/^AlertDuringBake: .*disk/);
    expect(seconds).toBeLessThan(400);
  });
});

it('A plan says what may be added on the way, in its order', async () => {
  set({ hooks: [hook()], pauses: [pause({ then: 'go on' })] });
  const { output } = await stage.deploy({ dryRun: true });
  const { parts } = (output as { earliestFinish: { parts: string[] } }).earliestFinish;
  expect(parts.slice(-2)).toEqual([
    'the hook migrate:live before the launch is added to this: up to 20 min, then it is undone',
    'a person after the shift is added to this: up to 1 h 0 min, then it goes on',
  ]);
});

it.each<[string, Parameters<typeof givePoints>[1], string[]]>([
  [
    'hooks before the launch',
    { hooks: [hook()] },
    ['Agree', 'Hooks', 'Bring up', 'Shift', 'Watch', 'Remove'],
  ],
  [
    'a pause before the shift that nobody ends',
    { pauses: [pause({ at: 'before-shift', timeoutMinutes: 3 })] },
    ['Agree', 'Bring up', 'Paused', 'Put back', 'Clear away'],
  ],
  [
    'a pause after it',
    { pauses: [pause({ timeoutMinutes: 1, then: 'go on' })] },
    ['Agree', 'Bring up', 'Shift', 'Paused', 'Watch', 'Remove'],
  ],
])('The page shows %s as what it is', async (_, points, phases) => {
  set(points, 'app');
  await stage.deploy({}, 'release-7');
  const { timeline } = recordOf(stage, 'release-7');
  expect(timeline?.spans.map(({ phase }) => phase)).toEqual(phases);
  expect(timeline?.told.map(({ state }) => state)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^(Ask the hooks|Wait for a person) /)]),
  );
});

describe('A deployment with hooks', () => {
  it('before the launch is undone by one that fails, although nothing was launched, and is recorded', async () => {
    set({ hooks: [hook()], pauses: [] });
    stage.world.hooks.play(MIGRATION, () => ({
      error: Object.assign(new Error('no such table'), { name: 'OperationalError' }),
    }));
    const { endedIn, cause } = await stage.deploy({}, 'release-7');
    expect(endedIn).toBe('RolledBack');
    expect(cause).toMatch(
      /^HookFailed: The hook migrate:live before the launch ended with OperationalError: no such table\. .*The undo does not undo what a hook did\. Undone: /,
    );
    expect(recordOf(stage, 'release-7').newInstances).toEqual([]);
  });

  it('that is undone later says what hooks did', async () => {
    set({ hooks: [hook()], pauses: [pause({ timeoutMinutes: 1 })] });
    expect((await stage.deploy({}, 'release-7')).cause).toMatch(
      /NotContinued: .*What hooks did is not undone: migrate:live succeeded \(1 call\)\.$/,
    );
  });

  it('that is cancelled while one is in progress says that this one was called', async () => {
    set({ hooks: [hook({ timeoutMinutes: 30 })] });
    stage.world.hooks.play(MIGRATION, () => ({ answer: { hookStatus: 'IN_PROGRESS', callBackDelay: 0 } }));
    stage.whenEntering('Ask the hooks before the launch', () => {
      void stage.clock.sleep(100).then(() => stage.start({ cancel: 'release-7', reason: 'too slow' }));
    });
    const { cause } = await stage.deploy({}, 'release-7');
    expect(cause).toMatch(
      /^Cancelled: .*too slow.* What hooks did is not undone: migrate:live was called, and has not succeeded \((\d+) calls\)\.$/,
    );
    // Every 15 s and no oftener, whatever delay it asks for.
    expect(stage.world.hooks.calls.length).toBeLessThan(9);
  });

  it('tells them who is launched and who goes', async () => {
    set({ hooks: [hook({ at: 'before-terminate' })] });
    await stage.deploy({}, 'release-7');
    const [call, ...others] = stage.world.hooks.calls;
    expect(others).toEqual([]);
    expect(call?.event).toMatchObject({
      executionId: 'release-7-before-terminate-1',
      lifecycleStage: 'CLEAN_UP',
      executionDetails: {
        oldInstances: expect.arrayContaining([...stage.oldInstances]),
        newInstances: recordOf(stage, 'release-7').newInstances,
      },
    });
  });

  it('is undone without waiting for a hook that still runs when its execution is stopped', async () => {
    set({ hooks: [hook({ at: 'after-shift' })] });
    stage.world.hooks.play(MIGRATION, () => ({ seconds: 890, answer: { hookStatus: 'SUCCEEDED' } }));
    stage.whenEntering(
      'Call hook 1 after the shift',
      () => void stage.clock.sleep(20).then(() => stage.executions[0]?.stop()),
    );
    const { seconds } = await stage.deploy({}, 'release-7');
    await stage.settle();
    const cleanUp = (await words()).find(({ endedIn }) => endedIn === 'Undone');
    expect(cleanUp).toBeDefined();
    const { finishedAt } = recordOf(stage, 'release-7');
    expect(new Date(finishedAt).getTime() - new Date('2026-11-22T03:00:00Z').getTime()).toBeLessThan(
      (seconds + 120) * 1_000,
    );
  });
});
