/** How much of CloudFormation's and IAM's room crowded fleets fill. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App, Stack } from 'aws-cdk-lib';
import type { FleetsFile } from '../../lib/fleet-config.ts';
import { rolePolicies } from '../../lib/policy-sizes.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import {
  type EnvironmentStacks,
  environmentStacks,
  standaloneApp,
  type TemplateJson,
} from '../../lib/synthesize.ts';
import { EXAMPLE_FLEET, type FleetEntry } from '../example-fleet.ts';

export interface Crowded {
  readonly subnets?: number;
  readonly securityGroups?: number;
  readonly targetGroups?: number;
  readonly nameLength?: number;
  readonly keyLength?: number;
  readonly fleets?: number;
}

const FLEETS = 10;
/** Ids that no other fleet has. */
const ids = (prefix: string, fleet: number, many: number) =>
  Array.from(
    { length: many },
    (_, index) => `${prefix}-${(fleet * 100 + index).toString(16).padStart(17, '0')}`,
  );

/** An environment of fleets that share nothing, with all options that need a permission. */
export function crowdedFile(crowded: Crowded): FleetsFile {
  const {
    subnets = 3,
    securityGroups = 1,
    targetGroups = 1,
    nameLength = 24,
    keyLength = 24,
    fleets = FLEETS,
  } = crowded;
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
    fleets: Array.from({ length: fleets }, fleet),
  };
}

export interface PolicyRow {
  readonly what: string;
  /** Of the role with the most, in characters as IAM counts them. */
  readonly characters: number;
  /** Where it is in the stack. */
  readonly role: string;
  /** Of that role, beside its own. */
  readonly managed: number;
}

export const measurePolicies = (): PolicyRow[] => [
  largest('10 fleets of 6 subnets, 5 security groups', { subnets: 6, securityGroups: 5 }),
  largest('10 fleets behind 8 target groups', { targetGroups: 8 }),
  largest('50 fleets with names of 56 characters', { nameLength: 56, fleets: 50 }),
];

function largest(what: string, crowded: Crowded): PolicyRow {
  return inApp(crowded, (_, [stacks]) => {
    const all = stacks ? [...rolePolicies(stacks.shared)] : [];
    const sizes = all.map(([role, { text, managed }]) => ({ role, managed, characters: text.length }));
    const [most = { role: '', managed: 0, characters: 0 }] = sizes.sort(
      (one, other) => other.characters - one.characters,
    );
    return { what, ...most, role: most.role.replace(/^.*function ([^/]*).*$/, '$1') };
  });
}

/** A stack's template: characters, of which CloudFormation takes a million, and resources, of which it takes 500. */
export interface StackSize {
  readonly characters: number;
  readonly resources: number;
}

export interface StacksRow {
  readonly fleets: number;
  /** Of what the fleets share. */
  readonly shared: StackSize;
  /** The largest of a fleet. */
  readonly fleet: StackSize;
  /** Rules of all stacks: the account's default bus takes 300. */
  readonly rules: number;
}

/** With names as long as a fleet with a promotion may have. */
export const measureStacks = (numbers: readonly number[] = [1, 10, 50]): StacksRow[] =>
  numbers.map((fleets) =>
    inApp({ fleets, nameLength: 56, subnets: 6 }, (app, [stacks]) => {
      const assembly = app.synth();
      const templateOf = ({ stackName }: Stack) =>
        assembly.getStackByName(stackName).template as TemplateJson;
      const all = stacks ? [stacks.shared, ...stacks.fleets].map(templateOf) : [];
      const [shared, ...others] = all.map(sizeOf);
      const [fleet] = others.sort((one, other) => other.characters - one.characters);
      if (!shared || !fleet) throw new Error('There are no stacks.');
      const types = all.flatMap(({ Resources }) => Object.values(Resources).map(({ Type }) => Type));
      return { fleets, shared, fleet, rules: types.filter((type) => type === 'AWS::Events::Rule').length };
    }),
  );

const sizeOf = (template: TemplateJson): StackSize => ({
  characters: JSON.stringify(template).length,
  resources: Object.keys(template.Resources).length,
});

function inApp<T>(crowded: Crowded, look: (app: App, stacks: readonly EnvironmentStacks[]) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'irekae-stacks-'));
  try {
    const app = standaloneApp(folder, { bundle: false });
    return look(app, environmentStacks(app, readFleets(crowdedFile(crowded))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
