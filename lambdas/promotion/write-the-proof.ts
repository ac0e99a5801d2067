/**
 * States *Write the proof* and *Record the promotion*: what proves the version to the fleets that the destination feeds.
 * Written before the copy, whose upload event starts them, and once more when the copy has a version.
 */

import { lambdaHandler, systemClock } from '../clients/handler.ts';
import { liveRecords } from '../clients/records.ts';
import { count, list } from '../domain/core/words.ts';
import { type Proof, proofsOf, writeProofs } from '../domain/promotion/proof.ts';
import { definePromotionStep } from '../domain/promotion/step.ts';
import type { Ports } from '../ports/ports.ts';

/** What a promotion has come to: its last state answers with it. */
export interface PromotionRecord {
  readonly reason: string;
  /** The copy's version, once there is one: under this name, it is no other version's, wherever it is read. */
  readonly promotedAs?: string;
  readonly proofs: readonly Proof[];
}

export const writeTheProof = definePromotionStep(
  'write-the-proof',
  ['candidate'],
  async (promotion, { records, clock }: Pick<Ports, 'records' | 'clock'>): Promise<PromotionRecord> => {
    const { promotion: plan, candidate, copy } = promotion;
    const { bucket, key } = plan.to;
    const proofs = proofsOf(promotion, clock.now());
    await writeProofs(bucket, proofs, records);
    const fleets = list(proofs.map(({ fleet }) => fleet));
    const version = `version ${candidate.artifact.versionId} of ${plan.from.environment}`;
    return {
      reason:
        copy?.versionId === undefined
          ? `${version} is proven for ${count(proofs.length, 'fleet')}: ${fleets}`
          : `${version} is version ${copy.versionId} of s3://${bucket}/${key}; its upload event deploys it to ${fleets}`,
      ...(copy?.versionId !== undefined && { promotedAs: copy.versionId }),
      proofs,
    };
  },
);

export const handler = lambdaHandler(writeTheProof, () => ({
  records: liveRecords(),
  clock: systemClock,
}));
