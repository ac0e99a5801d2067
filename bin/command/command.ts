/**
 * What a command is: it gets a fleet by name, ports, and somebody to ask, and answers with an outcome. All of it goes
 * through ports, so that the same command plays on the modelled world.
 */

import type { Ports, Refusal } from '../../lambdas/clients/ports.ts';
import type { FleetConfig } from '../../lib/fleet-config.ts';
import type { Environment } from '../../lib/read-fleets.ts';
import type { Inspector } from './doctor/inspector.ts';

/** The one thing that no step of a deployment may do: tag instances that exist already. */
export interface Tagger {
  /** Never called with an empty list. One bad id keeps no other from being tagged: what EC2 refused is answered. */
  tag(
    instanceIds: readonly string[],
    tags: Readonly<Record<string, string>>,
  ): Promise<{ readonly refused: readonly Refusal[] }>;
}

export type CommandPorts = Pick<
  Ports,
  'clock' | 'ec2' | 'loadBalancers' | 'mackerel' | 'artifacts' | 'parameters' | 'ledger' | 'executions'
> & { readonly tagger: Tagger; readonly inspector: Inspector };

/** Whose credentials the command works with. */
export interface Caller {
  /** 12 digits. */
  readonly account: string;
  readonly arn: string;
}

/** `hanako` of a user, `Operator/hanako` of an assumed role. */
export function callerName({ arn }: Caller): string {
  const [, ...name] = arn.split('/');
  return name.join('/') || (arn.split(':').at(-1) ?? arn);
}

/** An environment's AWS account and Region, as somebody may use it. */
export interface Connection {
  readonly caller: Caller;
  /** Asked for after the caller was looked at. */
  ports(): Promise<CommandPorts>;
}

/** Options by their names on the command line. */
export interface Options {
  readonly reason?: string;
  readonly yes?: boolean;
  readonly abandon?: boolean;
}

/** What a command works on. */
export interface Task {
  readonly environment: Environment;
  readonly fleet: FleetConfig;
  readonly caller: Caller;
  readonly ports: CommandPorts;
  readonly options: Options;
  /** Shows a person what there is before it is acted on; `--json` shows nothing but the outcome. */
  show(lines: readonly string[]): void;
  /** Does a person agree? `--yes` does, nobody to ask does not. */
  agrees(question: string): Promise<boolean>;
}

export interface Outcome {
  /** 0: done, or there was nothing to do. 1: not possible, or not agreed to. */
  readonly exitCode: 0 | 1;
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
}

export interface Command {
  readonly name: string;
  /** Completes "irekae … FLEET". */
  readonly summary: string;
  /** For `--help`: what it does, when it refuses, what its exit codes mean. */
  readonly description: readonly string[];
  readonly options: readonly OptionSpec[];
  run(task: Task): Promise<Outcome>;
}

export const YES: OptionSpec = { name: 'yes', short: 'y', meaning: 'do it without asking' };

/** The ARN that an execution of the fleet's state machine with this name has. */
export function executionArn({ environment, fleet, caller }: Task, name: string): string {
  const partition = caller.arn.split(':')[1] ?? 'aws';
  const { region, account } = environment;
  return `arn:${partition}:states:${region}:${account}:execution:irekae-${fleet.name}:${name}`;
}

/** What is said when nobody agreed. */
export const notAgreed = (command: string, fleet: string, facts?: object): Outcome => ({
  exitCode: 1,
  outcome: 'not-confirmed',
  lines: [`Nothing was changed. To do it: irekae ${command} ${fleet} --yes`],
  ...(facts && { facts }),
});
