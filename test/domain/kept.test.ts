import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { expiredKept, isKept, keptUntil, toKeep } from '../../lambdas/domain/hosts/kept.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import { at, launched } from '../support/deployments.ts';
import { aNewInstance } from '../support/facts.ts';
import { aFleet } from '../support/fleets.ts';

const kept = (id: string, until: string, changes: Partial<Instance> = {}) => {
  const instance = aNewInstance(id, changes);
  return { ...instance, tags: { ...instance.tags, [TAG.keepUntil]: until } };
};
const HOUR = '2026-03-01T10:00:00Z';

describe('An instance that is kept', () => {
  it('is kept until the moment of its tag', () => {
    expect(isKept(kept('i-1', HOUR), at(3_599))).toBe(true);
    expect(isKept(kept('i-1', HOUR), at(3_600))).toBe(false);
  });

  it.each(['', 'tomorrow', 'x'])('is none whose tag holds no moment (%j)', (until) =>
    expect([keptUntil(kept('i-1', until)), isKept(kept('i-1', until), at(0))]).toEqual([undefined, false]),
  );
});

describe('expiredKept', () => {
  const expired = (instance: Instance) =>
    expiredKept({ name: 'shop', launchTemplate: 'lt-1' }, [instance], at(3_600)).length === 1;

  it('are those whose time is over', () => expect(expired(kept('i-1', HOUR))).toBe(true));

  it.each<[string, Instance]>([
    ['whose time is not over', kept('i-1', '2026-03-01T10:00:01Z')],
    ['without the tag', aNewInstance('i-1')],
    ['whose tag holds no moment', kept('i-1', 'soon')],
    ['of another fleet', kept('i-1', HOUR, { tags: { [TAG.fleet]: 'blog', [TAG.template]: 'lt-1' } })],
    [
      'that no deployment launched',
      kept('i-1', HOUR, { tags: { [TAG.fleet]: 'shop', [TAG.deployment]: 'd' } }),
    ],
    ['without the fleet’s tag', kept('i-1', HOUR, { tags: { [TAG.template]: 'lt-1' } })],
    [
      'with the hand brake',
      kept('i-1', HOUR, { tags: { [TAG.fleet]: 'shop', [TAG.template]: 'lt-1', [TAG.protect]: '' } }),
    ],
    ['that ends already', kept('i-1', HOUR, { state: 'shutting-down' })],
    ['that has ended', kept('i-1', HOUR, { state: 'terminated' })],
  ])('are none %s', (_title, instance) => expect(expired(instance)).toBe(false));
});

describe('toKeep', () => {
  const keeping = launched({ fleet: aFleet({ keepFailedHostMinutes: 30 }) });
  const both = [aNewInstance('i-new1'), aNewInstance('i-new2')];

  it('is the first failed instance that still runs', () =>
    expect(toKeep(keeping, ['i-gone', 'i-new2', 'i-new1'], both, at(0))).toEqual({
      instanceId: 'i-new2',
      until: '2026-03-01T09:30:00Z',
    }));

  it('is the one that an earlier look has tagged, until the moment that it wrote', () =>
    expect(toKeep(keeping, ['i-new1'], [aNewInstance('i-new1'), kept('i-new2', HOUR)], at(0))).toEqual({
      instanceId: 'i-new2',
      until: HOUR,
    }));

  it('is nobody when nobody failed', () => expect(toKeep(keeping, [], both, at(0))).toBeUndefined());

  it('is nobody who does not run', () =>
    expect(toKeep(keeping, ['i-1'], [aNewInstance('i-1', { state: 'stopped' })], at(0))).toBeUndefined());

  it('is nobody unless the fleet wants it', () =>
    expect(toKeep(launched(), ['i-new1'], [...both, kept('i-3', HOUR)], at(0))).toBeUndefined());
});
