/**
 * What runs in Lambda: each file in `lambdas/`, `lambdas/promotion/`, `lambdas/watch/` and `lambdas/guard/` is a function, and each is a
 * step of a story, except two.
 */

import { STEP_NAMES, STEPS, type StepName } from '../lambdas/domain/core/steps.ts';
import { PROMOTION_STEP_NAMES, type PromotionStepName } from '../lambdas/domain/promotion/steps.ts';

/** Not a step: a schedule starts it, not a state machine. */
export const ORPHAN_WATCH = 'look-for-orphans';

/** Nor this: CloudFormation asks it when permissions change. */
export const GUARD = 'guard-permissions';

export type FunctionName = StepName | PromotionStepName | typeof ORPHAN_WATCH | typeof GUARD;

export const FUNCTION_NAMES: readonly FunctionName[] = [
  ...STEP_NAMES,
  ...PROMOTION_STEP_NAMES,
  ORPHAN_WATCH,
  GUARD,
];

/** The file that a function is made of, from the project's folder. */
export function sourceOf(name: FunctionName): string {
  if (name === ORPHAN_WATCH) return `lambdas/watch/${name}.ts`;
  if (name === GUARD) return `lambdas/guard/${name}.ts`;
  return name in STEPS ? `lambdas/${name}.ts` : `lambdas/promotion/${name}.ts`;
}
