/**
 * Runs a synthesized state machine: aws-local-stepfunctions interprets the definition, with the real steps behind its
 * tasks, a world behind their ports, and a virtual clock. It counts what AWS would count.
 */

import { ExecutionTimeoutError, StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { executionArn as executionArnIn, machineArn } from '../lambdas/domain/core/aws.ts';
import { saidBy } from '../lambdas/domain/core/step.ts';
import { AWAKE, isWake } from '../lambdas/domain/core/wake.ts';
import type { Ports } from '../lambdas/ports/ports.ts';
import { bytesOf, type Playable, playable, unpack } from './carried.ts';
import { START_EXECUTION_SECONDS } from './latency.ts';
import { functionLineBytes, MachineLog, type MachineLogBytes } from './log-bytes.ts';
import { type AnyStepName, type RunStep, STEP_FUNCTIONS } from './steps.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { HookRun } from './world/hooks.ts';

/** A fleet's state machine, as it was synthesized. */
export interface Machine {
  readonly definition: StateMachineDefinition;
  /** Task state → the step behind it. */
  readonly steps: Readonly<Record<string, AnyStepName>>;
  /** The code of the build that it belongs to, which its definition names by version. Default: today's. */
  readonly functions?: Readonly<Record<AnyStepName, RunStep>>;
  /** Task states that call a function of the fleet's own team: by its ARN. */
  readonly hooks?: Readonly<Record<string, string>>;
  /** Of a door: the machine that its task states start. */
  readonly starts?: { readonly states: readonly string[]; readonly machine: string };
  /** Of a deployment: the task states that start this machine, and go on. */
  readonly wakes?: { readonly states: readonly string[]; readonly machine: Machine };
}

/** A turn of the story, as it happens. */
export interface StoryEvent {
  readonly at: Date;
  readonly kind: 'entered' | 'answered' | 'failed' | 'retried' | 'caught' | 'ended';
  readonly state: string;
  /** What the step answered, or why it failed. */
  readonly answer?: unknown;
}

export interface StartUp {
  readonly unbilledSeconds: number;
  readonly billedSeconds: number;
  /** The run is over, and its sandbox idle. */
  readonly ended: () => void;
}

/** A run of a step's function. */
export interface StepRun {
  /** ARN of the execution whose task it is. */
  readonly execution: string;
  readonly machineName: string;
  readonly state: string;
  readonly step: AnyStepName;
}

/**
 * Wraps every run of a step: it may run it twice, cut it off, answer in its place with an error of Lambda's, or give it
 * other ports.
 */
export type AroundStep = (run: StepRun, act: (ports?: Ports) => Promise<unknown>) => Promise<unknown>;

export interface ExecutionOptions {
  readonly machine: Machine;
  readonly clock: VirtualClock;
  readonly ports: Ports;
  readonly input: unknown;
  readonly machineName: string;
  /** The execution's name: the deployment's id. */
  readonly name: string;
  readonly onEvent?: (event: StoryEvent) => void;
  /** Called with the document that a state with a step is entered with: what the history keeps of it. */
  readonly onDocument?: (document: unknown) => void;
  /** How long it takes until a step's function runs; called before each run. Default: no time. */
  readonly startUp?: (step: AnyStepName, isWake: boolean) => StartUp;
  readonly around?: AroundStep | undefined;
  /** Calls a hook. */
  readonly callHook?: (arn: string, event: unknown) => HookRun;
  /** Starts the machine of the wakes, or fails. */
  readonly wake?: (state: string) => void;
}

export interface ExecutionResult {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  /** The state in which it ended. */
  readonly endedIn: string;
  /** The states that it entered, in their order. */
  readonly entered: readonly string[];
  readonly output?: unknown;
  readonly error?: string;
  readonly cause?: string;
  readonly seconds: number;
  /** As AWS bills them: entered states, and retries. */
  readonly transitions: number;
  /** Of the execution's history: 5 for an answered task, 3 for each failed attempt, 2 for any other state. */
  readonly historyEvents: number;
  /** Bytes of the largest document that went into a state or came out of the last one. */
  readonly largestPayload: number;
  /** Step → how often it ran, and for how many seconds as Lambda bills them. */
  readonly runs: ReadonlyMap<AnyStepName, { readonly count: number; readonly seconds: number }>;
  /** Written to the machine's log, and by the functions to theirs: one line for each run. */
  readonly logged: { readonly machine: MachineLogBytes; readonly functions: number };
}

export const ACCOUNT = '123456789012';
export const REGION = 'ap-northeast-1';

/** An execution that was started; `clock.until(result)` lets time pass. */
export interface Running {
  readonly arn: string;
  readonly result: Promise<ExecutionResult>;
  /** *Stop execution*: nothing is caught, and running functions are not stopped. */
  readonly stop: () => void;
}

export const executionArn = (machineName: string, name: string): string =>
  executionArnIn({ partition: 'aws', region: REGION, account: ACCOUNT }, machineName, name);

/** Starts an execution. */
export function execute(options: ExecutionOptions): Running {
  installPromiseWithResolvers();
  const arn = executionArn(options.machineName, options.name);
  const tally = new Tally(arn);
  const { definition, carry } = playable(options.machine.definition);
  const stateMachine = new StateMachine(definition, { validationOptions: { noValidate: true } });
  const run = stateMachine.run(options.input as never, {
    overrides: { taskResourceLocalHandlers: taskHandlers(options, tally, carry) },
    context: { Execution: { Id: arn, Name: options.name } },
  });
  return { arn, result: ended(run, options, tally), stop: run.abort };
}

async function ended(
  run: ReturnType<StateMachine['run']>,
  options: ExecutionOptions,
  tally: Tally,
): Promise<ExecutionResult> {
  const { clock, onEvent } = options;
  const startedAt = clock.now();
  const log = follow(run.eventLogs, options, tally);
  const ending = await run.result.then(
    (output) => {
      tally.payload(output);
      return { status: 'SUCCEEDED' as const, output: unpack(output) };
    },
    (error: unknown) => failedEnding(error),
  );
  // The log of a stopped execution never ends: whatever it was doing continues.
  if (ending.status === 'SUCCEEDED' || ending.status === 'FAILED') await log;
  const seconds = (clock.now().getTime() - startedAt.getTime()) / 1000;
  onEvent?.({ at: clock.now(), kind: 'ended', state: tally.lastState, answer: ending });
  return { ...ending, ...tally.counts(), seconds };
}

/** Of the JSON that Lambda makes of an error: its keys, and a trace. */
const ERROR_BYTES = 500;

class Tally {
  readonly #entered: string[] = [];
  readonly log: MachineLog;
  #functionBytes = 0;
  #transitions = 0;
  // ExecutionStarted and the event that ends it.
  #historyEvents = 2;
  #largestPayload = 0;
  #measured: unknown;
  #payload = 0;
  readonly #runs = new Map<AnyStepName, { count: number; seconds: number }>();

  constructor(execution: string) {
    this.log = new MachineLog(execution);
  }

  entered(state: string, input: unknown): void {
    this.#entered.push(state);
    this.#transitions += 1;
    // …StateEntered and …StateExited.
    this.#historyEvents += 2;
    this.payload(input);
    // What comes out of a state goes into the next one.
    this.log.wrote('StateEntered', state.length, this.#payload);
    this.log.wrote('StateExited', state.length, this.#payload);
  }

  get lastState(): string {
    return this.#entered.at(-1) ?? '';
  }

  /** As a step's, but of a function that is not ours. */
  called(): void {
    this.#historyEvents += 3;
  }

  retried(): void {
    this.#transitions += 1;
  }

  attempt(step: AnyStepName, seconds: number): void {
    const before = this.#runs.get(step) ?? { count: 0, seconds: 0 };
    this.#runs.set(step, { count: before.count + 1, seconds: before.seconds + seconds });
    // TaskScheduled, TaskStarted, TaskSucceeded or TaskFailed.
    this.#historyEvents += 3;
    this.log.wrote('LambdaFunctionScheduled', 0, this.#payload);
    this.log.wrote('LambdaFunctionStarted', 0);
  }

  /** The function's line says who it is for, and a sentence. */
  answered(whose: object, answer: unknown): void {
    this.log.wrote('LambdaFunctionSucceeded', 0);
    this.#functionBytes += functionLineBytes({ ...whose }, saidBy(answer));
  }

  failed(whose: object, { name, message }: Error): void {
    this.log.wrote('LambdaFunctionFailed', name.length + message.length + ERROR_BYTES);
    this.#functionBytes += functionLineBytes({ ...whose, failure: name }, message);
  }

  payload(document: unknown): void {
    // A state that only decides or waits hands on the very document that it was given.
    if (document === this.#measured) return;
    this.#measured = document;
    this.#payload = bytesOf(document);
    this.#largestPayload = Math.max(this.#largestPayload, this.#payload);
  }

  counts() {
    return {
      endedIn: this.lastState,
      entered: this.#entered,
      transitions: this.#transitions,
      historyEvents: this.#historyEvents,
      largestPayload: this.#largestPayload,
      runs: this.#runs,
      logged: { machine: this.log.bytes, functions: this.#functionBytes },
    };
  }
}

const AT_ONCE: StartUp = { unbilledSeconds: 0, billedSeconds: 0, ended: () => {} };

const isDeadSandbox = (failure: unknown) =>
  failure instanceof Error && /^(Runtime|Sandbox)\./.test(failure.name);

function taskHandlers(options: ExecutionOptions, tally: Tally, carry: Playable['carry']) {
  const { machine, machineName, name, clock, ports, onEvent, startUp } = options;
  const functions = machine.functions ?? STEP_FUNCTIONS;
  const execution = executionArn(machineName, name);
  const around: AroundStep = options.around ?? ((_, act) => act());
  const handler = (state: string, step: AnyStepName) => async (carried: unknown) => {
    const document = unpack(carried);
    const whose = { fleet: fleetNameIn(document), deployment: name, step };
    // Reported here and not from the event log, which is a turn late: cues must come before the step acts.
    options.onDocument?.(document);
    onEvent?.({ at: clock.now(), kind: 'entered', state });
    const isOnlyWoken = isWake(document);
    const { unbilledSeconds, billedSeconds, ended } = startUp?.(step, isOnlyWoken) ?? AT_ONCE;
    await clock.sleep(unbilledSeconds + billedSeconds);
    const from = clock.now().getTime();
    const attempted = () => tally.attempt(step, billedSeconds + (clock.now().getTime() - from) / 1000);
    try {
      // As its door does.
      const act = async (given: Ports = ports) => (isOnlyWoken ? AWAKE : functions[step](document, given));
      const answer = await around({ execution, machineName, state, step }, act);
      attempted();
      tally.answered(whose, answer);
      ended();
      onEvent?.({ at: clock.now(), kind: 'answered', state, answer });
      return carry(JSON.parse(JSON.stringify(answer ?? null))) as never;
    } catch (failure) {
      attempted();
      tally.failed(whose, failure instanceof Error ? failure : new Error(String(failure)));
      if (!isDeadSandbox(failure)) ended();
      onEvent?.({ at: clock.now(), kind: 'failed', state, answer: failure });
      throw asLambdaWould(failure);
    }
  };
  return Object.fromEntries([
    ...Object.entries(machine.steps).map(([state, step]) => [state, handler(state, step)]),
    ...(machine.starts?.states ?? []).map((state) => [
      state,
      starter(machine.starts?.machine ?? '', options),
    ]),
    ...(machine.wakes?.states ?? []).map((state) => [state, waker(state, options)]),
    ...Object.entries(machine.hooks ?? {}).map(([state, arn]) => [
      state,
      hook(state, arn, options, tally, carry),
    ]),
  ]);
}

const fleetNameIn = (document: unknown) =>
  (Object(document) as { readonly fleet?: { readonly name?: string } }).fleet?.name;

/** Step Functions' own integration, of which the answer has the started execution's ARN. */
const starter =
  (target: string, { ports, clock }: ExecutionOptions) =>
  async ({ Name, Input }: { Name?: string; Input: unknown }) => {
    const machine = machineArn({ partition: 'aws', region: REGION, account: ACCOUNT }, target);
    const ExecutionArn = await ports.executions.start(machine, Name, JSON.stringify(Input));
    if (ExecutionArn !== undefined) return { ExecutionArn, StartDate: clock.now().getTime() };
    const taken = new Error('Execution Already Exists');
    taken.name = 'StepFunctions.ExecutionAlreadyExistsException';
    throw taken;
  };

/** The same, of a machine whose executions nobody can list or describe (Express), and which no port speaks of. */
const waker =
  (state: string, { clock, onEvent, wake }: ExecutionOptions) =>
  async () => {
    onEvent?.({ at: clock.now(), kind: 'entered', state });
    await clock.sleep(START_EXECUTION_SECONDS);
    try {
      wake?.(state);
      onEvent?.({ at: clock.now(), kind: 'answered', state });
      return { StartDate: clock.now().getTime() };
    } catch (failure) {
      onEvent?.({ at: clock.now(), kind: 'failed', state, answer: failure });
      throw failure;
    }
  };

/** A function of the fleet's own team: it takes its time, and Step Functions no more than the state allows. */
const hook =
  (
    state: string,
    arn: string,
    { machine, clock, onEvent, callHook }: ExecutionOptions,
    tally: Tally,
    carry: Playable['carry'],
  ) =>
  async (given: unknown) => {
    onEvent?.({ at: clock.now(), kind: 'entered', state });
    const { seconds = 1, answer, error } = callHook?.(arn, unpack(given)) ?? {};
    const most = Number(Object(machine.definition.States[state]).TimeoutSeconds);
    await clock.sleep(Math.min(seconds, most));
    tally.called();
    const failure = seconds > most ? namedError('States.Timeout', '') : error && asLambdaWould(error);
    onEvent?.({ at: clock.now(), kind: failure ? 'failed' : 'answered', state, answer: failure ?? answer });
    if (failure) throw failure;
    return carry(JSON.parse(JSON.stringify(answer ?? null))) as never;
  };

function namedError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}

async function follow(
  events: ReturnType<StateMachine['run']>['eventLogs'],
  { onEvent, clock }: ExecutionOptions,
  tally: Tally,
): Promise<void> {
  for await (const event of events) {
    if (event.type === 'StateEntered') {
      tally.entered(event.state.name, event.state.input);
      const isTask = event.state.type === 'Task';
      if (!isTask) onEvent?.({ at: clock.now(), kind: 'entered', state: event.state.name });
    }
    if (event.type === 'StateRetried') {
      tally.retried();
      onEvent?.({ at: clock.now(), kind: 'retried', state: event.state.name });
    }
    if (event.type === 'StateCaught') onEvent?.({ at: clock.now(), kind: 'caught', state: event.state.name });
  }
}

/** To Step Functions a thrown error is its name and, as the cause, the JSON that Lambda's runtime makes of it. */
function asLambdaWould(failure: unknown): Error {
  const { name, message } = failure instanceof Error ? failure : new Error(String(failure));
  const wrapped = new Error(JSON.stringify({ errorType: name, errorMessage: message, trace: [] }));
  wrapped.name = name;
  return wrapped;
}

function failedEnding(error: unknown) {
  if (error instanceof ExecutionTimeoutError) return { status: 'TIMED_OUT' as const };
  const caught = error instanceof Error ? error.cause : undefined;
  if (!(caught instanceof Error)) return { status: 'ABORTED' as const };
  return { status: 'FAILED' as const, error: caught.name, cause: String(caught.cause ?? caught.message) };
}

/** The interpreter needs `Promise.withResolvers`, which came with Node 22. */
function installPromiseWithResolvers(): void {
  const promises = Promise as { withResolvers?: unknown };
  promises.withResolvers ??= <T>() => {
    let resolve: unknown;
    let reject: unknown;
    const promise = new Promise<T>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    return { promise, resolve, reject };
  };
}
