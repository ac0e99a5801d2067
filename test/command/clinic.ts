/** A fleet on stage for the doctor: deployed, healthy, and ill in whatever way a test wants. */

import type { Finding } from '../../bin/command/doctor/finding.ts';
import { workingTreeOf } from '../../bin/command/doctor/working-tree.ts';
import { irekae } from '../../bin/command/irekae.ts';
import type { ExitCode } from '../../bin/command/outcome.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import type { Fleet } from '../../lambdas/domain/core/fleet.ts';
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import type { CommandPorts } from '../../lambdas/ports/command.ts';
import type { FleetsFile } from '../../lib/fleet-config.ts';
import { type Environment, readFleets } from '../../lib/read-fleets.ts';
import { synthesizeTemplates } from '../../lib/synthesize.ts';
import { imagesOfAnyAccount, worldTagger } from '../../simulator/command-ports.ts';
import { Stage, type StageOptions } from '../../simulator/stage.ts';
import { type InspectedWorld, worldInspector } from '../../simulator/world/inspection.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';

export const APP = 'reactio-production-app';

export interface Visit {
  readonly inspected?: Partial<InspectedWorld>;
  readonly ports?: (ports: CommandPorts) => Partial<CommandPorts>;
  /** Of a terminal. */
  readonly columns?: number;
}

export interface Diagnosis {
  readonly exitCode: ExitCode;
  readonly out: string;
  readonly err: string;
}

export class Clinic {
  readonly stage: Stage;
  readonly #file: FleetsFile;
  readonly #environments: readonly Environment[];

  /** @param file another fleets file than the example, with the same environments */
  constructor({ file, ...options }: Partial<StageOptions> & { file?: FleetsFile } = {}) {
    this.#file = file ?? fleetsFile;
    this.#environments = file ? readFleets(file) : exampleEnvironments;
    const template = file && synthesizeTemplates(this.#environments).production;
    this.stage = new Stage({ template: template ?? synthesize(), fleet: APP, seed: 5, ...options });
  }

  get fleet(): Fleet {
    return this.stage.fleet;
  }

  /** Runs the command; its time passes. */
  async run(args: readonly string[], visit: Visit = {}): Promise<Diagnosis> {
    const [out, err]: [string[], string[]] = [[], []];
    const { stage } = this;
    const { environment, name } = this.fleet;
    const home = this.#environments.find((each) => each.name === environment);
    if (home === undefined) throw new Error(`The fleets file has no environment ${environment}`);
    const { account } = home;
    // What takes real time is done before virtual time passes.
    await workingTreeOf(this.#environments, home, name);
    const ports = this.#ports(visit);
    const exitCode = irekae(['doctor', name, ...args], {
      fleetsFile: this.#file,
      connect: async () => ({
        caller: { account, arn: `arn:aws:sts::${account}:assumed-role/Operator/hanako` },
        ports: async () => ports,
      }),
      print: (line) => out.push(line),
      complain: (line) => err.push(line),
      ...(visit.columns !== undefined && { surface: { columns: () => visit.columns ?? 0 } }),
    });
    return { exitCode: await stage.clock.until(exitCode), out: out.join('\n'), err: err.join('\n') };
  }

  async findings(visit: Visit = {}): Promise<Finding[]> {
    const { out, err } = await this.run(['--json'], visit);
    return JSON.parse(out || err).result.findings;
  }

  /** `level check`, of all that is not fine. */
  async complaints(visit: Visit = {}): Promise<string[]> {
    const found = await this.findings(visit);
    return found.filter(({ level }) => level !== 'ok').map(({ level, check }) => `${level} ${check}`);
  }

  /** What a deployment would have recorded that launched the present hosts. */
  recordRelease(changes: object = {}): void {
    const { artifact, name } = this.fleet;
    this.stage.world.s3.writeRecord(artifact.bucket, currentReleaseKey(name), {
      outcome: 'Deployed',
      deployment: 'release-1',
      artifact: { key: artifact.key, versionId: 'v1', sha256: '0'.repeat(64), sizeBytes: 1 },
      runtimes: [],
      imageId: 'ami-0f1e2d3c4b5a69788',
      recipe: 'as it was',
      newInstances: this.stage.oldInstances,
      oldInstances: [],
      ...changes,
    });
  }

  close(): void {
    this.stage.close();
  }

  #ports(visit: Visit): CommandPorts {
    const { stage, fleet } = this;
    const definitions = {
      [`irekae-${fleet.name}`]: stage.machine.definition,
      [`irekae-${fleet.name}-clean-up`]: stage.cleanUpMachine.definition,
    };
    const inspector = worldInspector(stage.world, fleet, definitions, visit.inspected);
    const account = this.#environments.find(({ name }) => name === fleet.environment)?.account ?? '';
    const ec2 = imagesOfAnyAccount(stage.ports.ec2, account);
    const ports = {
      ...stage.ports,
      ec2,
      inspector,
      remover: inspector,
      tagger: worldTagger(stage.world),
      pause: async () => {},
    };
    return { ...ports, ...visit.ports?.(ports) };
  }
}

/** A healthy fleet after its first release. */
export function healthy(options: ConstructorParameters<typeof Clinic>[0] = {}): Clinic {
  const clinic = new Clinic(options);
  clinic.stage.upload();
  clinic.recordRelease();
  return clinic;
}
