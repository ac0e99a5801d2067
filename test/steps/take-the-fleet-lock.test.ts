import { describe, expect, it } from 'vitest';
import { recordOf } from '../../lambdas/domain/record/record.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { LedgerRow, PendingRequest } from '../../lambdas/ports/ledger.ts';
import { takeTheFleetLock } from '../../lambdas/take-the-fleet-lock.ts';
import { aDeployment, at, baked, HOLD, iso, RELEASE } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { aRow, failing, type Methods, portsWith } from '../support/ports.ts';

const HOLDER = HOLD.holder.replace('deploy-2', 'deploy-1');
const CLEAN_UP = 'arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae-shop-clean-up';
const RUNS: ExecutionState = { state: 'running' };
const DIED: ExecutionState = { state: 'ended', status: 'ABORTED', at: at(50) };

const waiting = (
  versionId: string,
  input: object = { versionId, upload: { eventId: 'e' } },
): PendingRequest => ({
  id: `asks-for-${versionId}`,
  input: JSON.stringify(input),
  versionId,
  since: at(20),
});
/** Held by another deployment. */
const heldBy = (
  holder = HOLDER,
  pending?: PendingRequest,
  held: Parameters<typeof aRow>[0] = {},
): LedgerRow => ({
  ...aRow({ holder, generation: 6, phase: 'shift', ...held }),
  ...(pending && { pending }),
});

/** A ledger that is held, and keeps saying so. */
const methods = (
  row: LedgerRow | undefined = heldBy(),
  ledger: Methods['ledger'] = {},
  state: ExecutionState = RUNS,
) =>
  ({
    ledger: { take: async () => undefined, read: async () => row, pend: async () => true, ...ledger },
    artifacts: {
      find: async (_bucket: string, key: string, versionId = 'v3') =>
        versionId === 'deleted' ? undefined : { key, versionId, sizeBytes: 1, uploadedAt: at(0) },
      versions: async () => ['v3', 'v2', 'v1'],
    },
    executions: { status: async () => state, start: async () => 'an execution' },
  }) satisfies Methods;

function take(given: Methods, input: unknown = {}) {
  const ports = portsWith(given);
  const answer = takeTheFleetLock.run({ ...aDeployment(), input }, ports);
  return { ports, answer, called: () => ports.calls.map((call) => call.split(' ')[0]) };
}
const upload = (versionId: string) => ({ versionId, upload: { eventId: 'e-2' } });

const FREE: Methods['ledger'] = { take: async () => HOLD, read: async () => aRow() };

describe('Take the fleet lock, when it is free', () => {
  it('takes it, and says which holder it is', async () => {
    const { answer, ports } = take({ ledger: FREE }, { reason: 'a hotfix' });
    expect(await answer).toEqual({ ...HOLD, verdict: 'taken', reason: 'lock of shop taken, generation 7' });
    const claim = { holder: HOLD.holder, startedBy: 'StartExecution', why: 'a hotfix' };
    expect(ports.calls).toEqual([`ledger.take "shop" ${JSON.stringify(claim)}`, 'ledger.read "shop"']);
  });

  it('takes it once when it runs twice: the ledger knows its own', async () => {
    const given = { ledger: FREE };
    expect(await take(given).answer).toEqual(await take(given).answer);
  });

  it('says who uploaded', async () => {
    const { answer, ports } = take(
      { ledger: FREE },
      { versionId: 'v3', upload: { eventId: 'e', requester: 'ci' } },
    );
    await answer;
    expect(ports.calls[0]).toContain('"startedBy":"upload by ci"');
  });
});

describe('Take the fleet lock, before it asks for it', () => {
  it('lets a dry run pass, which changes nothing and asks nobody', async () => {
    const { answer, ports } = take({}, { dryRun: true });
    expect(await answer).toEqual({
      holder: HOLD.holder,
      generation: 0,
      verdict: 'not-needed',
      reason: 'a dry run changes nothing',
    });
    expect(ports.calls).toEqual([]);
  });

  it.each([
    ['an unknown field', { colour: 'red' }],
    ['a key outside the fleet', { key: 'other/app.tar.gz' }],
    ['a bucket outside the fleet', { bucket: 'other' }],
    ['a key outside the fleet, in a dry run', { key: 'other/app.tar.gz', dryRun: true }],
  ])('refuses %s: it neither holds the lock nor waits', async (_what, input) => {
    const { answer, ports } = take(methods(), input);
    await expect(answer).rejects.toThrow(failure('InvalidInput'));
    expect(ports.calls).toEqual([]);
  });
});

describe('Take the fleet lock, when somebody holds it', () => {
  it('waits in the free slot, and says who holds it', async () => {
    const { answer, ports, called } = take(methods(), upload('v2'));
    expect(await answer).toEqual({
      holder: HOLD.holder,
      generation: 0,
      verdict: 'waiting',
      reason: `shop is held by irekae-shop:deploy-1 since ${iso(1)}, in the phase shift (started by Hanako, as the start says); version v2 is waiting and will be deployed next`,
    });
    expect(called()).toEqual([
      'ledger.take',
      'ledger.read',
      'artifacts.find',
      'artifacts.versions',
      'ledger.pend',
      'executions.status',
    ]);
    const request = { id: 'deploy-2', input: JSON.stringify(upload('v2')), versionId: 'v2', since: iso(200) };
    expect(ports.changes).toEqual([
      expect.stringContaining('ledger.take'),
      `ledger.pend "shop" ${JSON.stringify(request)} `,
    ]);
  });

  it('waits with the newest version when none is named, and leaves the choice open until its turn', async () => {
    const { answer, ports } = take(methods(), { reason: 'newest, please' });
    expect((await answer).reason).toContain('version v3 is waiting');
    expect(ports.changes.at(-1)).toContain(JSON.stringify(JSON.stringify({ reason: 'newest, please' })));
  });

  it.each<[string, PendingRequest, unknown, RegExp]>([
    ['a newer upload', waiting('v3'), upload('v2'), /superseded by version v3/],
    [
      'a newer upload, also when a human asks for the older version',
      waiting('v3'),
      { versionId: 'v1', reason: 'back to what worked' },
      /superseded by version v3, which is already waiting/,
    ],
  ])('is superseded by %s that waits, and leaves the slot alone', async (_what, pending, input, says) => {
    const { answer, ports } = take(methods(heldBy(HOLDER, pending)), input);
    expect(await answer).toMatchObject({ verdict: 'superseded', reason: expect.stringMatching(says) });
    expect(ports.calls.filter((call) => call.startsWith('ledger.pend'))).toEqual([]);
  });

  it.each<[string, PendingRequest, unknown, boolean, RegExp]>([
    [
      'replaces an older upload',
      waiting('v2'),
      upload('v3'),
      true,
      /version v3 is waiting and will be deployed next/,
    ],
    [
      'replaces what a human asked for when a newer upload comes',
      waiting('v1', { versionId: 'v1' }),
      upload('v3'),
      true,
      /version v3 is waiting and will be deployed next/,
    ],
    [
      'leaves alone a human who wants the same version',
      waiting('v3', { redeploy: true }),
      upload('v3'),
      false,
      /version v3 is already waiting, requested by asks-for-v3/,
    ],
    ['replaces a version that was deleted', waiting('deleted'), upload('v2'), true, /version v2 is waiting/],
  ])('%s', async (_what, pending, input, replaces, says) => {
    const { answer, ports } = take(methods(heldBy(HOLDER, pending)), input);
    expect(await answer).toMatchObject({ verdict: 'waiting', reason: expect.stringMatching(says) });
    const pends = ports.calls.filter((call) => call.startsWith('ledger.pend'));
    expect(pends).toHaveLength(replaces ? 1 : 0);
    if (replaces) expect(pends[0]).toContain(`${JSON.stringify(pending)}`);
  });

  it('does the same when it runs twice: its own request takes its own place', async () => {
    const own: PendingRequest = { ...waiting('v2'), id: 'deploy-2' };
    const { answer } = take(methods(heldBy(HOLDER, own)), upload('v2'));
    expect((await answer).reason).toContain('version v2 is waiting and will be deployed next');
  });

  it('fails as ArtifactNotFound when its version was deleted: it does not wait for nothing', async () => {
    const { answer, ports } = take(methods(), upload('deleted'));
    await expect(answer).rejects.toThrow(failure('ArtifactNotFound'));
    expect(ports.calls.some((call) => call.startsWith('ledger.pend'))).toBe(false);
  });
});

describe('Take the fleet lock, for a rollback that has to wait', () => {
  const record = (deployment: string, versionId: string, previous?: string) => ({
    ...recordOf(baked(), at(0)),
    deployment,
    previous,
    artifact: { ...RELEASE.artifact, versionId },
  });
  const given = (pending?: PendingRequest) => {
    const others = methods(heldBy(HOLDER, pending));
    const found: Record<string, unknown> = {
      'current.json': record('deploy-1', 'v2', 'deploy-0'),
      'deploy-0.json': record('deploy-0', 'v1'),
    };
    const readRecord = async (_bucket: string, key: string) => found[key.split('/').at(-1) ?? ''];
    return { ...others, records: { readRecord } };
  };

  it('waits for the deployment that it means now, whatever is the previous one in its turn', async () => {
    const { answer, ports } = take(given(), { rollbackTo: 'previous', reason: 'orders fail' });
    expect((await answer).reason).toMatch(
      /; the rollback to deploy-0 \(version v1\) is waiting and will be deployed next$/,
    );
    const request = {
      id: 'deploy-2',
      input: JSON.stringify({ rollbackTo: 'deploy-0', reason: 'orders fail' }),
      versionId: 'v1',
      since: iso(200),
      newestVersionId: 'v3',
    };
    expect(ports.changes.at(-1)).toBe(`ledger.pend "shop" ${JSON.stringify(request)} `);
  });

  it('takes the place of an upload that waits', async () => {
    const { answer } = take(given(waiting('v3')), { rollbackTo: 'deploy-0' });
    expect((await answer).reason).toContain(
      'the rollback to deploy-0 (version v1) is waiting and will be deployed next',
    );
  });

  it('keeps its place when the event of an older upload comes', async () => {
    const pending = { ...waiting('v1', { rollbackTo: 'deploy-0' }), newestVersionId: 'v3' };
    const { answer, ports } = take(given(pending), upload('v3'));
    expect((await answer).reason).toContain(
      'superseded by the rollback to deploy-0 (version v1), which is already waiting',
    );
    expect(ports.calls.some((call) => call.startsWith('ledger.pend'))).toBe(false);
  });

  it('does not wait for nothing: what is not on record is refused at once', async () => {
    const { answer, ports } = take(given(), { rollbackTo: 'deploy-9' });
    await expect(answer).rejects.toThrow(failure('NothingToRollBackTo'));
    expect(ports.calls.some((call) => call.startsWith('ledger.pend'))).toBe(false);
  });

  it('lets a new image wait for what runs, in its turn', async () => {
    const { answer } = take(given(), { newImage: { eventId: 'e' } });
    expect((await answer).reason).toContain(
      '; what runs, on the newest image, is waiting and will be deployed next',
    );
  });
});

describe('Take the fleet lock, in a race', () => {
  it('takes the lock that became free between the two calls', async () => {
    let takes = 0;
    const given = methods(undefined, {
      take: async () => {
        takes += 1;
        return takes > 1 ? HOLD : undefined;
      },
      read: async () => ({ fleet: 'shop', generation: 6 }),
    });
    const { answer, called } = take(given);
    expect((await answer).verdict).toBe('taken');
    expect(called()).toEqual(['ledger.take', 'ledger.read', 'ledger.take', 'ledger.read']);
  });

  it('looks again when somebody else took the slot, and then knows that it is superseded', async () => {
    let reads = 0;
    const given = methods(undefined, {
      read: async () => {
        reads += 1;
        return heldBy(HOLDER, reads > 1 ? waiting('v3') : undefined);
      },
      pend: async () => false,
    });
    const { answer, called } = take(given, upload('v2'));
    expect(await answer).toMatchObject({
      verdict: 'superseded',
      reason: expect.stringContaining('superseded by version v3'),
    });
    expect(called().filter((call) => call === 'ledger.pend')).toHaveLength(1);
  });

  it('gives up for now when that goes on: it is asked again', async () => {
    const { answer, called } = take(methods(heldBy(), { pend: async () => false }));
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable', /changed hands 5 times/));
    expect(called().filter((call) => call === 'ledger.take')).toHaveLength(5);
  });

  it.each(['take', 'read', 'pend'] as const)(
    'takes a silent ledger (%s) for unknown, never for free',
    async (call) =>
      expect(take(methods(heldBy(), { [call]: failing('ServiceUnavailable') })).answer).rejects.toThrow(
        failure('ServiceUnavailable'),
      ),
  );
});

describe('Take the fleet lock, when the holder is dead', () => {
  it('waits, and sends for the clean-up, whose name is that of the holder’s number', async () => {
    const { answer, ports } = take(methods(heldBy(), {}, DIED), upload('v3'));
    expect((await answer).verdict).toBe('waiting');
    expect(ports.calls.at(-1)).toBe(`executions.start "${CLEAN_UP}" "after-holder-6" "{}"`);
  });

  it('waits first: the clean-up that it sends for finds the request there', async () => {
    const { answer, called } = take(methods(heldBy(), {}, DIED), upload('v3'));
    await answer;
    expect(called().indexOf('ledger.pend')).toBeLessThan(called().indexOf('executions.start'));
  });

  it('sends for the clean-up also when it is superseded itself', async () => {
    const { answer, called } = take(methods(heldBy(HOLDER, waiting('v3')), {}, DIED), upload('v1'));
    await answer;
    expect(called()).toContain('executions.start');
  });

  it('sends for nobody when a human must decide, and says so', async () => {
    const row = heldBy(HOLDER, undefined, { needsHuman: 'An undo failed.' });
    const { answer, called } = take(methods(row, {}, DIED), upload('v3'));
    expect((await answer).reason).toContain('needs a human: see docs/runbook.md');
    expect(called()).not.toContain('executions.start');
  });

  it.each<[string, ExecutionState, number]>([
    ['that runs', RUNS, 200],
    ['that Step Functions does not know yet', { state: 'unknown' }, 200],
  ])('sends for nobody for a holder %s', async (_what, state, now) => {
    const ports = portsWith(methods(heldBy(), {}, state), at(now));
    await takeTheFleetLock.run({ ...aDeployment(), input: upload('v3') }, ports);
    expect(ports.calls.some((call) => call.startsWith('executions.start'))).toBe(false);
  });
});
