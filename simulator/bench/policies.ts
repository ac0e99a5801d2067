/** How much of the room that IAM has for a role's inline policies ten crowded fleets fill. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FleetsFile } from '../../lib/fleet-config.ts';
import { inlinePolicies } from '../../lib/policy-sizes.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { environmentStacks, standaloneApp } from '../../lib/synthesize.ts';
import { EXAMPLE_FLEET, type FleetEntry } from '../example-fleet.ts';

export interface Crowded {
  readonly subnets?: number;
  readonly securityGroups?: number;
  readonly targetGroups?: number;
  readonly nameLength?: number;
  readonly keyLength?: number;
}

const FLEETS = 10;
/** Ids that no other fleet has. */
const ids = (prefix: string, fleet: number, many: number) =>
  Array.from(
    { length: many },
    (_, index) => `${prefix}-${(fleet * 100 + index).toString(16).padStart(17, '0')}`,
  );

/** An environment of ten fleets that share nothing, with all options that need a permission. */
export function crowdedFile(crowded: Crowded): FleetsFile {
  const { subnets = 3, securityGroups = 1, targetGroups = 1, nameLength = 24, keyLength = 24 } = crowded;
  const environment = 'crowded-environment0';
  const fleet = (_: unknown, index: number): FleetEntry => ({
    ...EXAMPLE_FLEET,
    name: `fleet-${index}-`.padEnd(nameLength, 'n'),
    environment,
    mackerel: { service: 'crowded', role: `fleet-${index}` },
    artifact: `${index}/`.padEnd(keyLength, 'k'),
    subnets: ids('subnet', index, subnets),
    securityGroups: ids('sg', index, securityGroups),
    instancesPerZone: 1,
    loadBalancers: Array.from({ length: targetGroups }, (_each, group) => ({
      kind: 'target-group',
      arn: `arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:targetgroup/${`g-${index}-${group}-`.padEnd(32, 'x')}/${(index * 100 + group).toString(16).padStart(16, 'f')}`,
    })),
    spillOver: subnets * EXAMPLE_FLEET.instanceTypes.length <= 24,
    keepFailedHostMinutes: 60,
    replaceStragglers: true,
  });
  return {
    environments: [{ name: environment, account: '111111111111', region: 'ap-northeast-1' }],
    fleets: Array.from({ length: FLEETS }, fleet),
  };
}

export interface PolicyRow {
  readonly what: string;
  /** Of the role with the most, in characters as IAM counts them. */
  readonly characters: number;
  /** Where it is in the stack. */
  readonly role: string;
}

export const measurePolicies = (): PolicyRow[] => [
  largest('6 subnets, 5 security groups', { subnets: 6, securityGroups: 5 }),
  largest('8 target groups', { targetGroups: 8 }),
  largest('names of 64 characters', { nameLength: 64 }),
];

function largest(what: string, crowded: Crowded): PolicyRow {
  const folder = mkdtempSync(join(tmpdir(), 'irekae-policies-'));
  try {
    const app = standaloneApp(folder, { bundle: false });
    const [stack] = environmentStacks(app, readFleets(crowdedFile(crowded)));
    const sizes = stack ? [...inlinePolicies(stack)] : [];
    const [role = '', text = ''] = sizes.sort(([, one], [, other]) => other.length - one.length)[0] ?? [];
    return { what, characters: text.length, role: role.replace(/^.*function ([^/]*).*$/, '$1') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
