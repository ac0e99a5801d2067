/**
 * The steps of a promotion: each is a file in `lambdas/`, a function in AWS. Apart from those of a deployment, because
 * a promotion holds no lock: how long its functions may run says nothing about how long a dead deployment's may.
 */

/** Step → the time limit of its function, in seconds. The state machine's task waits a little longer. */
export const PROMOTION_STEPS = {
  // Reads the whole tarball when nobody else knows its checksum.
  'choose-the-candidate': 300,
  'write-the-proof': 30,
  // S3 copies 5 GB in one request within a minute or two; between Regions it may take longer.
  'copy-the-artifact': 300,
  'give-up-the-promotion': 60,
} as const;

export type PromotionStepName = keyof typeof PROMOTION_STEPS;

export const PROMOTION_STEP_NAMES = Object.keys(PROMOTION_STEPS) as PromotionStepName[];
