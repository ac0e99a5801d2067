/**
 * S3's own copying behind its port: whole objects in one request, larger ones in parts. Which parts are there already S3
 * knows itself (ListParts), so that a copy goes on wherever the run before was cut off.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type Part,
  S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { Copies, CopyRequest, Held, PartSize, Place } from '../ports/s3.ts';
import { digestsOf, headOf } from './artifacts.ts';
import { bounded } from './wire/answer.ts';
import { asking, httpStatusOf, isNamed, unavailable } from './wire/aws-errors.ts';
import { AWS_CLIENT_OPTIONS } from './wire/aws-options.ts';
import { keptClient } from './wire/kept-client.ts';

/**
 * S3 answers a copy when it is made. One try each: a copy that was not answered in time is looked for before it is made
 * again.
 */
const COPY_OPTIONS = {
  maxAttempts: 1,
  requestHandler: {
    ...AWS_CLIENT_OPTIONS.requestHandler,
    requestTimeout: 240_000,
    socketTimeout: 240_000,
  },
};

export const liveCopies = keptClient((): Copies => copiesAdapter(new S3Client(COPY_OPTIONS)));

export function copiesAdapter(client: S3Client): Copies {
  bounded(client);
  return {
    look: (place, versionId) => look(client, place, versionId),
    whole: (request) => whole(client, request),
    begin: (request) => begin(client, request),
    parts: (request, uploadId, size) => parts(client, request, uploadId, size),
    finish: (request, uploadId) => finish(client, request, uploadId),
    abandon: (to, uploadId) => abandon(client, to, uploadId),
  };
}

const nameOf = ({ bucket, key }: Place) => `s3://${bucket}/${key}`;
const sourceName = ({ from }: CopyRequest) => `${nameOf(from)} (version ${from.versionId})`;
const doing = (request: CopyRequest) => `copy ${sourceName(request)} to ${nameOf(request.to)}`;

// ── Looking ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function look(client: S3Client, { bucket, key }: Place, VersionId?: string): Promise<Held | undefined> {
  const place = { Bucket: bucket, Key: key, ...(VersionId === undefined ? {} : { VersionId }) };
  const head = await headOf(client, place);
  if (head === undefined) return undefined;
  const { VersionId: versionId = 'null', ETag: etag, ContentLength: sizeBytes } = head;
  if (etag === undefined || sizeBytes === undefined) {
    throw unavailable(`look at ${nameOf({ bucket, key })}`, 'the answer has no size or no tag');
  }
  return { versionId, etag, sizeBytes, ...digestsOf(head) };
}

// ── What all requests for a copy have in common ────────────────────────────────────────────────────────────────────

/** Pinned to the version; a bucket of this name that somebody else has made is refused. */
const sourceOf = ({ from }: CopyRequest) => ({
  CopySource: `${encoded(from)}?versionId=${encodeURIComponent(from.versionId)}`,
  ...(from.owner !== undefined && { ExpectedSourceBucketOwner: from.owner }),
});
const encoded = ({ bucket, key }: Place) => [bucket, ...key.split('/')].map(encodeURIComponent).join('/');

const placeOf = ({ bucket, key, owner }: Place) => ({
  Bucket: bucket,
  Key: key,
  ...(owner !== undefined && { ExpectedBucketOwner: owner }),
});

/** The copy's own: of the source's metadata nothing but the digest, which is what a deployment reads. */
const described = ({ sha256 }: CopyRequest) => ({
  ContentType: 'application/gzip',
  Metadata: { sha256 },
});

/** Made only onto what was there when it was decided. */
const unlessChanged = ({ onto }: CopyRequest) =>
  onto === undefined ? { IfNoneMatch: '*' } : { IfMatch: onto.etag };

/** 412: another version is the newest. 404 to an `IfMatch`: a delete marker is. */
const hasChanged = (error: unknown) =>
  isNamed(error, 'PreconditionFailed') || httpStatusOf(error) === 412 || isNamed(error, 'NoSuchKey');

/** Two conditional writes at once: one of them has to look again. */
const hasRaced = (error: unknown) => isNamed(error, 'ConditionalRequestConflict');

/** @returns what S3 answered; `undefined` for the refusals that `expected` knows. */
async function asked<T>(
  what: string,
  expected: (error: unknown) => boolean,
  request: () => Promise<T>,
): Promise<T | undefined> {
  return asking(what, async () => {
    try {
      return await request();
    } catch (error) {
      if (expected(error)) return undefined;
      if (hasRaced(error))
        throw unavailable(what, 'another request changed the destination at the same time');
      throw error;
    }
  });
}

// ── Whole objects ──────────────────────────────────────────────────────────────────────────────────────────────────

/** S3 computes the copy's SHA-256: what arrived is known, and not only what was sent. */
async function whole(client: S3Client, request: CopyRequest): Promise<string | undefined> {
  const command = new CopyObjectCommand({
    ...placeOf(request.to),
    ...sourceOf(request),
    ...described(request),
    ...unlessChanged(request),
    MetadataDirective: 'REPLACE',
    // Copying tags would need permissions on them.
    TaggingDirective: 'REPLACE',
    // S3's default, COPY, would need permissions on annotations.
    AnnotationDirective: 'EXCLUDE',
    ChecksumAlgorithm: 'SHA256',
  });
  const answer = await asked(doing(request), hasChanged, () => client.send(command));
  return answer && versionIn(answer, request);
}

function versionIn({ VersionId }: { VersionId?: string | undefined }, request: CopyRequest): string {
  if (VersionId !== undefined) return VersionId;
  throw unavailable(
    doing(request),
    'the answer names no version. Is the destination’s versioning switched on?',
  );
}

// ── In parts ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function begin(client: S3Client, request: CopyRequest): Promise<string> {
  const command = new CreateMultipartUploadCommand({
    ...placeOf(request.to),
    ...described(request),
    // Of parts, S3 knows a checksum of the whole for CRC only.
    ChecksumAlgorithm: 'CRC64NVME',
    ChecksumType: 'FULL_OBJECT',
  });
  const { UploadId } = await asking(doing(request), () => client.send(command));
  if (UploadId !== undefined) return UploadId;
  throw unavailable(doing(request), 'the answer names no upload');
}

const isGone = (error: unknown) => isNamed(error, 'NoSuchUpload');

async function parts(
  client: S3Client,
  request: CopyRequest,
  uploadId: string,
  { bytes, most }: PartSize,
): Promise<number | undefined> {
  const there = await partsThere(client, request, uploadId);
  if (there === undefined) return undefined;
  const done = new Set(there.map(({ PartNumber }) => PartNumber));
  const count = Math.ceil(request.sizeBytes / bytes);
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((part) => !done.has(part));
  const now = missing.slice(0, most);
  // All of them, whatever becomes of one: what was copied need not be copied again.
  const copied = await Promise.allSettled(
    now.map((part) => copyPart(client, request, uploadId, part, bytes)),
  );
  const failed = copied.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
  return missing.length - now.length;
}

async function copyPart(
  client: S3Client,
  request: CopyRequest,
  UploadId: string,
  PartNumber: number,
  bytes: number,
): Promise<void> {
  const first = (PartNumber - 1) * bytes;
  const last = Math.min(first + bytes, request.sizeBytes) - 1;
  const command = new UploadPartCopyCommand({
    ...placeOf(request.to),
    ...sourceOf(request),
    UploadId,
    PartNumber,
    CopySourceRange: `bytes=${first}-${last}`,
  });
  await asking(`${doing(request)}, part ${PartNumber}`, () => client.send(command));
}

/** `undefined`: S3 knows no such upload (anymore). */
async function partsThere(
  client: S3Client,
  request: CopyRequest,
  UploadId: string,
): Promise<Part[] | undefined> {
  const found: Part[] = [];
  let PartNumberMarker: string | undefined;
  do {
    const command = new ListPartsCommand({ ...placeOf(request.to), UploadId, PartNumberMarker });
    const page = await asked(`list the parts of ${nameOf(request.to)}`, isGone, () => client.send(command));
    if (page === undefined) return undefined;
    found.push(...(page.Parts ?? []));
    PartNumberMarker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (PartNumberMarker !== undefined);
  return found;
}

async function finish(client: S3Client, request: CopyRequest, UploadId: string): Promise<string | undefined> {
  const there = await partsThere(client, request, UploadId);
  if (there === undefined) return undefined;
  const command = new CompleteMultipartUploadCommand({
    ...placeOf(request.to),
    ...unlessChanged(request),
    UploadId,
    MpuObjectSize: request.sizeBytes,
    ChecksumType: 'FULL_OBJECT',
    MultipartUpload: {
      Parts: there.map(({ PartNumber, ETag, ChecksumCRC64NVME }) => ({
        PartNumber,
        ETag,
        ...(ChecksumCRC64NVME !== undefined && { ChecksumCRC64NVME }),
      })),
    },
  });
  const expected = (error: unknown) => isGone(error) || hasChanged(error);
  const answer = await asked(doing(request), expected, () => client.send(command));
  return answer && versionIn(answer, request);
}

async function abandon(client: S3Client, to: Place, UploadId: string): Promise<void> {
  const command = new AbortMultipartUploadCommand({ ...placeOf(to), UploadId });
  await asked(`throw away the parts of ${nameOf(to)}`, isGone, () => client.send(command));
}
