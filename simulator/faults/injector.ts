/**
 * Injects faults into a deployment: counts the moments that it reaches, and applies each fault at its moment. It wraps
 * every run of a step and every call that a step makes.
 */

import { machineIn } from '../../lambdas/domain/core/aws.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { isCleanUpMachine } from '../../lambdas/domain/core/names.ts';
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import { PROMOTION_STEPS } from '../../lambdas/domain/promotion/steps.ts';
import type { LaunchRequest } from '../../lambdas/ports/ec2.ts';
import type { AroundStep, StepRun } from '../run-definition.ts';
import type { Stage } from '../stage.ts';
import type { PortCall } from '../world/calls.ts';
import type { Outage } from '../world/mackerel-outage.ts';
import type { Teller, TellerOutage } from '../world/outages.ts';
import { type Injury, type Moment, momentName } from './case.ts';
import { DEAD_SANDBOX, type FaultName, isOutage, NOT_INVOKED, type OutageFault } from './catalogue.ts';
import { wrongAnswer } from './wrong-answers.ts';

/** One run of a step's function. */
export interface Visit extends StepRun {
  readonly machine: Moment['machine'];
  startedAt: number;
  /** Did its execution hold the fleet's lock when it began? */
  heldTheLock: boolean;
  /** Makes the task fail, whatever the function does. */
  readonly fail: (error: Error) => void;
  /** A function that was cut off makes no more calls. */
  isFrozen: boolean;
}

/** A moment that a deployment reached. */
export interface Reached extends Moment {
  readonly isTask: boolean;
}

type Proceed = () => Promise<unknown>;

const ALL_STEPS = { ...STEPS, ...PROMOTION_STEPS };
const THROTTLED_SECONDS = 20;
const AWAY_SECONDS = 600;
const SLOW_SECONDS = 10;
const LATE_SECONDS = 10;
/** If nobody takes the lock over: later than a clean-up would have done so. */
const REDRIVEN_SECONDS = 170;
/** How old an eventually consistent answer is at most. */
const STALE_SECONDS = 60;

/** `Promise.withResolvers`, which Node 20 does not have. */
function resolvable<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const never = () => new Promise<never>(() => {});

export class Injector {
  /** In order. */
  readonly reached: Reached[] = [];
  /** How many of the faults were applied. */
  applied = 0;
  readonly #stage: Stage;
  readonly #due: Map<string, FaultName>;
  readonly #counts = new Map<string, number>();
  /** The run of a step whose call is taking effect right now. */
  acting: Visit | undefined;
  readonly #throttled = new Map<string, number>();
  /** By state: the names by which its next runs fail. */
  readonly #inStore = new Map<string, string[]>();
  /** By step: until when its function is not run. */
  readonly #awayUntil = new Map<string, number>();
  readonly #earlier = new Map<string, { at: number; answer: unknown }[]>();
  readonly #remembers: boolean;
  /** Still held when a clean-up takes the lock over. */
  readonly #takenOver = resolvable<void>();

  constructor(stage: Stage, injuries: readonly Injury[]) {
    this.#stage = stage;
    this.#due = new Map(injuries.map(({ moment, fault }) => [momentName(moment), fault]));
    this.#remembers = injuries.some(({ fault }) => fault === 'stale');
    stage.around = this.#around;
    stage.waking = (state) => {
      if (this.#come({ machine: 'deploy', state, what: 'waking' }, false))
        throw named('StepFunctions.StepFunctionsException', 'the functions are not woken');
    };
    stage.onEvent = ({ kind, state }, execution) => {
      if (kind === 'entered') this.#passing(state, execution);
    };
  }

  /** Lambda runs every function again. */
  recover(): void {
    this.#awayUntil.clear();
  }

  // ── States ──

  /** States without a function: a task's own moments are in `#around`. */
  #passing(state: string, execution: string): void {
    const machine = machineOf(execution);
    if (state in this.#stage[machine === 'deploy' ? 'machine' : 'cleanUpMachine'].steps) return;
    // A moment later: the interpreter must not be stopped while it is emitting an event.
    if (this.#come({ machine, state, what: 'entering' }, false))
      void this.#sleep(0).then(() => this.#stop(execution));
  }

  readonly #around: AroundStep = async (run, act) => {
    const lost = resolvable<never>();
    // Whether or not anything waits for it.
    lost.promise.catch(() => {});
    const visit: Visit = {
      ...run,
      machine: machineOf(run.execution),
      startedAt: this.#now(),
      heldTheLock: this.#holds(run.execution),
      fail: lost.reject,
      isFrozen: false,
    };
    const ports = this.#stage.portsThrough((call, proceed) => this.#intercept(visit, call, proceed));
    return Promise.race([lost.promise, this.#visited(visit, () => act(ports))]);
  };

  async #visited(visit: Visit, act: Proceed): Promise<unknown> {
    const { machine, state, execution } = visit;
    const fault = this.#come({ machine, state, what: 'entering' }, true);
    if (fault === 'stopped' || fault === 'stopped-unheard') {
      // Before the function was called: it never runs.
      this.#stop(execution);
      return never();
    }
    this.#throwOneOf(visit);
    if (fault === 'not-invoked') {
      this.#inStore.set(storeOf(visit), [...NOT_INVOKED]);
      this.#throwOneOf(visit);
    }
    if (fault === 'not-invoked-long') this.#away(visit);
    if (this.#now() < (this.#awayUntil.get(visit.step) ?? 0))
      throw named(NOT_INVOKED[0], 'the function was not run');
    if (fault === 'redriven') await this.#redrive(visit);
    if (fault === 'twice') await act().catch(() => {});
    const other = fault === 'twice-at-once' ? act().catch(() => {}) : undefined;
    const answer = await act();
    await other;
    if (this.#come({ machine, state, what: 'leaving' }, true)) this.#stop(execution);
    return answer;
  }

  /** Once: twice would be longer than a task asks for, and then it is right to call a human. */
  #away({ step }: Visit): void {
    if (!this.#awayUntil.has(step)) this.#awayUntil.set(step, this.#now() + AWAY_SECONDS * 1_000);
  }

  /** The task is tried again, and fails once by each name: a list of retries that lacks one is found wherever it is. */
  #throwOneOf(visit: Visit): void {
    const name = this.#inStore.get(storeOf(visit))?.shift();
    if (name) throw named(name, 'the function was not run, or died');
  }

  /** A step of a dead execution that runs anyway: someone redrives it, or a queue was very slow. */
  async #redrive(visit: Visit): Promise<void> {
    this.#stop(visit.execution);
    await Promise.race([this.#takenOver.promise, this.#sleep(REDRIVEN_SECONDS)]);
    visit.startedAt = this.#now();
    visit.heldTheLock = this.#holds(visit.execution);
  }

  #holds(execution: string): boolean {
    const row = this.#stage.world.ledger.read(this.#stage.fleet.name);
    return row?.held?.holder === execution;
  }

  #stop(execution: string): void {
    this.#stage.executions.find(({ arn }) => arn === execution)?.stop();
  }

  // ── Calls ──

  async #intercept(visit: Visit, call: PortCall, effect: Proceed): Promise<unknown> {
    const proceed = () => this.#as(visit, effect);
    if (visit.isFrozen) return never();
    const { machine, state } = visit;
    const fault = this.#come({ machine, state, what: `${call.service}.${call.action}` }, true);
    if ((this.#throttled.get(call.service) ?? 0) > this.#now()) throw unavailable(call, 'asks to slow down');
    if (fault && isOutage(fault)) this.#begin(fault);
    const answer = await (fault && !isOutage(fault) ? this.#injure(fault, visit, call, proceed) : proceed());
    if (this.#remembers) this.#remember(call, answer);
    if (call.action === 'takeOver') this.#takenOver.resolve();
    return visit.isFrozen ? never() : answer;
  }

  #begin(outage: OutageFault): void {
    const [teller, sort, minutes] = outage.split(':') as [Teller | 'mackerel', string, string];
    const { mackerel, outages } = this.#stage.world;
    if (teller === 'mackerel') mackerel.suffer(sort as Outage, Number(minutes));
    else outages.suffer(teller, sort as TellerOutage, Number(minutes));
  }

  /** The model itself never waits: it is done when it returns the promise. */
  #as(visit: Visit, effect: Proceed): Promise<unknown> {
    this.acting = visit;
    try {
      return effect();
    } finally {
      this.acting = undefined;
    }
  }

  async #injure(fault: FaultName, visit: Visit, call: PortCall, proceed: Proceed): Promise<unknown> {
    switch (fault) {
      case 'unreachable':
        throw unavailable(call, 'cannot be reached');
      case 'unanswered':
        await proceed();
        throw unavailable(call, 'did not answer');
      case 'throttled':
        this.#throttled.set(call.service, this.#now() + THROTTLED_SECONDS * 1_000);
        throw unavailable(call, 'asks to slow down');
      case 'refused':
        throw new DeploymentError('ServiceRefused', `${nameOf(call)} is not allowed.`);
      case 'garbled':
        await proceed();
        throw new TypeError(`${nameOf(call)} returned an answer that cannot be read.`);
      case 'slow':
        return this.#slowly(proceed);
      case 'crashes':
        await proceed();
        visit.isFrozen = true;
        this.#inStore.set(storeOf(visit), DEAD_SANDBOX.slice(1));
        visit.fail(named(DEAD_SANDBOX[0], 'the function ended without an answer'));
        return never();
      case 'late':
        visit.fail(named('Lambda.Unknown', 'the function was lost'));
        await this.#sleep(LATE_SECONDS);
        return proceed();
      default:
        return this.#cutShort(fault, visit, call, proceed);
    }
  }

  async #cutShort(fault: FaultName, visit: Visit, call: PortCall, proceed: Proceed): Promise<unknown> {
    const left = ALL_STEPS[visit.step].seconds - (this.#now() - visit.startedAt) / 1_000;
    switch (fault) {
      case 'times-out-after':
        await proceed();
        return this.#timeOut(visit, left);
      case 'times-out':
        return this.#timeOut(visit, left);
      case 'stopped':
        this.#stop(visit.execution);
        return proceed();
      case 'stopped-lingering':
        this.#stop(visit.execution);
        await this.#sleep(Math.max(0, left - 2));
        return proceed();
      case 'lost-lingering':
        visit.fail(named('Lambda.Unknown', 'the function was lost'));
        await this.#sleep(Math.max(0, left - 2));
        return proceed();
      case 'no-capacity': {
        const [request] = call.args as [LaunchRequest];
        const isRepeated = this.#stage.world.ec2.hasLaunched(request);
        return isRepeated ? proceed() : wrongAnswer(fault, call, undefined, undefined);
      }
      default:
        return wrongAnswer(fault, call, await proceedUnlessRefused(fault, proceed), this.#stale(call));
    }
  }

  async #slowly(proceed: Proceed): Promise<unknown> {
    await this.#sleep(SLOW_SECONDS);
    const answer = await proceed();
    await this.#sleep(SLOW_SECONDS);
    return answer;
  }

  async #timeOut(visit: Visit, seconds: number): Promise<never> {
    visit.isFrozen = true;
    await this.#sleep(Math.max(0, seconds));
    visit.fail(named('Sandbox.Timedout', `the function ran longer than ${ALL_STEPS[visit.step].seconds} s`));
    return never();
  }

  // ── Bookkeeping ──

  /** @returns the fault of this moment, if there is one. */
  #come(moment: Omit<Moment, 'nth'>, isTask: boolean): FaultName | undefined {
    const nth = (this.#counts.get(keyOf(moment)) ?? 0) + 1;
    this.#counts.set(keyOf(moment), nth);
    this.reached.push({ ...moment, nth, isTask });
    const fault = this.#due.size > 0 ? this.#due.get(momentName({ ...moment, nth })) : undefined;
    if (fault) this.applied += 1;
    return fault;
  }

  #remember(call: PortCall, answer: unknown): void {
    const key = `${nameOf(call)} ${JSON.stringify(call.args)}`;
    this.#earlier.set(key, [...(this.#earlier.get(key) ?? []), { at: this.#now(), answer }]);
  }

  /** The oldest answer to the same call that may still be given. */
  #stale(call: PortCall): unknown {
    const answers = this.#earlier.get(`${nameOf(call)} ${JSON.stringify(call.args)}`) ?? [];
    return answers.find(({ at }) => at >= this.#now() - STALE_SECONDS * 1_000)?.answer;
  }

  #now = (): number => this.#stage.clock.now().getTime();
  #sleep = (seconds: number): Promise<void> => this.#stage.clock.sleep(seconds);
}

const machineOf = (execution: string): Moment['machine'] =>
  isCleanUpMachine(machineIn(execution)) ? 'clean-up' : 'deploy';

const keyOf = ({ machine, state, what }: Omit<Moment, 'nth'>) => `${machine}|${state}|${what}`;
const storeOf = ({ execution, state }: Visit) => `${execution}|${state}`;
const nameOf = ({ service, action }: PortCall) => `${service}.${action}`;

const proceedUnlessRefused = async (fault: FaultName, proceed: Proceed) =>
  fault === 'turned-down' ? undefined : proceed();

const unavailable = (call: PortCall, what: string) =>
  new DeploymentError('ServiceUnavailable', `${nameOf(call)} ${what}.`);

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
