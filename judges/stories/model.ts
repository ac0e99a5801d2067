/** The same story on the model: all fleets of the fleets file in one world, and the rules of their templates. */

import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { deploymentRecordKey, machineName } from '../../lambdas/domain/core/names.ts';
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Stage } from '../../simulator/stage.ts';
import { startOnUploads } from '../../simulator/uploads.ts';
import type { Fate as ModelFate } from '../../simulator/world/instance-life.ts';
import type { Deployment } from './deployment.ts';
import type { Fate, FleetTold, Story, Theatre, Told } from './theatre.ts';

const SEED = 11;

const FATES: Readonly<Record<Fate, ModelFate>> = {
  dies: {
    kind: 'dies',
    afterSeconds: 35,
    stateReason: 'Server.InternalError: Internal error on launch',
  },
  'never-registers': { kind: 'never-registers' },
};

type Synthesized = Pick<Deployment, 'stacks' | 'templates'>;

class ModelTheatre implements Theatre {
  readonly stages: Stage[] = [];
  #listens = false;

  constructor(readonly deployment: Synthesized) {
    for (const { environment, fleets } of deployment.stacks)
      for (const { name } of fleets) {
        const [first] = this.stages;
        const template = this.#templateOf(environment);
        this.stages.push(new Stage({ template, fleet: name, seed: SEED, ...(first && { beside: first }) }));
      }
  }

  #templateOf(environment: string): TemplateJson {
    return this.deployment.templates[environment] as TemplateJson;
  }

  stageOf(fleet: string): Stage {
    const found = this.stages.find(({ fleet: { name } }) => name === fleet);
    if (!found) throw new Error(`There is no fleet ${fleet}.`);
    return found;
  }

  get #first(): Stage {
    return this.stages[0] as Stage;
  }

  meet(fates: Readonly<Record<string, Fate>>): void {
    const launched = new Map<string, number>();
    this.#first.world.ec2.fate = ({ request }) => {
      const fleet = request.tags[TAG.fleet] ?? '';
      const count = (launched.get(fleet) ?? 0) + 1;
      launched.set(fleet, count);
      const fate = fates[`${fleet} ${count}`];
      return fate === undefined ? { kind: 'healthy' } : FATES[fate];
    };
  }

  async upload(fleet: string, text: string): Promise<void> {
    if (!this.#listens)
      for (const stage of this.stages) startOnUploads(stage, this.#templateOf(stage.fleet.environment));
    this.#listens = true;
    await this.place(fleet, text);
  }

  async place(fleet: string, text: string): Promise<void> {
    this.stageOf(fleet).upload(text, false);
  }

  async start(fleet: string, kind: 'deploy' | 'promote', input: object): Promise<void> {
    const stage = this.stageOf(fleet);
    if (kind === 'promote') stage.promote(input);
    else stage.begin(input);
  }

  async stop(fleet: string): Promise<void> {
    const { executions, world } = this.stageOf(fleet);
    const running = new Set(world.executions.running());
    const found = executions.find(
      ({ arn, machineName: of }) => running.has(arn) && of === machineName(fleet, 'deploy'),
    );
    found?.stop();
  }

  wait(seconds: number): Promise<void> {
    return this.#first.wait(seconds);
  }

  async settle(): Promise<void> {
    const { world } = this.#first;
    // What an upload or an event starts comes a moment later: also after what has just ended.
    for (let quiet = 0; quiet < 2; quiet = world.executions.running().length > 0 ? 0 : quiet + 1)
      await this.#first.wait(10);
  }

  when(fleet: string, step: keyof typeof STEPS, act: () => Promise<void>): void {
    this.stageOf(fleet).whenEntering(STEPS[step].title, () => void act());
  }

  async told(): Promise<Told> {
    const executions = await Promise.all(
      this.stages.flatMap((stage) =>
        stage.executions.map(async ({ machineName: machine, result }) => {
          const { status, error, cause, entered } = await result;
          const said = { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
          return { machine, status, states: entered, ...said };
        }),
      ),
    );
    const fleets = this.stages.map((stage) => [stage.fleet.name, fleetOn(stage)]);
    return { executions, fleets: Object.fromEntries(fleets) };
  }
}

function fleetOn({ world, fleet: { name, artifact, loadBalancers } }: Stage): FleetTold {
  const alive = world
    .view()
    .instances.filter(
      ({ tags, state }) => tags[TAG.fleet] === name && !/^(shutting-down|terminated)$/.test(state),
    );
  const hosts = alive.map(({ instanceId, state, tags, memberOf, hosts: [entry] }) => ({
    ...{ id: instanceId, state, isNew: TAG.deployment in tags },
    serves:
      loadBalancers.length > 0 &&
      memberOf.filter((each) => each.state === 'in-service').length === loadBalancers.length,
    ...(entry && { status: entry.status }),
  }));
  const records = world.s3
    .list(artifact.bucket, deploymentRecordKey(name, '').replace(/\.json$/, ''))
    .filter(({ key }) => key.endsWith('.json'))
    .map(({ key }) => JSON.parse(world.s3.text(artifact.bucket, key) ?? '{}').outcome as string);
  return { hosts, records, lock: world.ledger.read(name)?.held ? 'held' : 'free' };
}

export async function playedOnModel(story: Story, deployment: Synthesized): Promise<Told> {
  const theatre = new ModelTheatre(deployment);
  try {
    theatre.meet(story.fates ?? {});
    await story.play(theatre);
    return await theatre.told();
  } finally {
    for (const stage of [...theatre.stages].reverse()) stage.close();
  }
}
