/** Records by signed GET answer as those of the SDK's client do: absent only when S3 says so. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordReader } from '../../lambdas/clients/record-reader.ts';
import { failure } from '../support/failures.ts';
import { type AwsEndpoint, type AwsReply, startAwsEndpoint, testClientOptions } from './aws-endpoint.ts';
import { keyPathOf, s3Objection } from './s3-signature.ts';

let aws: AwsEndpoint;
beforeEach(async () => {
  aws = await startAwsEndpoint();
});
afterEach(() => aws.stop());

const { credentials } = testClientOptions('');
const read = (bucket = 'acme.artifacts', key = 'irekae/shop/current.json') =>
  recordReader({
    region: 'ap-northeast-1',
    endpoint: aws.url,
    credentials: async () => credentials,
    timeoutMs: 200,
  }).readRecord(bucket, key);
const refusal = (status: number, code: string): AwsReply => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>secret words</Message></Error>`,
});

describe('a record, read by a signed request', () => {
  it('is asked for in its bucket, signed for S3', async () => {
    aws.answer(() => ({ body: '{"outcome":"Deployed"}' }));
    expect(await read()).toEqual({ outcome: 'Deployed' });
    expect(aws.requests).toEqual([
      expect.objectContaining({
        method: 'GET',
        path: '/acme.artifacts/irekae/shop/current.json',
        headers: expect.objectContaining({
          'x-amz-security-token': 'session-token',
          'x-amz-content-sha256': expect.any(String),
          authorization: expect.stringContaining('/ap-northeast-1/s3/aws4_request'),
        }),
      }),
    ]);
  });

  it('is looked for under exactly its key, a plus included', async () => {
    aws.answer(() => ({ body: '{}' }));
    await read('acme.artifacts', 'irekae/shop/deployments/nightly+1 入.json');
    const [request] = aws.requests;
    if (!request) throw new Error('nothing was sent');
    expect(keyPathOf(request)).toBe('/acme.artifacts/irekae/shop/deployments/nightly+1 入.json');
    expect(s3Objection(request, credentials.secretAccessKey)).toBeUndefined();
  });

  it('is absent when S3 says that there is no such key', async () => {
    aws.answer(() => refusal(404, 'NoSuchKey'));
    expect(await read()).toBeUndefined();
  });

  it.each<[string, AwsReply, Parameters<typeof failure>]>([
    ['a missing bucket', refusal(404, 'NoSuchBucket'), ['ServiceRefused', 'NoSuchBucket']],
    ['a 404 that says nothing', { status: 404, body: '' }, ['ServiceRefused', 'HTTP 404']],
    ['a refusal', refusal(403, 'AccessDenied'), ['ServiceRefused', 'AccessDenied']],
    [
      'a redirect to another Region',
      refusal(301, 'PermanentRedirect'),
      ['ServiceRefused', 'PermanentRedirect'],
    ],
    ['throttling', refusal(503, 'SlowDown'), ['ServiceUnavailable', 'SlowDown']],
    ['a broken service', { status: 500, body: '' }, ['ServiceUnavailable', 'HTTP 500']],
    ['silence', { instead: 'silence' }, ['ServiceUnavailable']],
    ['a closed connection', { instead: 'hang-up' }, ['ServiceUnavailable']],
    ['half an answer', { body: '{"outcome":"Deployed"}', instead: 'half' }, ['ServiceUnavailable']],
    [
      'what is not JSON',
      { body: 'not JSON' },
      ['InvalidInput', 's3://acme.artifacts/irekae/shop/current.json'],
    ],
  ])('is not absent after %s: that is a failure', async (_, reply, expected) => {
    aws.answer(() => reply);
    await expect(read()).rejects.toThrow(failure(...expected));
  });

  it('never shows what a refusal said beside its code', async () => {
    aws.answer(() => refusal(403, 'AccessDenied'));
    await expect(read()).rejects.not.toThrow('secret words');
  });
});
