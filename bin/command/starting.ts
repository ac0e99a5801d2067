/** Starting an execution of a fleet's state machine from the command line: its input, its name, and what may be wrong. */

import { createHash } from 'node:crypto';
import { executionOf } from '../../lambdas/domain/core/aws.ts';
import { isFailure } from '../../lambdas/domain/core/errors.ts';
import { byHandName, machineName, stackName } from '../../lambdas/domain/core/names.ts';
import { callerName, machineArn, type Outcome, type Task } from './command.ts';
import { gatesOf } from './values.ts';

/** What an execution is started with; `undefined` fields are left out. */
export type Input = Readonly<Record<string, unknown>>;

export interface Started {
  /** The execution's ARN. */
  readonly execution: string;
}

/**
 * A name for the execution. With a token it is made of that and of what is asked for: the same command with the same
 * token is the same execution, whoever runs it and however often. Without one, another every time.
 */
export function nameOf({ caller, options, ports }: Task, input: Input): string {
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

/** What every start by the command says: why, and who. */
export function withReason(task: Task, asked: Input): Input {
  const { reason } = task.options;
  const gates = gatesOf(task.options);
  const fields = {
    ...asked,
    ...(gates.length > 0 && { override: gates }),
    ...(reason !== undefined && { reason }),
    startedBy: callerName(task.caller).slice(0, 128),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Starts it, or finds it started. @returns an outcome when the fleet has no such state machine */
export async function start(
  task: Task,
  machine: 'deploy' | 'promote',
  name: string,
  input: Input,
): Promise<Started | Outcome> {
  const arn = machineArn(task, machine);
  try {
    await task.ports.executions.start(arn, name, JSON.stringify(input));
  } catch (error) {
    if (!isFailure(error, 'ServiceRefused') || !error.message.includes('StateMachineDoesNotExist'))
      throw error;
    return noMachine(task, machine);
  }
  return { execution: executionOf(arn, name) };
}

export const isOutcome = (found: Started | Outcome): found is Outcome => 'exitCode' in found;

function noMachine({ environment, fleet }: Task, machine: 'deploy' | 'promote'): Outcome {
  const stack = stackName(environment.name);
  const name = machineName(fleet.name, machine);
  return {
    exitCode: 1,
    outcome: 'no-state-machine',
    lines: [
      `There is no state machine ${name} in ${environment.region} of ${environment.account}. Nothing was started.`,
      machine === 'deploy'
        ? `Put the fleet there: npx cdk deploy ${stack}`
        : `It is there for fleets that have \`promotion\` in bin/fleets.ts, once they are deployed: npx cdk deploy ${stack}`,
    ],
    facts: { stateMachine: name },
  };
}
