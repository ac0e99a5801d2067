/**
 * Artifacts in S3 behind their port: pinned versions of tarballs, and their digests. Absence is hard to tell in S3: a
 * HEAD request has no error body, and without s3:ListBucket a missing object is "403".
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type {
  HeadObjectCommandOutput,
  ListObjectsV2CommandOutput,
  ListObjectVersionsCommandInput,
  ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { DeploymentError } from '../domain/core/errors.ts';
import type { Archive, Artifacts, ArtifactVersion, StoredObject } from '../ports/s3.ts';
import { bounded } from './wire/answer.ts';
import { asking, httpStatusOf, isNamed, unavailable } from './wire/aws-errors.ts';
import { AWS_CLIENT_OPTIONS } from './wire/aws-options.ts';
import { keptClient } from './wire/kept-client.ts';
import { forbiddenToRead, s3Name } from './wire/s3-request.ts';

export const liveArtifacts = keptClient((): Artifacts => artifactsAdapter(new S3Client(AWS_CLIENT_OPTIONS)));

export function artifactsAdapter(client: S3Client): Artifacts {
  bounded(client);
  return {
    find: (Bucket, Key, VersionId) =>
      find(client, { Bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) }),
    digest: (Bucket, Key, VersionId) => digest(client, { Bucket, Key, VersionId }),
    versions: (Bucket, Key) => versions(client, { Bucket, Key }),
    list: (bucket, prefix) => list(client, bucket, prefix),
  };
}

/** One object, in the words of S3's requests. */
interface Place {
  readonly Bucket: string;
  readonly Key: string;
  readonly VersionId?: string;
}

const nameOf = ({ Bucket: bucket, Key: key, VersionId: versionId }: Place) =>
  s3Name({ bucket, key, ...(versionId !== undefined && { versionId }) });

// ── Versions ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function find(client: S3Client, place: Place): Promise<ArtifactVersion | undefined> {
  const head = await headOf(client, place);
  return head === undefined ? undefined : toVersion(head, place);
}

/** What S3 says of an object; `undefined` when it says that there is none. */
export function headOf(client: S3Client, place: Place): Promise<HeadObjectCommandOutput | undefined> {
  // Without ChecksumMode, S3 keeps its checksums to itself.
  const command = new HeadObjectCommand({ ...place, ChecksumMode: 'ENABLED' });
  return unlessAbsent(place, () => client.send(command));
}

function toVersion(head: HeadObjectCommandOutput, place: Place): ArtifactVersion {
  const { VersionId: versionId, ContentLength: sizeBytes, LastModified: uploadedAt } = head;
  // "null" is the version of an object that is older than the bucket's versioning: it can be overwritten.
  if (versionId === undefined || versionId === 'null') {
    throw unusable(
      place,
      'it has no version, so it could change under a deployment. Switch on versioning of the bucket and upload it again',
    );
  }
  if (sizeBytes === undefined || uploadedAt === undefined) {
    throw unavailable(`look at ${nameOf(place)}`, 'the answer has no size or no date');
  }
  const { claimed, computed } = agreeing(head, place);
  const archive = archiveOf(head);
  return {
    key: place.Key,
    versionId,
    sizeBytes,
    ...(computed !== undefined && { sha256: computed }),
    ...(claimed !== undefined && { claimed }),
    uploadedAt,
    ...(archive && { archive }),
  };
}

/** HEAD answers for what GET refuses. Intelligent-Tiering has archives of its own, which it tells in a header of their own. */
function archiveOf({
  StorageClass,
  ArchiveStatus,
  Restore = '',
}: HeadObjectCommandOutput): Archive | undefined {
  const isArchive = StorageClass === 'GLACIER' || StorageClass === 'DEEP_ARCHIVE';
  const name = ArchiveStatus ?? (isArchive ? StorageClass : undefined);
  // A restored copy lies beside the archive, for the days that were asked for.
  if (name === undefined || Restore.includes('ongoing-request="false"')) return undefined;
  return { name, isRestoring: Restore.includes('ongoing-request="true"') };
}

/** What the uploader says of the whole object, and what S3 does, must not contradict each other. */
function agreeing(head: HeadObjectCommandOutput, place: Place): ReturnType<typeof digestsOf> {
  const digests = digestsOf(head);
  const { claimed, computed } = digests;
  if (claimed !== undefined && computed !== undefined && claimed !== computed) {
    throw unusable(place, `its metadata says sha256 ${claimed}, S3 computed ${computed}. Upload it again`);
  }
  return digests;
}

/** In hex: what the uploader's metadata says, and what S3 has computed of the whole object. */
export function digestsOf(head: HeadObjectCommandOutput): { claimed?: string; computed?: string } {
  const claimed = head.Metadata?.sha256?.toLowerCase();
  const computed = checksumOf(head);
  return {
    ...(claimed !== undefined && /^[0-9a-f]{64}$/.test(claimed) && { claimed }),
    ...(computed !== undefined && { computed }),
  };
}

/** S3's checksum in hex. After a multipart upload it is the checksum of checksums ("…-3"), which is of no use. */
function checksumOf({
  ChecksumSHA256: checksum,
  ChecksumType: type,
}: HeadObjectCommandOutput): string | undefined {
  if (checksum === undefined || /-\d+$/.test(checksum) || (type !== undefined && type !== 'FULL_OBJECT')) {
    return undefined;
  }
  return Buffer.from(checksum, 'base64').toString('hex');
}

/** The port's limit, and what S3 tells in one answer. */
const MAX_VERSIONS = 1_000;

/** S3 lists by prefix: by key first, where the key itself comes before all that is longer, then newest first. */
async function versions(client: S3Client, { Bucket, Key }: Place): Promise<string[]> {
  const found: string[] = [];
  let from: Pick<ListObjectVersionsCommandInput, 'KeyMarker' | 'VersionIdMarker'> | undefined = {};
  while (from !== undefined && found.length < MAX_VERSIONS) {
    const page: ListObjectVersionsCommandOutput = await versionsPage(client, {
      Bucket,
      Prefix: Key,
      ...from,
    });
    // Delete markers are in a list of their own.
    for (const version of page.Versions ?? []) {
      if (version.Key === Key && version.VersionId !== undefined) found.push(version.VersionId);
    }
    const { IsTruncated: goesOn, NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
    from = goesOn && KeyMarker === Key ? { KeyMarker, VersionIdMarker } : undefined;
  }
  return found.slice(0, MAX_VERSIONS);
}

const versionsPage = (client: S3Client, input: ListObjectVersionsCommandInput) =>
  asking(`list the versions of s3://${input.Bucket}/${input.Prefix}`, () =>
    client.send(new ListObjectVersionsCommand(input)),
  );

async function digest(client: S3Client, place: Place): Promise<string> {
  return asking(`read ${nameOf(place)}`, async () => {
    const { Body } = await client.send(new GetObjectCommand(place));
    const hash = createHash('sha256');
    for await (const chunk of streamOf(Body)) hash.update(chunk);
    return hash.digest('hex');
  });
}

// ── What is stored ─────────────────────────────────────────────────────────────────────────────────────────────────

/** The port's limit, in pages of 1,000. */
const MAX_PAGES = 20;

/** Needs s3:ListBucket. S3 lists by key and knows no other order. */
async function list(client: S3Client, Bucket: string, Prefix: string): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  let from: { ContinuationToken?: string } | undefined = {};
  for (let pages = 0; from !== undefined && pages < MAX_PAGES; pages += 1) {
    const command: ListObjectsV2Command = new ListObjectsV2Command({ Bucket, Prefix, ...from });
    const page: ListObjectsV2CommandOutput = await asking(`list s3://${Bucket}/${Prefix}*`, () =>
      client.send(command),
    );
    for (const { Key: key, LastModified: writtenAt } of page.Contents ?? [])
      if (key !== undefined && writtenAt !== undefined) found.push({ key, writtenAt });
    const { IsTruncated: goesOn, NextContinuationToken: next } = page;
    from = goesOn && next !== undefined ? { ContinuationToken: next } : undefined;
  }
  return found;
}

/** The SDK types its body for browsers too; in Node it is always a Readable. */
function streamOf(body: unknown): Readable {
  if (body instanceof Readable) return body;
  throw new TypeError('S3 answered without a body');
}

// ── What S3 means by an error ──────────────────────────────────────────────────────────────────────────────────────

/**
 * Runs a request; `undefined` when S3 says that there is no such object or version. HEAD carries no error code, so its
 * status has to do: 404 (also a missing bucket, or a delete marker as the newest version), 400 (a malformed version id)
 * and 405 (the version asked for is itself a delete marker).
 */
async function unlessAbsent<T>(place: Place, request: () => Promise<T>): Promise<T | undefined> {
  return asking(`read ${nameOf(place)}`, async () => {
    try {
      return await request();
    } catch (error) {
      if (isAbsence(error, place)) return undefined;
      throw httpStatusOf(error) === 403 ? forbiddenToRead(nameOf(place), '403') : error;
    }
  });
}

function isAbsence(error: unknown, place: Place): boolean {
  if (isNamed(error, 'NoSuchBucket')) return false;
  if (isNamed(error, 'NoSuchKey', 'NoSuchVersion', 'NotFound')) return true;
  const status = httpStatusOf(error);
  return status === 404 || (place.VersionId !== undefined && (status === 400 || status === 405));
}

function unusable(place: Place, why: string): DeploymentError {
  return new DeploymentError('ArtifactUnusable', `${nameOf(place)} cannot be deployed: ${why}.`);
}
