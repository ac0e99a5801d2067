/** Records by signed PUT: S3 gets exactly what the SDK's client would send, in a request that S3 would accept. */
import { createHash } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { artifactsAdapter } from '../../lambdas/clients/artifacts.ts';
import { liveRecordWriter, recordWriter } from '../../lambdas/clients/record-writer.ts';
import type { RecordWriter } from '../../lambdas/ports/s3.ts';
import { failure } from '../support/failures.ts';
import { type AwsEndpoint, type AwsReply, startAwsEndpoint, testClientOptions } from './aws-endpoint.ts';
import { keyPathOf, s3Objection } from './s3-signature.ts';

let aws: AwsEndpoint;
beforeEach(async () => {
  aws = await startAwsEndpoint();
  aws.answer(() => ({}));
});
afterEach(() => aws.stop());

const { credentials } = testClientOptions('');
const options = () => ({
  region: 'ap-northeast-1',
  endpoint: aws.url,
  credentials: async () => credentials,
  timeoutMs: 200,
  pauseMs: 1,
});
const KEY = 'irekae/shop/current.json';
const write = (key = KEY) => recordWriter(options()).writeRecord('acme.artifacts', key, { version: 'v1' });
const refusal = (status: number, code: string, message = 'because', more = ''): AwsReply => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`,
});
const base64Digest = (text: string) => createHash('sha256').update(text).digest('base64');

describe('a record, written by a signed request', () => {
  it('is put into its bucket, signed for S3', async () => {
    await write();
    expect(aws.requests).toEqual([
      expect.objectContaining({
        method: 'PUT',
        path: '/acme.artifacts/irekae/shop/current.json',
        body: '{\n  "version": "v1"\n}',
        headers: expect.objectContaining({
          'content-type': 'application/json',
          'x-amz-security-token': 'session-token',
          authorization: expect.stringContaining('/ap-northeast-1/s3/aws4_request'),
        }),
      }),
    ]);
  });

  it('may be a page, which a browser shows as one', async () => {
    const page = '<p>入れ替え</p>';
    await recordWriter(options()).writePage('bucket', 'irekae/shop/deployments/d.html', page);
    expect(aws.requests[0]).toMatchObject({
      method: 'PUT',
      path: '/bucket/irekae/shop/deployments/d.html',
      body: page,
      headers: { 'content-type': 'text/html; charset=utf-8' },
    });
  });

  it('comes with the digest of its body, signed: S3 takes nothing else in its place', async () => {
    const page = '<p>入れ替え</p>';
    await recordWriter(options()).writePage('bucket', 'd.html', page);
    const [request] = aws.requests;
    if (!request) throw new Error('nothing was sent');
    expect(request.headers['x-amz-checksum-sha256']).toBe(base64Digest(page));
    expect(request.headers.authorization).toMatch(
      /SignedHeaders=\S*x-amz-checksum-sha256;x-amz-content-sha256/,
    );
    expect(s3Objection(request, credentials.secretAccessKey)).toBeUndefined();
    expect(s3Objection({ ...request, body: '<p>other</p>' }, credentials.secretAccessKey)).toBe(
      'XAmzContentSHA256Mismatch',
    );
    expect(s3Objection(request, 'another-secret')).toBe('SignatureDoesNotMatch');
  });

  it.each([
    ['a plus', 'deployments/nightly+1.json'],
    ['spaces and quotes', "deployments/it's (a) 'try'!*.json"],
    ['a percent sign', 'deployments/100%25.json'],
    ['what a URL has words for', 'deployments/a?b#c&d=e@f:g;h.json'],
    ['Japanese', 'deployments/入れ替え.json'],
    ['two slashes', 'deployments//d.json'],
  ])('lies under exactly its key, with %s in it', async (_, key) => {
    await write(key);
    const [request] = aws.requests;
    if (!request) throw new Error('nothing was sent');
    expect(keyPathOf(request)).toBe(`/acme.artifacts/${key}`);
    expect(s3Objection(request, credentials.secretAccessKey)).toBeUndefined();
  });

  it.each(['irekae/../secrets.json', 'irekae/./current.json', '..'])(
    'is not written at all under %s, which a URL would make another key of',
    async (key) => {
      await expect(write(key)).rejects.toThrow('cannot be said in a URL');
      expect(aws.requests).toEqual([]);
    },
  );

  it.each<[string, AwsReply]>([
    ['throttling', refusal(503, 'SlowDown')],
    ['a broken service', refusal(500, 'InternalError')],
    ['a gateway’s page', { status: 502, body: '<html>' }],
    ['a body that came too slowly', refusal(400, 'RequestTimeout')],
    ['silence', { instead: 'silence' }],
    ['a closed connection', { instead: 'hang-up' }],
    ['half an answer', { body: 'something', instead: 'half' }],
  ])('is sent three times at most after %s', async (_, reply) => {
    aws.answer(() => (aws.requests.length === 1 ? reply : {}));
    await write();
    expect(aws.requests[1]?.body).toBe(aws.requests[0]?.body);
    aws.answer(() => reply);
    await expect(write()).rejects.toThrow(
      failure('ServiceUnavailable', 'write s3://acme.artifacts/irekae/shop/current.json'),
    );
    expect(aws.requests).toHaveLength(2 + 3);
  });

  it.each<[string, AwsReply, string]>([
    ['a missing bucket', refusal(404, 'NoSuchBucket'), 'NoSuchBucket: because'],
    ['a redirect to another Region', refusal(301, 'PermanentRedirect'), 'PermanentRedirect: because'],
    ['a signature that S3 finds wrong', refusal(403, 'SignatureDoesNotMatch'), 'SignatureDoesNotMatch'],
    ['a success that S3 does not know for a PUT', { status: 202 }, 'HTTP 202'],
  ])('is refused after %s, and not sent again', async (_, reply, words) => {
    aws.answer(() => reply);
    await expect(write()).rejects.toThrow(failure('ServiceRefused', words));
    expect(aws.requests).toHaveLength(1);
  });

  it.each<[string, AwsReply, string]>([
    [
      'who may not do what',
      refusal(403, 'AccessDenied', 'User: arn:one is not authorized on &quot;arn:two&quot; &amp; more'),
      'AccessDenied: User: arn:one is not authorized on "arn:two" & more.',
    ],
    ['only that it refused', { status: 403 }, 'HTTP 403.'],
  ])('that is forbidden names the permissions to look for, when S3 says %s', async (_, reply, words) => {
    aws.answer(() => reply);
    await expect(write()).rejects.toThrow(failure('ServiceRefused', words));
    await expect(write()).rejects.toThrow(failure('ServiceRefused', /s3:PutObject.*kms:GenerateDataKey/));
    expect(aws.requests).toHaveLength(2);
  });

  it('does not follow a redirect with its credentials', async () => {
    aws.answer(() => ({ status: 307, headers: { location: `${aws.url}/elsewhere` } }));
    await expect(write()).rejects.toThrow(failure('ServiceRefused', 'HTTP 307'));
    expect(aws.requests).toHaveLength(1);
  });

  it.each([
    [403, 'SignatureDoesNotMatch'],
    [403, 'AccessDenied'],
    [400, 'ExpiredToken'],
    [503, 'SlowDown'],
  ])('never shows what an answer (%i %s) quotes of the request', async (status, code) => {
    const quoted = '<Token-0>session-token</Token-0><CanonicalRequest>PUT session-token</CanonicalRequest>';
    aws.answer(() => refusal(status, code, 'because', quoted));
    const thrown = await write().catch((error: unknown) => error);
    const shown = JSON.stringify(thrown, Object.getOwnPropertyNames(thrown));
    expect(shown).toContain(code);
    for (const secret of [credentials.sessionToken, credentials.secretAccessKey]) {
      expect(shown).not.toContain(secret);
    }
  });

  it('is signed anew for each try, with the credentials of that moment', async () => {
    const keys = ['AKIDFIRST', 'AKIDSECOND'];
    const changing = async () => ({ ...credentials, accessKeyId: keys.shift() ?? '' });
    aws.answer(() => (aws.requests.length === 1 ? { status: 500 } : {}));
    await recordWriter({ ...options(), credentials: changing }).writeRecord('bucket', KEY, {});
    expect(aws.requests.map(({ headers }) => /AKID\w+/.exec(headers.authorization ?? '')?.[0])).toEqual([
      'AKIDFIRST',
      'AKIDSECOND',
    ]);
  });
});

describe('in a Lambda function', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
  });

  it('a record goes to S3 in the function’s Region, with the function’s credentials', async () => {
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDLAMBDA');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
    vi.stubEnv('AWS_SESSION_TOKEN', 'session-token');
    const sent: Request[] = [];
    vi.stubGlobal('fetch', async (request: Request) => {
      sent.push(request);
      return new Response('');
    });
    await liveRecordWriter().writeRecord('acme.artifacts', KEY, {});
    expect(sent.map(({ url }) => url)).toEqual([`https://s3.eu-west-1.amazonaws.com/acme.artifacts/${KEY}`]);
    expect(sent[0]?.headers.get('authorization')).toMatch(/Credential=AKIDLAMBDA\/\d+\/eu-west-1\/s3\//);
  });
});

describe('what the SDK’s client would write', () => {
  const sdk = () => artifactsAdapter(new S3Client({ ...testClientOptions(aws.url), forcePathStyle: true }));

  it.each<[string, (writer: RecordWriter) => Promise<void>]>([
    ['a record', (writer) => writer.writeRecord('acme.artifacts', KEY, { note: '入れ替え', nothing: null })],
    ['a page', (writer) => writer.writePage('acme.artifacts', 'irekae/d.html', '<p>入れ替え</p>')],
    ['odd characters', (writer) => writer.writeRecord('acme.artifacts', "a+b/it's (c)!*=@:入.json", {})],
  ])('is written: %s', async (_, act) => {
    await act(sdk());
    await act(recordWriter(options()));
    const [theirs, ours] = aws.requests.map(({ method, path, headers, body }) => {
      return { method, path: path.replace(/\?x-id=\w+$/, ''), type: headers['content-type'], body };
    });
    expect(ours).toEqual(theirs);
  });
});
