/**
 * `irekae … --local`: a modelled region with the fleets of the fleets file, on a virtual clock that the command moves
 * while it waits. Every run begins with the same world, which follows from its seed and from what happened in it: three
 * releases were uploaded, two of them deployed, and the third is what a deployment would bring; a scenario goes on from
 * there.
 */

import { createHash } from 'node:crypto';
import { machineIn } from '../lambdas/domain/core/aws.ts';
import { DeploymentError } from '../lambdas/domain/core/errors.ts';
import { machineName } from '../lambdas/domain/core/names.ts';
import { WATCH_EVERY_SECONDS } from '../lambdas/domain/lock/orphans.ts';
import type { CommandPorts, Connection, Scenario } from '../lambdas/ports/command.ts';
import type { Executions } from '../lambdas/ports/executions.ts';
import type { FleetConfig } from '../lib/fleet-config.ts';
import type { Environment } from '../lib/read-fleets.ts';
import type { TemplateJson } from '../lib/synthesize.ts';
import { executionsOfAnyAccount, imagesOfAnyAccount, worldTagger } from './command-ports.ts';
import { matches, transform, uploadRule } from './event-rule.ts';
import { giveHistory } from './history.ts';
import { folderOfKept, keptTemplates } from './kept-templates.ts';
import { inputOf, LOCAL_SCENARIOS, type LocalScenario } from './local-scenarios.ts';
import { ACCOUNT, executionArn } from './run-definition.ts';
import { Stage } from './stage.ts';
import { definitionsIn, worldInspector } from './world/inspection.ts';
import type { World } from './world/world.ts';

// Taken before any stage exists, as a stage replaces the global ones with the virtual clock's.
const [realTimeout, realImmediate] = [setTimeout, setImmediate];
const sleep = (millis: number) => new Promise<void>((resolve) => realTimeout(resolve, millis));
/** Not a sleep of nothing: that is a millisecond, thousands of times. */
const turn = () => new Promise<void>((resolve) => realImmediate(resolve));

const SEED = 7;
const START = new Date('2026-11-08T03:00:00Z');
/** A release every two weeks. */
const BETWEEN_RELEASES_SECONDS = 14 * 86_400;
/** When someone watches: real milliseconds for each wait of the command. */
const VISIBLE_MILLIS = 60;

const NOTES = [
  'Local: a modelled region on a virtual clock; nothing in AWS is read or changed. Every run begins with the same world: ' +
    'releases 1 and 2 were deployed, release 3 is uploaded. What this run changes is gone when it ends.',
  '',
];

const notesOf = (fleet: string, { note, tries }: LocalScenario): readonly string[] => [
  'Local: a modelled region on a virtual clock; nothing in AWS is read or changed. What this run changes is gone when ' +
    `it ends. Every run begins with the same world: two releases of ${fleet} were deployed; ${note}.`,
  `To try here:  ${tries}`,
  '',
];

export interface LocalOptions {
  /** Slow enough to be seen. */
  readonly isVisible: boolean;
  /** What is going on there; default: nothing. */
  readonly scenario?: Scenario | undefined;
  /** Default: those of the environments. Tests have made them already. */
  readonly templates?: Readonly<Record<string, TemplateJson>>;
}

/** Its own, and the one that its artifact comes from: making the others would take most of the time. */
const neededBy = (fleet: FleetConfig, environments: readonly Environment[]) =>
  environments.filter(
    ({ name, fleets }) =>
      name === fleet.environment || fleets.some((each) => each.name === fleet.promotion?.from),
  );

/** @param fleet that the command is about; absent: all of them, and the scenario is about one whose new hosts are watched */
export async function connectLocally(
  environments: readonly Environment[],
  fleet: FleetConfig | undefined,
  { isVisible, scenario: name, templates }: LocalOptions,
): Promise<Connection> {
  const scenario = name && LOCAL_SCENARIOS[name];
  const fleets = environments.flatMap((each) => each.fleets);
  const about = fleet ?? fleets.find(isWatched) ?? fleets[0];
  if (!about) throw new Error('The fleets file has no fleet.');
  const needed = fleet ? neededBy(fleet, environments) : environments;
  const region = new Region(
    needed,
    templates ?? (await templatesOf(needed, environments)),
    scenario && { fleet: about.name, scenario },
  );
  try {
    if (!fleet) region.giveAllAPast(about);
    await region.play(about);
  } catch (error) {
    region.close();
    throw error;
  }
  return {
    caller: { account: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:user/you` },
    ports: async (asked) => {
      const ports = region.ports(asked, isVisible);
      const own = environments.find((each) => each.fleets.some((one) => one.name === asked));
      return own ? { ...ports, ec2: imagesOfAnyAccount(ports.ec2, own.account) } : ports;
    },
    notes: scenario ? notesOf(about.name, scenario) : NOTES,
    close: () => region.close(),
  };
}

/** CDK is loaded by whoever needs it. */
const templatesOf = (needed: readonly Environment[], all: readonly Environment[]) =>
  keptTemplates({
    needed,
    all,
    folder: folderOfKept(),
    synthesize: async (missing) => (await import('../lib/synthesize.ts')).synthesizeTemplates(missing, all),
  });

const isWatched = ({ loadBalancers, limits }: FleetConfig): boolean =>
  loadBalancers.length > 0 && limits.bakeSeconds > 0;

/** What goes on at one of the fleets. */
interface Scene {
  readonly fleet: string;
  readonly scenario: LocalScenario;
}

class Region {
  readonly #stages: readonly Stage[];
  readonly #templates: Readonly<Record<string, TemplateJson>>;
  readonly #configs: readonly FleetConfig[];

  readonly #scene: Scene | undefined;
  /** When the schedule of the orphan watch last looked. */
  #looked = 0;

  constructor(
    environments: readonly Environment[],
    templates: Readonly<Record<string, TemplateJson>>,
    scene: Scene | undefined,
  ) {
    this.#templates = templates;
    this.#scene = scene;
    this.#configs = environments.flatMap(({ fleets }) => fleets);
    const stages: Stage[] = [];
    for (const { name: environment, region, fleets } of environments) {
      const template = templates[environment];
      if (!template) throw new Error(`There is no template of the environment ${environment}.`);
      for (const { name: fleet } of fleets) {
        const [first] = stages;
        const eventsLost = scene?.fleet === fleet && scene.scenario.eventsLost === true;
        const beside = first && { beside: first };
        const stage = new Stage({ template, fleet, region, seed: SEED, start: START, eventsLost, ...beside });
        giveTemplate(stage);
        stages.push(stage);
      }
    }
    this.#stages = stages;
  }

  get #world(): World {
    return this.#first.world;
  }

  get #first(): Stage {
    const [first] = this.#stages;
    if (!first) throw new Error('The fleets file has no fleet.');
    return first;
  }

  /** Two releases in the past of the fleet, and a third that is not deployed yet; its source is one release ahead. */
  async play(config: FleetConfig): Promise<void> {
    const stage = this.#stageOf(config.name);
    const from = sourceOf(config);
    const source = from === undefined ? undefined : this.#stageOf(from);
    let newest = '';
    for (const release of [1, 2, 3]) {
      if (source) await this.#release(source, release);
      if (release < 3) await this.#release(stage, release);
      else newest = stage.upload(`release ${release}`);
      await this.#first.wait(release < 3 ? BETWEEN_RELEASES_SECONDS : 3_600);
    }
    if (source) {
      await this.#release(source, 4);
      await this.#first.wait(soakedSeconds(config));
    }
    await this.#scene?.scenario.play(stage, newest);
    this.#startOnUploads();
  }

  /** For a command about all of them: records of two releases, but for the fleet that is played. */
  giveAllAPast(played: FleetConfig): void {
    const versions = new Map<string, string>();
    for (const stage of this.#stages) {
      const { name, artifact } = stage.fleet;
      if (name === played.name || name === sourceOf(played)) continue;
      // Fleets that share an artifact run the same version of it.
      giveHistory(stage, ['release-1', 'release-2'], (release) => {
        const key = `${artifact.bucket} ${artifact.key} ${release}`;
        const versionId = versions.get(key) ?? stage.upload(release);
        versions.set(key, versionId);
        return versionId;
      });
      const { ledger } = this.#world;
      const holder = executionArn(machineName(name, 'deploy'), 'release-2');
      const hold = ledger.take(name, { holder, startedBy: 'CI' });
      if (hold) ledger.release(name, hold);
    }
  }

  /** @param fleet that the command is about */
  ports(fleet: string, isVisible: boolean): CommandPorts {
    const { ports } = this.#world;
    const stage = this.#stageOf(fleet);
    const template = this.#templates[stage.fleet.environment];
    const inspector = worldInspector(this.#world, stage.fleet, template ? definitionsIn(template) : {});
    return {
      ...ports,
      executions: this.#executions(ports.executions),
      tagger: worldTagger(this.#world),
      inspector,
      remover: inspector,
      pause: async (seconds, signal) => {
        if (signal?.aborted) return;
        await this.#first.wait(seconds);
        this.#lookForOrphans();
        // Input and signals are handled between two waits even when nobody watches.
        await (isVisible ? sleep(VISIBLE_MILLIS) : turn());
      },
    };
  }

  /** As the schedule does: what goes on in a scenario may need a clean-up that nobody sends for. */
  #lookForOrphans(): void {
    const now = this.#first.clock.now().getTime();
    if (!this.#scene || now - this.#looked < WATCH_EVERY_SECONDS * 1_000) return;
    this.#looked = now;
    const stage = this.#stageOf(this.#scene.fleet);
    const { held, pending } = this.#world.ledger.read(stage.fleet.name) ?? {};
    if (held || pending) stage.cleanUp();
  }

  close(): void {
    for (const stage of [...this.#stages].reverse()) stage.close();
  }

  async #release(stage: Stage, release: number): Promise<void> {
    const versionId = stage.upload(`release ${release}`);
    const input = inputOf(versionId, release);
    const { endedIn, error, cause } = await stage.deploy(input, `release-${release}`);
    if (endedIn !== 'Deployed')
      throw new Error(
        `The modelled past failed: ${stage.fleet.name}, release ${release}: ${error ?? endedIn}: ${cause ?? ''}`,
      );
  }

  /** From now on an upload (which a promotion makes) starts deployments, by the rules of the templates. */
  #startOnUploads(): void {
    const rules = this.#stages.flatMap((stage) => {
      const template = this.#templates[stage.fleet.environment];
      return template && this.#startsOnUpload(stage.fleet.name)
        ? [{ stage, ...uploadRule(template, stage.fleet.name) }]
        : [];
    });
    this.#world.s3.onObjectCreated((event) => {
      for (const { stage, pattern, transformer } of rules)
        if (matches(pattern, event)) stage.start(transform(transformer, event), event.id);
    });
  }

  /** A fleet that follows another one is started when that one is deployed. */
  #startsOnUpload(fleet: string): boolean {
    return this.#configs.find(({ name }) => name === fleet)?.after === undefined;
  }

  #stageOf(fleet: string): Stage {
    const stage = this.#stages.find((each) => each.fleet.name === fleet);
    if (!stage) throw new Error(`There is no fleet ${fleet} on stage.`);
    return stage;
  }

  /** A state machine that no template has is refused, as in AWS. */
  #executions(world: Executions): Executions {
    const known = new Set(Object.values(this.#templates).flatMap(machineNames));
    const executions = executionsOfAnyAccount(world);
    return {
      ...executions,
      start: async (arn, name, input) => {
        if (!known.has(machineIn(arn)))
          throw new DeploymentError(
            'ServiceRefused',
            `AWS refused to start ${name}: StateMachineDoesNotExist: ${arn}.`,
          );
        return executions.start(arn, name, input);
      },
    };
  }
}

/** A launch template as CloudFormation would have made it: people read its id. */
export function giveTemplate(stage: Stage): void {
  const { name, launchTemplate } = stage.fleet;
  const id = `lt-0${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
  stage.configure({ launchTemplate: { ...launchTemplate, id, version: '1' } });
  stage.world.ec2.addLaunchTemplate({ id, version: '1' });
}

function machineNames({ Resources }: TemplateJson): string[] {
  const machines = Object.values(Resources).filter(({ Type }) => Type === 'AWS::StepFunctions::StateMachine');
  return machines.map(({ Properties }) => String(Properties?.StateMachineName));
}

/** The fleet that this one's artifacts are promoted from. */
const sourceOf = (config: FleetConfig): string | undefined => config.promotion?.from;

/** Long enough for what runs at the source to be promoted. */
const soakedSeconds = (config: FleetConfig): number => ((config.promotion?.soakMinutes ?? 0) + 60) * 60;
