/**
 * The proof of a promotion, kept at `promotionKey` in the destination's bucket, one for each fleet that the destination
 * feeds. A fleet with `promotion.required` deploys only what has one.
 */
import * as v from 'valibot';
import type { PromotedSoFar, Promotion } from './promotion.ts';

export const Proof = v.object({
  fleet: v.string(),
  /** Of the artifact: what is proven are these bytes, whatever their version. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  key: v.string(),
  /** At the destination. Absent until the copy is made: the proof comes first, because the copy starts the deployment. */
  versionId: v.optional(v.string()),
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

/** One for each fed fleet; with the copy's version once there is one. */
export function proofsOf(promotion: PromotedSoFar<'candidate'>, now: Date): Proof[] {
  const { promotion: plan, candidate, copy, input, execution } = promotion;
  const { environment, bucket, key } = plan.from;
  return plan.fed.map(({ fleet, from }) => {
    const deployment = candidate.provenBy[fleet];
    return {
      fleet,
      sha256: candidate.artifact.sha256,
      key: plan.to.key,
      ...(copy?.versionId !== undefined && { versionId: copy.versionId }),
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
