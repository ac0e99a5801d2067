/** What the operator's command asks of the outside world beyond the steps' ports. */
import type { Inspector } from './inspector.ts';
import type { Ports } from './ports.ts';
import type { Refusal } from './refusal.ts';

/** The one thing that no step of a deployment may do: tag instances that exist already. */
export interface Tagger {
  /** Never called with an empty list. One bad id keeps no other from being tagged: what EC2 refused is answered. */
  tag(
    instanceIds: readonly string[],
    tags: Readonly<Record<string, string>>,
  ): Promise<{ readonly refused: readonly Refusal[] }>;
}

/** And the one thing that it may take away. */
export interface Remover {
  /** Begins to delete a stack. One that is not there, or is being deleted, counts as done. */
  deleteStack(name: string): Promise<void>;
}

export type CommandPorts = Pick<
  Ports,
  | 'clock'
  | 'ec2'
  | 'loadBalancers'
  | 'mackerel'
  | 'artifacts'
  | 'records'
  | 'parameters'
  | 'ledger'
  | 'executions'
> & {
  readonly tagger: Tagger;
  readonly inspector: Inspector;
  readonly remover: Remover;
  /** Lets so much time pass, or less when the signal is aborted meanwhile. */
  pause(seconds: number, signal?: AbortSignal): Promise<void>;
};

/** Whose credentials the command works with. */
export interface Caller {
  /** 12 digits. */
  readonly account: string;
  readonly arn: string;
}

/** An environment's AWS account and Region, as somebody may use it. */
export interface Connection {
  readonly caller: Caller;
  /** Asked for after the caller was looked at, for each fleet. */
  ports(fleet: string): Promise<CommandPorts>;
  /** What a person should know about it before anything else is said. */
  readonly notes?: readonly string[];
  /** When the command is done with it. */
  close?(): void;
}

/** What may be going on in a modelled region: for whoever wants to try a command. */
export const SCENARIOS = [
  'running',
  'stuck',
  'halfway',
  'strangers',
  'two-waiting',
  'on-hold',
  'paused',
] as const;
export type Scenario = (typeof SCENARIOS)[number];
