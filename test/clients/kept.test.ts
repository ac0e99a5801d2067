import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { removeExpiredKept } from '../../lambdas/domain/hosts/kept.ts';
import { at, iso } from '../support/deployments.ts';
import { aNewInstance } from '../support/facts.ts';
import { type Methods, portsWith } from '../support/ports.ts';

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
