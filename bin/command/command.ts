/**
 * What a command is: given a fleet by name, ports, and someone to ask, it answers with an outcome. Everything goes
 * through ports, so that the same command also runs on the modelled world.
 */

import { executionOf, machineArn as machineArnIn, partitionOf } from '../../lambdas/domain/core/aws.ts';
import { type MachineKind, machineName } from '../../lambdas/domain/core/names.ts';
import type { Caller, CommandPorts } from '../../lambdas/ports/command.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import type { OptionSpec, Options } from './options.ts';
import type { Outcome } from './outcome.ts';
import type { Rendering } from './rendering.ts';

/** `hanako` for a user, `Operator/hanako` for an assumed role. */
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
  /** All environments of the fleets file: a promotion comes from another one than the fleet's own. */
  readonly environments: readonly Environment[];
  readonly environment: Environment;
  readonly fleet: FleetConfig;
  readonly caller: Caller;
  /** On a modelled world, which is gone when the command ends. */
  readonly isLocal: boolean;
  readonly ports: CommandPorts;
  readonly options: Options;
  /** What it was given beside the fleet. */
  readonly argument?: string | undefined;
  readonly page: PageKeeper;
  /** Shows a person the situation before anything is done; `--json` shows only the outcome. */
  show(lines: readonly string[]): void;
  /** Does a person agree? With `--yes`, yes; with nobody to ask, no. */
  agrees(question: string): Promise<boolean>;
  /** Progress while waiting: a line, printed at once; with `--json` on stderr, beside the document. */
  tell(line: string): void;
  /** Absent where only lines can be shown. */
  readonly screen?: Screen & { readonly rendering: Rendering };
  /** Of whoever reads it; absent: UTC alone. */
  readonly timeZone?: string;
  /** Aborted on Ctrl-C. A command that asks for it must then end cleanly. */
  interruptions(): AbortSignal;
}

/** A command that was given no fleet works on all of them, as far as these credentials reach. */
export interface Everywhere extends Pick<Task, 'environments' | 'isLocal' | 'options' | 'argument' | 'page'> {
  /** A task for each fleet of an environment; or why its account cannot be reached. */
  reach(environment: Environment): Promise<readonly Task[] | Outcome>;
}

export interface Command {
  readonly name: string;
  /** Completes "irekae … FLEET". */
  readonly summary: string;
  /** What follows its name. Default: a fleet. */
  readonly usage?: string;
  /** For `--help`: what it does, when it refuses, what its exit codes mean. */
  readonly description: readonly string[];
  readonly options: readonly OptionSpec[];
  /** What is wrong with options that are each valid on their own. */
  readonly check?: (options: Options) => readonly string[];
  run(task: Task): Promise<Outcome>;
  /** Without a fleet. Absent: it needs one. */
  readonly runEverywhere?: (everywhere: Everywhere) => Promise<Outcome>;
  /** What it takes beside a fleet. */
  readonly takes?: ArgumentSpec;
}

export interface ArgumentSpec {
  /** The placeholder of its value. */
  readonly name: string;
  readonly check: (value: string) => string | undefined;
}

/** Where a page goes that a command makes for a browser. */
export interface PageKeeper {
  /** @param file where to; default: a file of this name among the temporary ones. @returns its path */
  keep(name: string, html: string, file: string | undefined): Promise<string>;
  /** Absent where nobody looks at a screen. */
  readonly open?: (path: string) => void;
}

/** The ARN of one of the fleet's state machines. */
export function machineArn({ environment, fleet }: Task, machine: MachineKind): string {
  const place = { ...environment, partition: partitionOf(environment.region) };
  return machineArnIn(place, machineName(fleet.name, machine));
}

/** The ARN of the fleet's deployment with this execution name. */
export const executionArn = (task: Task, name: string): string =>
  executionOf(machineArn(task, 'deploy'), name);
