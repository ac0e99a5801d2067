/** A role's policies have room for some characters; what does not fit is found before CloudFormation finds it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { afterAll, describe, expect, it } from 'vitest';
import { MOST_POLICIES, rolePolicies, spread } from '../../lib/policy-sizes.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { environmentStacks, standaloneApp } from '../../lib/synthesize.ts';
import { crowdedFile } from '../../simulator/bench/stacks.ts';
import { some } from '../support/thorough.ts';

const folder = mkdtempSync(join(tmpdir(), 'irekae-policies-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @throws FleetsFileError */
function sizesOf(file: Parameters<typeof readFleets>[0]) {
  const [stacks] = environmentStacks(standaloneApp(folder, { bundle: false }), readFleets(file));
  if (!stacks) throw new Error('there is no stack');
  return [...rolePolicies(stacks.shared)].map(([path, { text, managed }]) => ({
    path,
    characters: text.length,
    managed,
  }));
}

describe('The policies of every role', () => {
  const CROWDS = [
    ['ten fleets of six subnets and five security groups', crowdedFile({ subnets: 6, securityGroups: 5 })],
    ['ten fleets behind eight target groups each', crowdedFile({ targetGroups: 8 })],
    ['ten fleets with names of 64 characters', crowdedFile({ nameLength: 64 })],
    [
      'fifty fleets with the longest names and keys of 100',
      crowdedFile({ fleets: 50, nameLength: 64, keyLength: 100 }),
    ],
  ] as const;
  it.each(some(CROWDS))('have room for %s', (_, file) => {
    const sizes = sizesOf(file);
    expect(sizes.length).toBeGreaterThan(20);
    for (const { path, managed } of sizes) expect(managed, path).toBeLessThanOrEqual(MOST_POLICIES);
  });

  it('are refused before anything is deployed, with the fields named', () => {
    expect(() =>
      sizesOf(crowdedFile({ fleets: 50, subnets: 20, securityGroups: 16, nameLength: 64 })),
    ).toThrow(
      /what the role .*function launch-new-instances\/Role may do has up to \d{5} characters and needs 1\d policies beside its own, allowed: 10, .* the fleets' subnets \(\d+\), securityGroups \(\d+\) and name/,
    );
  });

  const permission = (many: number) => ({
    actions: ['states:StartExecution'],
    resources: Array.from({ length: many }, (_, index) => `arn:aws:states:::${`${index}`.padEnd(60, 'x')}`),
  });
  const stack = new Stack();

  it('stay in the role itself while it has room for them', () => {
    expect(spread(stack, [permission(10)])).toEqual({ inline: [permission(10)], managed: [] });
  });

  it('are spread without a value lost or added, each within its limit', () => {
    const conditions = { StringEquals: { 'ec2:SubnetID': permission(200).resources } };
    const given = [permission(300), { actions: ['ec2:RunInstances'], resources: ['*'], conditions }];
    const { inline, managed } = spread(stack, given);
    expect(managed.length).toBeGreaterThan(2);
    const pieces = [inline, ...managed];
    for (const [index, some] of pieces.entries())
      expect(JSON.stringify(some).length).toBeLessThan(index === 0 ? 10_240 : 6_144);
    const all = pieces.flat();
    expect(
      all.flatMap(({ actions, resources }) => (actions[0] === 'states:StartExecution' ? resources : [])),
    ).toEqual(permission(300).resources);
    expect(all.flatMap((each) => Object(each.conditions).StringEquals?.['ec2:SubnetID'] ?? [])).toEqual(
      permission(200).resources,
    );
    for (const { resources } of all) expect(resources.length).toBeGreaterThan(0);
  });
});
