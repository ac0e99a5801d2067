/** S3: artifacts, records and copies. */

/** An artifact's key in a bucket. */
export interface Place {
  readonly bucket: string;
  readonly key: string;
  /**
   * The account that the bucket must belong to. Absent for a bucket that somebody gave: whose it is, is not known. With
   * it, S3 refuses a bucket of the same name that somebody else has made.
   */
  readonly owner?: string | undefined;
}

export interface ArtifactVersion {
  readonly key: string;
  readonly versionId: string;
  readonly sizeBytes: number;
  /** Hex, where S3 itself has computed the digest of the whole object. */
  readonly sha256?: string;
  /** What the uploader's metadata (`sha256`) says it is: anybody may claim anything. */
  readonly claimed?: string;
  readonly uploadedAt: Date;
  /** Where its bytes are that S3 does not give out now. Absent: it can be read, perhaps as a restored copy. */
  readonly archive?: Archive;
}

export interface Archive {
  /** In S3's words: `GLACIER`, `DEEP_ARCHIVE`. */
  readonly name: string;
  readonly isRestoring: boolean;
}

export interface Artifacts {
  /** The newest version, or the one asked for; `undefined` when S3 says that there is none. */
  find(bucket: string, key: string, versionId?: string): Promise<ArtifactVersion | undefined>;
  /** SHA-256 in hex, computed by reading the object once. */
  digest(bucket: string, key: string, versionId: string): Promise<string>;
  /** Version ids of the key, newest first by S3's own order; at most the newest 1,000. */
  versions(bucket: string, key: string): Promise<readonly string[]>;
  /** What is stored under keys that begin like this, in any order; of very many, the first 20,000 by key. */
  list(bucket: string, prefix: string): Promise<readonly StoredObject[]>;
}

/** irekae's own JSON records, in the artifact bucket. */
export interface Records {
  /** `undefined` when there is none. */
  readRecord(bucket: string, key: string): Promise<unknown>;
  /** As it was in this version; `undefined` when there is none (anymore). */
  readVersion(bucket: string, key: string, versionId: string): Promise<unknown>;
  writeRecord(bucket: string, key: string, record: unknown): Promise<void>;
  /** A page for a browser. */
  writePage(bucket: string, key: string, html: string): Promise<void>;
  /** Plain text. */
  writeText(bucket: string, key: string, text: string): Promise<void>;
}

export interface StoredObject {
  readonly key: string;
  /** To the second. */
  readonly writtenAt: Date;
}

/** What lies under a key: as S3 knows it, and as its uploader says. */
export interface Held {
  readonly versionId: string;
  /** Quoted, as S3 compares it. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** SHA-256 in hex: what the metadata says, and what S3 itself has computed of the whole object. */
  readonly claimed?: string;
  readonly computed?: string;
}

export interface CopyRequest {
  readonly from: Place & { readonly versionId: string };
  readonly to: Place;
  /** Hex; becomes the copy's metadata. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** The newest version at the destination: nothing is copied once there is another one. Absent: there is none. */
  readonly onto?: { readonly etag: string } | undefined;
}

/** Copies of artifacts from place to place, made by S3 itself: no byte passes through here. */
export interface Copies {
  /** The newest version, or the one asked for; `undefined` when S3 says that there is none. */
  look(place: Place, versionId?: string): Promise<Held | undefined>;
  /** At most 5 GB. The copy's version; `undefined` when the destination has changed. */
  whole(request: CopyRequest): Promise<string | undefined>;
  /** Begins a copy in parts, of any size; answers its id. */
  begin(request: CopyRequest): Promise<string>;
  /** Copies some of the parts that are still missing. How many are left; `undefined` when S3 knows no such copy. */
  parts(request: CopyRequest, uploadId: string, size: PartSize): Promise<number | undefined>;
  /** Puts the parts together. The copy's version; `undefined` when the destination has changed, or as above. */
  finish(request: CopyRequest, uploadId: string): Promise<string | undefined>;
  /** Throws the parts away; a copy that is finished, or was thrown away before, counts as done. */
  abandon(to: Place, uploadId: string): Promise<void>;
}

export interface PartSize {
  /** Of each part but the last; at least 5 MiB, at most 5 GiB, and at most 10,000 parts in all. */
  readonly bytes: number;
  /** At most so many in this call. */
  readonly most: number;
}
