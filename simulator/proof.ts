/** The proof of a promotion, as the promotion itself writes it: for worlds whose past was promoted in good order. */
import { promotionKey } from '../lambdas/domain/fleet.ts';
import type { Stage } from './stage.ts';

/** Uploads to the stage's fleet what its source runs, or would. @returns the version's id */
export function uploadProven(
  stage: Stage,
  content: string | Uint8Array | undefined,
  source: Stage = stage,
): string {
  const { world, clock, fleet } = stage;
  const { bucket, key } = fleet.artifact;
  const versionId = stage.upload(content);
  const sha256 = world.s3.digest(bucket, key, versionId);
  const { name, environment, artifact: origin } = source.fleet;
  const [newest = versionId] = world.s3.versions(origin.bucket, origin.key);
  world.s3.writeRecord(bucket, promotionKey(fleet.name, sha256), {
    fleet: fleet.name,
    sha256,
    key,
    versionId,
    from: { fleet: name, environment, ...origin, versionId: newest, deployment: `of-${newest}` },
    promotedAt: clock.now().toISOString(),
    promotedBy: 'CI',
  });
  return versionId;
}
