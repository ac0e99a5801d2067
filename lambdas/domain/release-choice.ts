/** Is this release wanted: to be deployed, superseded by a newer upload, or what the fleet runs already? */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { ArtifactVersion } from '../clients/ports.ts';
import type { ReleaseBefore, ResolvedRelease } from './deployment.ts';
import { DeploymentError } from './errors.ts';
import type { Fleet } from './fleet.ts';
import type { DeploymentInput } from './input.ts';
import { PinnedArtifact, PinnedRuntime } from './release.ts';
import { plain } from './words.ts';

/** What `irekae/<fleet>/current.json` says that the fleet runs. Unknown fields are welcome. */
const CurrentRelease = v.object({
  /** Of a deployment that stopped halfway it is not known what the fleet runs. */
  outcome: v.literal('Deployed'),
  deployment: v.string(),
  artifact: PinnedArtifact,
  runtimes: v.array(PinnedRuntime),
  imageId: v.string(),
  instanceTypes: v.optional(v.record(v.string(), v.number())),
  recipe: v.string(),
});
export type CurrentRelease = v.InferOutput<typeof CurrentRelease>;

/**
 * `undefined` for a fleet that was never deployed, or whose hosts are of unknown release since a deployment ended
 * badly. A record that cannot be read is treated alike: deploying is safe.
 */
export function parseCurrentRelease(record: unknown): CurrentRelease | undefined {
  const parsed = v.safeParse(CurrentRelease, record);
  return parsed.success ? parsed.output : undefined;
}

/** Of what the fleet runs, what a reader compares the new release with. */
export function releaseBefore(current: CurrentRelease | undefined): ReleaseBefore | undefined {
  if (!current) return undefined;
  const { deployment, artifact, runtimes, imageId, instanceTypes } = current;
  return {
    deployment,
    versionId: artifact.versionId,
    runtimes: runtimes.map(({ key, versionId }) => ({ key, versionId })),
    imageId,
    ...(instanceTypes && { instanceTypes }),
  };
}

/** A digest of what the fleet file says about how hosts are made: a changed start command is another release. */
export function recipe(fleet: Fleet): string {
  const { startCommand, runtimes, launchTemplate, instanceTypes, subnets, instancesPerZone, tags, mackerel } =
    fleet;
  const parts = {
    startCommand,
    runtimes,
    launchTemplate,
    instanceTypes,
    subnets,
    instancesPerZone,
    tags,
    mackerel,
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** @throws InvalidInput when the input names a bucket or key that is not the fleet's. */
export function refuseForeignKey(fleet: Fleet, input: DeploymentInput): void {
  const { bucket, key } = fleet.artifact;
  const foreignBucket = input.bucket !== undefined && input.bucket !== bucket;
  if (!foreignBucket && (input.key === undefined || input.key === key)) return;
  throw new DeploymentError(
    'InvalidInput',
    `${fleet.name} deploys s3://${bucket}/${key} only, but the input names s3://${plain(input.bucket ?? bucket)}/${plain(input.key ?? key)}. ` +
      'Leave bucket and key out, or start the fleet that they belong to.',
  );
}

/** @throws ArtifactNotFound */
export function foundArtifact(
  bucket: string,
  key: string,
  versionId: string | undefined,
  found: ArtifactVersion | undefined,
): ArtifactVersion {
  if (found) return found;
  throw new DeploymentError(
    'ArtifactNotFound',
    versionId
      ? `s3://${bucket}/${key} has no version ${versionId}. \`aws s3api list-object-versions --bucket ${bucket} --prefix ${key}\` shows those it has.`
      : `s3://${bucket}/${key} does not exist. Upload the tarball; the upload starts the deployment.`,
  );
}

export interface ReleaseFacts {
  readonly artifact: PinnedArtifact;
  readonly runtimes: readonly PinnedRuntime[];
  readonly imageId: string;
  /** The newest version of the application artifact. */
  readonly newestVersionId: string;
  readonly current: CurrentRelease | undefined;
}

export function decideRelease(
  fleet: Fleet,
  input: DeploymentInput,
  facts: ReleaseFacts,
): Pick<ResolvedRelease, 'verdict' | 'reason'> {
  const { artifact, newestVersionId, current } = facts;
  const name = `${artifact.key} version ${artifact.versionId}`;
  if (input.upload && artifact.versionId !== newestVersionId) {
    return {
      verdict: 'superseded',
      reason: `${name} was superseded by version ${newestVersionId} before its deployment began`,
    };
  }
  if (!input.redeploy && !input.dryRun && current && runsAlready(fleet, facts, current)) {
    return {
      verdict: 'already-deployed',
      reason: `${fleet.name} runs ${name} on ${facts.imageId} since deployment ${current.deployment}; give {"redeploy": true} to replace its hosts anyway`,
    };
  }
  return {
    verdict: 'deploy',
    reason: `${name}, ${artifact.sizeBytes} bytes, SHA-256 ${artifact.sha256.slice(0, 12)}…`,
  };
}

function runsAlready(
  fleet: Fleet,
  { artifact, runtimes, imageId }: ReleaseFacts,
  current: CurrentRelease,
): boolean {
  const versions = (artifacts: readonly { key: string; versionId: string }[]) =>
    artifacts.map(({ key, versionId }) => `${key}@${versionId}`).join(' ');
  return (
    current.artifact.versionId === artifact.versionId &&
    versions(current.runtimes) === versions(runtimes) &&
    current.imageId === imageId &&
    current.recipe === recipe(fleet)
  );
}
