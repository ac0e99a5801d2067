/**
 * The proof of a promotion that was not played: most stages have no source to promote from, and their uploads should be
 * deployed anyway.
 */

import { createHash } from 'node:crypto';
import type { Fleet } from '../lambdas/domain/core/fleet.ts';
import { promotionKey } from '../lambdas/domain/core/names.ts';
import type { Proof } from '../lambdas/domain/promotion/proof.ts';
import type { S3Model } from './world/s3.ts';

/** Longer than any of these worlds lasts. */
const PROVEN_SECONDS = 90 * 86_400;

/** For the fleet and for those that follow it, with the runtimes that they have; none for a fleet that requires no proof. */
export function writeProofs(
  s3: S3Model,
  { name, environment, artifact, wantsProvenance, followers, runtimes }: Fleet,
  content: Uint8Array | string,
  now: Date,
): void {
  if (!wantsProvenance) return;
  const sha256 = createHash('sha256').update(content).digest('hex');
  const tested = {
    runtimes: runtimes.flatMap(({ key, directory }) => {
      const found = s3.find(artifact.bucket, key);
      return found ? [{ directory, sha256: s3.digest(artifact.bucket, key, found.versionId) }] : [];
    }),
  };
  for (const fleet of [name, ...followers]) {
    const proof: Proof = {
      fleet,
      sha256,
      key: artifact.key ?? '',
      until: new Date(now.getTime() + PROVEN_SECONDS * 1_000).toISOString(),
      tested,
      from: {
        fleet: 'elsewhere',
        environment,
        bucket: 'elsewhere',
        key: artifact.key ?? '',
        versionId: 'elsewhere',
        deployment: 'elsewhere',
      },
      promotedAt: now.toISOString(),
      promotedBy: 'the stage',
      execution: 'none',
    };
    s3.writeRecord(artifact.bucket, promotionKey(fleet, sha256), proof);
  }
}
