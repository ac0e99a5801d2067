/** How fast the simulation itself is: real seconds for many complete deployments, each in a world of its own. */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Stage } from '../stage.ts';
import { fleetName } from './fleets.ts';

export interface Throughput {
  readonly deployments: number;
  readonly seconds: number;
}

/**
 * One old host is replaced by one new host, `deployments` times, with as many seeds.
 * @param now milliseconds, by the real clock unless a test provides one
 */
export async function measureThroughput(
  template: TemplateJson,
  deployments: number,
  now = () => performance.now(),
): Promise<Throughput> {
  const from = now();
  for (let seed = 1; seed <= deployments; seed += 1) {
    const stage = new Stage({ template, fleet: fleetName('classic ELB', 2), seed });
    try {
      stage.upload();
      const { endedIn, cause } = await stage.deploy();
      if (endedIn !== 'Deployed') throw new Error(`Seed ${seed}: ${endedIn}: ${cause}`);
    } finally {
      stage.close();
    }
  }
  return { deployments, seconds: (now() - from) / 1000 };
}
