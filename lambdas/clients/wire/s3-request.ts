/**
 * One object of S3 by one signed request, for functions in which the SDK's client would be the largest part of the
 * bundle (a third of a megabyte). One try; whoever may repeat the request does so with `patiently`.
 */

import { createHash } from 'node:crypto';
import { DeploymentError } from '../../domain/core/errors.ts';
import type { AwsJsonOptions } from './aws-json.ts';
import { tagged } from './aws-query.ts';
import { endpointOf } from './endpoint.ts';
import { sendSigned } from './signed.ts';

export interface S3Place {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

/** What becomes an object. */
export interface S3Content {
  readonly text: string;
  /** Its media type. */
  readonly type: string;
}

export interface S3Answer {
  readonly status: number;
  readonly text: string;
  /** Of the bucket, where S3 says so. */
  readonly region?: string;
}

export const s3Name = ({ bucket, key, versionId }: S3Place): string =>
  `s3://${bucket}/${key}${versionId === undefined ? '' : ` (version ${versionId})`}`;

/**
 * With content: PUT. Without: GET. Answers whatever S3 answers, once it was received whole; throws what `fetch` throws.
 */
export async function askS3(options: AwsJsonOptions, place: S3Place, content?: S3Content): Promise<S3Answer> {
  const { region, endpoint = endpointOf('s3', region) } = options;
  const request = content === undefined ? { method: 'GET' } : puttingOf(content);
  const { status, text, headers } = await sendSigned('s3', options, urlOf(place, endpoint), request);
  const home = /^[a-z0-9-]+$/.exec(headers.get('x-amz-bucket-region') ?? '')?.[0];
  return { status, text, ...(home !== undefined && { region: home }) };
}

/**
 * The signer signs no body for S3 unless it is told the digest. S3 refuses what arrives otherwise; the same digest as a
 * checksum is stored with the object, and buckets with a retention period (Object Lock) take nothing without one.
 */
function puttingOf({ text, type }: S3Content) {
  const body = new TextEncoder().encode(text);
  const digest = createHash('sha256').update(body).digest();
  const headers = {
    'content-type': type,
    'x-amz-content-sha256': digest.toString('hex'),
    'x-amz-checksum-sha256': digest.toString('base64'),
  };
  return { method: 'PUT', headers, body };
}

/**
 * Bucket in the path: a bucket with dots in its name has no valid certificate as a host name. All of the key is encoded
 * (an execution's name may hold a "+", which S3 takes for a space).
 */
function urlOf(place: S3Place, endpoint: string): URL {
  const { bucket, key, versionId } = place;
  const base = new URL(endpoint).pathname.replace(/\/$/, '');
  const path = `${base}/${bucket}/${key.split('/').map(encoded).join('/')}`;
  const url = new URL(path, endpoint);
  // A URL resolves "." and "..", encoded or not: it would be another object.
  if (url.pathname !== path) throw new TypeError(`${s3Name(place)} cannot be said in a URL`);
  if (versionId !== undefined) url.searchParams.set('versionId', versionId);
  return url;
}

/** RFC 3986, as S3 wants it: `encodeURIComponent` leaves five more characters alone. */
const encoded = (segment: string) =>
  encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** @param said S3's code, or the status where an answer to HEAD has none */
export const forbiddenToRead = (name: string, said: string): DeploymentError =>
  new DeploymentError(
    'ServiceRefused',
    `S3 refused to show ${name} (${said}). A missing s3:GetObject, s3:GetObjectVersion or kms:Decrypt looks like this, ` +
      'and so does an object that does not exist when s3:ListBucket on the bucket is missing.',
  );

/**
 * A refusal in the shape of the SDK's errors, so that `asking` judges it by the same table. S3 answers in XML, of which
 * nothing is taken over but its code: the rest quotes the request, and with it the session token.
 * @param words what the caller wants to say of it beside the code
 */
export const s3Refusal = ({ status, text }: S3Answer, words = ''): Error =>
  Object.assign(new Error(words), {
    name: s3CodeIn(text) ?? `HTTP ${status}`,
    $fault: 'client',
    $metadata: { httpStatusCode: status },
  });

export const s3CodeIn = (xml: string): string | undefined => /<Code>(\w+)<\/Code>/.exec(xml)?.[1];

/** S3's own sentence, which names who may not do what, and by which policy; nothing of the request is in it. */
export const s3MessageIn = (xml: string): string | undefined =>
  tagged(xml, 'Message')?.replace(/&(quot|#34|apos|#39|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity);

const ENTITIES: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&#34;': '"',
  '&apos;': "'",
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
};
