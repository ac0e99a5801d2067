/**
 * The modelled Step Functions: which executions run and how the others ended. It runs nothing itself: the runner says
 * when one begins and ends, and hears of each that a step starts.
 */
import type { ExecutionState } from '../../lambdas/clients/ports.ts';
import type { Surroundings } from './surroundings.ts';

type Status = Extract<ExecutionState, { state: 'ended' }>['status'];

/** Called once for each execution that a step starts, when it is running already. */
export type StartListener = (machineArn: string, name: string, input: string) => void;

/** How long Step Functions speaks of an execution that has ended; its name is free again afterwards. */
const KEPT_MILLIS = 90 * 86_400_000;

const RUNNING: ExecutionState = { state: 'running' };
const UNKNOWN: ExecutionState = { state: 'unknown' };

export class ExecutionsModel {
  readonly #world: Surroundings;
  readonly #states = new Map<string, ExecutionState>();
  readonly #listeners: StartListener[] = [];

  constructor(world: Surroundings) {
    this.#world = world;
  }

  // ── For the runner ──

  /** An execution runs; one that a step has started runs since then. */
  begin(executionArn: string): void {
    if (this.status(executionArn).state === 'ended') {
      throw new Error(`the world had an execution ${executionArn} already`);
    }
    this.#states.set(executionArn, RUNNING);
  }

  end(executionArn: string, status: Status): void {
    if (this.status(executionArn).state !== 'running') {
      throw new Error(`the world runs no execution ${executionArn}`);
    }
    this.#states.set(executionArn, { state: 'ended', status, at: new Date(this.#world.now()) });
  }

  onStart(listener: StartListener): void {
    this.#listeners.push(listener);
  }

  /** ARNs of all that run now, in the order in which they began. */
  running(): readonly string[] {
    return [...this.#states].filter(([, { state }]) => state === 'running').map(([arn]) => arn);
  }

  // ── The port ──

  status(executionArn: string): ExecutionState {
    const known = this.#states.get(executionArn) ?? UNKNOWN;
    const isForgotten = known.state === 'ended' && this.#world.now() >= known.at.getTime() + KEPT_MILLIS;
    return isForgotten ? UNKNOWN : known;
  }

  start(machineArn: string, name: string, input: string): void {
    const executionArn = executionArnOf(machineArn, name);
    if (this.status(executionArn).state !== 'unknown') return;
    this.begin(executionArn);
    for (const listener of this.#listeners) listener(machineArn, name, input);
  }
}

/** arn:aws:states:R:A:stateMachine:M → arn:aws:states:R:A:execution:M:NAME */
export function executionArnOf(machineArn: string, name: string): string {
  return `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}
