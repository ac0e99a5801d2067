/** Is the bucket set up correctly, and is what hosts download present and trustworthy? */

import { LARGEST_DIGEST_BYTES } from '../../../lambdas/domain/core/artifact.ts';
import type { DeploymentError } from '../../../lambdas/domain/core/errors.ts';
import { currentReleaseKey } from '../../../lambdas/domain/core/names.ts';
import { accountedFor } from '../../../lambdas/domain/lock/orphans.ts';
import { unreadable } from '../../../lambdas/domain/release/pin.ts';
import type { BucketSettings } from '../../../lambdas/ports/inspector.ts';
import type { ArtifactVersion } from '../../../lambdas/ports/s3.ts';
import { aws, shell } from '../typed.ts';
import { momentAgo } from '../wording.ts';
import type { Answer } from './answer.ts';
import { type Check, check, decided, type Subject } from './check.ts';
import type { Finding } from './finding.ts';
import { happened } from './mending.ts';

export const checkArtifacts: Check = (facts, subject) => {
  const bucket = checkBucket(facts, subject);
  // Without a bucket, nothing can be in it: there is only one thing to fix.
  const isMissing = facts.bucket.known && facts.bucket.value === undefined;
  const isAway = !facts.bucket.known && isElsewhere(facts.bucket.error);
  if (isMissing || isAway) return bucket;
  return [...bucket, ...application(facts, subject), ...runtimes(facts, subject), ...record(facts, subject)];
};

// ── The bucket ─────────────────────────────────────────────────────────────────────────────────────────────────────

const versions = check('bucket-versioning');

const checkBucket: Check = ({ bucket, stack }, { fleet, region, bucketKey }) => {
  const name = fleet.artifact.bucket;
  if (!bucket.known && isElsewhere(bucket.error)) return [elsewhere(bucket.error, fleet)];
  return versions.given(`the bucket ${name}`, [bucket], (found) => {
    if (found)
      return [
        versioning(name, found, region),
        eventsFinding(name, found, region),
        keyFinding(name, found, bucketKey),
      ];
    // The stack makes it, and the missing stack has its own finding.
    if (stack.known && stack.value === undefined) return [];
    return versions.problem(
      `there is no bucket ${name}`,
      'the fleets file, the environment: correct existingBucket; or restore the bucket that the stack made',
      'ServiceRefused',
    );
  });
};

const isElsewhere = ({ message }: DeploymentError): boolean => message.includes(': the bucket is in ');

const elsewhere = ({ message }: DeploymentError, { environment }: Subject['fleet']): Finding =>
  versions.problem(
    happened(message),
    `the fleets file, the environment ${environment}: correct existingBucket or region`,
    'ServiceRefused',
  );

function versioning(name: string, { versioned }: BucketSettings, region: string): Finding {
  if (versioned) return versions.ok(`${name} keeps versions`);
  const inRegion = aws(region);
  return versions.problem(
    `${name} keeps no versions: an artifact could be overwritten while hosts use it`,
    [
      inRegion`s3api put-bucket-versioning --bucket ${name} --versioning-configuration Status=Enabled`,
      'Then upload the artifacts again: earlier uploads have no version.',
    ],
    'ArtifactUnusable',
  );
}

const events = check('bucket-events');

/** The call replaces the whole notification configuration, so the rest is repeated. */
function eventsFinding(name: string, found: BucketSettings, region: string): Finding {
  if (found.eventBridge) return events.ok(`${name} notifies EventBridge of uploads`);
  const all = JSON.stringify({ ...found.notifications, EventBridgeConfiguration: {} });
  const inRegion = aws(region);
  return events.problem(
    `${name} does not notify EventBridge of uploads: an upload starts nothing`,
    inRegion`s3api put-bucket-notification-configuration --bucket ${name} --notification-configuration ${all}`,
  );
}

const key = check('bucket-key');

/** Who may not use the key can neither read an artifact nor write a record. */
function keyFinding(name: string, { kmsKey: used }: BucketSettings, named: string | undefined): Finding {
  const field = 'the fleets file, the environment: bucketKmsKeyArn';
  if (used === named)
    return key.ok(
      used === undefined
        ? `${name} is encrypted with S3’s or AWS’s own key`
        : `${name} is encrypted with the key that its functions and hosts may use`,
    );
  if (used === undefined)
    return key.warning(
      `${name} is not encrypted with ${named}, which the fleets file names: what was put into it with that key can be read, and new objects have another`,
      `Leave bucketKmsKeyArn out, or set the key as the bucket's default encryption.`,
    );
  return key.problem(
    `${name} is encrypted with ${used}, which neither its functions nor its hosts may use: artifacts cannot be read, and records not written`,
    `${field}: '${used}'`,
    'ServiceRefused',
  );
}

// ── The tarballs in it ─────────────────────────────────────────────────────────────────────────────────────────────

type Tarball = ReturnType<typeof check>;

const artifactCheck = check('artifact');

const application: Check = ({ artifact, now }, { fleet, region }) => {
  const { bucket, key } = fleet.artifact;
  if (key === undefined) return [artifactCheck.ok('none is needed: the machine image is the release')];
  const upload = uploadCommand(bucket, key, region);
  const absent = `nothing has been uploaded to ${key} yet; the upload starts the first deployment`;
  return tarball(artifactCheck, key, artifact, upload, (found) =>
    found
      ? checksum(
          artifactCheck,
          bucket,
          found,
          { upload, region },
          `uploaded ${momentAgo(found.uploadedAt, now)}`,
        )
      : artifactCheck.warning(absent, upload),
  );
};

const runtimesCheck = check('runtimes');

const runtimes: Check = (facts, { fleet: { artifact }, region }) =>
  facts.runtimes.flatMap(({ key, version }) => {
    const upload = uploadCommand(artifact.bucket, key, region);
    const absent = `the runtime ${key} is not in ${artifact.bucket}`;
    return tarball(runtimesCheck, key, version, upload, (found) =>
      found
        ? checksum(runtimesCheck, artifact.bucket, found, { upload, region }, 'is there')
        : runtimesCheck.problem(absent, upload, 'ArtifactNotFound'),
    );
  });

function tarball(
  of: Tarball,
  key: string,
  version: Answer<ArtifactVersion | undefined>,
  upload: string,
  judge: (found: ArtifactVersion | undefined) => Finding,
): readonly Finding[] {
  if (!version.known && version.error.name === 'ArtifactUnusable')
    return [of.problem(happened(version.error.message), upload, version.error.name)];
  return of.given(`the tarball ${key}`, [version], judge);
}

/** To read more than this takes a deployment longer than a look at its hosts. */
const LARGE_BYTES = 256 * 1024 ** 2;

function checksum(
  of: Tarball,
  bucket: string,
  found: ArtifactVersion,
  { upload, region }: { readonly upload: string; readonly region: string },
  what: string,
): Finding {
  const why = unreadable(bucket, found);
  if (why) return of.problem(happened(why), upload, 'ArtifactUnusable');
  const { key, sizeBytes } = found;
  const sha256 = found.sha256 ?? (sizeBytes > LARGEST_DIGEST_BYTES ? found.claimed : undefined);
  if (sha256 !== undefined) return of.ok(`${key} ${what}, SHA-256 ${sha256.slice(0, 12)}…`);
  const without = `${key} has ${Math.round(sizeBytes / 1024 ** 2)} MiB and no checksum that S3 knows`;
  const tooLarge = `${without}, more than a deployment can read to compute one`;
  if (sizeBytes > LARGEST_DIGEST_BYTES) return of.problem(tooLarge, upload, 'ArtifactUnusable');
  return sizeBytes > LARGE_BYTES
    ? of.warning(
        `${without}: each deployment reads it once more to compute one`,
        uploadWithChecksum(bucket, key, region),
      )
    : of.ok(`${key} ${what}; S3 knows no checksum of it, so each deployment computes one`);
}

/** Quoted by hand: the shell computes the digest. */
const uploadCommand = (bucket: string, key: string, region: string): string => {
  const file = fileOf(key);
  const digest = `--metadata sha256=$(sha256sum ${shell(file)} | cut -d' ' -f1)`;
  return `${aws(region)`s3 cp ${file} s3://${bucket}/${key}`} ${digest}`;
};

/** In one request, of up to 5 GB: of an upload in parts S3 computes no checksum of the whole. */
const uploadWithChecksum = (bucket: string, key: string, region: string): string =>
  aws(
    region,
  )`s3api put-object --bucket ${bucket} --key ${key} --body ${fileOf(key)} --checksum-algorithm SHA256`;

const fileOf = (key: string): string => key.split('/').at(-1) ?? key;

// ── The record in it ───────────────────────────────────────────────────────────────────────────────────────────────

const releaseRecord = check('release-record');

const record: Check = ({ record: answer }, { fleet: { name, artifact } }) => {
  const broken = ({ message }: { readonly message: string }) =>
    releaseRecord.problem(
      `the record of what the fleet runs cannot be read: ${happened(message)}`,
      `Get the last version of s3://${artifact.bucket}/${currentReleaseKey(name)} back, as docs/runbook.md says under InvalidInput.`,
      'InvalidInput',
    );
  if (!answer.known && answer.error.name === 'InvalidInput') return [broken(answer.error)];
  return releaseRecord.given('the record of what the fleet runs', [answer], (current) => {
    if (current === undefined) return releaseRecord.ok('no deployment has been recorded yet');
    const { deployment, outcome } = Object(current);
    const told = releaseRecord.ok(`the last record is for ${deployment}: ${outcome}`);
    return decided(() => accountedFor(name, current) && told, broken, 'InvalidInput');
  });
};
