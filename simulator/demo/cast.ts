/** Which fleet plays in which scenario: those of the fleets file, so that after an edit the demo plays the user's own. */
import type { Environment } from '../../lib/read-fleets.ts';
import { FLOWS, type FlowName, isFlow } from '../flows.ts';
import { SCENARIOS, type Scenario } from '../scenarios.ts';
import type { Playable } from './performance.ts';

export interface Part {
  readonly scenario: Playable;
  readonly environment: string;
  readonly fleet: string;
  /** For a flow: whose artifact is promoted, and how long it has to run there first. */
  readonly source?: { readonly environment: string; readonly fleet: string; readonly soakMinutes: number };
}

const WANTED = { app: 'with a load balancer', worker: 'without a load balancer' } as const;

/**
 * The last fleet of the wanted kind: production comes after staging.
 * @returns the parts, in the order of the scenarios; where no fleet can play one, a problem
 */
export function castOf(
  scenarios: readonly Playable[],
  environments: readonly Environment[],
): { readonly parts: readonly Part[]; readonly problems: readonly string[] } {
  const fleets = environments.flatMap(({ name, fleets: those }) =>
    those.map((fleet) => ({ environment: name, fleet })),
  );
  const parts: Part[] = [];
  const problems: string[] = [];
  for (const scenario of scenarios) {
    if (scenario === 'promote') {
      const part = promotionPart(scenario, environments);
      if (part) parts.push(part);
      else problems.push(`--scenario ${scenario}: needs a fleet with a promotion; the fleets file has none`);
      continue;
    }
    const { kind, needs }: Pick<Scenario, 'kind' | 'needs'> = isFlow(scenario)
      ? FLOWS[scenario]
      : SCENARIOS[scenario];
    const found = fleets.findLast(
      ({ fleet }) =>
        (fleet.loadBalancers.length > 0 ? 'app' : 'worker') === kind && (needs === undefined || fleet[needs]),
    );
    const wanted = needs === undefined ? WANTED[kind] : `${WANTED[kind]} and with ${needs}`;
    if (found) parts.push({ scenario, environment: found.environment, fleet: found.fleet.name });
    else problems.push(`--scenario ${scenario}: needs a fleet ${wanted}; the fleets file has none`);
  }
  return { parts, problems };
}

/** The destination: the last fleet that has a promotion and follows no other fleet. */
function promotionPart(scenario: FlowName, environments: readonly Environment[]): Part | undefined {
  const homes = environments.flatMap(({ name, fleets }) =>
    fleets.map((fleet) => ({ environment: name, fleet })),
  );
  const to = homes.findLast(({ fleet }) => fleet.promotion !== undefined && fleet.after === undefined);
  const from = homes.find(({ fleet }) => fleet.name === to?.fleet.promotion?.from);
  if (to?.fleet.promotion === undefined || from === undefined) return undefined;
  const { soakMinutes } = to.fleet.promotion;
  const source = { environment: from.environment, fleet: from.fleet.name, soakMinutes };
  return { scenario, environment: to.environment, fleet: to.fleet.name, source };
}
