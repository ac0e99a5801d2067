/**
 * The door for overrides. Who may start a deployment chooses its whole input, and so an input proves nothing: an override
 * counts only where Step Functions itself says that the door's machine has started this very execution.
 */
import * as v from 'valibot';
import type { ExecutionDescription } from '../../ports/executions.ts';
import type { Ports } from '../../ports/ports.ts';
import { executionArn, executionName, machineIn, placeOf } from './aws.ts';
import { DeploymentError } from './errors.ts';
import { commandAt, doorTo, machineName } from './names.ts';
import { shown } from './problems.ts';
import { secondsBetween } from './words.ts';

/** So long after its start an execution may not be told yet what its door answered. */
const TOLD_AFTER_SECONDS = 60;

/** What stands at the door: an execution that was started with an override, and, so it says, by whom. */
export interface Knock {
  readonly fleet: { readonly name: string };
  readonly execution: { readonly id: string; readonly startedAt: string };
  readonly door?: string;
  readonly input: { readonly override?: readonly string[] | undefined };
}

/** The output of a door that has started what it was asked for: the ARN of the other execution. */
export const Started = v.object({ ExecutionArn: v.string() });

/** @param door as Step Functions describes it; `undefined`: it knows none of this name, or not yet */
export function judgeDoor(
  { execution }: Pick<Knock, 'execution'>,
  door: ExecutionDescription | undefined,
  now: Date,
): 'open' | 'wait' | 'shut' {
  if (v.is(Started, door?.output)) return door.output.ExecutionArn === execution.id ? 'open' : 'shut';
  const mayComeYet = door === undefined || door.state.state === 'running';
  return mayComeYet && secondsBetween(execution.startedAt, now) < TOLD_AFTER_SECONDS ? 'wait' : 'shut';
}

/**
 * @throws InvalidInput when an override did not come through the fleet's door; ServiceUnavailable while nobody knows yet.
 */
export async function assertThroughTheDoor(
  kind: 'deploy' | 'promote',
  knock: Knock,
  { executions, clock }: Pick<Ports, 'executions' | 'clock'>,
): Promise<void> {
  const { execution, door } = knock;
  const { name: fleet } = knock.fleet;
  const { override = [] } = knock.input;
  if (override.length === 0) return;
  const machine = machineName(fleet, doorTo(kind));
  // Of this account and Region: in another one, anybody may have a machine of this name.
  const isOurs =
    door !== undefined && door === executionArn(placeOf(execution.id), machine, executionName(door));
  const verdict = isOurs ? judgeDoor(knock, await executions.describe(door), clock.now()) : 'shut';
  if (verdict === 'wait')
    throw new DeploymentError('ServiceUnavailable', `Nobody knows yet whether ${machine} has started this.`);
  if (verdict === 'shut')
    throw new DeploymentError(
      'InvalidInput',
      `One problem with the execution input: override: given ${shown(override)}, allowed: nothing, unless ${machine} ` +
        `starts ${machineIn(execution.id)} with it. Start ${machine} with the same input, or ` +
        `${commandAt(kind, fleet, '--override', override.join(), "--reason '…'")}.`,
    );
}
