/** The fleets that are measured: the example application in other sizes and behind other load balancers. */
import { readFleets } from '../../lib/read-fleets.ts';
import { synthesizeTemplates, type TemplateJson } from '../../lib/synthesize.ts';
import { EXAMPLE_FLEET, type FleetEntry } from '../example-fleet.ts';

/** Total hosts while both halves run: as many old ones as new ones. */
export const SIZES = [2, 10, 100, 500] as const;
export type Size = (typeof SIZES)[number];

/** One host, or five, cannot be spread evenly over two zones. */
const zonesOf = (size: Size) => (size < 100 ? 1 : 2);

export type Kind = 'classic ELB' | 'target group' | 'worker';

const TARGET_GROUP =
  'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:targetgroup/bench/0123456789abcdef';

export function fleetName(kind: Kind, size: Size): string {
  return `bench-${kind.toLowerCase().replace(' ', '-')}-${size}`;
}

/** The environment's template: one state machine for each kind and size that is measured. */
export function benchTemplate(): TemplateJson {
  const fleets = [
    ...SIZES.map((size) => entry('classic ELB', size)),
    entry('target group', 10),
    entry('worker', 10),
  ];
  const file = {
    environments: [{ name: 'bench', account: '111111111111', region: 'ap-northeast-1' }],
    fleets,
  };
  const template = synthesizeTemplates(readFleets(file), { bundle: false }).bench;
  if (!template) throw new Error('The environment bench was not synthesized.');
  return template;
}

function entry(kind: Kind, size: Size): FleetEntry {
  const name = fleetName(kind, size);
  const balancers: Record<Kind, FleetEntry['loadBalancers']> = {
    'classic ELB': [{ kind: 'classic', name: 'reactio-production' }],
    'target group': [{ kind: 'target-group', arn: TARGET_GROUP }],
    worker: [],
  };
  const zones = zonesOf(size);
  return {
    ...EXAMPLE_FLEET,
    name,
    environment: 'bench',
    mackerel: { service: 'bench', role: name },
    artifact: `${name}.tar.gz`,
    subnets: EXAMPLE_FLEET.subnets.slice(0, zones),
    instancesPerZone: size / 2 / zones,
    loadBalancers: balancers[kind] ?? [],
    // So that its functions have everything that they may need, and are measured as they would be deployed.
    replaceStragglers: size >= 100,
  };
}
