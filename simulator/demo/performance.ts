/**
 * One scenario before an audience: sets the stage, uploads the tarball, lets the upload's event start the deployment
 * through the synthesized rule, and narrates and shows what follows. Knows nothing about terminals.
 */

import { fleetSize } from '../../lambdas/domain/core/fleet.ts';
import { timelineKey } from '../../lambdas/domain/core/names.ts';
import { ACTS } from '../../lambdas/domain/core/steps.ts';
import { watchSeconds } from '../../lambdas/domain/hosts/bake.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { FlowName } from '../flows.ts';
import { Rules } from '../rules.ts';
import type { ExecutionResult, Running, StoryEvent } from '../run-definition.ts';
import { SCENARIOS, type Scenario, type ScenarioName } from '../scenarios.ts';
import { Stage } from '../stage.ts';
import { watchAt } from '../world/lower-bound.ts';
import { changed, failed, type Line, Narrator } from './narration.ts';
import type { Pace } from './pace.ts';
import { PhaseClock, type PhaseStanding } from './phases.ts';
import { progressOf } from './progress.ts';
import { type Scene, sceneOf } from './scene.ts';
import { type Start, startByHand, startByNewImage, startByUpload } from './start.ts';
import { type Summary, summarize } from './summary.ts';

/** One deployment, or a flow of several. */
export type Playable = ScenarioName | FlowName;

export interface Opening {
  readonly scenario: Playable;
  /** What the audience is going to see, in a sentence. */
  readonly tells: string;
  readonly fleet: string;
  readonly oldHosts: number;
  readonly newHosts: number;
  readonly seed: number;
  /** Virtual: all times are counted from here. */
  readonly at: Date;
}

/** What can be seen at a moment, and the last line. */
export interface Moment {
  readonly at: Date;
  readonly scene: Scene;
  readonly phases: readonly PhaseStanding[];
  readonly state?: string;
  /** What the running step says; or why it failed. */
  readonly sentence: string;
  readonly isFailure: boolean;
  /** Of the phase, from 0 to 1. */
  readonly progress: number;
}

export interface Audience {
  begins(opening: Opening): void;
  tells(line: Line): void;
  /** A moment that differs from the one before, if only in its time. */
  sees(moment: Moment): void;
  ends(summary: Summary): void;
  /** A line between two deployments of a flow. */
  between?(line: Line): void;
}

/** What the performance of a deployment needs, on any stage. */
export interface PerformOptions {
  readonly scenario: Playable;
  readonly seed: number;
  readonly audience: Audience;
  readonly pace: Pace;
  /** Called with the deployment's page, if it left one. */
  readonly keepPage?: (page: string) => void;
}

export interface PerformanceOptions extends PerformOptions {
  readonly template: TemplateJson;
  readonly fleet: string;
  readonly region?: string | undefined;
  readonly scenario: ScenarioName;
  readonly tarball: Uint8Array;
}

const EVENT_COMES_WITHIN_SECONDS = 5;

/** Real seconds that a line is worth in the tour. */
const REST: Partial<Record<Line['kind'], number>> = { upload: 1, phase: 0.3, fails: 3, ends: 2 };

export async function perform(options: PerformanceOptions): Promise<Summary> {
  const scenario: Scenario = SCENARIOS[options.scenario];
  const { template, fleet, region, seed, tarball } = options;
  const { oldPerZone, input, startedBy } = scenario;
  const stage = new Stage({ template, fleet, region, seed, ...(oldPerZone !== undefined && { oldPerZone }) });
  try {
    return await performOn(stage, scenario, options, () => {
      if (startedBy === 'a new image') return startByNewImage(stage, template);
      if (input !== undefined) return startByHand(stage, input, tarball);
      return startByUpload(stage, template, tarball);
    });
  } finally {
    stage.close();
  }
}

/** One deployment, on an existing stage. */
export function performOn(
  stage: Stage,
  scenario: Scenario,
  options: PerformOptions,
  start: () => Start,
): Promise<Summary> {
  return new Performance(stage, scenario, options).play(start);
}

class Performance {
  readonly #stage: Stage;
  readonly #scenario: Scenario;
  readonly #options: PerformOptions;
  /** The world continues if the flow does. */
  #isOver = false;
  readonly #narrator = new Narrator();
  readonly #phases: PhaseClock;
  #deployment = '';
  #oldInstances: readonly string[] = [];
  readonly #startedAt: number;
  #changes = 0;
  #looks = 0;
  /** Until the next step says something. */
  #failure: string | undefined;
  #fewestServing = Number.POSITIVE_INFINITY;
  #fewestOldServing = Number.POSITIVE_INFINITY;
  /** When something last happened, for the pace; what was seen then. */
  #newsAt: number;
  #seen = '';

  constructor(stage: Stage, scenario: Scenario, options: PerformOptions) {
    this.#stage = stage;
    this.#scenario = scenario;
    this.#options = options;
    this.#phases = new PhaseClock(stage.clock.now());
    this.#startedAt = stage.clock.now().getTime();
    this.#newsAt = this.#startedAt;
  }

  async play(start: () => Start): Promise<Summary> {
    const { world, clock, fleet } = this.#stage;
    const { scenario, seed, audience } = this.#options;
    // First: it may give the fleet another size.
    this.#scenario.arrange(this.#stage);
    audience.begins({
      scenario,
      tells: this.#scenario.tells,
      fleet: fleet.name,
      oldHosts: this.#stage.oldInstances.length,
      newHosts: fleetSize(fleet),
      seed,
      at: clock.now(),
    });
    this.#look();
    const serving = this.#fewestServing;
    this.#oldInstances = this.#scene()
      .hosts.filter(({ life }) => life !== 'gone')
      .map(({ instanceId }) => instanceId);
    world.on((event) => {
      if (this.#isOver) return;
      if (event.by !== 'scenario') this.#changes += 1;
      this.#tell(changed(event));
    });
    const { deployment, input, told } = start();
    this.#tell(this.#line('upload', told));
    this.#deployment = deployment;
    const rules = new Rules(world, fleet, deployment);
    this.#stage.onEvent = (event, execution) => {
      const isElse = !execution.endsWith(`:${deployment}`) && !execution.includes('-clean-up:');
      if (!isElse) this.#turn(event);
    };
    clock.beforeMoving = (from, to) => this.#pass(from, to);
    const result = await clock.until(this.#running(deployment, input).result);
    const last = result.status === 'ABORTED' ? await this.#cleanedUp(result, rules) : result;
    rules.ended(result);
    rules.stop();
    this.#isOver = true;
    return this.#end(last, rules, serving);
  }

  /** A request that waited was started by the deployment before it. */
  #running(deployment: string, input: unknown): Running {
    const started = this.#stage.executions.find(({ name }) => name === deployment);
    return started ?? this.#stage.begin(input, deployment);
  }

  /** A stopped execution catches nothing: its status event starts the clean-up, which finishes the work. */
  async #cleanedUp(stopped: ExecutionResult, rules: Rules): Promise<ExecutionResult> {
    const stage = this.#stage;
    const told = 'the execution was stopped; its status event starts the clean-up';
    this.#failed({ ...this.#line('fails', told), state: 'Stop execution' });
    const before = stage.executions.length;
    await stage.wait(EVENT_COMES_WITHIN_SECONDS);
    const running = stage.executions[before];
    if (!running) throw new Error('No clean-up came after the execution that was stopped.');
    const cleanUp = await stage.clock.until(running.result);
    rules.settled('old hosts');
    const { cause } = Object(cleanUp.output) as { readonly cause?: string };
    return {
      ...cleanUp,
      ...(cause !== undefined && { cause }),
      seconds: (stage.clock.now().getTime() - this.#startedAt) / 1_000,
      transitions: stopped.transitions + cleanUp.transitions,
    };
  }

  #turn(event: StoryEvent): void {
    const { kind, state, at } = event;
    if (kind === 'entered') {
      const phase = this.#phases.entered(state, at);
      if (phase) this.#tell(this.#line('phase', ACTS[phase].title));
    }
    if (kind === 'answered') {
      if ('nextLookInSeconds' in Object(event.answer)) this.#looks += 1;
      this.#failure = undefined;
      this.#tell(this.#narrator.said(event));
    }
    if (kind === 'failed') this.#failed(failed(event));
    if (kind === 'caught') this.#phases.failed(state);
  }

  #failed(line: Line): void {
    this.#failure = line.text;
    this.#tell(line);
  }

  #line(kind: Line['kind'], text: string): Line {
    return { kind, at: this.#stage.clock.now(), text };
  }

  #tell(line: Line | undefined): void {
    if (line === undefined) return;
    this.#newsAt = line.at.getTime();
    this.#options.audience.tells(line);
    this.#options.pace.rest(REST[line.kind] ?? 0);
  }

  /** Everything due at this moment has happened. Stops wherever the world changes by itself. */
  async #pass(from: Date, to: Date): Promise<void> {
    this.#look();
    const { clock, world } = this.#stage;
    const change = world.nextChange();
    // An alarm is a timer like any other: the clock stops there.
    if (change !== undefined && change < to) void clock.sleep((change.getTime() - from.getTime()) / 1000);
    const until = Math.min(to.getTime(), change?.getTime() ?? Number.POSITIVE_INFINITY);
    const scene = this.#scene();
    await this.#options.pace.pass(from.getTime(), until, this.#newsAt, (at) =>
      this.#options.audience.sees(this.#moment(scene, new Date(at))),
    );
  }

  #scene(): Scene {
    return sceneOf(this.#stage.world.view(), this.#stage.fleet, this.#deployment);
  }

  /** Shows this moment, and remembers whether there was anything new in it. */
  #look(): void {
    const at = this.#stage.clock.now();
    const scene = this.#scene();
    const serving = scene.hosts.filter((host) => host.serves);
    const oldServing = serving.filter(({ side }) => side === 'OLD');
    this.#fewestServing = Math.min(this.#fewestServing, serving.length);
    this.#fewestOldServing = Math.min(this.#fewestOldServing, oldServing.length);
    const seen = JSON.stringify(scene.hosts.map(({ ageSeconds, ...host }) => host));
    if (seen !== this.#seen) this.#newsAt = at.getTime();
    this.#seen = seen;
    this.#options.audience.sees(this.#moment(scene, at));
  }

  #moment(scene: Scene, at: Date): Moment {
    const { state } = this.#phases;
    const { fleet } = this.#stage;
    return {
      at,
      scene,
      phases: this.#phases.standings(at),
      ...(state !== undefined && { state }),
      sentence: this.#failure ?? this.#narrator.sentence,
      isFailure: this.#failure !== undefined,
      progress: progressOf(
        this.#phases,
        scene,
        at,
        watchSeconds(watchOn(this.#stage, fleet.limits.bakeSeconds)),
        watchSeconds(watchOn(this.#stage, fleet.first?.watchSeconds ?? 0)),
      ),
    };
  }

  async #end(result: ExecutionResult, rules: Rules, servingBefore: number): Promise<Summary> {
    const { clock, world, fleet } = this.#stage;
    this.#phases.ended(clock.now());
    this.#look();
    const summary = summarize({
      scenario: this.#options.scenario,
      must: this.#scenario,
      fleet,
      seed: this.#options.seed,
      result,
      phases: this.#phases,
      at: clock.now(),
      scene: this.#scene(),
      oldInstances: this.#oldInstances,
      world,
      looks: this.#looks,
      changes: this.#changes,
      violations: rules.violations,
      serving: { before: servingBefore, fewest: this.#fewestServing, fewestOld: this.#fewestOldServing },
    });
    const page = world.s3.text(fleet.artifact.bucket, timelineKey(fleet.name, this.#deployment));
    if (page !== undefined) this.#options.keepPage?.(page);
    this.#options.audience.ends(summary);
    this.#options.pace.rest(REST.ends ?? 0);
    const now = clock.now().getTime();
    await this.#options.pace.pass(now, now, now, () => {});
    return summary;
  }
}

const watchOn = ({ world, fleet: { loadBalancers } }: Stage, bakeSeconds: number) =>
  watchAt(world.loadBalancers, { loadBalancers, bakeSeconds });
