/** One build after another: whose code runs, and when a deployment that goes well can be met by the next. */
import type { Stage } from '../../simulator/stage.ts';
import { type AnyStepName, type RunStep, STEP_FUNCTIONS } from '../../simulator/steps.ts';

/** The steps as they are. @param runs is told of each that does */
export const codeThat = (runs: () => void): Record<AnyStepName, RunStep> =>
  Object.fromEntries(
    Object.entries(STEP_FUNCTIONS).map(([step, run]) => [
      step,
      (document: unknown, ports: Parameters<RunStep>[1]) => {
        runs();
        return run(document, ports);
      },
    ]),
  ) as Record<AnyStepName, RunStep>;

/** Those that a deployment passes through that goes well on this stage, which is closed then. */
export async function statesPassed(set: Stage): Promise<string[]> {
  const passed = new Set<string>();
  set.onEvent = ({ kind, state }) => kind === 'entered' && passed.add(state);
  await set.deploy();
  set.close();
  return [...passed];
}

/** State in which a deployment is stopped → who serves after its clean-up. */
export const STOPPED_IN = [
  ['Launch new instances', 'old hosts'],
  ['New hosts are ready', 'old hosts'],
  ['Take old hosts out of service', 'old hosts'],
  ['Old hosts are drained', 'old hosts'],
  ['Watch the new hosts', 'old hosts'],
  ['Terminate old instances', 'new hosts'],
  ['Retire old hosts in Mackerel', 'new hosts'],
] as const;
