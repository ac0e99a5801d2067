/**
 * Reads irekae's JSON records from S3 by one signed GET. For whoever also asks EC2: the SDK's clients of both are more
 * than a bundle may be. Everybody else uses `artifacts.ts`, which answers alike but tries again; here, one try.
 */
import { DeploymentError } from '../domain/core/errors.ts';
import type { Records } from '../ports/s3.ts';
import { asking } from './wire/aws-errors.ts';
import { liveJsonOptions } from './wire/aws-json.ts';
import { askS3, type S3Options, s3CodeIn, s3Name, s3Refusal } from './wire/s3-request.ts';

export type RecordReader = Records;

export const liveRecordReader = (): RecordReader => recordReader(liveJsonOptions());

/** Needs `s3:GetObject` on the records, and `s3:ListBucket`, without which S3 calls absent what is forbidden. */
export function recordReader(options: S3Options): RecordReader {
  return {
    readRecord: (bucket, key) => {
      const place = { bucket, key };
      return asking(`read ${s3Name(place)}`, async () => {
        const answer = await askS3(options, place);
        if (answer.status === 200) return parsed(answer.text, s3Name(place));
        if (answer.status === 404 && s3CodeIn(answer.text) === 'NoSuchKey') return undefined;
        throw s3Refusal(answer);
      });
    },
  };
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DeploymentError(
      'InvalidInput',
      `The record ${name} is not JSON. Somebody else has written it: restore its last version, or delete it.`,
    );
  }
}
