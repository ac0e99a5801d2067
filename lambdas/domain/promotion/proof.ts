/**
 * The proof of a promotion, kept at `promotionKey` in the destination's bucket, one for each fleet that the destination
 * feeds. A fleet with `promotion.required` deploys only what has one.
 */
import * as v from 'valibot';
import type { Held, Records } from '../../ports/s3.ts';
import { promotionKey } from '../core/names.ts';
import { findProof, Tested } from '../release/proven.ts';
import { fitsIntoOneRequest } from './copying.ts';
import type { PromotedSoFar, Promotion, PromotionPlan } from './promotion.ts';

export const Proof = v.object({
  fleet: v.string(),
  /** Of the artifact: what is proven are these bytes, in this one version. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  key: v.string(),
  /** At the destination. Absent until the copy is made: the proof comes first, because the copy starts the deployment. */
  versionId: v.optional(v.string()),
  /** While it is absent: until when the copy may come, and the version that it replaces. */
  until: v.optional(v.pipe(v.string(), v.isoTimestamp())),
  onto: v.optional(v.object({ versionId: v.string(), etag: v.string() })),
  /** What it was tested with at the source; absent when `provenance` was overridden and it was not. */
  tested: v.optional(Tested),
  from: v.object({
    fleet: v.string(),
    environment: v.string(),
    bucket: v.string(),
    key: v.string(),
    versionId: v.string(),
    /** That proves it; absent when `provenance` was overridden and there was none. */
    deployment: v.optional(v.string()),
  }),
  promotedAt: v.pipe(v.string(), v.isoTimestamp()),
  promotedBy: v.string(),
  /** The promotion's execution. */
  execution: v.string(),
  why: v.optional(v.string()),
  override: v.optional(v.array(v.string())),
});
export type Proof = v.InferOutput<typeof Proof>;

/** Who or what started the promotion, in one phrase. */
export const promotedBy = ({ input }: Promotion): string => input.startedBy ?? 'StartExecution';

/** The longest that the copy may take, by its size, with every retry. */
const copySeconds = (sizeBytes: number): number => (fitsIntoOneRequest(sizeBytes) ? 3_600 : 16 * 3_600);

/**
 * One for each fed fleet; with the copy's version once there is one.
 * @param isGivenUp there will be no copy: nothing that comes is proven by it
 */
export function proofsOf(promotion: PromotedSoFar<'candidate'>, now: Date, isGivenUp = false): Proof[] {
  const { promotion: plan, candidate, copy, input, execution } = promotion;
  const { environment, bucket, key } = plan.from;
  const seconds = isGivenUp ? 0 : copySeconds(candidate.artifact.sizeBytes);
  const awaited = {
    until: new Date(now.getTime() + seconds * 1_000).toISOString(),
    ...(candidate.onto && { onto: candidate.onto }),
  };
  return plan.fed.map(({ fleet, from }) => {
    const deployment = candidate.provenBy[fleet];
    const tested = candidate.tested[fleet];
    return {
      fleet,
      sha256: candidate.artifact.sha256,
      key: plan.to.key,
      ...(copy?.versionId === undefined ? awaited : { versionId: copy.versionId }),
      ...(tested && { tested }),
      from: {
        fleet: from,
        environment,
        bucket,
        key,
        versionId: candidate.artifact.versionId,
        ...(deployment !== undefined && { deployment }),
      },
      promotedAt: now.toISOString(),
      promotedBy: promotedBy(promotion),
      execution: execution.id,
      ...(input.reason && { why: input.reason }),
      ...(input.override && input.override.length > 0 && { override: input.override }),
    };
  });
}

/** Of a copy with a version, that version's own proof, which stays, comes first: the other one is then for no other upload. */
export async function writeProofs(
  bucket: string,
  proofs: readonly Proof[],
  records: Pick<Records, 'writeRecord'>,
): Promise<void> {
  for (const proof of proofs) {
    const { fleet, sha256, versionId } = proof;
    if (versionId !== undefined)
      await records.writeRecord(bucket, promotionKey(fleet, sha256, versionId), proof);
    await records.writeRecord(bucket, promotionKey(fleet, sha256), proof);
  }
}

/** Fed fleet → the proof of what the destination has; without anything there, of a promotion on its way. */
export async function findProofs(
  { to, fed }: PromotionPlan,
  { sha256 }: Pick<Proof, 'sha256'>,
  newest: Held | undefined,
  records: Pick<Records, 'readRecord'>,
): Promise<Record<string, unknown>> {
  const found = fed.map(async ({ fleet: name }): Promise<[string, unknown]> => {
    const proven = { sha256, versionId: newest?.versionId ?? 'null' };
    return [name, await findProof({ name, artifact: to }, proven, records)];
  });
  return Object.fromEntries(await Promise.all(found));
}
