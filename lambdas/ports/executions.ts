/** Executions of state machines (Step Functions). */

export type ExecutionState =
  | { readonly state: 'running' }
  | {
      readonly state: 'ended';
      readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
      readonly at: Date;
    }
  /** Step Functions does not know it (anymore): older than 90 days, or so young that its answer lags. */
  | { readonly state: 'unknown' };

/** All that Step Functions tells about one execution. */
export interface ExecutionDescription {
  readonly state: Exclude<ExecutionState, { state: 'unknown' }>;
  readonly startedAt: Date;
  /** As JSON. */
  readonly input?: string;
  /** Of one that succeeded. */
  readonly output?: unknown;
  /** Of one that failed: under which name, and why. */
  readonly error?: string;
  readonly cause?: string;
}

/** A turn of an execution's story, from its history. */
export interface HistoryTurn {
  /** The event's number: grows from turn to turn. */
  readonly id: number;
  readonly at: Date;
  readonly state: string;
  readonly kind: 'entered' | 'answered' | 'failed';
  /** Of `answered`: the answer of the state's function. */
  readonly answer?: unknown;
  /** Of `failed`. */
  readonly error?: string;
  /** As Lambda hands it over: often the JSON of `{errorType, errorMessage, trace}`. */
  readonly cause?: string;
}

/** An event of an execution's history, as far as it tells which of its functions may still act. */
export interface HistoryEvent {
  /** From 1, and without gaps. */
  readonly id: number;
  /** The id of the event that it follows from: of branches side by side, not always the one before it. */
  readonly follows: number;
  readonly at: Date;
  /** A state is entered; its function is to be run, has answered, or has not; the execution is over. */
  readonly kind: 'entered' | 'scheduled' | 'answered' | 'failed' | 'ended' | 'other';
  /** Of `entered`. */
  readonly state?: string;
  /** Of `failed`, if it has a name. */
  readonly error?: string;
}

export interface Executions {
  status(executionArn: string): Promise<ExecutionState>;
  /** `undefined`: Step Functions does not know it (anymore, or yet). */
  describe(executionArn: string): Promise<ExecutionDescription | undefined>;
  /** Its newest turns, oldest first: those of its last hundred events. Empty for one that Step Functions does not know. */
  recent(executionArn: string): Promise<readonly HistoryTurn[]>;
  /**
   * What its steps have answered so far: the document that it entered its newest state with. `undefined` for one that
   * Step Functions does not know, or that has entered none.
   */
  document(executionArn: string): Promise<unknown>;
  /**
   * Its newest events, oldest first, back to this moment: as far as a few requests reach. Whether they are all, and
   * reach the end, their ids and kinds tell. Empty for one that Step Functions does not know.
   */
  events(executionArn: string, since: Date): Promise<readonly HistoryEvent[]>;
  /**
   * The same name is the same execution: starting it twice starts it once, whatever became of it. Without a name, it
   * gets one that nobody could know.
   * @returns its ARN; `undefined` when the name is taken: by an execution with another input, or by one that has ended
   */
  start(machineArn: string, name: string | undefined, input: string): Promise<string | undefined>;
}
