/** Which fleet plays in which scenario: those of `bin/fleets.ts`, so that after an edit the demo plays the user's own. */
import type { Environment } from '../../lib/read-fleets.ts';
import { SCENARIOS, type Scenario, type ScenarioName } from '../scenarios.ts';

export interface Part {
  readonly scenario: ScenarioName;
  readonly environment: string;
  readonly fleet: string;
}

const WANTED = { app: 'with a load balancer', worker: 'without a load balancer' } as const;

/**
 * The last fleet of the wanted kind: production stands below staging.
 * @returns the parts, in the order of the scenarios; where no fleet can play one, a problem
 */
export function castOf(
  scenarios: readonly ScenarioName[],
  environments: readonly Environment[],
): { readonly parts: readonly Part[]; readonly problems: readonly string[] } {
  const fleets = environments.flatMap(({ name, fleets: those }) =>
    those.map((fleet) => ({ environment: name, fleet })),
  );
  const parts: Part[] = [];
  const problems: string[] = [];
  for (const scenario of scenarios) {
    const { kind, needs }: Scenario = SCENARIOS[scenario];
    const found = fleets.findLast(
      ({ fleet }) =>
        (fleet.loadBalancers.length > 0 ? 'app' : 'worker') === kind && (needs === undefined || fleet[needs]),
    );
    const wanted = needs === undefined ? WANTED[kind] : `${WANTED[kind]} and with ${needs}`;
    if (found) parts.push({ scenario, environment: found.environment, fleet: found.fleet.name });
    else problems.push(`--scenario ${scenario}: needs a fleet ${wanted}; bin/fleets.ts has none`);
  }
  return { parts, problems };
}
