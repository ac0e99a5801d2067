/** From names of files to what cannot change under us: the newest versions, or those of an earlier release. */

import type { Ports } from '../../ports/ports.ts';
import type { Artifacts } from '../../ports/s3.ts';
import type { PinnedArtifact, PinnedRuntime, ReleasedArtifact } from '../core/artifact.ts';
import type { Deployment } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { assertReadable, pin } from './pin.ts';
import { type CurrentRelease, foundArtifact, isFreshUpload } from './release-choice.ts';

export interface Files {
  readonly artifact: ReleasedArtifact;
  readonly runtimes: PinnedRuntime[];
  /** The newest version of the application artifact; of an earlier release it does not matter. */
  readonly newestVersionId?: string;
}

/** Of a release that is an image. */
const NO_FILES: Files = { artifact: null, runtimes: [] };

/** The version asked for, or the newest; with the newest runtimes. @throws ArtifactNotFound, ArtifactUnusable */
export async function newestFiles(
  deployment: Pick<Deployment, 'fleet' | 'input' | 'execution'>,
  { artifacts, clock }: Pick<Ports, 'artifacts' | 'clock'>,
): Promise<Files> {
  const { fleet, input } = deployment;
  const { bucket, key } = fleet.artifact;
  if (key === undefined) return NO_FILES;
  const isFresh = isFreshUpload(deployment, clock.now());
  const find = async (name: string, versionId?: string) => {
    const found = await artifacts.find(bucket, name, versionId);
    return foundArtifact(bucket, name, versionId, found, isFresh && name === key);
  };
  const newest = find(key);
  const asked = input.versionId ? find(key, input.versionId) : newest;
  const [{ versionId: newestVersionId }, artifact, ...runtimes] = await Promise.all([
    newest,
    asked.then((found) => pin(artifacts, bucket, found)),
    ...fleet.runtimes.map(async (runtime) => ({
      ...(await pin(artifacts, bucket, await find(runtime.key))),
      directory: runtime.directory,
    })),
  ]);
  return { artifact, runtimes, newestVersionId };
}

/** Those of an earlier release, if they are all still what they were. @throws ArtifactNotFound, ArtifactUnusable */
export async function recordedFiles(
  fleet: Fleet,
  { artifact, runtimes }: Pick<CurrentRelease, 'artifact' | 'runtimes'>,
  artifacts: Artifacts,
): Promise<Files> {
  const { bucket } = fleet.artifact;
  if (artifact === null) return NO_FILES;
  const checked = await Promise.all([artifact, ...runtimes].map((file) => sameAs(file, bucket, artifacts)));
  return {
    artifact: checked[0] ?? artifact,
    runtimes: runtimes.map((runtime, index) => ({ ...runtime, ...checked[index + 1] })),
  };
}

async function sameAs(
  recorded: PinnedArtifact,
  bucket: string,
  artifacts: Artifacts,
): Promise<PinnedArtifact> {
  const { key, versionId, sha256 } = recorded;
  const found = foundArtifact(bucket, key, versionId, await artifacts.find(bucket, key, versionId));
  assertReadable(bucket, found);
  // A version's bytes never change, and hosts have compared them with the record: they are not read again.
  const now = found.sha256 ?? found.claimed ?? sha256;
  if (now === sha256) return { key, versionId, sizeBytes: found.sizeBytes, sha256 };
  throw new DeploymentError(
    'ArtifactUnusable',
    `s3://${bucket}/${key} (version ${versionId}) has the SHA-256 ${now} now, and had ${sha256} when it was ` +
      'deployed. One of the two records is wrong: deploy a version that you trust.',
  );
}
