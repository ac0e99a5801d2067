/** What runs in Lambda: each file in `lambdas/` is a function, and each is a step of the story, except one. */
import { STEP_NAMES, type StepName } from '../lambdas/domain/steps.ts';

/** Not a step: a schedule starts it, not a state machine. */
export const ORPHAN_WATCH = 'look-for-orphans';

export type FunctionName = StepName | typeof ORPHAN_WATCH;

export const FUNCTION_NAMES: readonly FunctionName[] = [...STEP_NAMES, ORPHAN_WATCH];
