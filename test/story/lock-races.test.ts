/** What happens to the lock when the one who cleans up dies too, when two do it at once, and when what waits is gone. */
import { afterEach, describe, expect, it } from 'vitest';
import { Rules } from '../../simulator/rules.ts';
import { Stage, type StageOptions } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

function setStage(options: Partial<StageOptions> = {}): Stage {
  stage = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 9, ...options });
  return stage;
}

const row = ({ world, fleet }: Stage) => world.ledger.read(fleet.name);
const cleanUps = ({ executions }: Stage) =>
  executions.filter(({ machineName }) => machineName.endsWith('-clean-up'));
const endingsOf = async (those: Stage['executions']) =>
  (await Promise.all(those.map(({ result }) => result))).map(({ endedIn }) => endedIn);

/** Deploys, and has the execution stopped when it enters this state. */
async function stoppedIn(set: Stage, state: string): Promise<Rules> {
  set.upload();
  const rules = new Rules(set.world, set.fleet, 'd');
  set.whenEntering(state, () => set.executions[0]?.stop());
  await set.clock.until(set.start({}, 'd').result);
  return rules;
}

describe('A clean-up that is stopped itself', () => {
  it.each([
    ['Old hosts are drained', 'Take over the lock'],
    ['Old hosts are drained', 'Put old hosts back'],
    ['Old hosts are drained', 'Terminate new instances'],
    ['Old hosts are drained', 'Record the failure'],
    ['Old hosts are drained', 'Release the lock after the undo'],
    ['Retire old hosts in Mackerel', 'Terminate old instances'],
    ['Retire old hosts in Mackerel', 'Retire old hosts in Mackerel'],
    ['Retire old hosts in Mackerel', 'Record the release'],
    ['Retire old hosts in Mackerel', 'Release the lock after finishing'],
  ])('after a deployment that died in "%s", in "%s", is cleaned up after', async (died, state) => {
    const set = setStage();
    const rules = await stoppedIn(set, died);
    set.whenEntering(state, () => cleanUps(set)[0]?.stop());
    await set.settle();
    const first = await cleanUps(set)[0]?.result;
    expect(first?.status).toBe('ABORTED');
    expect(rules.violations).toEqual([]);
    expect(row(set)?.held).toBeUndefined();
    expect((await set.deploy({ redeploy: true }, 'again')).endedIn).toBe('Deployed');
  });
});

describe('Several clean-ups at once', () => {
  it('do the work of one', async () => {
    const set = setStage({ eventsLost: true });
    const rules = await stoppedIn(set, 'Watch the new hosts');
    for (let n = 0; n < 5; n += 1) set.cleanUp();
    await set.settle();
    const endings = await endingsOf(cleanUps(set));
    expect(endings.filter((ending) => ending === 'Undone')).toHaveLength(1);
    expect(endings.filter((ending) => ending === 'Nothing to clean up')).toHaveLength(4);
    expect(rules.violations).toEqual([]);
  });

  it('leave a healthy deployment alone', async () => {
    const set = setStage();
    set.upload();
    const deployment = set.start({}, 'd').result;
    for (let n = 0; n < 40; n += 1) {
      set.cleanUp();
      await set.wait(10);
    }
    await set.settle();
    expect((await deployment).endedIn).toBe('Deployed');
    expect(new Set(await endingsOf(cleanUps(set)))).toEqual(new Set(['Nothing to clean up']));
  });
});

describe('What waits', () => {
  it('is started when its holder died after freeing the lock, and before starting it', async () => {
    const set = setStage({ eventsLost: true });
    set.upload('older');
    const { ledger } = set.world;
    set.whenEntering('Watch the new hosts', () => {
      const versionId = set.upload('newer');
      set.start({ versionId, upload: { eventId: 'e' } }, 'newer');
    });
    // As if the function had died between its two halves.
    set.whenEntering('Release the lock after the deployment', () => {
      const { held } = row(set) ?? {};
      if (held) ledger.release(set.fleet.name, held);
      set.executions[0]?.stop();
    });
    await set.clock.until(set.start({}, 'd').result);
    expect(row(set)).toMatchObject({ pending: { id: 'newer' } });
    set.cleanUp();
    await set.settle();
    expect(row(set)?.pending).toBeUndefined();
    const names = set.executions.filter(({ name }) => name.startsWith('waited-'));
    expect(await endingsOf(names)).toEqual(['Deployed']);
  });

  it('fails as ArtifactNotFound when the artifact was deleted meanwhile, and frees the lock', async () => {
    const set = setStage();
    set.upload('older');
    const { bucket, key } = set.artifact;
    set.whenEntering('Watch the new hosts', () => {
      const versionId = set.upload('newer');
      set.start({ versionId, reason: 'by hand' }, 'newer');
    });
    set.whenEntering('Terminate old instances', () => {
      expect(row(set)?.pending?.id).toBe('newer');
      set.world.s3.delete(bucket, key);
    });
    await set.deploy({}, 'd');
    await set.settle();
    const waited = set.executions.find(({ name }) => name.startsWith('waited-'));
    expect(await waited?.result).toMatchObject({ status: 'FAILED', error: 'ArtifactNotFound' });
    expect(row(set)).toEqual({ fleet: set.fleet.name, generation: 2 });
  });
});
