/** Decisions of a copy: whether it is made already, whether it may still be made, and how large its parts are. */
import type { CopyRequest, Held, PartSize, Place } from '../../ports/s3.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Candidate, PromotionPlan } from './promotion.ts';

/** S3's limit for one request. */
const MOST_BYTES_AT_ONCE = 5 * 1024 ** 3;

export const fitsIntoOneRequest = (sizeBytes: number): boolean => sizeBytes <= MOST_BYTES_AT_ONCE;

const MIB = 1024 ** 2;
/** S3's limit. */
const MOST_PARTS = 10_000;
const PART_BYTES = 512 * MIB;
/** Side by side in one look, so that it takes as long as one part: seconds, a minute for the largest. */
const PARTS_PER_LOOK = 8;

/** At most 1,250 looks, whatever the size: nine events of the execution's history each, of which there may be 25,000. */
export function partSize(sizeBytes: number): PartSize {
  const least = Math.ceil(sizeBytes / MOST_PARTS / MIB) * MIB;
  return { bytes: Math.max(PART_BYTES, least), most: PARTS_PER_LOOK };
}

export function copyRequest({ from, to }: PromotionPlan, { artifact, onto }: Candidate): CopyRequest {
  const { bucket, key, owner } = from;
  const { versionId, sha256, sizeBytes } = artifact;
  return {
    from: { bucket, key, ...(owner !== undefined && { owner }), versionId },
    to,
    sha256,
    sizeBytes,
    onto,
  };
}

/**
 * The SHA-256 that something under a key has, by S3's own word: S3 computes that of every copy made in one request. Of
 * what is larger it knows none, and nobody can read it in time: there the copy's metadata has to do, and the hosts, which
 * compare the bytes with it, have the last word.
 */
const digestOf = ({ computed, claimed, sizeBytes }: Held): string | undefined =>
  computed ?? (fitsIntoOneRequest(sizeBytes) ? undefined : claimed);

/** Is this the candidate, byte for byte, and does its metadata say so to whoever deploys it? */
export function isCopy(held: Held, { sha256, sizeBytes }: Candidate['artifact']): boolean {
  return held.sizeBytes === sizeBytes && digestOf(held) === sha256 && (held.claimed ?? sha256) === sha256;
}

/**
 * What is to be done at the destination: nothing, if the newest there is the copy; else the copy may be made as long as
 * the newest is the one that it was decided on.
 * @throws CopyFailed when something else is there.
 */
export function decideCopy(
  to: Place,
  { artifact, onto }: Candidate,
  newest: Held | undefined,
): 'made' | 'make' {
  if (newest?.versionId === onto?.versionId) return 'make';
  if (newest !== undefined && isCopy(newest, artifact)) return 'made';
  const place = `s3://${to.bucket}/${to.key}`;
  throw new DeploymentError(
    'CopyFailed',
    newest === undefined
      ? `The newest version of ${place} was deleted while the promotion ran. Start it again if it is still wanted.`
      : `Somebody else made version ${newest.versionId} the newest of ${place} while the promotion ran. Start it again if it is still wanted.`,
  );
}

/** @throws CopyFailed when the copy is not what was to be promoted. */
export function verifiedCopy(to: Place, { artifact }: Candidate, held: Held | undefined): string {
  const place = `s3://${to.bucket}/${to.key}`;
  if (held === undefined) {
    throw new DeploymentError('CopyFailed', `The copy in ${place} was deleted right after it was made.`);
  }
  if (isCopy(held, artifact)) return held.versionId;
  throw new DeploymentError(
    'CopyFailed',
    `The copy, version ${held.versionId} of ${place}, has ${held.sizeBytes} bytes and SHA-256 ${digestOf(held) ?? 'unknown'}; ` +
      `to be promoted were ${artifact.sizeBytes} bytes with ${artifact.sha256}. No host runs it, because hosts compare the digest. ` +
      'Delete that version, and upload the artifact to its source again.',
  );
}
