/** The adapter of copies in front of a local endpoint: what it asks S3 for, and how it reads the answers. */
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copiesAdapter } from '../../lambdas/clients/copies.ts';
import type { Copies, CopyRequest } from '../../lambdas/ports/s3.ts';
import { type AwsEndpoint, type AwsReply, startAwsEndpoint, testClientOptions, xml } from './aws-endpoint.ts';

let aws: AwsEndpoint;
let copies: Copies;
beforeEach(async () => {
  aws = await startAwsEndpoint();
  copies = copiesWith();
});
afterEach(() => aws.stop());

const copiesWith = (reply?: AwsReply) =>
  copiesAdapter(new S3Client({ ...testClientOptions(aws.url, reply), forcePathStyle: true }));

const DIGEST = 'ab'.repeat(32);
const REQUEST: CopyRequest = {
  from: { bucket: 'staging', key: 'blog/app+1.tar.gz', versionId: 'v3/=', owner: '111111111111' },
  to: { bucket: 'production', key: 'blog/app.tar.gz', owner: '222222222222' },
  sha256: DIGEST,
  sizeBytes: 7,
  onto: { etag: '"e"' },
};
const s3Error = (code: string, status: number): AwsReply => ({
  status,
  body: xml({ Error: { Code: code, Message: 'because' } }),
});
const copied: AwsReply = {
  headers: { 'x-amz-version-id': 'p8' },
  body: xml({ CopyObjectResult: { ETag: '"n"', LastModified: '2026-01-02T03:04:05Z' } }),
};
const headersOf = (index = 0) => aws.requests[index]?.headers ?? {};

describe('A whole copy', () => {
  it('is pinned to the version, guarded against others’ buckets, and made only onto what is there', async () => {
    aws.answer(() => copied);
    expect(await copies.whole(REQUEST)).toBe('p8');
    expect(aws.requests[0]).toMatchObject({
      method: 'PUT',
      path: expect.stringMatching(/^\/production\/blog\/app\.tar\.gz/),
    });
    expect(headersOf()).toMatchObject({
      'x-amz-copy-source': 'staging/blog/app%2B1.tar.gz?versionId=v3%2F%3D',
      'x-amz-source-expected-bucket-owner': '111111111111',
      'x-amz-expected-bucket-owner': '222222222222',
      'if-match': '"e"',
      'x-amz-metadata-directive': 'REPLACE',
      'x-amz-tagging-directive': 'REPLACE',
      'x-amz-object-annotation-directive': 'EXCLUDE',
      'x-amz-meta-sha256': DIGEST,
      'x-amz-checksum-algorithm': 'SHA256',
    });
    // Encrypted as the destination's bucket is: nothing is said about it.
    expect(Object.keys(headersOf()).filter((name) => /encryption|acl/.test(name))).toEqual([]);
  });

  it('is made where there was nothing only if there is still nothing', async () => {
    aws.answer(() => copied);
    await copies.whole({ ...REQUEST, onto: undefined });
    expect(headersOf()).toMatchObject({ 'if-none-match': '*' });
    expect(headersOf()).not.toHaveProperty('if-match');
  });

  it('asks for no owner where none is known', async () => {
    aws.answer(() => copied);
    const { owner: _, ...to } = REQUEST.to;
    await copies.whole({ ...REQUEST, to });
    expect(headersOf()).not.toHaveProperty('x-amz-expected-bucket-owner');
  });

  it.each<[string, AwsReply]>([
    ['another version is the newest', s3Error('PreconditionFailed', 412)],
    ['a delete marker is', s3Error('NoSuchKey', 404)],
  ])('is not made when %s', async (_, reply) => {
    aws.answer(() => reply);
    expect(await copies.whole(REQUEST)).toBeUndefined();
  });

  it.each<[string, AwsReply, string]>([
    ['the source may not be read', s3Error('AccessDenied', 403), 'ServiceRefused'],
    ['the source’s version is gone', s3Error('NoSuchVersion', 404), 'ServiceRefused'],
    ['somebody else writes at this moment', s3Error('ConditionalRequestConflict', 409), 'ServiceUnavailable'],
    ['S3 is busy', s3Error('SlowDown', 503), 'ServiceUnavailable'],
    [
      'S3 says so only after a 200',
      { body: xml({ Error: { Code: 'InternalError', Message: 'x' } }) },
      'ServiceUnavailable',
    ],
    ['S3 is silent', { instead: 'silence' }, 'ServiceUnavailable'],
    ['the answer names no version', { body: copied.body ?? '' }, 'ServiceUnavailable'],
  ])('fails by name when %s', async (_, reply, name) => {
    aws.answer(() => reply);
    await expect(copiesWith(reply).whole(REQUEST)).rejects.toMatchObject({
      name,
      message: expect.stringContaining('s3://staging/blog/app+1.tar.gz (version v3/=)'),
    });
  });
});

describe('A copy in parts', () => {
  const MIB = 1024 ** 2;
  const large = { ...REQUEST, sizeBytes: 25 * MIB + 1 };
  const listed = (...numbers: number[]): AwsReply => ({
    body: xml({
      ListPartsResult: {
        IsTruncated: 'false',
        Part: numbers.map((number) => ({
          PartNumber: String(number),
          ETag: `"${number}"`,
          ChecksumCRC64NVME: `c${number}`,
        })),
      },
    }),
  });
  const partCopied: AwsReply = { body: xml({ CopyPartResult: { ETag: '"x"' } }) };

  it('begins with what the copy will say of itself', async () => {
    aws.answer(() => ({ body: xml({ InitiateMultipartUploadResult: { UploadId: 'u-1' } }) }));
    expect(await copies.begin(large)).toBe('u-1');
    expect(aws.requests[0]).toMatchObject({ method: 'POST', path: expect.stringContaining('uploads') });
    expect(headersOf()).toMatchObject({
      'x-amz-meta-sha256': DIGEST,
      'x-amz-checksum-algorithm': 'CRC64NVME',
      'x-amz-checksum-type': 'FULL_OBJECT',
      'x-amz-expected-bucket-owner': '222222222222',
    });
  });

  it('copies the ranges that are missing, not too many at once', async () => {
    aws.answer(({ method }) => (method === 'GET' ? listed(1, 3) : partCopied));
    expect(await copies.parts(large, 'u-1', { bytes: 5 * MIB, most: 3 })).toBe(1);
    const ranges = aws.requests.slice(1).map(({ headers }) => headers['x-amz-copy-source-range']);
    expect(ranges.sort()).toEqual(
      [
        `bytes=${5 * MIB}-${10 * MIB - 1}`,
        `bytes=${15 * MIB}-${20 * MIB - 1}`,
        `bytes=${20 * MIB}-${25 * MIB - 1}`,
      ].sort(),
    );
    expect(headersOf(1)).toMatchObject({ 'x-amz-copy-source': expect.stringContaining('versionId=') });
  });

  it('ends the last part where the object ends', async () => {
    aws.answer(({ method }) => (method === 'GET' ? listed(1, 2, 3, 4, 5) : partCopied));
    expect(await copies.parts(large, 'u-1', { bytes: 5 * MIB, most: 3 })).toBe(0);
    expect(headersOf(1)['x-amz-copy-source-range']).toBe(`bytes=${25 * MIB}-${25 * MIB}`);
  });

  it('reads the list of parts to its end', async () => {
    aws.answer(({ path }) =>
      path.includes('part-number-marker=2')
        ? listed(3, 4, 5, 6)
        : {
            body: xml({
              ListPartsResult: {
                IsTruncated: 'true',
                NextPartNumberMarker: '2',
                Part: [{ PartNumber: '1' }, { PartNumber: '2' }],
              },
            }),
          },
    );
    expect(await copies.parts(large, 'u-1', { bytes: 5 * MIB, most: 3 })).toBe(0);
    expect(aws.requests).toHaveLength(2);
  });

  it('keeps the parts that were copied when one fails, and says that it failed', async () => {
    aws.answer(({ method, path }) => {
      if (method === 'GET') return listed();
      return path.includes('partNumber=2') ? s3Error('SlowDown', 503) : partCopied;
    });
    await expect(copies.parts(large, 'u-1', { bytes: 5 * MIB, most: 3 })).rejects.toMatchObject({
      name: 'ServiceUnavailable',
      message: expect.stringContaining('part 2'),
    });
    expect(aws.requests).toHaveLength(4);
  });

  it('is put together from all parts, onto what is there, and of the right size', async () => {
    aws.answer(({ method }) =>
      method === 'GET'
        ? listed(1, 2)
        : {
            headers: { 'x-amz-version-id': 'p8' },
            body: xml({ CompleteMultipartUploadResult: { ETag: '"n"' } }),
          },
    );
    expect(await copies.finish(large, 'u-1')).toBe('p8');
    expect(headersOf(1)).toMatchObject({
      'if-match': '"e"',
      'x-amz-mp-object-size': String(large.sizeBytes),
    });
    expect(aws.requests[1]?.body).toContain('<PartNumber>2</PartNumber>');
    expect(aws.requests[1]?.body).toContain('<ChecksumCRC64NVME>c1</ChecksumCRC64NVME>');
  });

  it.each<[string, AwsReply]>([
    ['another version is the newest', s3Error('PreconditionFailed', 412)],
    ['the parts are gone', s3Error('NoSuchUpload', 404)],
  ])('is not put together when %s', async (_, reply) => {
    aws.answer(({ method }) => (method === 'GET' ? listed(1) : reply));
    expect(await copies.finish(large, 'u-1')).toBeUndefined();
  });

  it('is not known anymore once it was thrown away', async () => {
    aws.answer(() => s3Error('NoSuchUpload', 404));
    expect(await copies.parts(large, 'u-1', { bytes: 5 * MIB, most: 3 })).toBeUndefined();
    await expect(copies.abandon(large.to, 'u-1')).resolves.toBeUndefined();
  });
});

describe('A look', () => {
  const hex = Buffer.from(DIGEST, 'hex');
  const head = (headers: Record<string, string>): AwsReply => ({
    headers: { 'x-amz-version-id': 'p8', etag: '"n"', ...headers },
    body: 'tarball',
  });
  const place = { bucket: 'production', key: 'blog/app.tar.gz' };

  it('tells what the uploader claims apart from what S3 has computed', async () => {
    aws.answer(() =>
      head({ 'x-amz-meta-sha256': 'cd'.repeat(32), 'x-amz-checksum-sha256': hex.toString('base64') }),
    );
    expect(await copies.look(place)).toEqual({
      versionId: 'p8',
      etag: '"n"',
      sizeBytes: 7,
      claimed: 'cd'.repeat(32),
      computed: DIGEST,
    });
  });

  it('also at an object that is older than the bucket’s versioning', async () => {
    aws.answer(() => head({ 'x-amz-version-id': 'null' }));
    expect(await copies.look(place)).toEqual({ versionId: 'null', etag: '"n"', sizeBytes: 7 });
  });

  it('that is forbidden is not absence', async () => {
    aws.answer(() => ({ status: 403 }));
    await expect(copies.look(place)).rejects.toMatchObject({ name: 'ServiceRefused' });
  });

  it('that has no tag is unknown', async () => {
    aws.answer(() => ({ headers: { 'x-amz-version-id': 'p8' }, body: 'tarball' }));
    await expect(copies.look(place)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });
});
