import { describe, expect, it } from 'vitest';
import { workLeftOf } from '../../lambdas/domain/lock/dead-holders.ts';
import type { LedgerRow, PendingRequest } from '../../lambdas/ports/ledger.ts';
import { releaseTheFleetLock } from '../../lambdas/release-the-fleet-lock.ts';
import { aDeployment, agreed, at, baked, HOLD, LOCK, shifted } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
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
const READ = 'ledger.read "shop"';

/** @param row once the lock was released; @param held until then */
const methods = (row: LedgerRow | undefined, ledger: Methods['ledger'] = {}, held = aRow()) => {
  let isReleased = false;
  return {
    ledger: {
      release: async () => {
        isReleased = true;
      },
      read: async () => (isReleased ? row : held),
      clearPending: async () => {},
      enter: async () => {},
      ...ledger,
    },
    executions: { start: async () => 'an execution' },
  } satisfies Methods;
};

function release(given: Methods, document: unknown = agreed()) {
  const ports = portsWith(given);
  return { ports, answer: releaseTheFleetLock.run(document, ports) };
}
const deployed = () => baked({ fleet: aFleet({ followers: ['mail'] }), record: { outcome: 'Deployed' } });
const startCalls = (calls: readonly string[]) => calls.filter((call) => call.startsWith('executions.start'));

describe('Release the lock', () => {
  it('frees it with its own hold, and starts nobody when nobody waits', async () => {
    const { answer, ports } = release(methods(FREE));
    expect(await answer).toEqual({ reason: 'the lock is free' });
    expect(ports.calls).toEqual([READ, RELEASE, READ]);
  });

  it('starts what waits when the lock is free, then empties the slot', async () => {
    const { answer, ports } = release(methods({ ...FREE, pending: PENDING }));
    expect(await answer).toEqual({ reason: 'the lock is free; version v3 is deployed next' });
    expect(ports.calls).toEqual([
      READ,
      RELEASE,
      READ,
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
    expect(ports.calls[1]).toBe(`ledger.release "shop" ${JSON.stringify({ holder, generation: 8 })}`);
    expect(startCalls(ports.calls)[0]).toContain(`"${MACHINE}" "waited-`);
  });
});

describe('Release the lock of a deployment that has ended', () => {
  it.each([
    ['remove', deployed()],
    ['undo', shifted({ ending: { error: 'RolledBack', cause: 'An alert.' } })],
  ] as const)('writes the ending down before anything is started or freed (%s)', async (phase, document) => {
    const { answer, ports } = release(methods(FREE, {}, aRow({ phase })), document);
    await answer;
    const at = (what: string) => ports.calls.findIndex((call) => call.startsWith(what));
    const written = ports.calls[1] ?? '';
    expect(written.startsWith(`ledger.enter "shop" ${JSON.stringify(HOLD)} "${phase}"`)).toBe(true);
    expect(workLeftOf({ phase, document: JSON.parse(written.slice(written.indexOf(' "{') + 1)) })).toBe(
      'release',
    );
    expect(at('executions.start') === -1 || at('executions.start') > 1).toBe(true);
    expect(at('ledger.release')).toBeGreaterThan(1);
  });

  it('frees nothing while it may not be written down', async () => {
    const enter = failing('ServiceUnavailable');
    const { answer, ports } = release(methods(FREE, { enter }, aRow({ phase: 'remove' })), deployed());
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
    expect([...startCalls(ports.calls), ...ports.calls.filter((call) => call === RELEASE)]).toEqual([]);
  });

  it('starts no follower once another holds the lock, and still what waits when it is free', async () => {
    const taken = release(methods(FREE, {}, aRow({ generation: 8 })), deployed());
    await taken.answer;
    expect(startCalls(taken.ports.calls)).toEqual([]);
    const again = release(methods(FREE, {}, { ...FREE, pending: PENDING }), deployed());
    await again.answer;
    expect(again.ports.calls.slice(0, 2)).toEqual([READ, RELEASE]);
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
    expect(ports.calls).toEqual([READ, RELEASE]);
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
