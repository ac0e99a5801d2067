/**
 * Records by signed requests: written, S3 gets exactly what the SDK's client would send, in a request that S3 would accept;
 * read, they are absent only when S3 says so.
 */
import { createHash } from 'node:crypto';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { liveRecords, recordsAdapter } from '../../lambdas/clients/records.ts';
import type { Records } from '../../lambdas/ports/s3.ts';
import { failure } from '../support/failures.ts';
import {
  type AwsEndpoint,
  type AwsReply,
  patienceFor,
  startAwsEndpoint,
  testClientOptions,
} from './aws-endpoint.ts';
import { keyPathOf, s3Objection } from './s3-signature.ts';

let aws: AwsEndpoint;
beforeEach(async () => {
  aws = await startAwsEndpoint();
  aws.answer(() => ({}));
});
afterEach(() => aws.stop());

const { credentials } = testClientOptions('');
const options = (reply: AwsReply = {}) => ({
  region: 'ap-northeast-1',
  endpoint: aws.url,
  credentials: async () => credentials,
  timeoutMs: patienceFor(reply),
  pauseMs: 1,
});
const KEY = 'irekae/shop/current.json';
const write = (key = KEY, reply?: AwsReply) =>
  recordsAdapter(options(reply)).writeRecord('acme.artifacts', key, { version: 'v1' });
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
    await recordsAdapter(options()).writePage('bucket', 'irekae/shop/deployments/d.html', page);
    expect(aws.requests[0]).toMatchObject({
      method: 'PUT',
      path: '/bucket/irekae/shop/deployments/d.html',
      body: page,
      headers: { 'content-type': 'text/html; charset=utf-8' },
    });
  });

  it('comes with the digest of its body, signed: S3 takes nothing else in its place', async () => {
    const page = '<p>入れ替え</p>';
    await recordsAdapter(options()).writePage('bucket', 'd.html', page);
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
    await write(KEY, reply);
    expect(aws.requests[1]?.body).toBe(aws.requests[0]?.body);
    aws.answer(() => reply);
    await expect(write(KEY, reply)).rejects.toThrow(
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
    await recordsAdapter({ ...options(), credentials: changing }).writeRecord('bucket', KEY, {});
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
    await liveRecords().writeRecord('acme.artifacts', KEY, {});
    expect(sent.map(({ url }) => url)).toEqual([`https://s3.eu-west-1.amazonaws.com/acme.artifacts/${KEY}`]);
    expect(sent[0]?.headers.get('authorization')).toMatch(/Credential=AKIDLAMBDA\/\d+\/eu-west-1\/s3\//);
  });
});

describe('what the SDK’s client would write', () => {
  const sdk = () => new S3Client({ ...testClientOptions(aws.url), forcePathStyle: true });
  const RECORD = { note: '入れ替え', nothing: null };
  const [JSON_TYPE, HTML_TYPE] = ['application/json', 'text/html; charset=utf-8'];

  it.each<[string, string, string, string, (records: Records, key: string) => Promise<void>]>([
    [
      'a record',
      KEY,
      JSON.stringify(RECORD, null, 2),
      JSON_TYPE,
      (records, key) => records.writeRecord('acme.artifacts', key, RECORD),
    ],
    [
      'a page',
      'irekae/d.html',
      '<p>入れ替え</p>',
      HTML_TYPE,
      (records, key) => records.writePage('acme.artifacts', key, '<p>入れ替え</p>'),
    ],
    [
      'odd characters',
      "a+b/it's (c)!*=@:入.json",
      '{}',
      JSON_TYPE,
      (records, key) => records.writeRecord('acme.artifacts', key, {}),
    ],
  ])('is written: %s', async (_, Key, Body, ContentType, act) => {
    await sdk().send(new PutObjectCommand({ Bucket: 'acme.artifacts', Key, Body, ContentType }));
    await act(recordsAdapter(options()), Key);
    const [theirs, ours] = aws.requests.map(({ method, path, headers, body }) => {
      return { method, path: path.replace(/\?x-id=\w+$/, ''), type: headers['content-type'], body };
    });
    expect(ours).toEqual(theirs);
  });
});

const read = (bucket = 'acme.artifacts', key = KEY, reply?: AwsReply) =>
  recordsAdapter(options(reply)).readRecord(bucket, key);
const readVersion = (versionId: string) =>
  recordsAdapter(options()).readVersion('acme.artifacts', KEY, versionId);
const saying = (status: number, code: string): AwsReply => refusal(status, code, 'secret words');

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
    aws.answer(() => saying(404, 'NoSuchKey'));
    expect(await read()).toBeUndefined();
  });

  it.each<[string, AwsReply, Parameters<typeof failure>]>([
    ['a missing bucket', saying(404, 'NoSuchBucket'), ['ServiceRefused', 'NoSuchBucket']],
    ['a 404 that says nothing', { status: 404, body: '' }, ['ServiceRefused', 'HTTP 404']],
    ['a refusal', saying(403, 'AccessDenied'), ['ServiceRefused', 'AccessDenied']],
    [
      'a redirect to another Region',
      saying(301, 'PermanentRedirect'),
      ['ServiceRefused', 'PermanentRedirect'],
    ],
    ['throttling', saying(503, 'SlowDown'), ['ServiceUnavailable', 'SlowDown']],
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
    await expect(read(undefined, KEY, reply)).rejects.toThrow(failure(...expected));
  });

  it('never shows what a refusal said beside its code', async () => {
    aws.answer(() => saying(403, 'AccessDenied'));
    await expect(read()).rejects.not.toThrow('secret words');
  });
});

describe('a version of a record', () => {
  it('is asked for by its id, signed with it', async () => {
    aws.answer(() => ({ body: '{"outcome":"Deployed"}' }));
    expect(await readVersion('a+b/c=')).toEqual({ outcome: 'Deployed' });
    const [request] = aws.requests;
    if (!request) throw new Error('nothing was sent');
    expect(request.path).toBe(`/acme.artifacts/${KEY}?versionId=a%2Bb%2Fc%3D`);
    expect(s3Objection(request, credentials.secretAccessKey)).toBeUndefined();
  });

  it('is absent when S3 says that there is no such version', async () => {
    aws.answer(() => saying(404, 'NoSuchVersion'));
    expect(await readVersion('v1')).toBeUndefined();
  });

  it.each<[string, AwsReply]>([
    ['a malformed id', saying(400, 'InvalidArgument')],
    ['a delete marker', saying(405, 'MethodNotAllowed')],
  ])('is not absent after %s: that is a failure, which names it', async (_, reply) => {
    aws.answer(() => reply);
    await expect(readVersion('v1')).rejects.toThrow(failure('ServiceRefused', `${KEY} (version v1)`));
  });
});

describe('reading a record', () => {
  it.each<[string, AwsReply]>([
    ['throttling', saying(503, 'SlowDown')],
    ['a broken service', saying(500, 'InternalError')],
    ['silence', { instead: 'silence' }],
    ['a closed connection', { instead: 'hang-up' }],
    ['half an answer', { body: '{"outcome":"Deployed"}', instead: 'half' }],
  ])('is tried three times at most after %s', async (_, reply) => {
    aws.answer(() => (aws.requests.length === 1 ? reply : { body: '{}' }));
    expect(await read(undefined, KEY, reply)).toEqual({});
    aws.answer(() => reply);
    await expect(read(undefined, KEY, reply)).rejects.toThrow(
      failure('ServiceUnavailable', `read s3://acme.artifacts/${KEY}`),
    );
    expect(aws.requests).toHaveLength(2 + 3);
  });

  it('that is forbidden names the permissions to look for', async () => {
    aws.answer(() => saying(403, 'AccessDenied'));
    await expect(read()).rejects.toThrow(
      failure('ServiceRefused', /s3:GetObject.*kms:Decrypt.*s3:ListBucket/),
    );
    expect(aws.requests).toHaveLength(1);
  });
});

describe('a bucket in another Region', () => {
  const elsewhere = (status: number, code: string, region: string): AwsReply => ({
    ...saying(status, code),
    headers: { 'x-amz-bucket-region': region },
  });
  const regions = () =>
    aws.requests.map(({ headers }) => /\d+\/([^/]+)\/s3\//.exec(headers.authorization ?? '')?.[1]);

  it.each([
    [301, 'PermanentRedirect'],
    [307, 'TemporaryRedirect'],
    [400, 'AuthorizationHeaderMalformed'],
  ])('is asked again, signed for its own, when S3 says where it is (%i %s)', async (status, code) => {
    aws.answer(() =>
      aws.requests.length === 1 ? elsewhere(status, code, 'eu-west-1') : { body: '{"is":"there"}' },
    );
    expect(await read()).toEqual({ is: 'there' });
    expect(regions()).toEqual(['ap-northeast-1', 'eu-west-1']);
    for (const request of aws.requests)
      expect(s3Objection(request, credentials.secretAccessKey)).toBeUndefined();
  });

  it('is asked once more and no further', async () => {
    aws.answer(() => elsewhere(301, 'PermanentRedirect', `eu-west-${aws.requests.length}`));
    await expect(read()).rejects.toThrow(failure('ServiceRefused', 'PermanentRedirect'));
    expect(regions()).toEqual(['ap-northeast-1', 'eu-west-1']);
  });

  it.each<[string, AwsReply]>([
    ['says our own Region', elsewhere(400, 'AuthorizationHeaderMalformed', 'ap-northeast-1')],
    ['says no Region', elsewhere(301, 'PermanentRedirect', 'evil.example/')],
    ['forbids it', elsewhere(403, 'AccessDenied', 'eu-west-1')],
  ])('is not asked again when S3 %s', async (_, reply) => {
    aws.answer(() => reply);
    await expect(read()).rejects.toThrow(failure('ServiceRefused'));
    expect(aws.requests).toHaveLength(1);
  });

  it('may lack the record', async () => {
    aws.answer(() =>
      aws.requests.length === 1 ? elsewhere(301, 'PermanentRedirect', 'eu-west-1') : saying(404, 'NoSuchKey'),
    );
    expect(await read()).toBeUndefined();
  });
});

const records = () => recordsAdapter(options());

describe('a record that steps read and write', () => {
  it('is read as JSON', async () => {
    aws.answer(() => ({ body: '{"versionId":"v1"}' }));
    expect(await records().readRecord('bucket', 'irekae/blog/current.json')).toEqual({ versionId: 'v1' });
  });

  it('is undefined when there is none', async () => {
    aws.answer(() => refusal(404, 'NoSuchKey'));
    expect(await records().readRecord('bucket', 'irekae/blog/current.json')).toBeUndefined();
  });

  it.each<[string, string, AwsReply]>([
    ['a missing bucket', 'ServiceRefused', refusal(404, 'NoSuchBucket')],
    ['a missing permission', 'ServiceRefused', refusal(403, 'AccessDenied')],
    ['a request to slow down', 'ServiceUnavailable', refusal(503, 'SlowDown')],
    ['half an answer', 'ServiceUnavailable', { body: '{"versionId":"v1"}', instead: 'half' }],
    ['a record that is not JSON', 'InvalidInput', { body: 'versionId: v1' }],
  ])('%s is not absence', async (_, name, reply) => {
    aws.answer(() => reply);
    await expect(records().readRecord('bucket', 'record.json')).rejects.toMatchObject({ name });
  });

  it('is written as JSON', async () => {
    aws.answer(() => ({}));
    await records().writeRecord('bucket', 'irekae/blog/current.json', { versionId: 'v1' });
    const [request] = aws.requests;
    expect(request).toMatchObject({
      method: 'PUT',
      path: expect.stringMatching(/^\/bucket\/irekae\/blog\/current\.json/),
      headers: { 'content-type': 'application/json' },
    });
    expect(JSON.parse(request?.body ?? '')).toEqual({ versionId: 'v1' });
  });

  it('may be a page, which a browser shows as one', async () => {
    aws.answer(() => ({}));
    await records().writePage('bucket', 'irekae/blog/deployments/d.html', '<p>入れ替え</p>');
    const [request] = aws.requests;
    expect(request).toMatchObject({
      method: 'PUT',
      path: expect.stringMatching(/^\/bucket\/irekae\/blog\/deployments\/d\.html/),
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: '<p>入れ替え</p>',
    });
  });

  it('that cannot be written says so', async () => {
    aws.answer(() => refusal(403, 'AccessDenied'));
    await expect(records().writeRecord('bucket', 'r.json', {})).rejects.toMatchObject({
      name: 'ServiceRefused',
      message: expect.stringContaining('s3://bucket/r.json'),
    });
  });
});
