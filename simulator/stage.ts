/**
 * One fleet on stage: its synthesized state machine, a modelled world with everything that the fleets file names, and a
 * virtual clock. The demo, the benchmark and the tests all run here. Further fleets may share the world: each has a
 * stage beside the first.
 */

import * as v from 'valibot';
import { apiKeyReader } from '../lambdas/domain/core/api-key.ts';
import { machineIn } from '../lambdas/domain/core/aws.ts';
import { Fleet, imageIsRelease, loadBalancerName } from '../lambdas/domain/core/fleet.ts';
import { doorTo, type MachineKind, machineName } from '../lambdas/domain/core/names.ts';
import { WATCH_EVERY_SECONDS } from '../lambdas/domain/lock/orphans.ts';
import type { Image } from '../lambdas/ports/ec2.ts';
import type { HistoryTurn } from '../lambdas/ports/executions.ts';
import type { Parameters as ParametersPort } from '../lambdas/ports/parameters.ts';
import type { Ports } from '../lambdas/ports/ports.ts';
import { definitionOf, type StateJson, type StateMachineDefinition } from '../lib/resolve-definition.ts';
import type { TemplateJson } from '../lib/synthesize.ts';
import { callLatencyMillis } from './latency.ts';
import { writeProofs } from './proofs.ts';
import {
  ACCOUNT,
  type AroundStep,
  type ExecutionResult,
  execute,
  executionArn,
  type Machine,
  REGION,
  type Running,
  type StartUp,
  type StoryEvent,
} from './run-definition.ts';
import { Sandboxes } from './sandboxes.ts';
import type { AnyStepName } from './steps.ts';
import { VirtualClock } from './virtual-clock.ts';
import type { Intercept } from './world/calls.ts';
import type { Range } from './world/prng.ts';
import type { Timings } from './world/timings.ts';
import { World } from './world/world.ts';

/** How the load balancers of the fleet are set. */
export interface BalancerTuning {
  readonly intervalSeconds: number;
  readonly healthyThreshold: number;
  readonly timeoutSeconds?: number;
  readonly drainSeconds: number;
  /** Of a target group: until a new target gets its full share. */
  readonly slowStartSeconds?: number;
  /** When the last running request is answered, at the earliest and at the latest. */
  readonly idleSeconds?: Range;
}

export const TUNED: BalancerTuning = {
  intervalSeconds: 5,
  healthyThreshold: 2,
  timeoutSeconds: 4,
  drainSeconds: 30,
};
/** The settings of an untuned classic ELB. */
export const UNTUNED: BalancerTuning = { intervalSeconds: 30, healthyThreshold: 10, drainSeconds: 300 };

export interface StageOptions {
  readonly template: TemplateJson;
  readonly fleet: string;
  readonly seed: number;
  /** In whose zones its subnets are. */
  readonly region?: string | undefined;
  /** The stage whose world and clock this one shares; seed, start and timings then come from that one. */
  readonly beside?: Stage;
  readonly start?: Date;
  readonly balancers?: BalancerTuning;
  readonly timings?: Partial<Timings>;
  /** Old hosts in each zone; default: as many as the fleet launches there. */
  readonly oldPerZone?: number;
  /** Step Functions' status events are best effort: this loses all of them. Default: false. */
  readonly eventsLost?: boolean;
}

/** How long a status event takes to start the clean-up. */
const EVENT_SECONDS = 2;

/** What the fleet's hosts were launched from. */
export const OLD_IMAGE = 'ami-0f1e2d3c4b5a69788';
const IMAGE_AGE_MILLIS = 2 * 86_400_000;

const VPC = 'vpc-0a1b2c3d4e5f60001';
/** Tokyo has no zone b for accounts of today. */
const ZONES = { [REGION]: 'acdbefghijklmnopqrst', others: 'abcdefghijklmnopqrst' };
const zoneOf = (region: string, index: number): string => {
  const letters = region === REGION ? ZONES[REGION] : ZONES.others;
  return `${region}${letters?.[index % letters.length]}`;
};
/** The key in the world’s SSM: it must never appear anywhere else (rule 11). */
export const API_KEY = 'world-api-key-that-nobody-may-see';

export class Stage {
  readonly clock: VirtualClock;
  readonly world: World;
  readonly fleet: Fleet;
  machine: Machine;
  cleanUpMachine: Machine;
  /** For a fleet with a `promotion`. */
  readonly promotionMachine: Machine | undefined;
  /** The doors for overrides. */
  readonly #doors = new Map<MachineKind, Machine>();
  /** Every execution that was started, in order. */
  readonly executions: (Running & { readonly machineName: string; readonly name: string })[] = [];
  /** The old hosts that the stage was set with. */
  readonly oldInstances: readonly string[];
  /** Called with every turn of the story, and the execution (ARN) in which it happened. */
  onEvent: ((event: StoryEvent, execution: string) => void) | undefined;
  /** Wraps every run of a step, to inject faults. */
  around: AroundStep | undefined;
  /** Called when a state starts the machine of the wakes; what it throws is why that failed. */
  waking: ((state: string) => void) | undefined;
  /** Every run of that machine. */
  readonly wakes: Promise<ExecutionResult>[] = [];
  readonly #cues = new Map<string, () => void>();
  readonly #eventsLost: boolean;
  /** By the template that their functions stand in: fleets of one environment share them. */
  readonly #sandboxesOf: Map<TemplateJson, Sandboxes>;
  readonly #sandboxes: Sandboxes;
  readonly #isGuest: boolean;

  constructor(options: StageOptions) {
    this.machine = machineOf(options.template, options.fleet);
    this.cleanUpMachine = machineOf(options.template, options.fleet, 'clean-up');
    this.fleet = fleetOf(this.machine);
    this.promotionMachine = promotionMachineOf(options.template, options.fleet);
    for (const kind of this.promotionMachine ? (['deploy', 'promote'] as const) : (['deploy'] as const))
      this.#doors.set(doorTo(kind), machineOf(options.template, options.fleet, doorTo(kind)));
    this.#eventsLost = options.eventsLost ?? false;
    this.#isGuest = options.beside !== undefined;
    this.clock = options.beside?.clock ?? new VirtualClock(options.start ?? new Date('2026-11-22T03:00:00Z'));
    this.world = options.beside?.world ?? newWorld(options, this.clock);
    this.#sandboxesOf = options.beside ? options.beside.#sandboxesOf : new Map();
    this.#sandboxes =
      this.#sandboxesOf.get(options.template) ?? new Sandboxes(() => this.clock.now().getTime());
    this.#sandboxesOf.set(options.template, this.#sandboxes);
    this.world.executions.onStart((machineArn, name, input) => {
      const machineName = machineIn(machineArn);
      const machine = this.#machineNamed(machineName);
      if (machine) this.#start(machine, machineName, name, JSON.parse(input));
    });
    this.#furnish(options.balancers ?? TUNED, options.region);
    this.oldInstances = this.#addOldHosts(options.oldPerZone ?? this.fleet.instancesPerZone);
  }

  /** What the steps see: the world with latency, and Mackerel behind the API key, as in AWS. */
  get ports(): Ports {
    return this.portsThrough();
  }

  /** The same for one run of a step, with an interceptor in between. */
  portsThrough(intercept?: Intercept): Ports {
    const sleep = (millis: number) => this.clock.sleep(millis / 1000);
    const ports = this.world.distantPorts({ millis: callLatencyMillis, sleep }, intercept);
    return { ...ports, mackerel: behindApiKey(ports, this.fleet.mackerel.apiKeyParameter) };
  }

  /** Gives the fleet other options than the fleet file does. Call it before anything is started. */
  configure(
    options: Partial<
      Pick<
        Fleet,
        | 'instancesPerZone'
        | 'spillOver'
        | 'keepFailedHostMinutes'
        | 'replaceStragglers'
        | 'launchTemplate'
        | 'freezes'
        | 'watch'
        | 'pauses'
        | 'hooks'
        | 'compare'
        | 'first'
        | 'sideBySideSeconds'
        | 'wantsProvenance'
        | 'wantsTestedImage'
        | 'limits'
        | 'launchTemplate'
        | 'artifact'
        | 'runtimes'
      >
    >,
  ): void {
    for (const machine of [this.machine, this.cleanUpMachine]) Object.assign(fleetIn(machine), options);
    Object.assign(this.fleet, options);
  }

  /**
   * `cdk deploy` of another build: what starts from now on runs it. What runs already keeps the definition that it began
   * with, and with it the versions of the functions.
   */
  cdkDeploy(template: TemplateJson, functions: NonNullable<Machine['functions']>): void {
    this.machine = { ...machineOf(template, this.fleet.name), functions };
    this.cleanUpMachine = { ...machineOf(template, this.fleet.name, 'clean-up'), functions };
  }

  /** @throws Error for a fleet whose release is its image */
  get artifact(): { readonly bucket: string; readonly key: string } {
    const { name, artifact } = this.fleet;
    if (artifact.key !== undefined) return { bucket: artifact.bucket, key: artifact.key };
    throw new Error(`${name} has no artifact: its machine image is the release.`);
  }

  /** What is deployed next: a tarball that is uploaded, or an image that is built. */
  newRelease(content: string): void {
    if (!imageIsRelease(this.fleet)) return void this.upload(content);
    const at = this.clock.now();
    const imageId = `ami-0${at.toISOString().replaceAll(/\D/g, '').slice(0, 16)}`;
    this.addImage(imageId, at);
    if (this.fleet.image.from === 'parameter') this.world.parameters.set(this.fleet.image.parameter, imageId);
  }

  /**
   * Uploads a tarball under the fleet's key; answers the version's id.
   * @param proven for a fleet that deploys only what was promoted: with the proof that a promotion would leave
   */
  upload(content: Uint8Array | string = `release ${this.executions.length + 1}`, proven = true): string {
    const { bucket, key } = this.artifact;
    if (proven) writeProofs(this.world.s3, this.fleet, content, this.clock.now());
    return this.world.s3.put(bucket, key, content).versionId;
  }

  /** Adds an image of the fleet's kind to EC2, without an event. Its name ends in its date. */
  addImage(imageId: string, createdAt: Date): Image {
    const { image, architecture, launchTemplate } = this.fleet;
    const pattern = (image.from === 'search' && image.namePattern) || 'base-*';
    const name = pattern.replace('*', createdAt.toISOString().slice(0, 10));
    const tags = image.from === 'search' ? image.tags : {};
    const made = {
      imageId,
      name,
      architecture,
      createdAt,
      rootDevice: launchTemplate.rootDevice ?? '/dev/xvda',
      tags,
    };
    this.world.ec2.addImage(made);
    return { ...made, state: 'available', owner: ACCOUNT };
  }

  /** A new image of the fleet's kind, with the event of EC2 or SSM. */
  publishImage(imageId: string): Image {
    const made = this.addImage(imageId, this.clock.now());
    this.world.awsEvents.imageAvailable(imageId);
    const { image } = this.fleet;
    if (image.from === 'parameter') {
      this.world.parameters.set(image.parameter, imageId);
      this.world.awsEvents.parameterChanged(image.parameter, 'Update');
    }
    return made;
  }

  /** Starts a deployment, as the command does, and lets time pass until it has ended. */
  async deploy(input: unknown = {}, name?: string): Promise<ExecutionResult> {
    return this.clock.until(this.begin(input, name).result);
  }

  /** The same runs, with those of the functions that were woken beside it: both cost. */
  async runsWithWakes({ runs }: Pick<ExecutionResult, 'runs'>): Promise<ExecutionResult['runs']> {
    const all = new Map(runs);
    for (const wake of await this.clock.until(Promise.all(this.wakes)))
      for (const [step, { count, seconds }] of wake.runs) {
        const before = all.get(step) ?? { count: 0, seconds: 0 };
        all.set(step, { count: before.count + count, seconds: before.seconds + seconds });
      }
    return all;
  }

  /** Starts a deployment, as the command does: with an override through the door. */
  begin(input: unknown = {}, name?: string): Running {
    return hasOverride(input) ? this.override(input, name) : this.start(input, name);
  }

  /** Starts an execution of the fleet's own machine; it runs along with everything else. */
  start(input: unknown = {}, name = `deployment-${this.executions.length + 1}`): Running {
    return this.#start(this.machine, this.#named('deploy'), name, input);
  }

  /** Starts a deployment (or a promotion) with an override, through the door for it. */
  override(
    input: unknown,
    name = `deployment-${this.executions.length + 1}`,
    to: 'deploy' | 'promote' = 'deploy',
  ): Running {
    const kind = doorTo(to);
    const door = this.#doors.get(kind);
    if (!door) throw new Error(`There is no ${machineName(this.fleet.name, kind)}.`);
    const running = this.#start(door, this.#named(kind), name, input);
    const started = running.result.then(({ output }) => {
      const arn = (Object(output) as { ExecutionArn?: string }).ExecutionArn;
      const found = this.executions.find((each) => each.arn === arn);
      if (!found) throw new Error(`${name} has started nothing.`);
      return found.result;
    });
    return { ...running, result: started };
  }

  /** Starts the clean-up, as the status event and the schedule do. */
  cleanUp(name = `clean-up-${this.executions.length + 1}`): Running {
    return this.#start(this.cleanUpMachine, this.#named('clean-up'), name, {});
  }

  /**
   * Starts the promotion to this fleet, as the command does; its source is on a stage beside this one.
   * @throws Error for a fleet that nothing is promoted to.
   */
  promote(input: unknown = {}, name = `promotion-${this.executions.length + 1}`): Running {
    if (!this.promotionMachine) throw new Error(`There is no promotion to ${this.fleet.name}.`);
    if (hasOverride(input)) return this.override(input, name, 'promote');
    return this.#start(this.promotionMachine, this.#named('promote'), name, input);
  }

  /** Lets time pass, with the schedule, until nothing is running or waiting, or the lock is kept for a human. */
  async settle(mostSeconds = 4 * 3_600): Promise<void> {
    const end = this.clock.now().getTime() + mostSeconds * 1_000;
    while (this.clock.now().getTime() < end) {
      await this.clock.until(Promise.all(this.executions.map(({ result }) => result)));
      const { held, pending } = this.world.ledger.read(this.fleet.name) ?? {};
      const isOver = held ? held.needsHuman !== undefined : pending === undefined;
      if (this.#ownRunning().length === 0 && isOver) return;
      await this.wait(WATCH_EVERY_SECONDS);
      this.cleanUp();
    }
    throw new Error(`Not settled after ${mostSeconds} s: ${this.#ownRunning().join(', ')}`);
  }

  /** Of this fleet's machines; executions without a stage of their own are not waited for. */
  #ownRunning(): string[] {
    const running = this.world.executions.running();
    return running.filter((arn) => this.#machineNamed(machineIn(arn)) !== undefined);
  }

  #machineNamed(name: string): Machine | undefined {
    if (name === this.#named('deploy')) return this.machine;
    if (name === this.#named('promote')) return this.promotionMachine;
    for (const [kind, door] of this.#doors) if (name === this.#named(kind)) return door;
    return name === this.#named('clean-up') ? this.cleanUpMachine : undefined;
  }

  #named(kind: MachineKind): string {
    return machineName(this.fleet.name, kind);
  }

  #start(machine: Machine, machineName: string, name: string, input: unknown): Running {
    const arn = executionArn(machineName, name);
    const { executions } = this.world;
    if (executions.status(arn).state === 'unknown') executions.begin(arn, JSON.stringify(input));
    const running = execute({
      machine,
      machineName,
      clock: this.clock,
      ports: this.ports,
      input,
      name,
      onEvent: (event) => this.#happened(event, arn),
      onDocument: (document) => executions.enteredWith(arn, document),
      around: this.around,
      startUp: this.#startUp,
      callHook: (hook, event) => this.world.hooks.call(hook, event),
      wake: (state) => machine.wakes && this.#wake(state, machine.wakes.machine),
    });
    const result = running.result.then((ended) => {
      const { output, error, cause } = ended;
      executions.end(arn, ended.status, {
        ...(output !== undefined && { output }),
        ...(error !== undefined && { error }),
        ...(cause !== undefined && { cause }),
      });
      // A failed clean-up is left to the schedule: announcing it would start it again and again.
      const isDeployment = machineName === this.#named('deploy');
      if (ended.status !== 'SUCCEEDED' && isDeployment && !this.#eventsLost) this.#announce();
      return ended;
    });
    const execution = { ...running, result, machineName, name };
    this.executions.push(execution);
    return execution;
  }

  /** The status event of an execution that did not succeed: EventBridge starts the clean-up. */
  #announce(): void {
    setTimeout(() => this.cleanUp(), EVENT_SECONDS * 1_000);
  }

  /** Runs once, right before the story enters this state. */
  whenEntering(state: string, act: () => void): void {
    this.#cues.set(state, act);
  }

  /** Forgets planned actions that did not happen. */
  forgetCues(): void {
    this.#cues.clear();
  }

  #happened(event: StoryEvent, execution: string): void {
    const cue = event.kind === 'entered' ? this.#cues.get(event.state) : undefined;
    this.#cues.delete(cue ? event.state : '');
    cue?.();
    const turn = turnOf(event);
    if (turn) this.world.executions.turn(execution, turn, this.#isTask(event.state, execution));
    this.onEvent?.(event, execution);
  }

  #isTask(state: string, execution: string): boolean {
    const { steps = {}, hooks = {} } = this.#machineNamed(machineIn(execution)) ?? {};
    return state in steps || state in hooks;
  }

  /** Lets this much time pass without doing anything. */
  async wait(seconds: number): Promise<void> {
    await this.clock.until(this.clock.sleep(seconds));
  }

  close(): void {
    if (!this.#isGuest) this.clock.uninstall();
  }

  /** They take their time beside the deployment, and nobody hears of them but the functions. */
  #wake(state: string, machine: Machine): void {
    this.waking?.(state);
    const name = `wake-${this.wakes.length + 1}`;
    const { clock, ports } = this;
    const startUp = this.#startUp;
    this.wakes.push(execute({ machine, machineName: 'wake', clock, ports, input: {}, name, startUp }).result);
  }

  readonly #startUp = (step: AnyStepName, isWake: boolean): StartUp => this.#sandboxes.startUp(step, isWake);

  #furnish(balancers: BalancerTuning, region = REGION): void {
    const { world, fleet } = this;
    const zones = fleet.subnets.map((_, index) => zoneOf(region, index));
    fleet.subnets.forEach((subnetId, index) => {
      world.ec2.addSubnet({ subnetId, vpcId: VPC, zone: zones[index] ?? region, addresses: 1_000 });
    });
    const { id, version, given } = fleet.launchTemplate;
    world.ec2.addLaunchTemplate({ id, version: version === 'newest' ? '1' : version, ...given });
    this.#addOldImage();
    for (const ref of fleet.loadBalancers) {
      const settings = { vpcId: VPC, ...balancers };
      if (ref.kind === 'classic') world.loadBalancers.addClassic({ name: ref.name, zones, ...settings });
      else world.loadBalancers.addTargetGroup({ name: loadBalancerName(ref), ...settings });
    }
    world.addFleet(fleet.name, fleet.mackerel);
    world.parameters.set(fleet.mackerel.apiKeyParameter, API_KEY);
    world.s3.addBucket(fleet.artifact.bucket);
    for (const { key } of fleet.runtimes) world.s3.put(fleet.artifact.bucket, key, `a runtime: ${key}`);
  }

  #addOldImage(): void {
    if (this.world.ec2.findImage(OLD_IMAGE)) return;
    this.addImage(OLD_IMAGE, new Date(this.clock.now().getTime() - IMAGE_AGE_MILLIS));
    if (this.fleet.image.from === 'parameter')
      this.world.parameters.set(this.fleet.image.parameter, OLD_IMAGE);
  }

  #addOldHosts(perZone: number): string[] {
    const { name, mackerel, loadBalancers, subnets, tags } = this.fleet;
    return subnets.flatMap((subnetId) =>
      Array.from({ length: perZone }, () =>
        this.world.addRunningHost({
          ...mackerel,
          subnetId,
          loadBalancers,
          fleet: name,
          tags: { Name: name, ...tags },
        }),
      ),
    );
  }
}

const hasOverride = (input: unknown): boolean =>
  ((Object(input) as { override?: readonly string[] }).override ?? []).length > 0;

const newWorld = ({ seed, timings }: StageOptions, { now }: VirtualClock): World =>
  new World({ seed, now, region: REGION, account: ACCOUNT, ...(timings && { timings }) });

/** What the execution's history keeps of it. */
function turnOf({ kind, state, answer }: StoryEvent): Omit<HistoryTurn, 'id' | 'at'> | undefined {
  if (kind === 'entered') return { kind, state };
  if (kind === 'answered') return { kind, state, answer };
  if (kind !== 'failed') return undefined;
  const { name, message } = answer instanceof Error ? answer : new Error(String(answer));
  return { kind, state, error: name, cause: JSON.stringify({ errorType: name, errorMessage: message }) };
}

/** The fleet's machine from the environment's template. */
export function machineOf(template: TemplateJson, fleet: string, kind?: MachineKind): Machine {
  const { definition, stepOf } = definitionOf(template, fleet, kind);
  const all = statesIn(definition).filter(([, state]) => state.Type === 'Task');
  const isStart = ([, { Resource }]: (typeof all)[number]) => String(Resource).endsWith(':startExecution');
  const isHook = ([, { Resource }]: (typeof all)[number]) => String(Resource).startsWith('arn:aws:lambda:');
  const tasks = all.filter((task) => !isStart(task) && !isHook(task));
  const hooks = Object.fromEntries(
    all.filter(isHook).map(([name, { Resource }]) => [name, String(Resource)]),
  );
  const starts = all.filter(isStart);
  const states = starts.map(([name]) => name);
  const target = (['deploy', 'promote'] as const).find((each) => doorTo(each) === kind);
  const steps = Object.fromEntries(
    tasks.map(([name, state]) => [name, stepOf(String(state.Resource)) as AnyStepName]),
  );
  const machine = { definition: definition as Machine['definition'], steps, hooks };
  if (target) return { ...machine, starts: { states, machine: machineName(fleet, target) } };
  const [started] = starts.map(([, { Parameters }]) => String(Object(Parameters).StateMachineArn));
  if (started === undefined) return machine;
  // In the template a reference, and so the logical id of the machine.
  const wakes = { states, machine: machineOf(template, started.replace(/^\$\{(\w+)\}$/, '$1')) };
  return { ...machine, wakes };
}

/** All, also those of branches. */
function statesIn({ States }: Pick<StateMachineDefinition, 'States'>): [string, StateJson][] {
  return Object.entries(States).flatMap(([name, state]) => {
    const branches = (state.Branches ?? []) as Pick<StateMachineDefinition, 'States'>[];
    return [[name, state] as [string, StateJson], ...branches.flatMap(statesIn)];
  });
}

/** Its promotion's, if something is promoted to it. */
function promotionMachineOf(template: TemplateJson, fleet: string): Machine | undefined {
  const machines = Object.values(template.Resources).map(({ Properties }) => Properties?.StateMachineName);
  return machines.includes(machineName(fleet, 'promote')) ? machineOf(template, fleet, 'promote') : undefined;
}

const fleetOf = (machine: Machine): Fleet => v.parse(Fleet, fleetIn(machine));

/** The fleet as in the definition's first state. */
function fleetIn({ definition }: Machine): object {
  const open = definition.States[definition.StartAt] as { Parameters?: { fleet?: object } };
  return open.Parameters?.fleet ?? {};
}

/** Every request to Mackerel needs the key, as in AWS: an unreadable key fails the request, not the start. */
function behindApiKey({ mackerel, parameters, clock }: Ports, parameter: string): Ports['mackerel'] {
  const key = apiKeyReader(parameters as ParametersPort, parameter, () => clock.now().getTime());
  const guarded = Object.entries(mackerel).map(([name, request]) => [
    name,
    async (...args: unknown[]) => {
      await key();
      return (request as (...args: unknown[]) => unknown)(...args);
    },
  ]);
  return Object.fromEntries(guarded) as Ports['mackerel'];
}
