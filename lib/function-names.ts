/**
 * What runs in Lambda: each file in `lambdas/`, `lambdas/promotion/` and `lambdas/watch/` is a function, and each is a
 * step of a story, except one.
 */

import { STEP_NAMES, STEPS, type StepName } from '../lambdas/domain/core/steps.ts';
import { PROMOTION_STEP_NAMES, type PromotionStepName } from '../lambdas/domain/promotion/steps.ts';

/** Not a step: a schedule starts it, not a state machine. */
export const ORPHAN_WATCH = 'look-for-orphans';

export type FunctionName = StepName | PromotionStepName | typeof ORPHAN_WATCH;

export const FUNCTION_NAMES: readonly FunctionName[] = [...STEP_NAMES, ...PROMOTION_STEP_NAMES, ORPHAN_WATCH];

/** The file that a function is made of, from the project's folder. */
export function sourceOf(name: FunctionName): string {
  if (name === ORPHAN_WATCH) return `lambdas/watch/${name}.ts`;
  return name in STEPS ? `lambdas/${name}.ts` : `lambdas/promotion/${name}.ts`;
}
