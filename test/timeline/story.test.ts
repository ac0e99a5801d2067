/** The pages that deployments on the modelled world leave: there, and saying what the records say. */

import { afterEach, describe, expect, it } from 'vitest';
import { deploymentRecordKey, timelineKey } from '../../lambdas/domain/core/names.ts';
import type { DeploymentRecord } from '../../lambdas/domain/record/record.ts';
import { timelinePage } from '../../lambdas/domain/record/timeline/page.ts';
import { SCENARIOS, type Scenario, type ScenarioName } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => {
  stage?.close();
  stage = undefined;
});

function setUp(name: ScenarioName): Stage {
  const { kind, oldPerZone, arrange }: Scenario = SCENARIOS[name];
  stage = new Stage({
    template: synthesize(),
    fleet: `reactio-production-${kind}`,
    seed: 7,
    ...(oldPerZone !== undefined && { oldPerZone }),
  });
  arrange(stage);
  return stage;
}

const left = ({ world, fleet }: Stage, deployment: string) => {
  const { bucket } = fleet.artifact;
  const record = world.s3.readRecord(bucket, deploymentRecordKey(fleet.name, deployment));
  return {
    record: record as DeploymentRecord | undefined,
    page: world.s3.text(bucket, timelineKey(fleet.name, deployment)),
  };
};

async function play(name: ScenarioName) {
  const played = setUp(name);
  played.upload();
  const { input }: Scenario = SCENARIOS[name];
  const result = await played.deploy(input ?? { startedBy: 'Hanako' }, 'release-7');
  return { result, stage: played, ...left(played, 'release-7') };
}

describe.each([
  ['app', 'Deployed'],
  ['worker', 'Deployed'],
  ['first-deployment', 'Deployed'],
  ['never-healthy', 'RolledBack'],
  ['boot-fails', 'RolledBack'],
  ['alert', 'RolledBack'],
  ['no-capacity', 'RolledBack'],
  ['undo-fails', 'RollbackFailed'],
  ['halfway', 'StoppedHalfway'],
] as const)('Scenario %s', (name, outcome) => {
  it('leaves a page that says what the record says', async () => {
    const { record, page, result } = await play(name);
    expect(record).toMatchObject({ outcome });
    // The record on its own is enough to draw the very same page again.
    expect(page).toBe(record && timelinePage(record));
    expect(page).toContain(`>${outcome}<`);
    const ids = [...(record?.newInstances ?? []), ...(record?.oldInstances ?? [])];
    expect(ids.length).toBeGreaterThan(1);
    for (const id of ids) expect(page).toContain(`<span class="id">${id}</span>`);
    const spans = record?.timeline?.spans ?? [];
    expect(spans[0]?.from).toBe(0);
    expect(spans.every(({ from }, i) => from === (spans[i - 1]?.to ?? 0))).toBe(true);
    // Releasing the lock comes after the record.
    expect(Math.abs((spans.at(-1)?.to ?? 0) - result.seconds)).toBeLessThan(10);
  });
});

describe('The milestones of a good deployment', () => {
  it('come in their order, and not long after they came to be', async () => {
    const { record, stage: played } = await play('app');
    const startedAt = new Date(record?.startedAt ?? '').getTime();
    const bound = played.world.lowerBound({
      newInstances: record?.newInstances ?? [],
      oldInstances: played.oldInstances,
      loadBalancers: played.fleet.loadBalancers,
      bakeSeconds: played.fleet.limits.bakeSeconds,
    });
    const seconds = (moment: Date | undefined) => ((moment?.getTime() ?? Number.NaN) - startedAt) / 1000;
    const { running = [], registered = [], inService = [] } = record?.timeline?.newHosts.seen ?? {};
    for (const [i, host] of bound.hosts.entries()) {
      expect((running[i] ?? Number.NaN) - seconds(host.running)).toBeGreaterThanOrEqual(-0.5);
      expect((running[i] ?? Number.NaN) - seconds(host.running)).toBeLessThan(3);
      expect(Math.abs((registered[i] ?? Number.NaN) - seconds(host.inMackerel))).toBeLessThan(2);
      expect((inService[i] ?? Number.NaN) - seconds(Object.values(host.inService)[0])).toBeGreaterThanOrEqual(
        -0.5,
      );
    }
  });

  it('add up to a bound that no deployment of these hosts could have beaten by much', async () => {
    const { record, stage: played } = await play('app');
    const { atBest = 0, took = 0 } = record?.timeline?.bound ?? {};
    const exact = played.world.lowerBound({
      newInstances: record?.newInstances ?? [],
      oldInstances: played.oldInstances,
      loadBalancers: played.fleet.loadBalancers,
      bakeSeconds: played.fleet.limits.bakeSeconds,
    });
    const least = ((exact.terminated?.getTime() ?? Number.NaN) - exact.launched.getTime()) / 1000;
    expect(atBest).toBeLessThanOrEqual(took);
    expect(Math.abs(atBest - least) / least).toBeLessThan(0.05);
  });
});

describe('The page', () => {
  it('compares with the release before, which the next deployment finds on record', async () => {
    const { stage: played, record: first } = await play('app');
    played.upload('another release');
    await played.deploy({}, 'release-8');
    const { record, page } = left(played, 'release-8');
    expect(record?.timeline?.before).toMatchObject({
      deployment: 'release-7',
      versionId: first?.artifact?.versionId,
      instanceTypes: { 't4g.small': 2 },
    });
    expect(page).toContain('Compared with deployment release-7');
  });

  it.each(['dry-run', 'bad-input'] as const)(
    'is not written by scenario %s, which changed nothing',
    async (name) => {
      const { page } = await play(name);
      expect(page).toBeUndefined();
    },
  );

  it('is written by the clean-up of a deployment that was stopped', async () => {
    const played = setUp('app');
    played.upload();
    const running = played.start({}, 'release-7');
    played.whenEntering('Old hosts are drained', () => running.stop());
    await played.clock.until(running.result);
    await played.settle();
    const { record, page } = left(played, 'release-7');
    expect(record).toMatchObject({ outcome: 'RolledBack', reason: expect.stringMatching(/^Stopped: /) });
    expect(page).toBe(record && timelinePage(record));
    expect(record?.timeline?.spans.map(({ phase, kind }) => `${phase} ${kind}`)).toEqual([
      'Agree done',
      'Bring up done',
      'Shift failed',
      'Put back undo',
      'Clear away undo',
    ]);
  });

  it('that a bucket does not take changes nothing about the ending', async () => {
    const played = setUp('app');
    played.upload();
    const { s3 } = played.world;
    s3.writePage = () => {
      throw Object.assign(new Error('No.'), { name: 'ServiceRefused' });
    };
    expect(await played.deploy({}, 'release-7')).toMatchObject({ status: 'SUCCEEDED', endedIn: 'Deployed' });
    expect(left(played, 'release-7').page).toBeUndefined();
  });
});
