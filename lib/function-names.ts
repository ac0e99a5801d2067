/** What runs in Lambda: each file in `lambdas/` is a function, and each is a step of a story, except one. */
import { PROMOTION_STEP_NAMES, type PromotionStepName } from '../lambdas/domain/promotion-steps.ts';
import { STEP_NAMES, type StepName } from '../lambdas/domain/steps.ts';

/** Not a step: a schedule starts it, not a state machine. */
export const ORPHAN_WATCH = 'look-for-orphans';

export type FunctionName = StepName | PromotionStepName | typeof ORPHAN_WATCH;

export const FUNCTION_NAMES: readonly FunctionName[] = [...STEP_NAMES, ...PROMOTION_STEP_NAMES, ORPHAN_WATCH];
