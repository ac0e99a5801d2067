/**
 * Reads irekae's JSON records from S3 by one signed GET. For whoever also asks EC2: the SDK's clients of both are more
 * than a bundle may be. Everybody else uses `artifacts.ts`, which answers alike but tries again; here, one try.
 */
import { AwsClient } from 'aws4fetch';
import { DeploymentError } from '../domain/errors.ts';
import { asking } from './aws-errors.ts';
import { type AwsJsonOptions, liveJsonOptions } from './aws-json.ts';
import { AWS_CLIENT_OPTIONS } from './aws-options.ts';
import type { Records } from './ports.ts';

export type RecordReader = Records;

export const liveRecordReader = (): RecordReader => recordReader(liveJsonOptions());

/** Needs `s3:GetObject` on the records, and `s3:ListBucket`, without which S3 calls absent what is forbidden. */
export function recordReader(options: Omit<AwsJsonOptions, 'pauseMs'>): RecordReader {
  return {
    readRecord: (bucket, key) => {
      const name = `s3://${bucket}/${key}`;
      return asking(`read ${name}`, async () => {
        const { status, text } = await get(options, `${bucket}/${key}`);
        if (status === 200) return parsed(text, name);
        if (status === 404 && codeIn(text) === 'NoSuchKey') return undefined;
        // In the shape of the SDK's errors, so that `asking` judges it by the same table.
        const error = Object.assign(new Error(`HTTP ${status}`), {
          name: codeIn(text) ?? `HTTP ${status}`,
          $fault: 'client',
          $metadata: { httpStatusCode: status },
        });
        throw error;
      });
    },
  };
}

async function get(options: Omit<AwsJsonOptions, 'pauseMs'>, path: string) {
  // Bucket in the path: a bucket with dots in its name has no valid certificate as a host name.
  const { region, endpoint = `https://s3.${region}.amazonaws.com/` } = options;
  const timeoutMs = options.timeoutMs ?? AWS_CLIENT_OPTIONS.requestHandler.requestTimeout;
  const signer = new AwsClient({ ...(await options.credentials()), service: 's3', region });
  const signed = await signer.sign(new URL(path, endpoint), { method: 'GET' });
  const response = await fetch(signed, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  return { status: response.status, text: await response.text() };
}

/** S3's errors are XML; of all that it says, the code is enough. */
const codeIn = (text: string) => /<Code>(\w+)<\/Code>/.exec(text)?.[1];

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
