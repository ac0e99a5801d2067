/** Inline policies have room for 10,240 characters a role; what does not fit is found before CloudFormation finds it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inlinePolicies, MOST_CHARACTERS } from '../../lib/policy-sizes.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { environmentStacks, standaloneApp } from '../../lib/synthesize.ts';
import { crowdedFile } from '../../simulator/bench/policies.ts';

const folder = mkdtempSync(join(tmpdir(), 'irekae-policies-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @throws FleetsFileError */
function sizesOf(file: Parameters<typeof readFleets>[0]) {
  const [stack] = environmentStacks(standaloneApp(folder, { bundle: false }), readFleets(file));
  if (!stack) throw new Error('there is no stack');
  return [...inlinePolicies(stack)].map(([path, text]) => ({ path, characters: text.length }));
}

const largest = (sizes: ReturnType<typeof sizesOf>) => Math.max(...sizes.map(({ characters }) => characters));

describe('The inline policies of every role', () => {
  it.each([
    ['ten fleets of six subnets and five security groups', crowdedFile({ subnets: 6, securityGroups: 5 })],
    ['ten fleets behind eight target groups each', crowdedFile({ targetGroups: 8 })],
    ['ten fleets with names of 64 characters', crowdedFile({ nameLength: 64 })],
    ['ten fleets with keys of 100 characters', crowdedFile({ keyLength: 100 })],
  ])('have room for %s', (_, file) => {
    const sizes = sizesOf(file);
    expect(sizes.length).toBeGreaterThan(30);
    expect(largest(sizes)).toBeLessThanOrEqual(MOST_CHARACTERS);
  });

  it.each([
    [
      'names and keys as long as can be',
      crowdedFile({ nameLength: 64, keyLength: 256 }),
      /function take-the-fleet-lock\/Role have up to 1\d{4} characters, allowed: 10240, .* the fleets' artifact \(\d+\) and name \(\d+\)/,
    ],
    [
      'subnets and security groups, as many as can be',
      crowdedFile({ subnets: 20, securityGroups: 16 }),
      /function launch-new-instances\/Role have up to 1\d{4} characters.* subnets \(\d+\), securityGroups \(\d+\) and name/,
    ],
  ])('are refused before anything is deployed, with the fields named: %s', (_, file, sentence) => {
    expect(() => sizesOf(file)).toThrow(sentence);
  });
});
