/** What a step is: a name, what it needs from the document, and a function of (deployment, ports). */
import type { Ports } from '../clients/ports.ts';
import { type After, parseDeployment, type StepKey } from './deployment.ts';
import type { PromotionStepName } from './promotion-steps.ts';
import type { StepName } from './steps.ts';

export interface Step<P extends keyof Ports, Result> {
  readonly name: StepName | PromotionStepName;
  /** Parses the document at the door, then runs the step. */
  run(document: unknown, ports: Pick<Ports, P>): Promise<Result>;
}

/** A step that needs the results of others: `needs` are parsed and typed, the rest may be absent. */
export function defineStep<P extends keyof Ports, K extends StepKey, Result>(
  name: StepName,
  needs: readonly K[],
  act: (deployment: After<K>, ports: Pick<Ports, P>) => Promise<Result>,
): Step<P, Result> {
  return { name, run: async (document, ports) => act(parseDeployment(document, needs), ports) };
}
