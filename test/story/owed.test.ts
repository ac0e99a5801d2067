/**
 * An undo needs nothing but what it undoes: whatever only tells (statuses and retirements in Mackerel, records) is owed
 * when it cannot be told, and made up for when it can.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import { lookForOrphans } from '../../lambdas/domain/lock/orphan-watch.ts';
import { Rules } from '../../simulator/rules.ts';
import { Stage } from '../../simulator/stage.ts';
import { OUTAGES, type Outage } from '../../simulator/world/mackerel-outage.ts';
import { some } from '../support/thorough.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

function setStage(fleet = 'reactio-production-app'): Stage {
  stage = new Stage({ template: synthesize(), fleet, seed: 11 });
  stage.upload();
  return stage;
}

const cancel = ({ world, fleet }: Stage) => {
  const holder = world.ledger.read(fleet.name)?.held?.holder ?? '';
  world.ledger.requestCancel(fleet.name, holder, 'Hanako');
};
const row = ({ world, fleet }: Stage) => world.ledger.read(fleet.name);
const debts = (set: Stage) => row(set)?.owed?.debts.map(({ kind }) => kind) ?? [];
const statuses = (set: Stage) => [...new Set(set.world.mackerel.live().map(({ status }) => status))];
const running = ({ world, fleet }: Stage) =>
  world
    .view()
    .instances.filter(({ state, tags }) => state === 'running' && tags['irekae:fleet'] === fleet.name)
    .map(({ instanceId }) => instanceId);

/** A look of the orphan watch. */
async function watch({ world, fleet, clock, ports }: Stage) {
  const { bucket } = fleet.artifact;
  const machine = `arn:aws:states:ap-northeast-1:111111111111:stateMachine:irekae-${fleet.name}`;
  const [report] = await clock.until(
    lookForOrphans(
      { bucket, fleets: [{ name: fleet.name, machine, launchTemplate: fleet.launchTemplate.id }] },
      ports,
    ),
  );
  expect(world.ledger.read(fleet.name)).toBeDefined();
  return report;
}

describe.each(some(OUTAGES))('An undo while Mackerel: %s', (outage: Outage) => {
  it.each([
    ['reactio-production-app', 'Old hosts are drained'],
    ['reactio-production-app', 'Watch the new hosts'],
    ['reactio-production-worker', 'Watch the new hosts'],
  ])('of %s from *%s* on puts the old hosts back, and nobody is called', async (fleet, state) => {
    const set = setStage(fleet);
    set.whenEntering(state, () => {
      set.world.mackerel.suffer(outage, 360);
      cancel(set);
    });
    const rules = new Rules(set.world, set.fleet, 'broken');
    const result = await set.deploy({}, 'broken');
    rules.ended(result);
    expect(result).toMatchObject({
      endedIn: 'RolledBack',
      cause: expect.stringMatching(/^(Cancelled|Mackerel|Service)/),
    });
    expect(rules.violations).toEqual([]);
    expect(row(set)?.held).toBeUndefined();
    expect(running(set).sort()).toEqual([...set.oldInstances].sort());
    expect(debts(set)).toContain('retire');
    expect(result.cause).toMatch(/Still owed, .*the retirement of 2 new instances in Mackerel \(/);

    // While it lasts nothing is paid, and no alarm of the watch rings.
    const during = await watch(set);
    expect(during).toMatchObject({ orphanSeconds: 0, troubles: [] });
    expect(during?.reasons.join()).toContain('still owed');
    await set.wait(361 * 60);
    expect((await watch(set))?.reasons.join()).toContain('made up for');
    expect(debts(set)).toEqual([]);
    rules.settled('old hosts');
    expect(rules.violations).toEqual([]);
    expect(statuses(set)).toEqual(['working']);
  });
});

describe('What is owed', () => {
  it('is made up for by the next deployment, before it reads whose status is to be restored', async () => {
    const set = setStage();
    set.whenEntering('Watch the new hosts', () => {
      set.world.mackerel.suffer('answers-503', 20);
      cancel(set);
    });
    await set.deploy({}, 'broken');
    expect(statuses(set)).toEqual(['maintenance', 'working']);
    await set.wait(25 * 60);
    // This one is undone too: to what was owed, not to what the first one left.
    set.whenEntering('Watch the new hosts', () => cancel(set));
    expect((await set.deploy({}, 'again')).endedIn).toBe('RolledBack');
    expect(debts(set)).toEqual([]);
    expect(statuses(set)).toEqual(['working']);
  });

  it('leaves a status that somebody has set since', async () => {
    const set = setStage();
    set.whenEntering('Watch the new hosts', () => {
      set.world.mackerel.suffer('down', 20);
      cancel(set);
    });
    await set.deploy({}, 'broken');
    await set.wait(25 * 60);
    const [host] = set.world.mackerel.live().filter(({ status }) => status === 'maintenance');
    set.world.mackerel.setStatus([host?.id ?? ''], 'poweroff');
    await watch(set);
    expect(debts(set)).toEqual([]);
    expect(set.world.mackerel.host(host?.id ?? '')?.status).toBe('poweroff');
  });

  it.each(OUTAGES)(
    'is a retirement after the point of no return, in Deployed (Mackerel: %s)',
    async (outage) => {
      const set = setStage();
      set.whenEntering('Retire old hosts in Mackerel', () => set.world.mackerel.suffer(outage, 20));
      const rules = new Rules(set.world, set.fleet, 'good');
      const result = await set.deploy({}, 'good');
      rules.ended(result);
      expect(result).toMatchObject({
        endedIn: 'Deployed',
        output: { reason: expect.stringMatching(/Still owed, .*the retirement of 2 old hosts in Mackerel/) },
      });
      expect([row(set)?.held, debts(set)]).toEqual([undefined, ['retire']]);
      await set.wait(25 * 60);
      await watch(set);
      rules.settled('new hosts');
      expect([rules.violations, debts(set)]).toEqual([[], []]);
    },
  );

  it.each([
    ['reactio-production-app', 'key-revoked'],
    ['reactio-production-app', 'answers-503'],
    ['reactio-production-worker', 'ip-refused'],
    ['reactio-production-worker', 'hangs'],
  ] as const)(
    'is undone, of %s, when nobody can look at the new hosts right before the point of no return (%s)',
    async (fleet, outage) => {
      const set = setStage(fleet);
      set.whenEntering('Terminate old instances', () => set.world.mackerel.suffer(outage));
      const rules = new Rules(set.world, set.fleet, 'broken');
      const result = await set.deploy({}, 'broken');
      rules.ended(result);
      expect(result).toMatchObject({
        endedIn: 'RolledBack',
        cause: expect.stringMatching(/^ReadinessLost: /),
      });
      expect([rules.violations, row(set)?.held]).toEqual([[], undefined]);
    },
  );

  it('is a record that the bucket refuses: the next deployment writes it, and believes it', async () => {
    const set = setStage();
    const write = set.world.s3.writeRecord.bind(set.world.s3);
    set.whenEntering('Record the release', () => {
      set.world.s3.writeRecord = () => {
        throw new DeploymentError('ServiceRefused', 'S3 refused to write.');
      };
    });
    const result = await set.deploy({}, 'good');
    expect(result.endedIn).toBe('Deployed');
    expect(debts(set)).toEqual(['record']);
    const { bucket } = set.fleet.artifact;
    const current = () => set.world.s3.readRecord(bucket, currentReleaseKey(set.fleet.name));
    expect(current()).toBeUndefined();
    // What serves is accounted for by the record that is owed.
    await set.wait(1_200);
    expect(await watch(set)).toMatchObject({ orphanSeconds: 0, troubles: [] });
    expect((await set.deploy({}, 'refused')).error).toBe('ServiceRefused');
    expect(row(set)?.held).toBeUndefined();
    set.world.s3.writeRecord = write;
    expect((await set.deploy({}, 'again')).endedIn).toBe('Already deployed');
    expect(current()).toMatchObject({ deployment: 'good', outcome: 'Deployed' });
    expect(debts(set)).toEqual([]);
  });
});
