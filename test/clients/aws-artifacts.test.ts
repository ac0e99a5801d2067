import { createHash } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { artifactsAdapter } from '../../lambdas/clients/artifacts.ts';
import type { Archive, Artifacts } from '../../lambdas/ports/s3.ts';
import { type AwsEndpoint, type AwsReply, startAwsEndpoint, testClientOptions, xml } from './aws-endpoint.ts';

let aws: AwsEndpoint;
let artifacts: Artifacts;
beforeEach(async () => {
  aws = await startAwsEndpoint();
  artifacts = artifactsWith();
});
afterEach(() => aws.stop());

const artifactsWith = (reply?: AwsReply) =>
  artifactsAdapter(new S3Client({ ...testClientOptions(aws.url, reply), forcePathStyle: true }));

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const hex = sha256('tarball').toString('hex');
const base64 = sha256('tarball').toString('base64');

/** A HEAD answer; `content-length` cannot be set without a body, so the size is that of `body`. */
const head = (headers: Record<string, string>): AwsReply => ({
  headers: {
    'x-amz-version-id': 'v1',
    'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
    etag: '"e"',
    ...headers,
  },
  body: 'tarball',
});
const s3Error = (code: string, status: number): AwsReply => ({
  status,
  body: xml({ Error: { Code: code, Message: 'because' } }),
});

describe('looking at an artifact', () => {
  it('answers the newest version with what is claimed of it', async () => {
    aws.answer(() => head({ 'x-amz-meta-sha256': hex }));
    expect(await artifacts.find('bucket', 'blog/app.tar.gz')).toEqual({
      key: 'blog/app.tar.gz',
      versionId: 'v1',
      sizeBytes: 7,
      claimed: hex,
      uploadedAt: new Date('2026-01-02T03:04:05Z'),
    });
    expect(aws.requests[0]).toMatchObject({
      method: 'HEAD',
      path: '/bucket/blog/app.tar.gz',
      headers: { 'x-amz-checksum-mode': 'ENABLED' },
    });
  });

  it('asks for the version that is wanted', async () => {
    aws.answer(() => head({ 'x-amz-version-id': 'v0' }));
    expect(await artifacts.find('bucket', 'app', 'v0')).toMatchObject({ versionId: 'v0' });
    expect(aws.requests[0]?.path).toBe('/bucket/app?versionId=v0');
  });

  it.each([
    ['nowhere, whatever the uploader’s metadata claims', { 'x-amz-meta-sha256': hex }, undefined],
    [
      'S3’s checksum of the whole object',
      { 'x-amz-checksum-sha256': base64, 'x-amz-checksum-type': 'FULL_OBJECT' },
      hex,
    ],
    ['S3’s checksum without a type', { 'x-amz-checksum-sha256': base64 }, hex],
    ['both, when they agree', { 'x-amz-meta-sha256': hex, 'x-amz-checksum-sha256': base64 }, hex],
    [
      'S3, when the metadata is no digest',
      { 'x-amz-meta-sha256': 'unknown', 'x-amz-checksum-sha256': base64 },
      hex,
    ],
    [
      'nowhere after a multipart upload',
      { 'x-amz-checksum-sha256': base64, 'x-amz-checksum-type': 'COMPOSITE' },
      undefined,
    ],
    ['nowhere when it ends in its number of parts', { 'x-amz-checksum-sha256': `${base64}-3` }, undefined],
    ['nowhere when there is none', {}, undefined],
  ])('takes the digest from %s', async (_, headers, expected) => {
    aws.answer(() => head(headers as Record<string, string>));
    expect((await artifacts.find('bucket', 'app'))?.sha256).toBe(expected);
  });

  it.each<[string, Record<string, string>, Archive | undefined]>([
    ['in Standard', {}, undefined],
    ['in Glacier Instant Retrieval, which reads at once', { 'x-amz-storage-class': 'GLACIER_IR' }, undefined],
    ['in Glacier', { 'x-amz-storage-class': 'GLACIER' }, { name: 'GLACIER', isRestoring: false }],
    [
      'in Deep Archive',
      { 'x-amz-storage-class': 'DEEP_ARCHIVE' },
      { name: 'DEEP_ARCHIVE', isRestoring: false },
    ],
    [
      'on its way back',
      { 'x-amz-storage-class': 'GLACIER', 'x-amz-restore': 'ongoing-request="true"' },
      { name: 'GLACIER', isRestoring: true },
    ],
    [
      'restored',
      {
        'x-amz-storage-class': 'GLACIER',
        'x-amz-restore': 'ongoing-request="false", expiry-date="Fri, 21 Dec 2026 00:00:00 GMT"',
      },
      undefined,
    ],
    ['in Intelligent-Tiering', { 'x-amz-storage-class': 'INTELLIGENT_TIERING' }, undefined],
    [
      'in an archive of Intelligent-Tiering',
      { 'x-amz-storage-class': 'INTELLIGENT_TIERING', 'x-amz-archive-status': 'ARCHIVE_ACCESS' },
      { name: 'ARCHIVE_ACCESS', isRestoring: false },
    ],
  ])('knows where an object is that is %s', async (_, headers, archive) => {
    aws.answer(() => head(headers));
    expect((await artifacts.find('bucket', 'app'))?.archive).toEqual(archive);
  });

  it('does not trust an object whose metadata contradicts S3', async () => {
    const other = sha256('other').toString('hex');
    aws.answer(() => head({ 'x-amz-meta-sha256': other, 'x-amz-checksum-sha256': base64 }));
    await expect(artifacts.find('bucket', 'app')).rejects.toMatchObject({ name: 'ArtifactUnusable' });
  });

  it.each([
    ['has no version', { 'x-amz-version-id': '' }],
    ['is older than the versioning', { 'x-amz-version-id': 'null' }],
  ])('cannot use an object that %s', async (_, headers) => {
    aws.answer(() => {
      const { 'x-amz-version-id': version, ...rest } = { ...head({}).headers, ...headers };
      return { headers: version ? { ...rest, 'x-amz-version-id': version } : rest, body: 'tarball' };
    });
    await expect(artifacts.find('bucket', 'app')).rejects.toMatchObject({
      name: 'ArtifactUnusable',
      message: expect.stringContaining('Switch on versioning'),
    });
  });

  it.each<[string, string | undefined, AwsReply]>([
    ['a missing key', undefined, { status: 404 }],
    [
      'a delete marker as the newest version',
      undefined,
      { status: 404, headers: { 'x-amz-delete-marker': 'true' } },
    ],
    ['a missing version', 'v0', { status: 404 }],
    ['a malformed version id', 'v0', { status: 400 }],
    ['a version that is a delete marker', 'v0', { status: 405, headers: { 'x-amz-delete-marker': 'true' } }],
  ])('finds nothing at %s', async (_, versionId, reply) => {
    aws.answer(() => reply);
    expect(await artifacts.find('bucket', 'app', versionId)).toBeUndefined();
  });

  it.each<[string, AwsReply, string, string]>([
    ['403', { status: 403 }, 'ServiceRefused', 's3:ListBucket'],
    ['400 without a version id', { status: 400 }, 'ServiceRefused', 'app'],
    ['503', { status: 503 }, 'ServiceUnavailable', 'app'],
    ['silence', { instead: 'silence' }, 'ServiceUnavailable', 'app'],
  ])('%s is not absence', async (_, reply, name, words) => {
    aws.answer(() => reply);
    await expect(artifactsWith(reply).find('bucket', 'app')).rejects.toMatchObject({
      name,
      message: expect.stringContaining(words),
    });
  });
});

describe('the digest of an artifact', () => {
  it('is computed from what S3 sends', async () => {
    const megabyte = 'x'.repeat(1_000_000);
    aws.answer(() => ({ body: megabyte }));
    expect(await artifacts.digest('bucket', 'app', 'v1')).toBe(sha256(megabyte).toString('hex'));
    expect(aws.requests[0]).toMatchObject({ method: 'GET', path: expect.stringContaining('versionId=v1') });
  });

  it('is unknown when the object ends too early', async () => {
    aws.answer(() => ({ body: 'x'.repeat(100_000), instead: 'half' }));
    await expect(artifacts.digest('bucket', 'app', 'v1')).rejects.toMatchObject({
      name: 'ServiceUnavailable',
    });
  });
});

describe('the versions of an artifact', () => {
  interface Version {
    readonly Key: string;
    readonly VersionId: string;
  }
  const version = (Key: string, VersionId: string) => ({ Key, VersionId });
  const page = (Version: Version[], next?: Version, DeleteMarker: Version[] = []): AwsReply => ({
    body: xml({
      ListVersionsResult: {
        IsTruncated: next === undefined ? 'false' : 'true',
        Version: Version.map(({ Key, VersionId }) => ({ Key, VersionId })),
        DeleteMarker: DeleteMarker.map(({ Key, VersionId }) => ({ Key, VersionId })),
        ...(next && { NextKeyMarker: next.Key, NextVersionIdMarker: next.VersionId }),
      },
    }),
  });

  it('come in S3’s order from all of its pages, without delete markers', async () => {
    aws.answer(({ path }) =>
      path.includes('version-id-marker=v3')
        ? page([version('app', 'v1'), version('app.sig', 's1')])
        : page([version('app', 'v3')], version('app', 'v3'), [version('app', 'v4')]),
    );
    expect(await artifacts.versions('bucket', 'app')).toEqual(['v3', 'v1']);
    const [first, second] = aws.requests.map(({ path }) => path);
    expect(first).toMatch(/^\/bucket\/?\?.*prefix=app/);
    expect(second).toContain('key-marker=app');
    expect(aws.requests).toHaveLength(2);
  });

  it('end where S3 goes on with other keys', async () => {
    aws.answer(() => page([version('app', 'v1'), version('app.sig', 's9')], version('app.sig', 's9')));
    expect(await artifacts.versions('bucket', 'app')).toEqual(['v1']);
    expect(aws.requests).toHaveLength(1);
  });

  it('are at most the newest 1,000', async () => {
    aws.answer(() => {
      const first = 600 * (aws.requests.length - 1);
      const versions = Array.from({ length: 600 }, (_, index) => version('app', `v${first + index}`));
      return page(versions, version('app', `v${first + 599}`));
    });
    const found = await artifacts.versions('bucket', 'app');
    expect([found.length, found[0], found.at(-1)]).toEqual([1000, 'v0', 'v999']);
    expect(aws.requests).toHaveLength(2);
  });

  it('are unknown, rather than none, when S3 is too busy', async () => {
    aws.answer(() => s3Error('SlowDown', 503));
    await expect(artifacts.versions('bucket', 'app')).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });
});

describe('what is stored under a prefix', () => {
  const page = (keys: readonly string[], next?: string): AwsReply => ({
    body: xml({
      ListBucketResult: {
        IsTruncated: next === undefined ? 'false' : 'true',
        Contents: keys.map((Key) => ({ Key, LastModified: '2026-01-02T03:04:05.000Z', Size: '7' })),
        ...(next !== undefined && { NextContinuationToken: next }),
      },
    }),
  });

  it('comes from all of S3’s pages', async () => {
    aws.answer(({ path }) =>
      path.includes('continuation-token=more') ? page(['r/2']) : page(['r/1'], 'more'),
    );
    const writtenAt = new Date('2026-01-02T03:04:05Z');
    expect(await artifacts.list('bucket', 'r/')).toEqual([
      { key: 'r/1', writtenAt },
      { key: 'r/2', writtenAt },
    ]);
    expect(aws.requests[0]?.path).toMatch(/list-type=2.*prefix=r%2F/);
  });

  it('ends after twenty pages', async () => {
    aws.answer(() => page(['r/1'], 'more'));
    expect(await artifacts.list('bucket', 'r/')).toHaveLength(20);
  });

  it('is unknown, rather than nothing, when S3 is too busy or refuses', async () => {
    aws.answer(() => s3Error('SlowDown', 503));
    await expect(artifacts.list('bucket', 'r/')).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    aws.answer(() => s3Error('AccessDenied', 403));
    await expect(artifacts.list('bucket', 'r/')).rejects.toMatchObject({ name: 'ServiceRefused' });
  });
});
