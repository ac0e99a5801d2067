/**
 * State *Give up the promotion*: under which name it fails, and why; parts of an unfinished copy are thrown away, because
 * S3 charges for them. A proof that was written stays: it says that the version was deployed at the source, which is
 * true, and starts nothing.
 */

import { liveCopies } from '../clients/copies.ts';
import { lambdaHandler } from '../clients/handler.ts';
import { isFailure } from '../domain/core/errors.ts';
import { despiteBadInput } from '../domain/core/parse-document.ts';
import type { Step } from '../domain/core/step.ts';
import { list } from '../domain/core/words.ts';
import { type Promotion, parsePromotion } from '../domain/promotion/promotion.ts';
import { explain } from '../domain/record/ending.ts';
import type { Ports } from '../ports/ports.ts';

interface Ending {
  readonly error: string;
  readonly cause: string;
}

export const giveUpThePromotion: Step<Pick<Ports, 'copies'>, Ending> = {
  name: 'give-up-the-promotion',
  run: async (document, { copies }) => {
    const promotion = despiteBadInput(document, (given) => parsePromotion(given, []));
    const { failure, copy, promotion: plan } = promotion;
    if (copy?.uploadId !== undefined) await quietly(copies.abandon(plan.to, copy.uploadId));
    const { name, sentence } = explain(failure);
    return { error: name, cause: `${name}: ${sentence} ${consequence(promotion)}` };
  },
};

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

export const handler = lambdaHandler(giveUpThePromotion, () => ({ copies: liveCopies() }));
