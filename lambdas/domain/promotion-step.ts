/** What a step of a promotion is: as `step.ts`, for another document. A file of its own keeps it out of other bundles. */
import type { Ports } from '../clients/ports.ts';
import { type PromotedSoFar, type PromotionKey, parsePromotion } from './promotion.ts';
import type { PromotionStepName } from './promotion-steps.ts';
import type { Step } from './step.ts';

/** A step that needs the results of others: `needs` are parsed and typed, the rest may be absent. */
export function definePromotionStep<P extends keyof Ports, K extends PromotionKey, Result>(
  name: PromotionStepName,
  needs: readonly K[],
  act: (promotion: PromotedSoFar<K>, ports: Pick<Ports, P>) => Promise<Result>,
): Step<P, Result> {
  return { name, run: async (document, ports) => act(parsePromotion(document, needs), ports) };
}
