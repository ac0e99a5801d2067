/** What a step is: a name, what it needs from the document, and a function of (deployment, ports). */
import { type After, parseDeployment, type StepKey } from './document.ts';
import type { StepName, WaitName } from './steps.ts';

/** `Needed`: the ports that it takes, each with what it calls of them: `Pick<Ports, 'ec2' | 'clock'>`. */
export interface Step<Needed extends object, Result> {
  readonly name: string;
  /** Parses the document, then runs the step. A property, not a method: a step that needs more ports is no substitute. */
  readonly run: (document: unknown, ports: Needed) => Promise<Result>;
}

/** A step that needs the results of others: `needs` are parsed and typed, the rest may be absent. */
export function defineStep<Needed extends object, K extends StepKey, Result>(
  name: Exclude<StepName, WaitName> | 'take-over-the-lock',
  needs: readonly K[],
  act: (deployment: After<K>, ports: Needed) => Promise<Result>,
): Step<Needed, Result> {
  return { name, run: async (document, ports) => act(parseDeployment(document, needs), ports) };
}

/** The sentence of a step's answer: what its log says of it. */
export function saidBy(result: unknown): string {
  const { reason, cause } = (result ?? {}) as { reason?: string; cause?: string };
  return reason ?? cause ?? 'done';
}
