/**
 * The modelled Step Functions: which executions are running, their events, and how the others ended. It runs nothing
 * itself: the runner reports when one begins, takes a turn and ends, and is notified of each that a step starts.
 */
import { executionOf } from '../../lambdas/domain/core/aws.ts';
import type {
  ExecutionDescription,
  ExecutionState,
  HistoryEvent,
  HistoryTurn,
} from '../../lambdas/ports/executions.ts';
import type { Surroundings } from './surroundings.ts';

type Status = Extract<ExecutionState, { state: 'ended' }>['status'];

/** Called once for each execution that a step starts, when it is already running. */
export type StartListener = (machineArn: string, name: string, input: string) => void;

/** What is known of an execution when it has begun, and what its end adds. */
interface Told {
  readonly startedAt: Date;
  readonly input?: string;
  readonly turns: HistoryTurn[];
  readonly events: HistoryEvent[];
  /** That it entered its newest state with. */
  document?: unknown;
  ending?: Pick<ExecutionDescription, 'output' | 'error' | 'cause'>;
}

/** The port's limit is a hundred events: of those, every third or so is a turn. */
const TURNS_KEPT = 35;

/** How long Step Functions describes an execution that has ended; afterwards its name is free again. */
const KEPT_MILLIS = 90 * 86_400_000;

const RUNNING: ExecutionState = { state: 'running' };
const UNKNOWN: ExecutionState = { state: 'unknown' };

export class ExecutionsModel {
  readonly #world: Surroundings;
  readonly #states = new Map<string, ExecutionState>();
  readonly #told = new Map<string, Told>();
  readonly #listeners: StartListener[] = [];
  #unnamed = 0;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  // ── For the runner ──

  /** An execution is running; one that a step has started has been running since then. */
  begin(executionArn: string, input?: string): void {
    if (this.status(executionArn).state === 'ended') {
      throw new Error(`the world had an execution ${executionArn} already`);
    }
    this.#states.set(executionArn, RUNNING);
    const startedAt = new Date(this.#world.now());
    this.#told.set(executionArn, { startedAt, ...(input !== undefined && { input }), turns: [], events: [] });
    this.#event(executionArn, { kind: 'other' });
  }

  /**
   * An execution that has begun entered a state, or its function answered or failed. One that has ended hears no more of
   * its functions, which may go on.
   * @param isTask entering it runs a function
   */
  turn(executionArn: string, turn: Omit<HistoryTurn, 'id' | 'at'>, isTask = false): void {
    const told = this.#told.get(executionArn);
    if (!told || this.status(executionArn).state === 'ended') return;
    const { turns } = told;
    const { kind, state, error } = turn;
    const last = turns.at(-1);
    const id = (last?.id ?? 0) + 1;
    turns.push({ id, at: new Date(this.#world.now()), ...turn });
    if (turns.length > TURNS_KEPT) turns.shift();
    if (kind !== 'entered') {
      this.#ended(executionArn, { kind, ...(error !== undefined && { error }) });
      return;
    }
    // A function that is tried again does not enter its state again.
    const isRetry = last?.kind === 'failed' && last.state === state;
    if (!isRetry) this.#event(executionArn, { kind, state });
    if (isTask) for (const each of ['scheduled', 'other'] as const) this.#event(executionArn, { kind: each });
  }

  /** It enters its next state with this document. */
  enteredWith(executionArn: string, document: unknown): void {
    const told = this.#told.get(executionArn);
    if (told && this.status(executionArn).state !== 'ended') told.document = document;
  }

  /** The runner tells of states that only decide a turn late: an answer follows its own run, whatever was told since. */
  #ended(executionArn: string, event: Pick<HistoryEvent, 'kind' | 'error'>): void {
    const events = this.#told.get(executionArn)?.events ?? [];
    const begun = events.findLast(({ kind }) => kind === 'scheduled');
    this.#event(executionArn, { ...event, ...(begun && { follows: begun.id }) });
  }

  #event(
    executionArn: string,
    event: Pick<HistoryEvent, 'kind'> & Partial<Pick<HistoryEvent, 'state' | 'error' | 'follows'>>,
  ): void {
    const events = this.#told.get(executionArn)?.events ?? [];
    const last = events.at(-1)?.id ?? 0;
    events.push({ id: last + 1, follows: last, at: new Date(this.#world.now()), ...event });
  }

  end(executionArn: string, status: Status, ending: Told['ending'] = {}): void {
    if (this.status(executionArn).state !== 'running') {
      throw new Error(`the world runs no execution ${executionArn}`);
    }
    const told = this.#told.get(executionArn);
    if (told) told.ending = ending;
    this.#event(executionArn, { kind: 'ended' });
    this.#states.set(executionArn, { state: 'ended', status, at: new Date(this.#world.now()) });
  }

  onStart(listener: StartListener): void {
    this.#listeners.push(listener);
  }

  /** ARNs of all that are running now, in the order in which they began. */
  running(): readonly string[] {
    return [...this.#states].filter(([, { state }]) => state === 'running').map(([arn]) => arn);
  }

  // ── The port ──

  status(executionArn: string): ExecutionState {
    const known = this.#states.get(executionArn) ?? UNKNOWN;
    const isForgotten = known.state === 'ended' && this.#world.now() >= known.at.getTime() + KEPT_MILLIS;
    return isForgotten ? UNKNOWN : known;
  }

  describe(executionArn: string): ExecutionDescription | undefined {
    const state = this.status(executionArn);
    const told = this.#told.get(executionArn);
    if (state.state === 'unknown' || told === undefined) return undefined;
    const { startedAt, input, ending } = told;
    return { state, startedAt, ...(input !== undefined && { input }), ...ending };
  }

  recent(executionArn: string): readonly HistoryTurn[] {
    const isKnown = this.status(executionArn).state !== 'unknown';
    return isKnown ? [...(this.#told.get(executionArn)?.turns ?? [])] : [];
  }

  document(executionArn: string): unknown {
    const isKnown = this.status(executionArn).state !== 'unknown';
    return isKnown ? this.#told.get(executionArn)?.document : undefined;
  }

  events(executionArn: string, since: Date): readonly HistoryEvent[] {
    if (this.status(executionArn).state === 'unknown') return [];
    const events = this.#told.get(executionArn)?.events ?? [];
    const first = Math.max(0, events.findIndex(({ at }) => at >= since) - 1);
    return events.slice(first);
  }

  start(machineArn: string, name: string | undefined, input: string): string | undefined {
    const own = name ?? `00000000-0000-4000-8000-${String(++this.#unnamed).padStart(12, '0')}`;
    const executionArn = executionOf(machineArn, own);
    const { state } = this.status(executionArn);
    if (state === 'running' && this.#told.get(executionArn)?.input === input) return executionArn;
    if (state !== 'unknown') return undefined;
    this.begin(executionArn, input);
    for (const listener of this.#listeners) listener(machineArn, own, input);
    return executionArn;
  }
}
