/** What a step is: a name, what it needs from the document, and a function of (deployment, ports). */
import { type After, parseDeployment, type StepKey } from './document.ts';
import type { StepName } from './steps.ts';

/** `Needed`: the ports that it takes, each with what it calls of them: `Pick<Ports, 'ec2' | 'clock'>`. */
export interface Step<Needed extends object, Result> {
  readonly name: string;
  /** Parses the document at the door, then runs the step. */
  run(document: unknown, ports: Needed): Promise<Result>;
}

/** A step that needs the results of others: `needs` are parsed and typed, the rest may be absent. */
export function defineStep<Needed extends object, K extends StepKey, Result>(
  name: StepName,
  needs: readonly K[],
  act: (deployment: After<K>, ports: Needed) => Promise<Result>,
): Step<Needed, Result> {
  return { name, run: async (document, ports) => act(parseDeployment(document, needs), ports) };
}
