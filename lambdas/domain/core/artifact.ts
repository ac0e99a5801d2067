/** What a fleet shall run: pinned artifacts and a machine image. */
import * as v from 'valibot';

/** Up to this size a deployment computes a missing checksum itself, within the time limit of its step. */
export const LARGEST_DIGEST_BYTES = 4 * 1024 ** 3;

/** A tarball in S3 that cannot change under us. */
export const PinnedArtifact = v.strictObject({
  key: v.string(),
  versionId: v.string(),
  /** Hex, 64 digits: checked on the host before anything is unpacked. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  sizeBytes: v.number(),
});
export type PinnedArtifact = v.InferOutput<typeof PinnedArtifact>;

/**
 * Of a release: its artifact, or `null` where the machine image is the release. Never absent, so that nobody takes a
 * record that says nothing for one of an image.
 */
export const ReleasedArtifact = v.nullable(PinnedArtifact);
export type ReleasedArtifact = v.InferOutput<typeof ReleasedArtifact>;

/** As sentences call a release: by its artifact, or its image. */
export const releaseName = (artifact: Pick<PinnedArtifact, 'key' | 'versionId'> | null, imageId: string) =>
  artifact ? `${artifact.key} version ${artifact.versionId}` : `image ${imageId}`;

/** What tells one release from the next: the version of its artifact, or its image; nothing where nobody says which. */
export const releaseId = ({
  artifact,
  imageId,
}: {
  readonly artifact?: Pick<PinnedArtifact, 'versionId'> | null | undefined;
  readonly imageId?: string | undefined;
}): string | undefined => (artifact === null ? imageId : artifact?.versionId);

/** A runtime rides along with the application: the Perl of 2015. */
export const PinnedRuntime = v.strictObject({ ...PinnedArtifact.entries, directory: v.string() });
export type PinnedRuntime = v.InferOutput<typeof PinnedRuntime>;
