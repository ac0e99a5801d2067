/**
 * State *Give up the promotion*: under which name it fails, and why; parts of an unfinished copy are thrown away, because
 * S3 charges for them. A proof that waits for the copy waits no longer; of a copy that was made, it is completed.
 */

import { liveCopies } from '../clients/copies.ts';
import { lambdaHandler, systemClock } from '../clients/handler.ts';
import { liveRecords } from '../clients/records.ts';
import { isFailure } from '../domain/core/errors.ts';
import { despiteBadInput } from '../domain/core/parse-document.ts';
import type { Step } from '../domain/core/step.ts';
import { list } from '../domain/core/words.ts';
import { type PromotedSoFar, type Promotion, parsePromotion } from '../domain/promotion/promotion.ts';
import { proofsOf, writeProofs } from '../domain/promotion/proof.ts';
import { explain } from '../domain/record/ending.ts';
import type { Ports } from '../ports/ports.ts';

interface Ending {
  readonly error: string;
  readonly cause: string;
}

export const giveUpThePromotion: Step<Pick<Ports, 'copies' | 'records' | 'clock'>, Ending> = {
  name: 'give-up-the-promotion',
  run: async (document, { copies, records, clock }) => {
    const promotion = despiteBadInput(document, (given) => parsePromotion(given, []));
    const { failure, copy, promotion: plan } = promotion;
    if (copy?.uploadId !== undefined) await quietly(copies.abandon(plan.to, copy.uploadId));
    if (hasProof(promotion)) {
      const proofs = proofsOf(promotion, clock.now(), true);
      await quietly(writeProofs(plan.to.bucket, proofs, records));
    }
    const { name, sentence } = explain(failure);
    return { error: name, cause: `${name}: ${sentence} ${consequence(promotion)}` };
  },
};

/** It may have been written before the step that writes it failed. */
const hasProof = (promotion: Promotion): promotion is PromotedSoFar<'candidate'> =>
  promotion.candidate?.verdict === 'promote' && !promotion.candidate.dryRun;

function consequence({ promotion: { to, fed }, copy }: Promotion): string {
  return copy?.versionId === undefined
    ? 'Nothing was promoted.'
    : `The artifact was promoted, as version ${copy.versionId} of s3://${to.bucket}/${to.key}, and is deployed to ${list(fed.map(({ fleet }) => fleet))}; only the record of it could not be completed.`;
}

/** Parts that stay are removed by the bucket's own rule; they must not hide why the promotion failed. */
async function quietly(doing: Promise<void>): Promise<void> {
  await doing.catch((error: unknown) => {
    if (!isFailure(error)) throw error;
  });
}

export const handler = lambdaHandler(giveUpThePromotion, () => ({
  copies: liveCopies(),
  records: liveRecords(),
  clock: systemClock,
}));
