/** The first upload into a bucket that was made just now: its event comes, and S3 does not show it yet. */
import { afterEach, describe, expect, it } from 'vitest';
import { Stage } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

const FLEET = 'reactio-production-app';

/** As the upload rule starts it, in a bucket that shows what was uploaded so many seconds later. */
function upload(seconds: number) {
  stage = new Stage({ template: synthesize(), fleet: FLEET, seed: 5 });
  const { bucket, key } = stage.artifact;
  stage.world.s3.showLate(bucket, key, seconds);
  const versionId = stage.upload();
  return { set: stage, input: { bucket, key, versionId, upload: { eventId: 'e-1', requester: 'ci' } } };
}

describe('The first upload into a new bucket', () => {
  it.each([5, 60])('that S3 shows %i s late is waited for, and deployed', async (seconds) => {
    const { set, input } = upload(seconds);
    expect(await set.deploy(input)).toMatchObject({ endedIn: 'Deployed' });
  });

  it('that S3 shows an hour late is refused by its own name, and nothing was changed', async () => {
    const { set, input } = upload(3_600);
    const before = set.world.view().instances.length;
    expect(await set.deploy(input)).toMatchObject({ status: 'FAILED', error: 'ArtifactNotFound' });
    expect(set.world.view().instances).toHaveLength(before);
    expect(set.world.ledger.read(FLEET)?.held).toBeUndefined();
  });

  it('is not waited for when a person names a version that is not there', async () => {
    const { set, input } = upload(3_600);
    const began = set.clock.now().getTime();
    expect(await set.deploy({ versionId: input.versionId })).toMatchObject({ error: 'ArtifactNotFound' });
    expect(set.clock.now().getTime() - began).toBeLessThan(30_000);
  });
});
