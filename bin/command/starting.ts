/** Starting an execution of a fleet's state machine: its input, its name, and what may be wrong. */

import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { executionName, executionOf } from '../../lambdas/domain/core/aws.ts';
import { Started } from '../../lambdas/domain/core/door.ts';
import { isFailure } from '../../lambdas/domain/core/errors.ts';
import {
  byHandName,
  COMMAND,
  doorTo,
  fleetStackName,
  type MachineKind,
  machineName,
} from '../../lambdas/domain/core/names.ts';
import { cut, secondsBetween } from '../../lambdas/domain/core/words.ts';
import type { LedgerRow } from '../../lambdas/ports/ledger.ts';
import { orUndefined } from './attempt.ts';
import { callerName, machineArn, type Task } from './command.ts';
import { deploymentHeldFor } from './holder.ts';
import { gatesOf } from './options.ts';
import { done, failed, type Outcome } from './outcome.ts';

/** What an execution is started with; `undefined` fields are left out. */
type Input = Readonly<Record<string, unknown>>;

/**
 * A name for the execution. With a token, it is derived from the token and the request: the same command with the same
 * token is the same execution, whoever runs it and however often. Without one, it is new every time.
 */
function nameOf({ caller, options, ports }: Task, input: Input): string {
  const { reason: _, startedBy: __, ...asked } = input;
  const digest = (...parts: unknown[]) =>
    createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8);
  if (options.token !== undefined) {
    const legible = options.token.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 50);
    return `${legible}-${digest(options.token, asked)}`;
  }
  const now = ports.clock.now();
  const moment = now.toISOString().slice(0, 19).replace(/[-:]/g, '');
  return byHandName(moment, digest(caller.arn, asked, now.getTime()));
}

/** What every start by the command states: why, and by whom. */
function withReason(task: Task, asked: Input): Input {
  const gates = gatesOf(task.options);
  return {
    ...asked,
    override: gates.length > 0 ? gates : undefined,
    reason: task.options.reason,
    startedBy: cut(callerName(task.caller), 128),
  };
}

/**
 * Starts what is requested, or finds it already started.
 * @param goOn what the command does then, given the execution's ARN
 * @returns another outcome when the fleet has no such state machine
 */
export async function start(
  task: Task,
  machine: 'deploy' | 'promote',
  asked: Input,
  goOn: (execution: string) => Outcome | Promise<Outcome>,
): Promise<Outcome> {
  const input = withReason(task, asked);
  const name = nameOf(task, input);
  const isOverride = input.override !== undefined;
  const started = isOverride ? doorTo(machine) : machine;
  const arn = machineArn(task, started);
  try {
    const begun = await task.ports.executions.start(arn, name, JSON.stringify(input));
    if (begun === undefined && !(await asksTheSame(task, executionOf(arn, name), input)))
      return takenName(name);
  } catch (error) {
    if (!isFailure(error, 'ServiceRefused')) throw error;
    if (error.message.includes('StateMachineDoesNotExist')) return noMachine(task, started);
    if (isOverride) return shutDoor(task, started, error.message);
    throw error;
  }
  return goOn(
    isOverride ? await behindTheDoor(task, machine, executionOf(arn, name)) : executionOf(arn, name),
  );
}

/** What was started under the name before, asks for the same; of what nobody knows anymore, that is believed. */
async function asksTheSame({ ports }: Task, execution: string, input: Input): Promise<boolean> {
  const there = await orUndefined(ports.executions.describe(execution), 'ServiceRefused');
  return there?.input === undefined || isDeepStrictEqual(asked(there.input), asked(JSON.stringify(input)));
}

function asked(json: string): unknown {
  const { reason: _, startedBy: __, ...asked } = JSON.parse(json) as Input;
  return asked;
}

const takenName = (name: string): Outcome =>
  failed('name-taken', [
    `Somebody has started ${name} with another input. Nothing was started.`,
    'Start again with another --token.',
  ]);

/** The door starts it within a second; whoever may not ask it goes by the name that it hands on. */
async function behindTheDoor(task: Task, machine: 'deploy' | 'promote', door: string): Promise<string> {
  const { executions, pause, clock } = task.ports;
  const since = clock.now();
  while (secondsBetween(since, clock.now()) < DOOR_SECONDS) {
    const described = await orUndefined(executions.describe(door), 'ServiceRefused');
    if (v.is(Started, described?.output)) return described.output.ExecutionArn;
    if (described && described.state.state !== 'running') break;
    await pause(1);
  }
  return executionOf(machineArn(task, machine), executionName(door));
}
const DOOR_SECONDS = 30;

const shutDoor = ({ fleet, options }: Task, door: MachineKind, why: string): Outcome =>
  failed('override-refused', [
    `You may not override: starting ${machineName(fleet.name, door)} was refused. Nothing was started.`,
    why,
    `Ask whoever may start it, or leave out --override ${options.override}.`,
  ]);

function noMachine({ environment, fleet }: Task, machine: MachineKind): Outcome {
  const stack = fleetStackName(environment.name, fleet.name);
  const name = machineName(fleet.name, machine);
  const remedy =
    machine === 'deploy' || machine === 'override'
      ? `Deploy it: npx cdk deploy ${stack}`
      : `It exists for fleets with \`promotion\` in the fleets file, once they are deployed: npx cdk deploy ${stack}`;
  const where = `${environment.region} of ${environment.account}`;
  const lines = [`There is no state machine ${name} in ${where}. Nothing was started.`, remedy];
  return failed('no-state-machine', lines, { stateMachine: name });
}

/** Started, and not followed: how to see more of it. */
export function leftRunning(task: Task, execution: string, row: LedgerRow | undefined): Outcome {
  const { fleet, isLocal } = task;
  const lines = [`Started ${executionName(execution)} of ${fleet.name}.`];
  if (row?.held)
    lines.push(
      `${deploymentHeldFor(row.held)} holds the fleet’s lock (phase ${row.held.phase}): this deployment is waiting for its turn.`,
    );
  const more = isLocal
    ? ['The modelled world, and the deployment with it, end here: --wait shows the rest.']
    : [
        `To follow it:  ${COMMAND} watch ${fleet.name}`,
        `To have it undone:  ${COMMAND} cancel ${fleet.name}`,
      ];
  return done('started', [...lines, ...more], { deployment: executionName(execution), execution });
}
