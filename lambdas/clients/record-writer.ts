/**
 * Writes irekae's records and pages to S3, each by one signed PUT. For steps that need nothing else of S3; everybody
 * else uses `artifacts.ts`, which writes alike.
 */
import { DeploymentError } from '../domain/core/errors.ts';
import type { RecordWriter } from '../ports/s3.ts';
import { asking, isNamed, wordsOf } from './wire/aws-errors.ts';
import { type AwsJsonOptions, liveJsonOptions, patiently } from './wire/aws-json.ts';
import { pageContent, recordContent } from './wire/record-format.ts';
import { askS3, type S3Content, type S3Place, s3MessageIn, s3Name, s3Refusal } from './wire/s3-request.ts';

export const liveRecordWriter = (): RecordWriter => recordWriter(liveJsonOptions());

/** Needs `s3:PutObject` on the records. Throws `ServiceUnavailable` (after three tries) and `ServiceRefused`. */
export function recordWriter(options: AwsJsonOptions): RecordWriter {
  return {
    writeRecord: (bucket, key, record) => write(options, { bucket, key }, recordContent(record)),
    writePage: (bucket, key, html) => write(options, { bucket, key }, pageContent(html)),
  };
}

/** A try whose answer was lost has written a version; the next one writes the same again on top of it. */
const write = (options: AwsJsonOptions, place: S3Place, content: S3Content): Promise<void> =>
  asking(`write ${s3Name(place)}`, () => patiently(() => put(options, place, content), options.pauseMs));

async function put(options: AwsJsonOptions, place: S3Place, content: S3Content): Promise<void> {
  const answer = await askS3(options, place, content);
  if (answer.status === 200) return;
  const error = s3Refusal(answer, s3MessageIn(answer.text));
  throw isNamed(error, 'AccessDenied', 'HTTP 403') ? forbidden(place, error) : error;
}

function forbidden(place: S3Place, error: Error): DeploymentError {
  return new DeploymentError(
    'ServiceRefused',
    `S3 refused to write ${s3Name(place)}: ${wordsOf(error)}. A missing s3:PutObject looks like this, a missing ` +
      'kms:GenerateDataKey where a KMS key encrypts the bucket, and a bucket policy that denies it.',
  );
}
