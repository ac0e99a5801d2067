/**
 * The flow *promote* before an audience: the tarball is deployed on the source fleet, promoted once it has run there
 * for long enough, deployed at the destination by the copy's upload event, and then on the fleets that follow. One world,
 * one clock; each act is a performance of its own.
 */
import { machineIn } from '../../lambdas/domain/core/aws.ts';
import { machineName } from '../../lambdas/domain/core/names.ts';
import { span } from '../../lambdas/domain/core/words.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import type { ExecutionResult } from '../run-definition.ts';
import type { Scenario } from '../scenarios.ts';
import { Stage } from '../stage.ts';
import type { ObjectCreated } from '../world/s3.ts';
import { failed, type Line, Narrator } from './narration.ts';
import type { Pace } from './pace.ts';
import { type Audience, performOn } from './performance.ts';
import { type Start, type Started, startAfter, startByEvent, startByUpload } from './start.ts';

/** A fleet and the template of its environment. */
export interface Player {
  readonly fleet: string;
  readonly template: TemplateJson;
  readonly region?: string | undefined;
}

export interface PromotionOptions {
  readonly source: Player;
  readonly destination: Player;
  readonly soakMinutes: number;
  readonly seed: number;
  readonly tarball: Uint8Array;
  readonly audience: Audience;
  readonly pace: Pace;
}

export async function performPromotion(options: PromotionOptions): Promise<{ readonly asItMust: boolean }> {
  const { source, destination, seed } = options;
  const staging = new Stage({ ...source, seed });
  try {
    const production = new Stage({ ...destination, seed, beside: staging });
    return await new ReleaseFlow(options, staging, production).play();
  } finally {
    staging.close();
  }
}

class ReleaseFlow {
  readonly #options: PromotionOptions;
  readonly #staging: Stage;
  readonly #production: Stage;
  /** The upload events of the world, and the executions that steps have started. */
  readonly #uploads: ObjectCreated[] = [];
  readonly #started = new Map<string, Started>();
  #act = 0;
  #right = true;

  constructor(options: PromotionOptions, staging: Stage, production: Stage) {
    this.#options = options;
    this.#staging = staging;
    this.#production = production;
    const { s3, executions } = staging.world;
    s3.onObjectCreated((event) => this.#uploads.push(event));
    executions.onStart((machineArn, name, input) => {
      this.#started.set(machineIn(machineArn), { name, input: JSON.parse(input) });
    });
  }

  async play(): Promise<{ readonly asItMust: boolean }> {
    const { source, destination, tarball } = this.#options;
    await this.#deploys(this.#staging, 'the upload is deployed there', () =>
      startByUpload(this.#staging, source.template, tarball),
    );
    await this.#soaks();
    const promoted = await this.#promotes();
    this.#right &&= promoted.endedIn === 'Promoted';
    const copy = this.#uploads.findLast(
      ({ detail }) => detail.object.key === this.#production.fleet.artifact.key,
    );
    if (!this.#right || copy === undefined) return { asItMust: false };
    await this.#deploys(this.#production, 'the copy’s upload event deploys it here', () =>
      startByEvent(this.#production, destination.template, copy),
    );
    for (const fleet of this.#production.fleet.followers) {
      // Its stage is created only now: earlier, it would have run the deployment without an audience.
      const follower = new Stage({ ...destination, fleet, seed: this.#options.seed, beside: this.#staging });
      const started = this.#started.get(machineName(fleet, 'deploy'));
      await this.#deploys(follower, `follows ${destination.fleet}`, () => startAfter(follower, started));
    }
    return { asItMust: this.#right };
  }

  async #deploys(stage: Stage, what: string, start: () => Start): Promise<void> {
    const { seed, audience, pace } = this.#options;
    this.#act += 1;
    const { name, loadBalancers } = stage.fleet;
    const scenario: Scenario = {
      tells: `${this.#act} of ${2 + this.#production.fleet.followers.length}, ${name}: ${what}.`,
      kind: loadBalancers.length > 0 ? 'app' : 'worker',
      arrange: () => {},
      endsIn: 'Deployed',
    };
    stage.world.calls.reset();
    const options = { scenario: 'promote', seed, audience, pace } as const;
    this.#right &&= (await performOn(stage, scenario, options, start)).asItMust;
    stage.clock.beforeMoving = undefined;
  }

  async #soaks(): Promise<void> {
    const { soakMinutes, source } = this.#options;
    if (soakMinutes === 0) return;
    await this.#staging.wait(soakMinutes * 60);
    this.#tell(`${span(soakMinutes * 60)} pass while people look at ${source.fleet} (promotion.soakMinutes)`);
  }

  async #promotes(): Promise<ExecutionResult> {
    const { destination } = this.#options;
    const narrator = new Narrator();
    this.#tell(`someone promotes to ${destination.fleet}`);
    this.#production.onEvent = (event) => {
      const line =
        event.kind === 'failed' ? failed(event) : event.kind === 'answered' && narrator.said(event);
      if (line) this.#options.audience.between?.(line);
    };
    const running = this.#production.promote({ startedBy: 'somebody', reason: 'people looked at it' });
    const result = await this.#production.clock.until(running.result);
    this.#tell(result.cause === undefined ? result.endedIn : `${result.endedIn}: ${result.cause}`);
    return result;
  }

  #tell(text: string): void {
    const line: Line = { kind: 'upload', at: this.#staging.clock.now(), text };
    this.#options.audience.between?.(line);
  }
}
