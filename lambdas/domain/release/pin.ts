/** Pins a version: by its SHA-256, which is computed here when neither S3 nor the uploader knows it. */

import type { Artifacts, ArtifactVersion } from '../../ports/s3.ts';
import { LARGEST_DIGEST_BYTES, type PinnedArtifact } from '../core/artifact.ts';
import { DeploymentError } from '../core/errors.ts';

/** @throws ArtifactUnusable when it is too large to compute a missing checksum. */
export async function pin(
  artifacts: Artifacts,
  bucket: string,
  found: ArtifactVersion,
): Promise<PinnedArtifact> {
  const { key, versionId, sizeBytes } = found;
  if (found.sha256) return { key, versionId, sizeBytes, sha256: found.sha256 };
  if (sizeBytes > LARGEST_DIGEST_BYTES) {
    throw new DeploymentError(
      'ArtifactUnusable',
      `s3://${bucket}/${key} has ${sizeBytes} bytes and no SHA-256 of the whole object. Upload it again with its digest as metadata: --metadata sha256=$(sha256sum FILE | cut -d' ' -f1).`,
    );
  }
  return { key, versionId, sizeBytes, sha256: await artifacts.digest(bucket, key, versionId) };
}
