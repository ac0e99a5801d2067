/**
 * A wake: what the machine of the wakes invokes a step with, so that its function is warm when its turn comes. The step's
 * door answers it at once: no port is made, nothing is read, changed or told.
 */
import { rowOf, STEP_NAMES, type StepName } from './steps.ts';

export const WAKE = { wake: true } as const;

/** No document of a story looks like this: each has a fleet and an execution. */
export const isWake = (given: unknown): boolean => {
  const { wake, ...others } = Object(given) as { readonly wake?: unknown };
  return wake === true && Object.keys(others).length === 0;
};

/** What a deployment comes by after the first step, on its way to either end, in its order. (Taking over is the clean-up's alone.) */
export const WOKEN_STEPS: readonly StepName[] = STEP_NAMES.slice(1).filter(
  (name) => !rowOf(name).isAside && name !== 'take-over-the-lock',
);

/** What the door answers. */
export const AWAKE = { reason: 'awake' } as const;
