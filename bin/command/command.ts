/**
 * What a command is: it gets a fleet by name, ports, and somebody to ask, and answers with an outcome. All of it goes
 * through ports, so that the same command plays on the modelled world.
 */

import { executionOf, machineArn as machineArnIn, partitionOf } from '../../lambdas/domain/core/aws.ts';
import { type MachineKind, machineName } from '../../lambdas/domain/core/names.ts';
import type { Caller, CommandPorts } from '../../lambdas/ports/command.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';

/** `hanako` of a user, `Operator/hanako` of an assumed role. */
export function callerName({ arn }: Caller): string {
  const [, ...name] = arn.split('/');
  return name.join('/') || (arn.split(':').at(-1) ?? arn);
}

/** Options by their names on the command line. What takes a value was checked when it was read. */
export interface Options {
  readonly reason?: string;
  readonly yes?: boolean;
  readonly abandon?: boolean;
  /** An S3 version id. */
  readonly version?: string;
  readonly ami?: string;
  /** Names of gates, with commas between them. */
  readonly override?: string;
  readonly redeploy?: boolean;
  readonly wait?: boolean;
  /** Minutes, as digits. */
  readonly timeout?: string;
  readonly token?: string;
  /** A deployment's id, or `previous`. */
  readonly to?: string;
  /** How many, as digits. */
  readonly limit?: string;
  readonly 'dry-run'?: boolean;
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

/**
 * 0: done, or there was nothing to do. 1: not possible, or not agreed to. Of a command that waits for a deployment also
 * 3: rolled back, or refused; 4: halfway, a human is needed; 5: cancelled; 6: waited too long; 130: Ctrl-C.
 */
export type OutcomeCode = 0 | 1 | 3 | 4 | 5 | 6 | 130;

export interface Outcome {
  readonly exitCode: OutcomeCode;
  /** One word or two for machines. */
  readonly outcome: string;
  readonly lines: readonly string[];
  /** What `--json` prints beside the outcome. */
  readonly facts?: object;
}

export interface OptionSpec {
  readonly name: keyof Options;
  /** What a value is called; absent for a flag. */
  readonly takes?: string;
  readonly short?: string;
  readonly meaning: string;
  /** What is allowed, said of a value that is not. Default: one line of text. */
  readonly check?: (value: string) => string | undefined;
  readonly isRequired?: boolean;
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

export const YES: OptionSpec = { name: 'yes', short: 'y', meaning: 'do it without asking' };

/** The ARN of one of the fleet's state machines. */
export function machineArn({ environment, fleet }: Task, machine: MachineKind): string {
  const place = { ...environment, partition: partitionOf(environment.region) };
  return machineArnIn(place, machineName(fleet.name, machine));
}

/** The ARN that an execution of the fleet's deployments with this name has. */
export const executionArn = (task: Task, name: string): string =>
  executionOf(machineArn(task, 'deploy'), name);

/** What is said when nobody agreed. */
export const notAgreed = (command: string, fleet: string, facts?: object): Outcome => ({
  exitCode: 1,
  outcome: 'not-confirmed',
  lines: [`Nothing was changed. To do it: irekae ${command} ${fleet} --yes`],
  ...(facts && { facts }),
});
