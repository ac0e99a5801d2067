import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { removeExpiredKept, retireEndedKept } from '../../lambdas/domain/hosts/kept.ts';
import { at, iso } from '../support/deployments.ts';
import { aHost, aNewInstance } from '../support/facts.ts';
import { failing, type Methods, portsWith } from '../support/ports.ts';

const kept = (id: string, until: number) => {
  const instance = aNewInstance(id);
  return { ...instance, tags: { ...instance.tags, [TAG.keepUntil]: iso(until) } };
};
const remove = (
  instances: Parameters<typeof removeExpiredKept>[1],
  terminate: NonNullable<Methods['ec2']>['terminate'] = async () => ({ refused: [] }),
) => {
  const ports = portsWith({ ec2: { terminate } }, at(100));
  return { ports, answer: removeExpiredKept({ name: 'shop', launchTemplate: 'lt-1' }, instances, ports) };
};

describe('removeExpiredKept', () => {
  it('terminates those whose time is over, and nobody else', async () => {
    const { ports, answer } = remove([
      kept('i-1', 100),
      kept('i-2', 101),
      aNewInstance('i-3'),
      kept('i-4', 5),
    ]);
    expect(await answer).toBe(
      'i-1 and i-4 were kept for debugging, and that time is over: EC2 terminates i-1 and i-4',
    );
    expect(ports.calls).toEqual(['ec2.terminate ["i-1","i-4"]']);
  });

  it('calls nobody when there is nothing to do', async () => {
    const { ports, answer } = remove([kept('i-2', 101)]);
    expect(await answer).toBeUndefined();
    expect(ports.calls).toEqual([]);
  });

  it('says what EC2 refused', async () => {
    const refusing = async () => ({ refused: [{ id: 'i-1', reason: 'OperationNotPermitted' }] });
    expect(await remove([kept('i-1', 100)], refusing).answer).toBe(
      'i-1 was kept for debugging, and that time is over: not terminated: i-1 (OperationNotPermitted)',
    );
  });
});

describe('A kept host that registered again', () => {
  const ROLE = { service: 'Shop', role: 'web' };
  const ended = (id: string) => ({ ...kept(id, 50), state: 'terminated' as const });
  const retire = (
    instances: Parameters<typeof retireEndedKept>[1],
    mackerel: Methods['mackerel'] = {},
    role: typeof ROLE | undefined = ROLE,
  ) => {
    const hosts = async () => ['i-1', 'i-9'].map((id) => aHost(id));
    const ports = portsWith(
      { mackerel: { hosts, retire: async () => ({ refused: [] }), ...mackerel } },
      at(100),
    );
    const of = { name: 'shop', launchTemplate: 'lt-1', mackerel: role };
    return { ports, answer: retireEndedKept(of, instances, ports) };
  };

  it('is retired once its instance has ended, and nobody else', async () => {
    const { ports, answer } = retire([ended('i-1'), kept('i-2', 50), aNewInstance('i-9')]);
    expect(await answer).toBe('retired the kept i-1, which had registered again, in Mackerel');
    expect(ports.changes).toEqual([expect.stringMatching(/^mackerel\.retire \["[^"]*i-1"\]$/)]);
  });

  it.each([
    ['none has ended', [kept('i-1', 50)], ROLE],
    ['who ended was not kept', [{ ...aNewInstance('i-1'), state: 'terminated' as const }], ROLE],
    [
      'it is of another template',
      [{ ...ended('i-1'), tags: { ...ended('i-1').tags, [TAG.template]: 'lt-2' } }],
      ROLE,
    ],
    ['nobody said of which role', [ended('i-1')], undefined],
  ])('asks nobody where %s', async (_, instances, role) => {
    const ports = portsWith({}, at(100));
    const of = { name: 'shop', launchTemplate: 'lt-1', mackerel: role };
    expect(await retireEndedKept(of, instances, ports)).toBeUndefined();
    expect(ports.calls).toEqual([]);
  });

  it('says nothing where it did not', async () => {
    expect(await retire([ended('i-3')]).answer).toBeUndefined();
  });

  it.each<[string, Methods['mackerel'], RegExp]>([
    [
      'silent',
      { hosts: failing('ServiceUnavailable') },
      /^Mackerel did not retire the kept i-1, .*ServiceUnavail/,
    ],
    [
      'unwilling',
      { retire: async () => ({ refused: [{ id: 'h', reason: 'no' }] }) },
      /registered again: h \(no\)/,
    ],
  ])('is told where Mackerel is %s, and looked at again', async (_, mackerel, told) => {
    expect(await retire([ended('i-1')], mackerel).answer).toMatch(told);
  });
});
