/**
 * irekae's own JSON records in S3, and the pages beside them: each by one signed request, because the SDK's client would
 * be the largest part of most bundles.
 */
import { DeploymentError } from '../domain/core/errors.ts';
import type { Records } from '../ports/s3.ts';
import { jsonIn } from './wire/answer.ts';
import { asking, isNamed, wordsOf } from './wire/aws-errors.ts';
import { type AwsJsonOptions, liveJsonOptions, patiently } from './wire/aws-json.ts';
import {
  askS3,
  forbiddenToRead,
  type S3Answer,
  type S3Content,
  type S3Place,
  s3CodeIn,
  s3MessageIn,
  s3Name,
  s3Refusal,
} from './wire/s3-request.ts';

export const liveRecords = (): Records => recordsAdapter(liveJsonOptions());

/**
 * Needs `s3:GetObject` (`s3:GetObjectVersion` for a version) and `s3:ListBucket`, without which S3 calls absent what is
 * forbidden; `s3:PutObject` to write. Throws `ServiceUnavailable` (after three tries), `ServiceRefused`, `InvalidInput`.
 */
export function recordsAdapter(options: AwsJsonOptions): Records {
  return {
    readRecord: (bucket, key) => read(options, { bucket, key }),
    readVersion: (bucket, key, versionId) => read(options, { bucket, key, versionId }),
    // Indented: people open it in the console.
    writeRecord: (bucket, key, record) =>
      write(options, { bucket, key }, { text: JSON.stringify(record, null, 2), type: 'application/json' }),
    writePage: (bucket, key, html) =>
      write(options, { bucket, key }, { text: html, type: 'text/html; charset=utf-8' }),
    writeText: (bucket, key, text) =>
      write(options, { bucket, key }, { text, type: 'text/plain; charset=utf-8' }),
  };
}

// ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function read(options: AwsJsonOptions, place: S3Place): Promise<unknown> {
  const text = await asking(`read ${s3Name(place)}`, () =>
    patiently(() => get(options, place), options.pauseMs),
  );
  if (text === undefined) return undefined;
  try {
    return jsonIn(text);
  } catch {
    throw new DeploymentError(
      'InvalidInput',
      `The record ${s3Name(place)} is not JSON. Somebody else has written it: the runbook’s InvalidInput says how to get its last version back.`,
    );
  }
}

/** @returns `undefined` when S3 itself says that there is no such key or version */
async function get(options: AwsJsonOptions, place: S3Place): Promise<string | undefined> {
  const answer = await askWhereItIs(options, place);
  if (answer.status === 200) return answer.text;
  const absence = ['NoSuchKey', 'NoSuchVersion'].includes(s3CodeIn(answer.text) ?? '');
  if (answer.status === 404 && absence) return undefined;
  const error = s3Refusal(answer);
  throw isForbidden(error) ? forbiddenToRead(s3Name(place), error.name) : error;
}

/** A bucket of another environment may be in another Region: S3 says in which, and wants the request signed for it. */
async function askWhereItIs(options: AwsJsonOptions, place: S3Place): Promise<S3Answer> {
  const answer = await askS3(options, place);
  const { status, region = options.region } = answer;
  const isElsewhere = [301, 307, 400].includes(status) && region !== options.region;
  return isElsewhere ? askS3({ ...options, region }, place) : answer;
}

// ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A try whose answer was lost has written a version; the next one writes the same again on top of it. */
const write = (options: AwsJsonOptions, place: S3Place, content: S3Content): Promise<void> =>
  asking(`write ${s3Name(place)}`, () => patiently(() => put(options, place, content), options.pauseMs));

async function put(options: AwsJsonOptions, place: S3Place, content: S3Content): Promise<void> {
  const answer = await askS3(options, place, content);
  if (answer.status === 200) return;
  const error = s3Refusal(answer, s3MessageIn(answer.text));
  throw isForbidden(error) ? forbiddenToWrite(place, error) : error;
}

const isForbidden = (error: Error): boolean => isNamed(error, 'AccessDenied', 'HTTP 403');

const forbiddenToWrite = (place: S3Place, error: Error): DeploymentError =>
  new DeploymentError(
    'ServiceRefused',
    `S3 refused to write ${s3Name(place)}: ${wordsOf(error)}. A missing s3:PutObject looks like this, a missing ` +
      'kms:GenerateDataKey where a KMS key encrypts the bucket, and a bucket policy that denies it.',
  );
