import { describe, expect, it } from 'vitest';
import type { LedgerRow, PendingRequest } from '../../lambdas/ports/ledger.ts';
import { releaseTheFleetLock } from '../../lambdas/release-the-fleet-lock.ts';
import { aDeployment, agreed, at, HOLD, LOCK } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { aRow, failing, type Methods, portsWith } from '../support/ports.ts';

const MACHINE = 'arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae-shop';
const PENDING: PendingRequest = {
  id: 'upload-3',
  input: '{"versionId":"v3"}',
  versionId: 'v3',
  since: at(20),
};
const FREE: LedgerRow = { fleet: 'shop', generation: 7 };
const RELEASE = `ledger.release "shop" ${JSON.stringify(HOLD)}`;

const methods = (row: LedgerRow | undefined, ledger: Methods['ledger'] = {}) =>
  ({
    ledger: { release: async () => {}, read: async () => row, clearPending: async () => {}, ...ledger },
    executions: { start: async () => {} },
  }) satisfies Methods;

function release(given: Methods, document: unknown = agreed()) {
  const ports = portsWith(given);
  return { ports, answer: releaseTheFleetLock.run(document, ports) };
}
const startCalls = (calls: readonly string[]) => calls.filter((call) => call.startsWith('executions.start'));

describe('Release the lock', () => {
  it('frees it with its own hold, and starts nobody when nobody waits', async () => {
    const { answer, ports } = release(methods(FREE));
    expect(await answer).toEqual({ reason: 'the lock is free' });
    expect(ports.calls).toEqual([RELEASE, 'ledger.read "shop"']);
  });

  it('starts what waits when the lock is free, then empties the slot', async () => {
    const { answer, ports } = release(methods({ ...FREE, pending: PENDING }));
    expect(await answer).toEqual({ reason: 'the lock is free; version v3 is deployed next' });
    expect(ports.calls).toEqual([
      RELEASE,
      'ledger.read "shop"',
      expect.stringMatching(
        new RegExp(
          `^executions.start "${MACHINE}" "waited-[0-9a-f]{24}" ${JSON.stringify(PENDING.input).replace(/[{}\\]/g, '\\$&')}$`,
        ),
      ),
      'ledger.clearPending "shop" "upload-3"',
    ]);
  });

  it('names the start after the request, so that running twice starts it once', async () => {
    const [first, second] = [1, 2].map(() => release(methods({ ...FREE, pending: PENDING })));
    await first?.answer;
    await second?.answer;
    expect(startCalls(second?.ports.calls ?? [])).toEqual(startCalls(first?.ports.calls ?? []));
    const other = release(methods({ ...FREE, pending: { ...PENDING, id: 'upload-4' } }));
    await other.answer;
    expect(startCalls(other.ports.calls)).not.toEqual(startCalls(first?.ports.calls ?? []));
  });

  it('keeps a name that may be used, however often a request waits', async () => {
    const id = `waited-${'x'.repeat(73)}`;
    const { answer, ports } = release(methods({ ...FREE, pending: { ...PENDING, id } }));
    await answer;
    expect(ports.calls.join('\n')).toMatch(/"waited-[0-9a-f]{24}"/);
  });

  it('leaves the slot alone when somebody took the lock meanwhile: the next release starts it', async () => {
    const { answer, ports } = release(methods({ ...aRow({ generation: 8 }), pending: PENDING }));
    expect(await answer).toEqual({ reason: 'the lock is free' });
    expect(startCalls(ports.calls)).toEqual([]);
  });

  it('of a clean-up starts the deployment, not another clean-up', async () => {
    const holder = HOLD.holder.replace('irekae-shop', 'irekae-shop-clean-up');
    const { answer, ports } = release(
      methods({ ...FREE, pending: PENDING }),
      agreed({ lock: { ...LOCK, holder, generation: 8 } }),
    );
    await answer;
    expect(ports.calls[0]).toBe(`ledger.release "shop" ${JSON.stringify({ holder, generation: 8 })}`);
    expect(startCalls(ports.calls)[0]).toContain(`"${MACHINE}" "waited-`);
  });
});

describe('Release the lock, in trouble', () => {
  it('asks nobody when the lock was never taken', async () => {
    const { answer, ports } = release({}, aDeployment());
    expect(await answer).toEqual({ reason: 'the lock was never taken' });
    expect(ports.calls).toEqual([]);
  });

  it('goes without an input that was refused', async () => {
    const { answer } = release(methods(FREE), { ...agreed(), input: { colour: 'red' } });
    expect(await answer).toEqual({ reason: 'the lock is free' });
  });

  it('starts nobody while the lock may still be held', async () => {
    const { answer, ports } = release(methods(FREE, { release: failing('ServiceUnavailable') }));
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
    expect(ports.calls).toEqual([RELEASE]);
  });

  it('keeps the request in the slot when its start failed: the next run starts it', async () => {
    const { answer, ports } = release({
      ...methods({ ...FREE, pending: PENDING }),
      executions: { start: failing('ServiceUnavailable') },
    });
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
    expect(ports.calls.some((call) => call.startsWith('ledger.clearPending'))).toBe(false);
  });

  it('does not swallow a bug', async () =>
    expect(release(methods(FREE), {}).answer).rejects.toThrow(failure('StepCrashed')));
});
