/**
 * What a command is: it gets a fleet by name, ports, and somebody to ask, and answers with an outcome. All of it goes
 * through ports, so that the same command plays on the modelled world.
 */

import { executionOf, machineArn as machineArnIn, partitionOf } from '../../lambdas/domain/core/aws.ts';
import { type MachineKind, machineName } from '../../lambdas/domain/core/names.ts';
import type { Caller, CommandPorts } from '../../lambdas/ports/command.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import type { OptionSpec, Options } from './options.ts';
import type { Outcome } from './outcome.ts';

/** `hanako` of a user, `Operator/hanako` of an assumed role. */
export function callerName({ arn }: Caller): string {
  const [, ...name] = arn.split('/');
  return name.join('/') || (arn.split(':').at(-1) ?? arn);
}

/** A terminal that the command may draw on. */
export interface Screen {
  write(text: string): void;
  columns(): number;
  rows(): number;
}

/** What a command works on. */
export interface Task {
  /** All of the fleets file: what is promoted comes from another one than the fleet's own. */
  readonly environments: readonly Environment[];
  readonly environment: Environment;
  readonly fleet: FleetConfig;
  readonly caller: Caller;
  /** On a modelled world, which ends with the command. */
  readonly isLocal: boolean;
  readonly ports: CommandPorts;
  readonly options: Options;
  /** Shows a person what there is before it is acted on; `--json` shows nothing but the outcome. */
  show(lines: readonly string[]): void;
  /** Does a person agree? `--yes` does, nobody to ask does not. */
  agrees(question: string): Promise<boolean>;
  /** News of what is being waited for: a line, at once; with `--json` beside the document, on stderr. */
  tell(line: string): void;
  /** Absent where lines are all that can be shown. */
  readonly screen?: Screen;
  /** Aborted when somebody presses Ctrl-C. Whoever asks for it has to end in good order when it is. */
  interruptions(): AbortSignal;
}

export interface Command {
  readonly name: string;
  /** Completes "irekae … FLEET". */
  readonly summary: string;
  /** For `--help`: what it does, when it refuses, what its exit codes mean. */
  readonly description: readonly string[];
  readonly options: readonly OptionSpec[];
  /** What is wrong with options that are right each by itself. */
  readonly check?: (options: Options) => readonly string[];
  run(task: Task): Promise<Outcome>;
}

/** The ARN of one of the fleet's state machines. */
export function machineArn({ environment, fleet }: Task, machine: MachineKind): string {
  const place = { ...environment, partition: partitionOf(environment.region) };
  return machineArnIn(place, machineName(fleet.name, machine));
}

/** The ARN that an execution of the fleet's deployments with this name has. */
export const executionArn = (task: Task, name: string): string =>
  executionOf(machineArn(task, 'deploy'), name);
