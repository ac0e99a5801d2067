/** The fleet that the benchmark and the fault campaign use in various shapes, independent of the fleets file. */
import type { FleetsFile } from '../lib/fleet-config.ts';
import { readFleets } from '../lib/read-fleets.ts';
import { synthesizeTemplates, type TemplateJson } from '../lib/synthesize.ts';

export type FleetEntry = FleetsFile['fleets'][number];

/** Without limits, so that the defaults are measured, and without a place in a release flow. */
export const EXAMPLE_FLEET = {
  runtimes: [{ key: 'runtimes/perl-5.38-arm64.tar.gz', directory: '/opt/perl' }],
  image: { from: 'search', owner: 'self', namePattern: 'reactio-base-*', tags: { stage: 'released' } },
  architecture: 'arm64',
  instanceTypes: ['t4g.small', 't4g.medium'],
  instancesPerZone: 1,
  subnets: ['subnet-0a1b2c3d4e5f60003', 'subnet-0a1b2c3d4e5f60004'],
  securityGroups: ['sg-0a1b2c3d4e5f60003'],
  tags: { Environment: 'production' },
  freezes: [
    {
      kind: 'dated',
      label: 'year end',
      timeZone: 'Asia/Tokyo',
      from: '2026-12-28T00:00',
      to: '2027-01-04T09:00',
    },
  ],
  startCommand: 'systemctl enable --now reactio-app',
} as const satisfies Partial<FleetEntry>;

/** One of this shape, with a role and an artifact of its own name. */
export const exampleEntry = (
  environment: string,
  name: string,
  changes: Partial<FleetEntry> & Pick<FleetEntry, 'loadBalancers'>,
): FleetEntry => ({
  ...EXAMPLE_FLEET,
  name,
  environment,
  mackerel: { service: environment, role: name },
  artifact: `${name}.tar.gz`,
  ...changes,
});

/** The template of an environment with these fleets alone; it takes a second or two to make. */
export function templateOf(environment: string, fleets: readonly FleetEntry[]): TemplateJson {
  const file = {
    environments: [{ name: environment, account: '111111111111', region: 'ap-northeast-1' }],
    fleets: [...fleets],
  };
  const template = synthesizeTemplates(readFleets(file))[environment];
  if (!template) throw new Error(`The environment ${environment} was not synthesized.`);
  return template;
}
