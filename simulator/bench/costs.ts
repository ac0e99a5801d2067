/** What a deployment costs on AWS. Prices in US dollars for Tokyo and most other Regions, November 2026. */
import type { ExecutionResult } from '../run-definition.ts';
import type { AnyStepName } from '../steps.ts';
import type { FunctionFacts } from './functions.ts';

const GB_SECOND = 0.000_013_333_4; // Lambda on arm64
const INVOCATION = 0.2 / 1e6;
const TRANSITION = 0.025 / 1e3; // Step Functions, standard workflow; the free 4,000 of a month are not counted

export interface Cost {
  readonly gbSeconds: number;
  readonly invocations: number;
  /** US cents. */
  readonly lambdaCents: number;
  readonly stepFunctionsCents: number;
}

export function costOf(
  { runs, transitions }: Pick<ExecutionResult, 'runs' | 'transitions'>,
  functions: ReadonlyMap<AnyStepName, FunctionFacts>,
): Cost {
  let gbSeconds = 0;
  let invocations = 0;
  for (const [step, { count, seconds }] of runs) {
    gbSeconds += (seconds * (functions.get(step)?.memoryMb ?? 0)) / 1024;
    invocations += count;
  }
  return {
    gbSeconds,
    invocations,
    lambdaCents: 100 * (gbSeconds * GB_SECOND + invocations * INVOCATION),
    stepFunctionsCents: 100 * transitions * TRANSITION,
  };
}
