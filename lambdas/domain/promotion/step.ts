/** What a step of a promotion is: as `step.ts`, for another document. A file of its own keeps it out of other bundles. */

import type { Step } from '../core/step.ts';
import { type PromotedSoFar, type PromotionKey, parsePromotion } from './promotion.ts';
import type { PromotionStepName } from './steps.ts';

/** A step that needs the results of others: `needs` are parsed and typed, the rest may be absent. */
export function definePromotionStep<Needed extends object, K extends PromotionKey, Result>(
  name: PromotionStepName,
  needs: readonly K[],
  act: (promotion: PromotedSoFar<K>, ports: Needed) => Promise<Result>,
): Step<Needed, Result> {
  return { name, run: async (document, ports) => act(parsePromotion(document, needs), ports) };
}
