/**
 * An undo needs nothing but what it undoes: whatever only tells (statuses and retirements in Mackerel, records) is owed
 * when it cannot be told, and made up for when it can.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { lookForOrphans } from '../../lambdas/domain/lock/orphan-watch.ts';
import { Rules } from '../../simulator/rules.ts';
import { Stage } from '../../simulator/stage.ts';
import { OUTAGES, type Outage } from '../../simulator/world/mackerel-outage.ts';
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
    lookForOrphans({ bucket, fleets: [{ name: fleet.name, machine }] }, ports),
  );
  expect(world.ledger.read(fleet.name)).toBeDefined();
  return report;
}

describe.each(OUTAGES)('An undo while Mackerel: %s', (outage: Outage) => {
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
