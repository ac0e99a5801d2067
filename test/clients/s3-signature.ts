/**
 * Judges a request as S3 does: from what came over the wire, is the signature the one that the secret key gives, and is
 * the body the one that was signed? Written from AWS's description of Signature Version 4, apart from any signer.
 */
import { createHash, createHmac } from 'node:crypto';
import type { AwsRequest } from './aws-endpoint.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** What S3 would answer with; `undefined`: it accepts the request. */
export function s3Objection(request: AwsRequest, secretAccessKey: string): string | undefined {
  const { authorization = '', ...headers } = request.headers as Readonly<Record<string, string>>;
  const payload = headers['x-amz-content-sha256'] ?? '';
  if (request.body !== '' && payload !== sha256(request.body)) return 'XAmzContentSHA256Mismatch';
  const [, scope = '', names = '', signature = ''] =
    /Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(authorization) ?? [];
  const canonical = [
    request.method,
    keyPathOf(request).split('/').map(encoded).join('/'),
    queryOf(request),
    ...names.split(';').map((name) => `${name}:${headers[name]}`),
    '',
    names,
    payload,
  ].join('\n');
  const words = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  return signature === hmac(key, words).toString('hex') ? undefined : 'SignatureDoesNotMatch';
}

/** `/bucket/key` as S3 understands the path of a request, in which a plus is a space. */
export const keyPathOf = ({ path }: AwsRequest): string =>
  decodeURIComponent((path.split('?')[0] ?? '').replaceAll('+', ' '));

const queryOf = ({ path }: AwsRequest): string =>
  [...new URLSearchParams(path.split('?')[1])]
    .map((pair) => pair.map(encoded).join('='))
    .sort()
    .join('&');

const encoded = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, hex);

const hex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
