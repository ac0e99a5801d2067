/**
 * Attacks on the way from staging to production, each played through the real definitions: by who may put objects under
 * production's key, by CI of staging, by who may build images, by the other account of a promotion.
 */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { currentReleaseKey, promotionKey } from '../../lambdas/domain/core/names.ts';
import type { ExecutionResult } from '../../simulator/run-definition.ts';
import type { Stage } from '../../simulator/stage.ts';
import { type ReleaseFlow, releaseFlow } from '../promotion/release-flow.ts';

const APP = 'reactio-production-app';
const WORKER = 'reactio-production-worker';
const SOAK_SECONDS = 30 * 60;
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

let flow: ReleaseFlow | undefined;
afterEach(() => flow?.close());

/** Staging runs it for long enough, and it is promoted; answers the copy's version. */
async function released(play: ReleaseFlow, content: string, meanwhile = () => {}): Promise<string> {
  await play.stagingDeploys(content);
  await play.staging.wait(SOAK_SECONDS);
  meanwhile();
  const { endedIn, cause } = await play.promote();
  if (endedIn !== 'Promoted') throw new Error(`ended in ${endedIn}: ${cause}`);
  await play.settle();
  return newest(play.app);
}
const set = (): ReleaseFlow => {
  flow = releaseFlow();
  return flow;
};
const newest = ({ world, artifact }: Stage) => world.s3.versions(artifact.bucket, artifact.key)[0] ?? '';
const currentOf = ({ world, fleet }: Stage) =>
  Object(world.s3.readRecord(fleet.artifact.bucket, currentReleaseKey(fleet.name)));
const put = ({ world, artifact }: Stage, content: string, metadata = {}) =>
  world.s3.put(artifact.bucket, artifact.key, content, { metadata }).versionId;
/** What became of the deployments of a fleet since, once nothing runs anymore. */
async function endings(play: ReleaseFlow, stage: Stage): Promise<ExecutionResult[]> {
  await play.settle();
  const own = stage.executions.filter(({ machineName }) => machineName === `irekae-${stage.fleet.name}`);
  return Promise.all(own.map(({ result }) => result));
}
const lastOf = async (play: ReleaseFlow, stage: Stage) => (await endings(play, stage)).at(-1);

describe('Who may put objects under production’s key', () => {
  it('brings no old release back by writing its bytes again', async () => {
    const play = set();
    await released(play, 'with a hole');
    const mended = await released(play, 'mended');
    put(play.app, 'with a hole');
    const refused = await lastOf(play, play.app);
    expect(refused).toMatchObject({ endedIn: 'Nothing was changed', error: 'NotProven' });
    expect(refused?.cause).toContain('a proof is for one upload');
    expect(currentOf(play.app).artifact.versionId).toBe(mended);
  });

  it('brings in no other bytes that are called proven', async () => {
    const play = set();
    const proven = await released(play, 'tested');
    put(play.app, 'not tested', { sha256: sha256('tested') });
    const refused = await lastOf(play, play.app);
    expect(refused).toMatchObject({ endedIn: 'Nothing was changed', error: 'ArtifactUnusable' });
    expect(refused?.cause).toContain(`has the SHA-256 ${sha256('not tested')}, and its metadata says`);
    expect(currentOf(play.app).artifact.versionId).toBe(proven);
  });

  it('has no bytes taken for the copy, whatever they claim, while it is made', async () => {
    const play = set();
    await play.stagingDeploys('tested');
    await play.staging.wait(SOAK_SECONDS);
    // As long as the promoted tarball, and described as that.
    play.app.whenEntering('Copy the artifact', () => {
      put(play.app, 'forged', { sha256: sha256('tested') });
    });
    const result = await play.promote();
    expect(result).toMatchObject({ endedIn: 'Not promoted', error: 'CopyFailed' });
    expect(await endings(play, play.app)).toMatchObject([{ endedIn: 'Nothing was changed' }]);
  });

  it('gains nothing from a promotion that was given up', async () => {
    const play = set();
    await play.stagingDeploys('tested');
    await play.staging.wait(SOAK_SECONDS);
    play.app.whenEntering('Copy the artifact', () => {
      put(play.app, 'somebody’s');
    });
    expect(await play.promote()).toMatchObject({ error: 'CopyFailed' });
    await play.settle();
    put(play.app, 'tested');
    expect(await lastOf(play, play.app)).toMatchObject({ error: 'NotProven' });
  });

  it('gains nothing, hours later, from a promotion that was stopped', async () => {
    const play = set();
    await play.stagingDeploys('tested');
    await play.staging.wait(SOAK_SECONDS);
    const { app } = play;
    app.whenEntering('Copy the artifact', () => app.executions.at(-1)?.stop());
    expect((await play.promote()).status).toBe('ABORTED');
    await app.wait(3_601);
    put(app, 'tested');
    expect(await lastOf(play, app)).toMatchObject({ error: 'NotProven' });
  });

  it('brings in no runtime that was not tested with it', async () => {
    const play = set();
    const { world, fleet } = play.app;
    const [runtime] = fleet.runtimes;
    world.s3.put(fleet.artifact.bucket, runtime?.key ?? '', 'a runtime with a back door');
    await play.stagingDeploys('tested');
    await play.staging.wait(SOAK_SECONDS);
    expect((await play.promote()).endedIn).toBe('Promoted');
    const refused = await lastOf(play, play.app);
    expect(refused).toMatchObject({ endedIn: 'Nothing was changed', error: 'NotProven' });
    expect(refused?.cause).toContain(`was not tested with it in ${runtime?.directory}`);
  });
});

describe('What was proven stays proven', () => {
  it('for a rollback to it, also when its bytes were promoted again since', async () => {
    const play = set();
    const first = await released(play, 'one');
    await released(play, 'two');
    await play.staging.deploy({ rollbackTo: 'deployment-1' });
    await play.staging.wait(SOAK_SECONDS);
    expect((await play.promote()).endedIn).toBe('Promoted');
    await play.settle();
    expect(newest(play.app)).not.toBe(first);
    expect(await play.app.deploy({ versionId: first })).toMatchObject({ endedIn: 'Deployed' });
  });

  it('with the runtime that was tested since, once it is promoted again', async () => {
    const play = set();
    await released(play, 'one');
    for (const { world, fleet } of [play.staging, play.app])
      for (const { key } of fleet.runtimes) world.s3.put(fleet.artifact.bucket, key, 'a newer Perl');
    expect(await play.app.deploy({})).toMatchObject({ error: 'NotProven' });
    await play.staging.deploy({});
    await play.staging.wait(SOAK_SECONDS);
    expect((await play.promote()).endedIn).toBe('Promoted');
    expect(await lastOf(play, play.app)).toMatchObject({ endedIn: 'Deployed' });
  });
});

describe('A promotion that feeds two fleets', () => {
  it('of which one lacks its proof deploys the other, and not that one', async () => {
    const play = set();
    const { s3 } = play.app.world;
    const { bucket } = play.app.fleet.artifact;
    play.app.whenEntering('Record the promotion', () => {
      // As if its writing had been lost: the worker follows the application, minutes later.
      void play.app.clock.sleep(30).then(() => {
        const digest = sha256('one');
        s3.delete(bucket, promotionKey(WORKER, digest));
        s3.delete(bucket, promotionKey(WORKER, digest, newest(play.app)));
      });
    });
    await released(play, 'one');
    expect(await endings(play, play.app)).toMatchObject([{ endedIn: 'Deployed' }]);
    const [worker, ...others] = await endings(play, play.worker);
    expect(others).toEqual([]);
    expect(worker).toMatchObject({ endedIn: 'Nothing was changed', error: 'NotProven' });
    expect(worker?.cause).toContain(`was not promoted to ${WORKER}`);
    // The proof of the one is none for the other, wherever somebody might put it.
    const digest = sha256('one');
    const proof = s3.readRecord(bucket, promotionKey(APP, digest));
    s3.writeRecord(bucket, promotionKey(WORKER, digest, newest(play.app)), proof);
    expect(await play.worker.deploy({})).toMatchObject({ error: 'NotProven' });
    // Promoted again, it is proven for both.
    expect((await play.promote()).endedIn).toBe('Promoted');
    expect(await lastOf(play, play.worker)).toMatchObject({ endedIn: 'Deployed' });
  });
});

describe('An image that was not tested', () => {
  /** Built after staging was deployed: production takes the newest by itself. */
  const onNewerImage = (play: ReleaseFlow) =>
    released(play, 'one', () => play.app.addImage('ami-0aaaaaaaaaaaaaaaa', play.app.clock.now()));

  it('is told in plan, sentence and record, where the fleet takes the newest of its kind', async () => {
    const play = set();
    await onNewerImage(play);
    const tested = currentOf(play.staging).imageId;
    const told = `on ami-0aaaaaaaaaaaaaaaa, although it was tested on ${tested}`;
    const record = currentOf(play.app);
    expect(record).toMatchObject({ imageId: 'ami-0aaaaaaaaaaaaaaaa', testedImage: tested });
    expect(record.reason).toContain(told);
    const { output } = await play.app.deploy({ dryRun: true, redeploy: true });
    expect(output).toMatchObject({
      reason: expect.stringContaining(told),
      release: { imageId: 'ami-0aaaaaaaaaaaaaaaa', testedImage: tested },
    });
  });

  it('is refused where the fleet demands the tested one, but not a copy of it', async () => {
    const play = set();
    for (const stage of [play.app, play.worker]) stage.configure({ wantsTestedImage: true });
    await onNewerImage(play);
    const refused = await lastOf(play, play.app);
    expect(refused).toMatchObject({ endedIn: 'Nothing was changed', error: 'NotProven' });
    expect(refused?.cause).toContain('accepts only the tested image (promotion.testedImage)');
    const { imageId: copyOf } = currentOf(play.staging);
    const copy = play.app.addImage('ami-0cccccccccccccccc', play.app.clock.now());
    play.app.world.ec2.addImage({ ...copy, imageId: 'ami-0dddddddddddddddd', copyOf });
    expect(await play.app.deploy({ amiId: 'ami-0cccccccccccccccc' })).toMatchObject({ error: 'NotProven' });
    expect(await play.app.deploy({ amiId: 'ami-0dddddddddddddddd' })).toMatchObject({ endedIn: 'Deployed' });
    expect(currentOf(play.app)).toMatchObject({ imageCopyOf: copyOf });
    expect(currentOf(play.app)).not.toHaveProperty('testedImage');
  });
});
