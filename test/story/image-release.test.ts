/** A fleet whose machine image is the release, on the modelled world: what events bring, and what they do not bring back. */
import { afterEach, describe, expect, it } from 'vitest';
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import type { DeploymentRecord } from '../../lambdas/domain/record/record.ts';
import { exampleEntry, templateOf } from '../../simulator/example-fleet.ts';
import { imageIsTheRelease } from '../../simulator/scenarios.ts';
import { OLD_IMAGE, Stage } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

const stages: Stage[] = [];
/** The fleet's own, before its image was the release. */
let artifact: Stage['fleet']['artifact'];
afterEach(() => {
  for (const each of stages.splice(0).reverse()) each.close();
});

const BAD_IMAGE = 'ami-0a1b2c3d4e5f60718';
const MENDED_IMAGE = 'ami-0b1b2c3d4e5f60718';
/** Of any image of the account: a search by name alone hears of them all. */
const EVENT = { newImage: { eventId: 'e' } };

const current = ({ world, fleet }: Stage) =>
  world.s3.readRecord(fleet.artifact.bucket, currentReleaseKey(fleet.name)) as DeploymentRecord;

/** Has run the image that there was, and then a bad one. */
async function withBadImage(): Promise<Stage> {
  const stage = new Stage({ template: synthesize(), fleet: 'reactio-production-worker', seed: 11 });
  ({ artifact } = stage.fleet);
  stages.push(stage);
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

describe('A fleet that is deployed after one whose image its parameter holds', () => {
  const IMAGE = { from: 'parameter', parameter: '/shop/image' } as const;
  /** The first fleet, and the one after it. */
  function setTwo(): [Stage, Stage] {
    const entry = (name: string, changes: object) =>
      exampleEntry('shared', name, {
        artifact: undefined,
        runtimes: [],
        loadBalancers: [],
        image: IMAGE,
        ...changes,
      });
    const template = templateOf('shared', [entry('app', {}), entry('jobs', { after: 'app' })]);
    const app = new Stage({ template, fleet: 'app', seed: 21 });
    const jobs = new Stage({ template, fleet: 'jobs', seed: 21, beside: app });
    stages.push(app, jobs);
    return [app, jobs];
  }
  async function deploy([app, jobs]: [Stage, Stage], input: object, name: string): Promise<void> {
    expect((await app.deploy(input, name)).endedIn).toBe('Deployed');
    await jobs.settle();
  }

  it('follows a rollback, although the parameter holds the image that was gone back from', async () => {
    const two = setTwo();
    await deploy(two, {}, 'one');
    await two[0].wait(60);
    two[0].publishImage(BAD_IMAGE);
    await deploy(two, EVENT, 'two');
    await deploy(two, { rollbackTo: 'previous' }, 'back');
    expect(two.map((each) => current(each).imageId)).toEqual([OLD_IMAGE, OLD_IMAGE]);
  });

  it('gets what the first one runs, although the parameter holds a newer one by then', async () => {
    const two = setTwo();
    await deploy(two, {}, 'one');
    two[0].publishImage(BAD_IMAGE);
    two[0].whenEntering('Watch the new hosts', () => two[0].publishImage(MENDED_IMAGE));
    await deploy(two, { amiId: BAD_IMAGE }, 'two');
    expect(two.map((each) => current(each).imageId)).toEqual([BAD_IMAGE, BAD_IMAGE]);
  });

  it('is given no image by name that the first one does not run', async () => {
    const two = setTwo();
    await deploy(two, {}, 'one');
    two[0].world.ec2.addImage({ imageId: BAD_IMAGE });
    expect((await two[1].deploy({ amiId: BAD_IMAGE }, 'other')).error).toBe('ImageUnusable');
  });
});
