import { describe, expect, it } from 'vitest';
import { type Deployment, parseDeployment } from '../../lambdas/domain/core/document.ts';
import { TAKE_OVER_AFTER_SECONDS } from '../../lambdas/domain/core/steps.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { LedgerRow, Phase } from '../../lambdas/ports/ledger.ts';
import { takeOverTheLock } from '../../lambdas/take-over-the-lock.ts';
import { aDeployment, at, baked, failedBy, HOLD, launched, shifted } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { aRow, failing, type Methods, portsWith } from '../support/ports.ts';

const CLEAN_UP = HOLD.holder.replace('irekae-shop', 'irekae-shop-clean-up').replace('deploy-2', 'clean-up-1');
const ANOTHER = CLEAN_UP.replace('clean-up-1', 'clean-up-2');
const NEXT = { holder: CLEAN_UP, generation: HOLD.generation + 1 };
const DIED: ExecutionState = { state: 'ended', status: 'ABORTED', at: at(100) };
const NOW = at(100 + TAKE_OVER_AFTER_SECONDS);

const cleanUp = aDeployment({
  execution: { id: CLEAN_UP, name: 'clean-up-1', startedAt: at(100).toISOString() },
});
const rowIn = (phase: Phase, document: Deployment | undefined, held: Parameters<typeof aRow>[0] = {}) =>
  aRow({ phase, ...(document && { document: JSON.stringify(document) }), ...held });

const methods = (row: LedgerRow | undefined, state: ExecutionState = DIED, ledger: Methods['ledger'] = {}) =>
  ({
    ledger: { read: async () => row, takeOver: async () => NEXT, clearPending: async () => {}, ...ledger },
    executions: { status: async () => state, start: async () => 'an execution' },
  }) satisfies Methods;

function takeOver(given: Methods, now = NOW) {
  const ports = portsWith(given, now);
  return { ports, answer: takeOverTheLock.run(cleanUp, ports) };
}
const documentOf = async (answer: ReturnType<typeof takeOver>['answer']) =>
  parseDeployment((await answer).document, []);

describe('Take over the lock of a dead holder', () => {
  it.each<[Phase, Deployment | undefined, string]>([
    ['agree', undefined, 'release'],
    ['bring-up', launched(), 'undo'],
    ['shift', shifted(), 'undo'],
    ['remove', baked(), 'finish'],
    ['undo', shifted({ failure: failedBy('NewHostDied') }), 'undo'],
  ])('that died in the phase %s', async (phase, document, verdict) => {
    const { answer, ports } = takeOver(methods(rowIn(phase, document)));
    expect(await answer).toMatchObject({
      ready: true,
      verdict,
      reason: expect.stringContaining(`in the phase ${phase}`),
    });
    expect(ports.calls).toEqual([
      'ledger.read "shop"',
      `executions.status "${HOLD.holder}"`,
      expect.stringMatching(/^ledger\.takeOver "shop" \{.*"generation":7.*\} "/),
    ]);
  });

  it('in a phase that this release does not know keeps the lock for a human, and takes nothing over', async () => {
    const keepForHuman = async () => {};
    const row = rowIn('canary' as Phase, shifted());
    const { answer, ports } = takeOver(methods(row, DIED, { keepForHuman }));
    expect(await answer).toMatchObject({ ready: true, verdict: 'human' });
    expect(ports.calls.slice(2)).toEqual([
      expect.stringMatching(/^ledger\.keepForHuman "shop" .*a human must decide"$/),
    ]);
  });

  it('says when the dead one died: an orphan’s age does not begin anew with each clean-up', async () => {
    const { answer, ports } = takeOver(methods(rowIn('shift', shifted())));
    await answer;
    expect(ports.calls.at(-1)?.endsWith(JSON.stringify(at(100)))).toBe(true);
  });

  it('goes on with the dead deployment’s document, as the one that acts', async () => {
    const dead = shifted();
    const document = await documentOf(takeOver(methods(rowIn('shift', dead))).answer);
    expect(document).toMatchObject({ ...dead, lock: { ...NEXT, verdict: 'taken' } });
    expect(document.execution).toEqual(dead.execution);
  });

  it('calls what it undoes Stopped, and says in which phase', async () => {
    const { failure: first } = await documentOf(takeOver(methods(rowIn('shift', shifted()))).answer);
    expect(first).toEqual({ Error: 'Stopped', Cause: expect.stringContaining('in the phase shift') });
  });

  it('goes on with an undo that was cut off under the name of the first error', async () => {
    const dead = shifted({ failure: failedBy('AlertDuringBake', 'An alert.') });
    expect((await documentOf(takeOver(methods(rowIn('undo', dead))).answer)).failure).toEqual(dead.failure);
  });

  it('blames nobody for what it finishes', async () =>
    expect((await documentOf(takeOver(methods(rowIn('remove', baked()))).answer)).failure).toBeUndefined());

  it('lets go of an empty lock with a document of its own', async () =>
    expect(await documentOf(takeOver(methods(rowIn('agree', undefined))).answer)).toMatchObject({
      execution: cleanUp.execution,
      lock: NEXT,
    }));

  it('does the same when it runs twice: the lock is its own already, and nobody is asked about it', async () => {
    const once = await takeOver(methods(rowIn('shift', shifted()))).answer;
    const again = takeOver(methods(rowIn('shift', shifted(), NEXT)), at(100));
    expect(await again.answer).toEqual(once);
    expect(again.ports.calls).toEqual(['ledger.read "shop"']);
  });

  it('takes over from a clean-up that died, like from anybody', async () => {
    const dead = shifted({ failure: failedBy('Stopped') });
    const { answer, ports } = takeOver(methods(rowIn('undo', dead, { holder: ANOTHER, generation: 8 })));
    expect((await answer).verdict).toBe('undo');
    expect(ports.calls[1]).toBe(`executions.status "${ANOTHER}"`);
  });
});

describe('Take over the lock, but not', () => {
  it('before every function of the dead run must have ended: it looks again then, and within seconds', async () => {
    const early = takeOver(methods(rowIn('shift', shifted())), at(101));
    expect(await early.answer).toMatchObject({ ready: false, verdict: 'wait', nextLookInSeconds: 5 });
    const late = takeOver(methods(rowIn('shift', shifted())), at(100 + TAKE_OVER_AFTER_SECONDS - 2.5));
    expect(await late.answer).toMatchObject({ ready: false, verdict: 'wait', nextLookInSeconds: 3 });
    expect([...early.ports.changes, ...late.ports.changes]).toEqual([]);
  });

  it.each<[string, LedgerRow, ExecutionState]>([
    ['from a living holder', rowIn('shift', shifted()), { state: 'running' }],
    ['from a living clean-up', rowIn('undo', shifted(), { holder: ANOTHER }), { state: 'running' }],
    ['from one that Step Functions does not know yet', rowIn('agree', undefined), { state: 'unknown' }],
    ['what is kept for a human', rowIn('undo', shifted(), { needsHuman: 'An undo failed.' }), DIED],
  ])('%s', async (_what, row, state) => {
    const { answer, ports } = takeOver(methods(row, state));
    expect(await answer).toMatchObject({ ready: true, verdict: 'nothing' });
    expect(ports.changes).toEqual([]);
  });

  it('when another clean-up was faster', async () => {
    const { answer } = takeOver(
      methods(rowIn('shift', shifted()), DIED, { takeOver: async () => undefined }),
    );
    expect(await answer).toMatchObject({
      ready: true,
      verdict: 'nothing',
      reason: 'somebody else takes care of it',
    });
  });

  it.each<[string, Methods]>([
    ['ledger is silent', methods(undefined, DIED, { read: failing('ServiceUnavailable') })],
    [
      'Step Functions is silent',
      { ...methods(rowIn('shift', shifted())), executions: { status: failing('ServiceUnavailable') } },
    ],
  ])('while the %s: unknown is not dead', async (_who, given) => {
    const { answer, ports } = takeOver(given);
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
    expect(ports.changes).toEqual([]);
  });
});

describe('Take over the lock, when it is free', () => {
  it('finds nothing to do for a fleet that was never deployed', async () => {
    const { answer, ports } = takeOver(methods(undefined));
    expect(await answer).toMatchObject({ ready: true, verdict: 'nothing', reason: 'the lock is free' });
    expect(ports.changes).toEqual([]);
  });

  it('starts what still waits: its holder died between freeing the lock and starting it', async () => {
    const pending = { id: 'upload-3', input: '{}', versionId: 'v3', since: at(20) };
    const { answer, ports } = takeOver(methods({ fleet: 'shop', generation: 7, pending }));
    expect((await answer).reason).toBe('the lock is free; version v3 waited and is deployed now');
    expect(ports.changes).toEqual([
      expect.stringMatching(/^executions\.start "[^"]*:stateMachine:irekae-shop" "waited-/),
      'ledger.clearPending "shop" "upload-3"',
    ]);
  });
});
