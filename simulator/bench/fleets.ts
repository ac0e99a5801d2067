/** The fleets that are measured: the example application in other sizes and behind other load balancers. */
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { EXAMPLE_FLEET, exampleEntry, type FleetEntry, templateOf } from '../example-fleet.ts';
import type { Stage } from '../stage.ts';

/** Total hosts while both halves run: as many old ones as new ones. */
export const SIZES = [2, 10, 100, 500] as const;
export type Size = (typeof SIZES)[number];

/** Two old hosts and two new ones: of whom one breaks. */
const FEW = 4;
export const SMALL = fleetName('classic ELB', FEW);

/** One host, or five, cannot be spread evenly over two zones. */
const zonesOf = (size: number) => (size < 100 ? 1 : 2);

export type Kind = 'classic ELB' | 'target group' | 'worker';

const TARGET_GROUP =
  'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:targetgroup/bench/0123456789abcdef';

export function fleetName(kind: Kind, size: Size | typeof FEW): string {
  return `bench-${kind.toLowerCase().replace(' ', '-')}-${size}`;
}

/** Of as many fleets of two hosts as there may be in the least, an ordinary and the largest environment. */
export const ENVIRONMENTS = [1, 2, 10] as const;

export const standingTemplate = (fleets: number): TemplateJson =>
  templateOf(
    'standing',
    Array.from({ length: fleets }, (_, index) =>
      exampleEntry('standing', `standing-${index}`, {
        loadBalancers: [{ kind: 'classic', name: `standing-${index}` }],
        redeployOnNewImage: true,
      }),
    ),
  );

/** Of two hosts in two zones, whose deployments are undone. */
export const UNDONE_FLEET = 'bench-undone';

/** The environment's template: one state machine for each kind and size that is measured. */
export function benchTemplate(): TemplateJson {
  return templateOf('bench', [
    ...SIZES.map((size) => benchEntry('classic ELB', size)),
    benchEntry('classic ELB', FEW),
    benchEntry('target group', 10),
    benchEntry('worker', 10),
    exampleEntry('bench', UNDONE_FLEET, {
      loadBalancers: [{ kind: 'classic', name: 'reactio-production' }],
    }),
  ]);
}

export function benchEntry(kind: Kind, size: Size | typeof FEW): FleetEntry {
  const balancers: Record<Kind, FleetEntry['loadBalancers']> = {
    'classic ELB': [{ kind: 'classic', name: 'reactio-production' }],
    'target group': [{ kind: 'target-group', arn: TARGET_GROUP }],
    worker: [],
  };
  const zones = zonesOf(size);
  return exampleEntry('bench', fleetName(kind, size), {
    subnets: EXAMPLE_FLEET.subnets.slice(0, zones),
    instancesPerZone: size / 2 / zones,
    loadBalancers: balancers[kind] ?? [],
    // So that its functions have everything that they may need, and are measured as they would be deployed.
    replaceStragglers: size >= 100,
  });
}

/** Those that a deployment has launched on this stage. */
export const newInstancesOf = ({ world }: Stage): string[] =>
  world.ec2
    .known()
    .filter(({ facts }) => TAG.deployment in facts.tags)
    .map(({ id }) => id);
