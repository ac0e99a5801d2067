/**
 * State *Resolve the release*: the artifact's version and checksum, those of the runtimes, and whether this release is
 * wanted at all. Only reads.
 */
import { liveArtifacts } from './clients/artifacts.ts';
import { lambdaHandler } from './clients/handler.ts';
import { pin } from './clients/pin.ts';
import type { Ports } from './clients/ports.ts';
import type { ResolvedRelease } from './domain/deployment.ts';
import { currentReleaseKey } from './domain/fleet.ts';
import {
  decideRelease,
  foundArtifact,
  parseCurrentRelease,
  refuseForeignKey,
} from './domain/release-choice.ts';
import { defineStep } from './domain/step.ts';

export const resolveTheRelease = defineStep(
  'resolve-the-release',
  ['image'],
  async ({ fleet, input, image }, { artifacts }: Pick<Ports, 'artifacts'>): Promise<ResolvedRelease> => {
    refuseForeignKey(fleet, input);
    const { bucket, key } = fleet.artifact;
    const find = async (key: string, versionId?: string) =>
      foundArtifact(bucket, key, versionId, await artifacts.find(bucket, key, versionId));
    const [newest, asked, current, ...runtimes] = await Promise.all([
      find(key),
      input.versionId ? find(key, input.versionId) : undefined,
      artifacts.readRecord(bucket, currentReleaseKey(fleet.name)).then(parseCurrentRelease),
      ...fleet.runtimes.map(async ({ key, directory }) => ({
        ...(await pin(artifacts, bucket, await find(key))),
        directory,
      })),
    ]);
    const artifact = await pin(artifacts, bucket, asked ?? newest);
    const decision = decideRelease(fleet, input, {
      artifact,
      runtimes,
      imageId: image.imageId,
      newestVersionId: newest.versionId,
      current,
    });
    return { ...decision, dryRun: input.dryRun ?? false, artifact, runtimes };
  },
);

export const handler = lambdaHandler(resolveTheRelease, () => ({ artifacts: liveArtifacts() }));
