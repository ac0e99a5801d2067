/**
 * Pins a version: by its SHA-256, as S3 has computed it, or else as it is computed here. What the uploader's metadata
 * claims is compared with that; it is only believed of what is too large to be read, which hosts compare as well.
 */

import type { Artifacts, ArtifactVersion } from '../../ports/s3.ts';
import { LARGEST_DIGEST_BYTES, type PinnedArtifact } from '../core/artifact.ts';
import { DeploymentError } from '../core/errors.ts';

/** Why no host could unpack it, and what to do; nothing: it can be read. S3 tells this without being asked to read. */
export function unreadable(
  bucket: string,
  { key, versionId, sizeBytes, archive }: ArtifactVersion,
): string | undefined {
  const name = `s3://${bucket}/${key} version ${versionId}`;
  if (sizeBytes === 0)
    return `${name} is empty (0 bytes): its upload wrote nothing. Upload the tarball again.`;
  if (archive?.isRestoring)
    return `${name} is still being restored from ${archive.name}. Start again when S3 has restored it, or upload it again.`;
  return (
    archive &&
    `${name} is archived (${archive.name}): no host can read it. Restore it (aws s3api restore-object --bucket ${bucket} ` +
      `--key ${key} --version-id ${versionId} --restore-request Days=7) and start again when S3 has done so, or upload it ` +
      'again; and take artifacts out of the lifecycle rule that archives them.'
  );
}

/** @throws ArtifactUnusable */
export function assertReadable(bucket: string, found: ArtifactVersion): void {
  const why = unreadable(bucket, found);
  if (why) throw new DeploymentError('ArtifactUnusable', why);
}

/** @throws ArtifactUnusable when no host could read it, or it is too large to compute a missing checksum. */
export async function pin(
  artifacts: Artifacts,
  bucket: string,
  found: ArtifactVersion,
): Promise<PinnedArtifact> {
  assertReadable(bucket, found);
  const { key, versionId, sizeBytes } = found;
  const known = found.sha256 ?? (sizeBytes > LARGEST_DIGEST_BYTES ? found.claimed : undefined);
  if (known) return { key, versionId, sizeBytes, sha256: known };
  if (sizeBytes > LARGEST_DIGEST_BYTES) {
    throw new DeploymentError(
      'ArtifactUnusable',
      `s3://${bucket}/${key} has ${sizeBytes} bytes and no SHA-256 of the whole object. Upload it again with its digest as metadata: --metadata sha256=$(sha256sum FILE | cut -d' ' -f1).`,
    );
  }
  const sha256 = await artifacts.digest(bucket, key, versionId);
  if (found.claimed === undefined || found.claimed === sha256) return { key, versionId, sizeBytes, sha256 };
  throw new DeploymentError(
    'ArtifactUnusable',
    `s3://${bucket}/${key} version ${versionId} has the SHA-256 ${sha256}, and its metadata says ${found.claimed}. Find out ` +
      'who uploaded it, and upload what is meant again.',
  );
}
