/** How fast the simulation itself is: CPU time of many complete deployments, each in a world of its own. */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Stage } from '../stage.ts';
import { fleetName, type Size } from './fleets.ts';

export interface Throughput {
  /** Old and new ones. */
  readonly hosts: Size;
  readonly deployments: number;
  /** Of this process, for all of them. */
  readonly cpuMillis: number;
  /** So many times the target may be missed on a machine that is not measured by itself. Default: 1. */
  readonly slack?: number;
}

/** Before anything is measured: Node compiles what runs often only after it has run a while. */
const WARM_UP = 50;

const cpuMillisOfProcess = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/**
 * As many old hosts are replaced by as many new ones, `deployments` times, with as many seeds.
 * @param now milliseconds, by the process's own CPU time unless a test provides them
 */
export async function measureThroughput(
  template: TemplateJson,
  hosts: Size,
  deployments: number,
  now = cpuMillisOfProcess,
): Promise<Throughput> {
  for (let seed = 1; seed <= Math.min(deployments, WARM_UP); seed += 1)
    await deployOnce(template, hosts, seed);
  const from = now();
  for (let seed = 1; seed <= deployments; seed += 1) await deployOnce(template, hosts, seed);
  return { hosts, deployments, cpuMillis: now() - from };
}

async function deployOnce(template: TemplateJson, hosts: Size, seed: number): Promise<void> {
  const stage = new Stage({ template, fleet: fleetName('classic ELB', hosts), seed });
  try {
    stage.upload();
    const { endedIn, cause } = await stage.deploy();
    if (endedIn !== 'Deployed') throw new Error(`Seed ${seed}: ${endedIn}: ${cause}`);
  } finally {
    stage.close();
  }
}
