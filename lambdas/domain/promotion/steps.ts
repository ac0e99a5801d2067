/**
 * The steps of a promotion: each is a file in `lambdas/promotion/`, a function in AWS. Apart from those of a deployment,
 * because a promotion holds no lock: how long its functions may run says nothing about how long a dead deployment's may.
 */
import type { PromotionKey } from './promotion.ts';

export interface PromotionStepRow {
  readonly title: string;
  /** Where the document keeps its answer. */
  readonly key: PromotionKey;
  /** The time limit of its function. The state machine's task waits a little longer. */
  readonly seconds: number;
}

export const PROMOTION_STEPS = {
  // Reads the whole tarball when nobody else knows its checksum.
  'choose-the-candidate': { title: 'Choose the candidate', key: 'candidate', seconds: 300 },
  'write-the-proof': { title: 'Write the proof', key: 'proof', seconds: 30 },
  // S3 copies 5 GB in one request within a minute or two; between Regions it may take longer.
  'copy-the-artifact': { title: 'Copy the artifact', key: 'copy', seconds: 300 },
  'give-up-the-promotion': { title: 'Give up the promotion', key: 'ending', seconds: 60 },
} as const satisfies Readonly<Record<string, PromotionStepRow>>;

/** Another state of a step, under a key of its own. */
export const PROMOTION_STATES = {
  'Record the promotion': { step: 'write-the-proof', key: 'record' },
} as const;

export type PromotionStepName = keyof typeof PROMOTION_STEPS;

export const PROMOTION_STEP_NAMES = Object.keys(PROMOTION_STEPS) as PromotionStepName[];
