/** Does the bucket do its part, and is what hosts download there and trustworthy? */

import { LARGEST_DIGEST_BYTES } from '../../../lambdas/domain/core/artifact.ts';
import { isFailure } from '../../../lambdas/domain/core/errors.ts';
import { currentReleaseKey } from '../../../lambdas/domain/core/names.ts';
import { accountedFor } from '../../../lambdas/domain/lock/orphans.ts';
import type { BucketSettings } from '../../../lambdas/ports/inspector.ts';
import type { ArtifactVersion } from '../../../lambdas/ports/s3.ts';
import { momentAgo } from '../wording.ts';
import { type Answer, given } from './answer.ts';
import type { Facts } from './facts.ts';
import { type CheckName, type Finding, ok, problem, warning } from './finding.ts';
import { aws, happened, shell } from './mending.ts';
import type { Check, Subject } from './subject.ts';

export const checkArtifacts: Check = (facts, subject) => {
  const bucket = checkBucket(facts, subject);
  // Where there is no bucket, nothing can be in it: there is one thing to do.
  const isMissing = facts.bucket.known && facts.bucket.value === undefined;
  if (isMissing) return bucket;
  return [...bucket, ...application(facts, subject), ...runtimes(facts, subject), ...record(facts, subject)];
};

// ── The bucket ─────────────────────────────────────────────────────────────────────────────────────────────────────

function checkBucket({ bucket, stack }: Facts, { fleet, region }: Subject): readonly Finding[] {
  const name = fleet.artifact.bucket;
  return given('bucket-versioning', `the bucket ${name}`, [bucket], (found) => {
    if (found) return [versioning(name, found, region), events(name, found, region)];
    // The stack makes it: there is one thing to do, and it has been said.
    if (stack.known && stack.value === undefined) return [];
    return [
      problem('bucket-versioning', `there is no bucket ${name}`, {
        mend: [
          'bin/fleets.ts, the environment: correct existingBucket; or restore the bucket that the stack made',
        ],
        failure: 'ServiceRefused',
      }),
    ];
  });
}

const versioning = (name: string, { versioned }: BucketSettings, region: string): Finding =>
  versioned
    ? ok('bucket-versioning', `${name} keeps versions`)
    : problem(
        'bucket-versioning',
        `${name} keeps no versions: what is deployed could be overwritten under a host`,
        {
          failure: 'ArtifactUnusable',
          mend: [
            aws(
              region,
              's3api',
              'put-bucket-versioning',
              '--bucket',
              name,
              '--versioning-configuration',
              'Status=Enabled',
            ),
            'Then upload the artifacts again: what was there before has no version.',
          ],
        },
      );

/** The call replaces all that the bucket notifies, so the rest is given again. */
function events(name: string, { eventBridge, notifications }: BucketSettings, region: string): Finding {
  if (eventBridge) return ok('bucket-events', `${name} tells EventBridge of uploads`);
  const all = JSON.stringify({ ...notifications, EventBridgeConfiguration: {} });
  const command = ['s3api', 'put-bucket-notification-configuration', '--bucket', name];
  return problem('bucket-events', `${name} does not tell EventBridge of uploads: an upload starts nothing`, {
    mend: [aws(region, ...command, '--notification-configuration', all)],
  });
}

// ── What is in it ──────────────────────────────────────────────────────────────────────────────────────────────────

function application({ artifact, now }: Facts, { fleet, region }: Subject): readonly Finding[] {
  const { bucket, key } = fleet.artifact;
  const upload = uploadCommand(bucket, key, region);
  return tarball('artifact', key, artifact, upload, (found) =>
    found
      ? checksum('artifact', found, upload, `uploaded ${momentAgo(found.uploadedAt, now)}`)
      : warning('artifact', `nothing was uploaded to ${key} yet; the upload starts the first deployment`, {
          mend: [upload],
        }),
  );
}

function runtimes({ runtimes: all }: Facts, { fleet, region }: Subject): readonly Finding[] {
  const { bucket } = fleet.artifact;
  return all.flatMap(({ key, version }) => {
    const upload = uploadCommand(bucket, key, region);
    return tarball('runtimes', key, version, upload, (found) =>
      found
        ? checksum('runtimes', found, upload, 'is there')
        : problem('runtimes', `the runtime ${key} is not in ${bucket}`, {
            mend: [upload],
            failure: 'ArtifactNotFound',
          }),
    );
  });
}

function tarball(
  check: CheckName,
  key: string,
  version: Answer<ArtifactVersion | undefined>,
  upload: string,
  judge: (found: ArtifactVersion | undefined) => Finding,
): readonly Finding[] {
  if (!version.known && version.error.name === 'ArtifactUnusable') {
    const { message, name: failure } = version.error;
    return [problem(check, happened(message), { failure, mend: [upload] })];
  }
  return given(check, `the tarball ${key}`, [version], (found) => [judge(found)]);
}

/** Reading more than this takes a deployment longer than a look at its hosts. */
const LARGE_BYTES = 256 * 1024 ** 2;

function checksum(
  check: CheckName,
  { key, sizeBytes, sha256 }: ArtifactVersion,
  upload: string,
  what: string,
): Finding {
  if (sha256 !== undefined) return ok(check, `${key} ${what}, SHA-256 ${sha256.slice(0, 12)}…`);
  const size = `${Math.round(sizeBytes / 1024 ** 2)} MiB`;
  if (sizeBytes > LARGEST_DIGEST_BYTES)
    return problem(
      check,
      `${key} has ${size} and no checksum, more than a deployment can read to compute one`,
      {
        failure: 'ArtifactUnusable',
        mend: [upload],
      },
    );
  return sizeBytes > LARGE_BYTES
    ? warning(
        check,
        `${key} has ${size} and no checksum: each deployment reads it once more to compute one`,
        {
          mend: [upload],
        },
      )
    : ok(check, `${key} ${what}; it has no checksum, each deployment computes it`);
}

/** Quoted by hand: the shell computes the digest. */
const uploadCommand = (bucket: string, key: string, region: string): string => {
  const file = key.split('/').at(-1) ?? key;
  const digest = `--metadata sha256=$(sha256sum ${shell(file)} | cut -d' ' -f1)`;
  return `${aws(region, 's3', 'cp', file, `s3://${bucket}/${key}`)} ${digest}`;
};

function record({ record: answer }: Facts, { fleet }: Subject): readonly Finding[] {
  const key = currentReleaseKey(fleet.name);
  const broken = (why: string) =>
    problem('release-record', `the record of what the fleet runs cannot be read: ${happened(why)}`, {
      mend: [
        `Restore the last version of s3://${fleet.artifact.bucket}/${key} in the console, or deploy again.`,
      ],
      failure: 'InvalidInput',
    });
  if (!answer.known && answer.error.name === 'InvalidInput') return [broken(answer.error.message)];
  return given('release-record', 'the record of what the fleet runs', [answer], (current) => {
    if (current === undefined) return [ok('release-record', 'no deployment was recorded yet')];
    try {
      accountedFor(fleet.name, current);
    } catch (error) {
      if (!isFailure(error, 'InvalidInput')) throw error;
      return [broken(error.message)];
    }
    const { deployment, outcome } = Object(current);
    return [ok('release-record', `the last record is of ${deployment}: ${outcome}`)];
  });
}
