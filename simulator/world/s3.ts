/**
 * The modelled S3: versioned buckets. An upload gets a version id, a checksum only if the uploader sent one, and an
 * "Object Created" event as EventBridge would deliver it.
 */
import { createHash } from 'node:crypto';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import type {
  Archive,
  ArtifactVersion,
  CopyRequest,
  Held,
  PartSize,
  Place,
  StoredObject,
} from '../../lambdas/ports/s3.ts';
import type { Surroundings } from './surroundings.ts';
import { wholeSeconds } from './timings.ts';

export interface Upload {
  /** User metadata; `sha256` there is what the uploader claims. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The uploader sent `x-amz-checksum-sha256`, so S3 knows the digest of the whole object. */
  readonly checksum?: 'sha256';
  /** What S3 says about the size, so that a large tarball needs no large buffer. Default: the true size. */
  readonly sizeBytes?: number;
}

export interface Uploaded {
  readonly versionId: string;
  /** Hex; of two uploads of the same key the later one has the larger. */
  readonly sequencer: string;
  readonly etag: string;
}

/** How an object was created, in S3's words. */
type Reason = 'PutObject' | 'CopyObject' | 'CompleteMultipartUpload';

/** The EventBridge event of an upload. */
export interface ObjectCreated {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': 'Object Created';
  readonly source: 'aws.s3';
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: {
    readonly version: '0';
    readonly bucket: { readonly name: string };
    readonly object: {
      readonly key: string;
      readonly size: number;
      readonly etag: string;
      /** Absent where the bucket keeps no versions. */
      readonly 'version-id'?: string;
      readonly sequencer: string;
    };
    readonly 'request-id': string;
    readonly requester: string;
    readonly 'source-ip-address': string;
    readonly reason: Reason;
  };
}

interface Version extends Uploaded {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
  /** What the uploader's metadata says, and what S3 computed. */
  readonly claimed?: string;
  readonly computed?: string;
  readonly uploadedAt: Date;
}

const SHA256 = /^[0-9a-f]{64}$/;
/** The port's limit. */
const MAX_VERSIONS = 1_000;
const NO_VERSION = 'null';
const DELETED = Symbol('delete marker');
/** In one request. */
const MOST_BYTES_AT_ONCE = 5 * 1024 ** 3;

export class S3Model {
  readonly #world: Surroundings;
  readonly #buckets = new Map<string, Map<string, (Version | typeof DELETED)[]>>();
  /** Those that keep no versions. */
  readonly #unversioned = new Set<string>();
  /** Bucket and key → for how many seconds what was uploaded is not shown. */
  readonly #late = new Map<string, number>();
  /** By version id. */
  readonly #archives = new Map<string, Archive>();
  readonly #listeners: ((event: ObjectCreated) => void)[] = [];
  /** Copies in parts that are under way: how many parts there are, and how many are missing. */
  readonly #unfinished = new Map<string, { there: number; left: number }>();
  #serial = 0;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  addBucket(name: string): void {
    if (!this.#buckets.has(name)) this.#buckets.set(name, new Map());
  }

  /** What is uploaded from now on replaces what was there, as version `null`. */
  suspendVersioning(bucket: string): void {
    this.#unversioned.add(bucket);
  }

  /** What a lifecycle rule does to a version, and the ways back; `undefined`: its restored copy is there. */
  archive(versionId: string, archive: Archive | undefined): void {
    if (archive) this.#archives.set(versionId, archive);
    else this.#archives.delete(versionId);
  }

  /** As in a bucket whose versioning was enabled just now: what is uploaded there is found only so many seconds later. */
  showLate(bucket: string, key: string, seconds: number): void {
    this.#late.set(`${bucket}/${key}`, seconds);
  }

  onObjectCreated(listener: (event: ObjectCreated) => void): void {
    this.#listeners.push(listener);
  }

  put(bucket: string, key: string, content: Uint8Array | string, upload: Upload = {}): Uploaded {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const version = this.#version(bytes, upload);
    const isKept = !this.#unversioned.has(bucket);
    return this.#add(bucket, key, isKept ? version : { ...version, versionId: NO_VERSION }, 'PutObject');
  }

  #add(bucket: string, key: string, version: Version, reason: Reason): Uploaded {
    this.#versions(bucket, key).push(version);
    const { versionId, sequencer, etag } = version;
    this.#world.emit({ kind: 'object-created', bucket, versionId, ids: [key], changed: [key] });
    for (const listener of this.#listeners) listener(this.#event(bucket, key, version, reason));
    return { versionId, sequencer, etag };
  }

  /** Deletes as in a versioned bucket: the newest version is a marker, the older ones stay. */
  delete(bucket: string, key: string): void {
    this.#versions(bucket, key).push(DELETED);
  }

  // ── The port ──

  find(bucket: string, key: string, versionId?: string): ArtifactVersion | undefined {
    const version = this.#find(bucket, key, versionId);
    if (version === undefined) return undefined;
    const { sizeBytes, claimed, computed, uploadedAt } = version;
    if (version.versionId === NO_VERSION) {
      throw new DeploymentError(
        'ArtifactUnusable',
        `s3://${bucket}/${key} has no version. Switch on versioning of the bucket and upload it again.`,
      );
    }
    if (claimed !== undefined && computed !== undefined && claimed !== computed) {
      throw new DeploymentError(
        'ArtifactUnusable',
        `The metadata of s3://${bucket}/${key} says sha256 ${claimed}, S3 computed ${computed}. Upload it again.`,
      );
    }
    const archive = this.#archives.get(version.versionId);
    return {
      key,
      versionId: version.versionId,
      sizeBytes,
      ...(computed !== undefined && { sha256: computed }),
      ...(claimed !== undefined && { claimed }),
      uploadedAt,
      ...(archive && { archive }),
    };
  }

  digest(bucket: string, key: string, versionId: string): string {
    const version = this.#find(bucket, key, versionId);
    if (version === undefined) {
      throw new DeploymentError(
        'ServiceRefused',
        `There is no version ${versionId} of ${key} in the bucket ${bucket}. Upload the artifact again.`,
      );
    }
    this.#refuseArchived(version);
    return digestOf(version.bytes);
  }

  versions(bucket: string, key: string): readonly string[] {
    this.#refuseUnknownBucket(bucket);
    const versions = this.#buckets.get(bucket)?.get(key) ?? [];
    const ids = versions.flatMap((version) => (version === DELETED ? [] : [version.versionId]));
    return ids.reverse().slice(0, MAX_VERSIONS);
  }

  readRecord(bucket: string, key: string, versionId?: string): unknown {
    this.#refuseUnknownBucket(bucket);
    const version = this.#find(bucket, key, versionId);
    if (version === undefined) return undefined;
    try {
      return JSON.parse(Buffer.from(version.bytes).toString());
    } catch {
      throw new DeploymentError(
        'InvalidInput',
        `The record s3://${bucket}/${key} is not JSON. The runbook’s InvalidInput says how to get its last version back.`,
      );
    }
  }

  readVersion(bucket: string, key: string, versionId: string): unknown {
    return this.readRecord(bucket, key, versionId);
  }

  writeRecord(bucket: string, key: string, record: unknown): void {
    this.#refuseUnknownBucket(bucket);
    this.put(bucket, key, JSON.stringify(record, null, 2));
  }

  list(bucket: string, prefix: string): readonly StoredObject[] {
    this.#refuseUnknownBucket(bucket);
    const objects = [...(this.#buckets.get(bucket) ?? [])].filter(([key]) => key.startsWith(prefix));
    return objects.flatMap(([key, versions]) => {
      const newest = versions.at(-1);
      return newest === undefined || newest === DELETED ? [] : [{ key, writtenAt: newest.uploadedAt }];
    });
  }

  writePage(bucket: string, key: string, html: string): void {
    this.#refuseUnknownBucket(bucket);
    this.put(bucket, key, html);
  }

  writeText(bucket: string, key: string, text: string): void {
    this.writePage(bucket, key, text);
  }

  /** What a browser, or the console, would show for the newest version; `undefined` when there is none. */
  text(bucket: string, key: string): string | undefined {
    const version = this.#find(bucket, key);
    return version && Buffer.from(version.bytes).toString();
  }

  // ── The port of copies ──

  look({ bucket, key }: Place, versionId?: string): Held | undefined {
    const version = this.#find(bucket, key, versionId);
    if (version === undefined) return undefined;
    const { etag, sizeBytes, claimed, computed } = version;
    return {
      versionId: version.versionId,
      etag: `"${etag}"`,
      sizeBytes,
      ...(claimed !== undefined && { claimed }),
      ...(computed !== undefined && { computed }),
    };
  }

  /** S3 computes the digest of a copy made in one request. */
  whole(request: CopyRequest): string | undefined {
    const { bytes, sizeBytes } = this.#source(request);
    const like = this.#likeSource(request);
    if (sizeBytes > MOST_BYTES_AT_ONCE) {
      throw new DeploymentError('ServiceRefused', `S3 copies at most 5 GB at once, not ${sizeBytes} bytes.`);
    }
    return this.#copied(request, this.#version(bytes, { ...like, checksum: 'sha256' }), 'CopyObject');
  }

  begin(request: CopyRequest): string {
    this.#refuseUnknownBucket(request.to.bucket);
    this.#serial += 1;
    const uploadId = this.#world.random.branch(`upload ${this.#serial}`).base58(32);
    this.#unfinished.set(uploadId, { there: 0, left: Number.POSITIVE_INFINITY });
    return uploadId;
  }

  parts(request: CopyRequest, uploadId: string, { bytes, most }: PartSize): number | undefined {
    this.#source(request);
    const copy = this.#unfinished.get(uploadId);
    if (copy === undefined) return undefined;
    const count = Math.ceil(request.sizeBytes / bytes);
    copy.there = Math.min(count, copy.there + most);
    copy.left = count - copy.there;
    return copy.left;
  }

  finish(request: CopyRequest, uploadId: string): string | undefined {
    const copy = this.#unfinished.get(uploadId);
    if (copy === undefined) return undefined;
    if (copy.left > 0) throw new DeploymentError('ServiceRefused', `Parts of ${request.to.key} are missing.`);
    const version = this.#version(this.#source(request).bytes, this.#likeSource(request));
    const versionId = this.#copied(request, version, 'CompleteMultipartUpload');
    if (versionId !== undefined) this.#unfinished.delete(uploadId);
    return versionId;
  }

  abandon(_to: Place, uploadId: string): void {
    this.#unfinished.delete(uploadId);
  }

  /** Ids of unfinished copies, whose parts are still stored. */
  unfinishedCopies(): readonly string[] {
    return [...this.#unfinished.keys()];
  }

  #source({ from }: CopyRequest): Version {
    const version = this.#find(from.bucket, from.key, from.versionId);
    if (version !== undefined) {
      this.#refuseArchived(version);
      return version;
    }
    throw new DeploymentError(
      'ServiceRefused',
      `There is no version ${from.versionId} of ${from.key} in the bucket ${from.bucket}.`,
    );
  }

  #refuseArchived({ versionId }: Version): void {
    if (!this.#archives.has(versionId)) return;
    throw new DeploymentError(
      'ServiceRefused',
      `AWS refused to read version ${versionId}: InvalidObjectState. Restore it first.`,
    );
  }

  #likeSource(request: CopyRequest): Upload {
    return { metadata: { sha256: request.sha256 }, sizeBytes: this.#source(request).sizeBytes };
  }

  #copied({ to, onto }: CopyRequest, version: Version, reason: Reason): string | undefined {
    this.#refuseUnknownBucket(to.bucket);
    if (this.look(to)?.etag !== onto?.etag) return undefined;
    return this.#add(to.bucket, to.key, version, reason).versionId;
  }

  // ── Inside ──

  #refuseUnknownBucket(bucket: string): void {
    if (this.#buckets.has(bucket)) return;
    throw new DeploymentError(
      'ServiceRefused',
      `There is no bucket ${bucket}. Look for the stack’s bucket in S3.`,
    );
  }

  #versions(bucket: string, key: string): (Version | typeof DELETED)[] {
    const objects = this.#buckets.get(bucket);
    if (objects === undefined) throw new Error(`add the bucket ${bucket} to the world first`);
    const versions = objects.get(key) ?? [];
    objects.set(key, versions);
    return versions;
  }

  #find(bucket: string, key: string, versionId?: string): Version | undefined {
    const shown = this.#world.now() - (this.#late.get(`${bucket}/${key}`) ?? 0) * 1_000;
    const versions = (this.#buckets.get(bucket)?.get(key) ?? []).filter(
      (version) => version === DELETED || version.uploadedAt.getTime() <= shown,
    );
    const found = versionId === undefined ? versions.at(-1) : versions.find((v) => isVersion(v, versionId));
    return found === DELETED ? undefined : found;
  }

  #version(bytes: Uint8Array, { metadata, checksum, sizeBytes }: Upload): Version {
    this.#serial += 1;
    const claimed = metadata?.sha256?.toLowerCase();
    const computed = checksum === undefined ? undefined : digestOf(bytes);
    return {
      bytes,
      sizeBytes: sizeBytes ?? bytes.byteLength,
      ...(claimed !== undefined && SHA256.test(claimed) && { claimed }),
      ...(computed !== undefined && { computed }),
      uploadedAt: wholeSeconds(this.#world.now()),
      versionId: this.#world.random.branch(`version ${this.#serial}`).base58(32),
      sequencer: (this.#world.now() * 1000 + this.#serial).toString(16).toUpperCase().padStart(18, '0'),
      etag: createHash('md5').update(bytes).digest('hex'),
    };
  }

  #event(bucket: string, key: string, version: Version, reason: Reason): ObjectCreated {
    const { region, account } = this.#world;
    const random = this.#world.random.branch(`event ${version.versionId}`);
    return {
      version: '0',
      id: [8, 4, 4, 4, 12].map((length) => random.hex(length)).join('-'),
      'detail-type': 'Object Created',
      source: 'aws.s3',
      account,
      time: version.uploadedAt.toISOString().replace(/\.\d+Z$/, 'Z'),
      region,
      resources: [`arn:aws:s3:::${bucket}`],
      detail: {
        version: '0',
        bucket: { name: bucket },
        object: {
          key,
          size: version.sizeBytes,
          etag: version.etag,
          ...(version.versionId !== NO_VERSION && { 'version-id': version.versionId }),
          sequencer: version.sequencer,
        },
        'request-id': random.hex(16).toUpperCase(),
        requester: account,
        'source-ip-address': '192.0.2.10',
        reason,
      },
    };
  }
}

function isVersion(version: Version | typeof DELETED, versionId: string): version is Version {
  return version !== DELETED && version.versionId === versionId;
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
