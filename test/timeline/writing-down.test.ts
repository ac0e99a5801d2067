/** What the looks write down for the timeline: columns that stay small, and sentences that can be read. */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Milestones } from '../../lambdas/domain/core/document.ts';
import { type Said, saidSoFar } from '../../lambdas/domain/core/said.ts';
import type { HostFacts } from '../../lambdas/domain/hosts/readiness.ts';
import {
  drainedMilestones,
  newHostMilestones,
  servingMilestones,
  terminatedMilestones,
} from '../../lambdas/domain/record/timeline/milestones.ts';
import { pack, unpack } from '../../lambdas/domain/record/timeline/packed.ts';
import { aDeployment, aLaunch, anOldHost, at, NEW, OLD } from '../support/deployments.ts';
import { aHost, allWell, aNewInstance, draining, inService, outOfService } from '../support/facts.ts';

const deployment = aDeployment();
const launched = aLaunch().instances;
const columns = (milestones: Milestones) =>
  Object.fromEntries(Object.entries(milestones).map(([name, packed]) => [name, unpack(packed)]));
const facts = (changes: Partial<HostFacts> = {}): HostFacts => {
  const { instances, hosts, members } = allWell();
  return { instances, hosts, members: new Map(Object.entries(members)), ...changes };
};

describe('A packed column', () => {
  const column = fc.array(fc.option(fc.integer({ min: 0, max: 4_000 })), { maxLength: 60 });

  it('is what was packed, to the second, as long as it spans an hour', () =>
    fc.assert(fc.property(column, (seconds) => void expect(unpack(pack(seconds))).toEqual(seconds))));

  it('stays as it is however often it is packed, also when it spans days', () =>
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 400_000 }))), (seconds) => {
        const once = unpack(pack(seconds));
        expect(unpack(pack(once))).toEqual(once);
        for (const [i, value] of seconds.entries()) {
          if (value === null) expect(once[i]).toBeNull();
          else expect(Math.abs((once[i] ?? Number.NaN) - value)).toBeLessThanOrEqual(64);
        }
      }),
    ));

  it('takes two characters per host, and a few', () =>
    expect(pack(Array.from({ length: 500 }, (_, n) => 60 + n)).length).toBeLessThan(1_010));

  it.each([undefined, '', 'nonsense', '1.2', '0.1.A'])('of %j has seen nothing', (packed) =>
    expect(unpack(packed)).toEqual([]),
  );
});

describe('The milestones of new hosts', () => {
  const booting = facts({ hosts: [], members: new Map([['web', OLD.map(inService)]]) });

  it('are the moments at which a look first saw them', () => {
    const first = newHostMilestones(deployment, launched, booting, at(30));
    const hosts = NEW.map((id, i) => aHost(id, { createdAt: at(50 + i) }));
    const members = new Map([['web', [inService('i-new1'), outOfService('i-new2')]]]);
    const second = newHostMilestones(deployment, launched, facts({ hosts, members }), at(60), first);
    const third = newHostMilestones(deployment, launched, facts({ hosts }), at(70), second);
    expect(columns(first)).toEqual({ running: [30, 30], registered: [null, null], inService: [null, null] });
    expect(columns(third)).toEqual({ running: [30, 30], registered: [50, 51], inService: [60, 70] });
  });

  it('keep what is known while Mackerel is not asked, or EC2 does not show an instance', () => {
    const seen = newHostMilestones(deployment, launched, facts(), at(60));
    const blind = facts({ instances: [], hosts: 'not asked', members: new Map([['web', []]]) });
    expect(newHostMilestones(deployment, launched, blind, at(70), seen)).toEqual(seen);
  });

  it('take no registration that is older than the instance, or later than the look', () => {
    const hosts = [aHost('i-new1', { createdAt: at(-9_999) }), aHost('i-new2', { createdAt: at(9_999) })];
    const { registered } = newHostMilestones(deployment, launched, facts({ hosts }), at(60));
    expect(unpack(registered)).toEqual([10, 60]);
  });

  it('count nobody as in service who is so at one load balancer of two', () => {
    const members = new Map([
      ['web', NEW.map(inService)],
      ['api', [inService('i-new2')]],
    ]);
    const { inService: serving } = newHostMilestones(deployment, launched, facts({ members }), at(60));
    expect(unpack(serving)).toEqual([null, 60]);
  });

  it('have no service where there is no load balancer', () =>
    expect(newHostMilestones(deployment, launched, facts({ members: new Map() }), at(60))).not.toHaveProperty(
      'inService',
    ));

  it('of a host whose place another one has taken are forgotten', () => {
    const seen = newHostMilestones(deployment, launched, facts(), at(60));
    const instances = [
      aNewInstance('i-new1'),
      aNewInstance('i-new2', { state: 'pending', launchedAt: at(90) }),
    ];
    const later = facts({ instances, hosts: [aHost('i-new1')], members: new Map([['web', []]]) });
    expect(columns(newHostMilestones(deployment, launched, later, at(95), seen))).toEqual({
      running: [60, null],
      registered: [10, null],
      inService: [60, null],
    });
  });
});

describe('The milestones of those that leave', () => {
  const old = [...OLD.map((id) => anOldHost(id)), anOldHost('i-old3', { memberOf: [] })];

  it('call drained whom no load balancer lists anymore, and nobody who was at none', () => {
    const members = new Map([['web', [draining('i-old2')]]]);
    const first = drainedMilestones(deployment, old, members, at(110));
    const second = drainedMilestones(deployment, old, new Map([['web', []]]), at(120), first);
    expect(columns(second)).toEqual({ drained: [110, 120, null] });
  });

  it('call back in service who is so wherever it was', () => {
    const members = new Map([['web', [inService('i-old1'), outOfService('i-old2')]]]);
    expect(columns(servingMilestones(deployment, old, members, at(110)))).toEqual({
      serving: [110, null, null],
    });
  });

  it('call terminated what EC2 says has ended', () => {
    const first = terminatedMilestones(deployment, old, ['i-old2'], at(300));
    expect(columns(terminatedMilestones(deployment, old, [...OLD], at(310), first))).toEqual({
      terminated: [310, 300, null],
    });
  });
});

describe('What a wait has said', () => {
  const told = (sentences: readonly string[]): readonly string[] =>
    sentences
      .reduce<Said>((said, sentence, i) => saidSoFar(said, at(i), sentence), [])
      .map(([, sentence]) => sentence);

  it('is kept once, however the counts and the ids in it change', () =>
    expect(
      told([
        '0 of 2 ready; i-0123456789abcdef0 boots',
        '1 of 2 ready; i-0123456789abcdef1 boots',
        'all ready',
      ]),
    ).toEqual(['0 of 2 ready; i-0123456789abcdef0 boots', 'all ready']));

  it('is kept once while it counts down', () =>
    expect(
      told(['another 5 min', 'another 4 min 50 s', 'another 116 s', 'another 1 h 3 min', 'well']),
    ).toEqual(['another 5 min', 'well']));

  it('does not grow with a host that comes and goes', () =>
    expect(told(Array.from({ length: 50 }, (_, i) => (i % 2 ? 'it went' : 'it came')))).toEqual([
      'it came',
      'it went',
    ]));

  it('keeps how it began and how it ended', () =>
    expect(told(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toEqual(['a', 'b', 'e', 'f', 'g']));

  it('is cut, and on one line', () => {
    const [sentence = ''] = told([`two\nlines ${'x'.repeat(1_000)}`]);
    expect(sentence).toMatch(/^two lines x+…$/);
    expect(sentence.length).toBeLessThanOrEqual(200);
  });
});
