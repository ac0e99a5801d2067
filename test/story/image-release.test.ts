/** A fleet whose machine image is the release, on the modelled world: what events bring, and what they do not bring back. */
import { afterEach, describe, expect, it } from 'vitest';
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import type { DeploymentRecord } from '../../lambdas/domain/record/record.ts';
import { imageIsTheRelease } from '../../simulator/scenarios.ts';
import { OLD_IMAGE, Stage } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
/** The fleet's own, before its image was the release. */
let artifact: Stage['fleet']['artifact'];
afterEach(() => stage?.close());

const BAD_IMAGE = 'ami-0a1b2c3d4e5f60718';
const MENDED_IMAGE = 'ami-0b1b2c3d4e5f60718';
/** Of any image of the account: a search by name alone hears of them all. */
const EVENT = { newImage: { eventId: 'e' } };

const current = ({ world, fleet }: Stage) =>
  world.s3.readRecord(fleet.artifact.bucket, currentReleaseKey(fleet.name)) as DeploymentRecord;

/** Has run the image that there was, and then a bad one. */
async function withBadImage(): Promise<Stage> {
  stage = new Stage({ template: synthesize(), fleet: 'reactio-production-worker', seed: 11 });
  ({ artifact } = stage.fleet);
  imageIsTheRelease(stage);
  await stage.deploy({}, 'one');
  await stage.wait(60);
  stage.publishImage(BAD_IMAGE);
  await stage.deploy(EVENT, 'two');
  expect(current(stage)).toMatchObject({ deployment: 'two', imageId: BAD_IMAGE, artifact: null });
  return stage;
}

describe('An image that was gone back from', () => {
  it.each([
    ['by a rollback, and whose hosts were replaced since', [{ rollbackTo: 'previous' }, { redeploy: true }]],
    ['by the name of an older one', [{}]],
    ['by name, and by name once more', [{}, { redeploy: true }]],
  ])('%s, is not brought back by the event of another image', async (_, ways) => {
    const set = await withBadImage();
    for (const [index, way] of ways.entries()) {
      const input = 'rollbackTo' in way ? way : { ...way, amiId: OLD_IMAGE };
      expect((await set.deploy(input, `back-${index}`)).endedIn).toBe('Deployed');
    }
    expect((await set.deploy(EVENT, 'late')).endedIn).toBe('Superseded');
    expect(current(set)).toMatchObject({ imageId: OLD_IMAGE });

    await set.wait(60);
    set.publishImage(MENDED_IMAGE);
    expect((await set.deploy(EVENT, 'mended')).endedIn).toBe('Deployed');
    expect(current(set)).toMatchObject({ imageId: MENDED_IMAGE });
  });
});

it('An event launches no hosts without the artifact that the fleet has since its image was the release', async () => {
  const set = await withBadImage();
  set.configure({ artifact });
  await set.wait(60);
  set.publishImage(MENDED_IMAGE);
  const { endedIn } = await set.deploy(EVENT, 'late');
  expect(endedIn).toBe('Nothing to redeploy');
  set.upload('first');
  expect((await set.deploy({}, 'first')).endedIn).toBe('Deployed');
  expect(current(set)).toMatchObject({ imageId: MENDED_IMAGE, artifact: { key: artifact.key } });
});
