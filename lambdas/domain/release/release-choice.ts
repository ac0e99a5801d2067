/** Is this release wanted: to be deployed, superseded by a newer upload, what the fleet runs already, or none at all? */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { ArtifactVersion } from '../../ports/s3.ts';
import { PinnedRuntime, ReleasedArtifact, releaseName } from '../core/artifact.ts';
import type { Deployment, ReleaseBefore, ResolvedImage, ResolvedRelease } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { type Fleet, imageIsRelease } from '../core/fleet.ts';
import type { DeploymentInput } from '../core/input.ts';
import { Starts } from '../core/starts.ts';
import { list, plain, secondsBetween } from '../core/words.ts';

/** What `irekae/<fleet>/current.json` says that the fleet runs. Unknown fields are welcome. */
const CurrentRelease = v.object({
  /** Of a deployment that stopped halfway it is not known what the fleet runs. */
  outcome: v.literal('Deployed'),
  deployment: v.string(),
  artifact: ReleasedArtifact,
  runtimes: v.array(PinnedRuntime),
  imageId: v.string(),
  instanceTypes: v.optional(v.record(v.string(), v.number())),
  /** When EC2 made the image; records of before do not say. */
  imageCreatedAt: v.optional(v.string()),
  recipe: v.string(),
  /** The deployment whose release ran before this one. */
  previous: v.optional(v.string()),
  /** Of a release that was gone back to: the newest version of the artifact, or the image, of that moment. */
  leftBehind: v.optional(v.string()),
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

/** Whatever became of the deployment whose record it is, its hosts took so long. */
const LastStarts = v.object({ fleet: v.string(), recipe: v.string(), starts: Starts });

/** Another fleet's, those of hosts that were made otherwise, of other types, or what is no such list: none. */
export function startsIn(record: unknown, fleet: Fleet): Starts | undefined {
  const { success, output } = v.safeParse(LastStarts, record);
  if (!success || output.fleet !== fleet.name || output.recipe !== recipe(fleet)) return undefined;
  const known = Object.entries(output.starts).filter(([type]) => fleet.instanceTypes.includes(type));
  return known.length > 0 ? Object.fromEntries(known) : undefined;
}

/** Of what the fleet runs, what a reader compares the new release with. */
export function releaseBefore(current: CurrentRelease | undefined): ReleaseBefore | undefined {
  if (!current) return undefined;
  const { deployment, artifact, runtimes, imageId, instanceTypes } = current;
  return {
    deployment,
    ...(artifact && { versionId: artifact.versionId }),
    runtimes: runtimes.map(({ key, versionId }) => ({ key, versionId })),
    imageId,
    ...(instanceTypes && { instanceTypes }),
  };
}

/** How hosts are made. In this order: the digest of a release from before is compared, too. */
const MADE_BY = [
  'startCommand',
  'runtimes',
  'launchTemplate',
  'instanceTypes',
  'subnets',
  'instancesPerZone',
  'tags',
  'mackerel',
  // JSON leaves it out where there is none, so that the digest stays that of before it could be said.
  'httpProxy',
] as const satisfies readonly (keyof Fleet)[];

/** A digest of what the fleet file says about how hosts are made: a changed start command is another release. */
export function recipe(fleet: Fleet): string {
  const parts = Object.fromEntries(MADE_BY.map((field) => [field, fleet[field]]));
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** With the very version of a given launch template: what is launched from another one is made otherwise. */
export const launchedFrom = (
  fleet: Fleet,
  image: Pick<ResolvedImage, 'templateVersion'> | undefined,
): Fleet =>
  image?.templateVersion === undefined
    ? fleet
    : { ...fleet, launchTemplate: { ...fleet.launchTemplate, version: image.templateVersion } };

/** @throws InvalidInput when the input names a bucket or key that is not the fleet's. */
export function assertOwnKey(fleet: Fleet, input: DeploymentInput): void {
  const { bucket, key } = fleet.artifact;
  if (key === undefined) {
    assertNoArtifact(fleet, input);
    return;
  }
  const foreignBucket = input.bucket !== undefined && input.bucket !== bucket;
  if (!foreignBucket && (input.key === undefined || input.key === key)) return;
  throw new DeploymentError(
    'InvalidInput',
    `${fleet.name} deploys s3://${bucket}/${key} only, but the input names s3://${plain(input.bucket ?? bucket)}/${plain(input.key ?? key)}. ` +
      'Leave bucket and key out, or start the fleet that they belong to.',
  );
}

/** All that names an artifact, or a version of one. */
const OF_ARTIFACTS = ['bucket', 'key', 'versionId', 'upload'] as const;

function assertNoArtifact({ name }: Fleet, input: DeploymentInput): void {
  const given = OF_ARTIFACTS.filter((field) => input[field] !== undefined);
  if (given.length === 0) return;
  throw new DeploymentError(
    'InvalidInput',
    `${name} has no artifact: its machine image is the release, but the input says ${list(given)}. Start with ` +
      '{"amiId": "…"}, or {} for the newest image.',
  );
}

/** @throws ArtifactNotFound */
export function foundArtifact(
  bucket: string,
  key: string,
  versionId: string | undefined,
  found: ArtifactVersion | undefined,
  isFresh = false,
): ArtifactVersion {
  if (found) return found;
  if (isFresh)
    throw new DeploymentError(
      'ServiceUnavailable',
      `S3 does not show s3://${bucket}/${key} yet, although its event says that it was uploaded. In the first quarter of ` +
        'an hour of a new bucket, S3 may take its time. It is looked for again.',
    );
  throw new DeploymentError(
    'ArtifactNotFound',
    versionId
      ? `s3://${bucket}/${key} has no version ${versionId}. \`aws s3api list-object-versions --bucket ${bucket} --prefix ${key}\` shows those it has.`
      : `s3://${bucket}/${key} does not exist. Upload the tarball; the upload starts the deployment.`,
  );
}

/** How long the event of an upload is believed more than S3's answer: less than the retries of a step take. */
const FRESH_SECONDS = 90;

/** Was this deployment started just now by an upload? */
export const isFreshUpload = (
  { input, execution }: Pick<Deployment, 'input' | 'execution'>,
  now: Date,
): boolean => input.upload !== undefined && secondsBetween(execution.startedAt, now) < FRESH_SECONDS;

export interface ReleaseFacts {
  readonly artifact: ReleasedArtifact;
  readonly runtimes: readonly PinnedRuntime[];
  readonly imageId: string;
  /** The newest version of the application artifact; asked for only when it is what counts. */
  readonly newestVersionId?: string | undefined;
  /** The deployment that it goes back to. */
  readonly rollbackTo?: string | undefined;
  readonly current: CurrentRelease | undefined;
}

export function decideRelease(
  fleet: Fleet,
  input: DeploymentInput,
  facts: ReleaseFacts,
): Pick<ResolvedRelease, 'verdict' | 'reason'> {
  const { artifact, newestVersionId, current, rollbackTo } = facts;
  const name = releaseName(artifact, facts.imageId);
  if (input.upload && artifact && newestVersionId && artifact.versionId !== newestVersionId) {
    return {
      verdict: 'superseded',
      reason: `${name} was superseded by version ${newestVersionId} before its deployment began`,
    };
  }
  if (input.newImage && !artifact && current?.leftBehind === facts.imageId) {
    return {
      verdict: 'superseded',
      reason: `${name} already existed when ${fleet.name} was rolled back to an earlier release, in ${current.deployment}; start with {"amiId": "${facts.imageId}"} to deploy it`,
    };
  }
  if (input.upload && artifact && current?.leftBehind === artifact.versionId) {
    return {
      verdict: 'superseded',
      reason: `${name} already existed when ${fleet.name} was rolled back to an earlier release, in ${current.deployment}; upload it again, or start with {"versionId": "${artifact.versionId}"}, to deploy it`,
    };
  }
  // A rollback to what runs is refused, by a gate.
  const mayBeDone = !input.redeploy && !input.dryRun && rollbackTo === undefined;
  if (mayBeDone && current && runsAlready(fleet, facts, current)) {
    return {
      verdict: 'already-deployed',
      reason: `${fleet.name} runs ${name}${artifact ? ` on ${facts.imageId}` : ''} since deployment ${current.deployment}; give {"redeploy": true} to replace its hosts anyway`,
    };
  }
  const why = [
    rollbackTo === undefined ? '' : `back to the release of ${rollbackTo}: `,
    input.newImage && artifact && current
      ? `what runs since ${current.deployment}, on the new image ${facts.imageId}: `
      : '',
  ];
  return {
    verdict: 'deploy',
    reason: `${why.join('')}${name}${artifact ? `, ${artifact.sizeBytes} bytes, SHA-256 ${artifact.sha256.slice(0, 12)}…` : ''}`,
  };
}

/** Is this the very release that runs, made as the fleet file says today? */
export function runsAlready(fleet: Fleet, facts: ReleaseFacts, current: CurrentRelease): boolean {
  return sameFiles(facts, current) && current.imageId === facts.imageId && current.recipe === recipe(fleet);
}

type Files = Pick<CurrentRelease, 'artifact' | 'runtimes'>;

/** The same versions of the same files? */
export function sameFiles(
  one: { readonly [K in keyof Files]: Readonly<Files[K]> },
  other: { readonly [K in keyof Files]: Readonly<Files[K]> },
): boolean {
  const versions = ({ artifact, runtimes }: typeof one) =>
    [...(artifact ? [artifact] : []), ...runtimes]
      .map(({ key, versionId }) => `${key}@${versionId}`)
      .join(' ');
  return versions(one) === versions(other);
}

/**
 * Why a new image is nothing to deploy: nothing runs that could be put on it, or what runs is on it already. An image
 * that is older is no news either: the event of another fleet's image has made us look.
 */
export function nothingToRedeploy(
  fleet: Fleet,
  image: { readonly imageId: string; readonly createdAt?: string | undefined },
  current: CurrentRelease | undefined,
): string | undefined {
  const { name } = fleet;
  // Without an artifact the image itself is what is to be deployed, be it the first, or instead of an artifact.
  if (imageIsRelease(fleet) && !(current && current.artifact === null)) return undefined;
  if (!current)
    return `no release of ${name} is on record as running: there is nothing to redeploy on a new image`;
  if (!imageIsRelease(fleet) && current.artifact === null)
    return `${name} runs image ${current.imageId} since ${current.deployment}, which holds its application, and has an artifact by now: its first upload is deployed on the new image`;
  const { imageId, imageCreatedAt, deployment } = current;
  if (imageId === image.imageId)
    return `${name} runs on ${imageId} since ${deployment}, and this is the newest image of its kind`;
  return Date.parse(image.createdAt ?? '') < Date.parse(imageCreatedAt ?? '')
    ? `the newest image of its kind, ${image.imageId}, is older than ${imageId}, on which ${name} runs since ${deployment}`
    : undefined;
}

/** Whose release ran before the one that runs after this deployment. */
export function previousDeployment(
  fleet: Fleet,
  facts: ReleaseFacts,
  target: CurrentRelease | undefined,
  ranBefore: string | undefined,
): string | undefined {
  if (target) return target.previous;
  const { current } = facts;
  return current && runsAlready(fleet, facts, current) ? current.previous : ranBefore;
}
