/**
 * The modelled S3: versioned buckets. An upload gets a version id, a checksum only if the uploader sent one, and an
 * "Object Created" event as EventBridge would deliver it.
 */
import { createHash } from 'node:crypto';
import type { ArtifactVersion, StoredObject } from '../../lambdas/clients/ports.ts';
import { DeploymentError } from '../../lambdas/domain/errors.ts';
import type { Surroundings } from './surroundings.ts';
import { wholeSeconds } from './timings.ts';

export interface Upload {
  /** User metadata; `sha256` there counts as a checksum that the uploader vouches for. */
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
      readonly 'version-id': string;
      readonly sequencer: string;
    };
    readonly 'request-id': string;
    readonly requester: string;
    readonly 'source-ip-address': string;
    readonly reason: 'PutObject';
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
const DELETED = Symbol('delete marker');

export class S3Model {
  readonly #world: Surroundings;
  readonly #buckets = new Map<string, Map<string, (Version | typeof DELETED)[]>>();
  readonly #listeners: ((event: ObjectCreated) => void)[] = [];
  #serial = 0;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  addBucket(name: string): void {
    if (!this.#buckets.has(name)) this.#buckets.set(name, new Map());
  }

  onObjectCreated(listener: (event: ObjectCreated) => void): void {
    this.#listeners.push(listener);
  }

  put(bucket: string, key: string, content: Uint8Array | string, upload: Upload = {}): Uploaded {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const version = this.#version(bytes, upload);
    this.#versions(bucket, key).push(version);
    const { versionId, sequencer, etag } = version;
    this.#world.emit({ kind: 'object-created', bucket, versionId, ids: [key], changed: [key] });
    for (const listener of this.#listeners) listener(this.#event(bucket, key, version));
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
    if (claimed !== undefined && computed !== undefined && claimed !== computed) {
      throw new DeploymentError(
        'ArtifactUnusable',
        `The metadata of s3://${bucket}/${key} says sha256 ${claimed}, S3 computed ${computed}. Upload it again.`,
      );
    }
    const known = claimed ?? computed;
    const sha256 = known === undefined ? {} : { sha256: known };
    return { key, versionId: version.versionId, sizeBytes, ...sha256, uploadedAt };
  }

  digest(bucket: string, key: string, versionId: string): string {
    const version = this.#find(bucket, key, versionId);
    if (version === undefined) {
      throw new DeploymentError(
        'ServiceRefused',
        `There is no version ${versionId} of ${key} in the bucket ${bucket}. Upload the artifact again.`,
      );
    }
    return digestOf(version.bytes);
  }

  versions(bucket: string, key: string): readonly string[] {
    this.#refuseUnknownBucket(bucket);
    const versions = this.#buckets.get(bucket)?.get(key) ?? [];
    const ids = versions.flatMap((version) => (version === DELETED ? [] : [version.versionId]));
    return ids.reverse().slice(0, MAX_VERSIONS);
  }

  readRecord(bucket: string, key: string): unknown {
    this.#refuseUnknownBucket(bucket);
    const version = this.#find(bucket, key);
    if (version === undefined) return undefined;
    try {
      return JSON.parse(Buffer.from(version.bytes).toString());
    } catch {
      throw new DeploymentError(
        'InvalidInput',
        `The record s3://${bucket}/${key} is not JSON. Restore its last version, or delete it.`,
      );
    }
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
    const versions = this.#buckets.get(bucket)?.get(key) ?? [];
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

  #event(bucket: string, key: string, version: Version): ObjectCreated {
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
          'version-id': version.versionId,
          sequencer: version.sequencer,
        },
        'request-id': random.hex(16).toUpperCase(),
        requester: account,
        'source-ip-address': '192.0.2.10',
        reason: 'PutObject',
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
