/**
 * The acts of a deployment, as the picture shows them: one begins with a state of `lib/deploy-story.ts` and ends where
 * the next one begins. Where an act's failures lead is read from the definition; the undo is one such path.
 */

import { ACTS, PHASES } from '../lambdas/domain/core/steps.ts';
import { beginningOf } from '../lambdas/domain/core/story.ts';
import type { ActPlan } from './story.ts';

export const ACT_PLANS: readonly ActPlan[] = PHASES.filter((phase) => phase !== 'undo').map(
  (phase, index) => ({
    title: ACTS[phase].title,
    promise: ACTS[phase].promise,
    begins: index === 0 ? 'Open the deployment' : beginningOf(phase),
  }),
);
