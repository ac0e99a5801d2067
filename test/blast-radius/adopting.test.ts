/** `irekae adopt` does not hand a host to the next deployment that somebody protects. */
import { describe, expect, it } from 'vitest';
import { decideAdoption } from '../../bin/command/adopting.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { aHost, anInstance } from '../support/facts.ts';

const adopting = (tags: Readonly<Record<string, string>>) =>
  decideAdoption('shop', {
    hosts: [aHost('i-1')],
    instances: [anInstance('i-1', { tags })],
    fleetVpc: 'vpc-1',
    vpcOf: new Map([['subnet-a', 'vpc-1']]),
    alsoOf: new Map(),
    registered: new Map(),
  });

describe('A host of earlier tooling', () => {
  it('is left as it is while it carries the hand brake', () =>
    expect(adopting({ [TAG.protect]: '' })).toMatchObject([
      { verdict: 'leave', why: 'carries the hand brake, the tag irekae:protect: ask who put it there' },
    ]));
  it('is adopted when the brake was let go of', () =>
    expect(adopting({ [TAG.protect]: 'false' })).toMatchObject([{ verdict: 'adopt' }]));
});
