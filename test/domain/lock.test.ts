/** Decisions about a fleet's lock, as tables. */

import { describe, expect, it } from 'vitest';
import { machinesOf } from '../../lambdas/domain/core/aws.ts';
import { rowOf, STEP_NAMES, TAKE_OVER_AFTER_SECONDS } from '../../lambdas/domain/core/steps.ts';
import { deadSince, decideCleanUp, goOnWith, workLeftOf } from '../../lambdas/domain/lock/dead-holders.ts';
import { markedWith, takesTheSlot, wantedBy } from '../../lambdas/domain/lock/pending.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { PendingRequest, Phase } from '../../lambdas/ports/ledger.ts';
import { agreed, aLook, at, HOLD, iso, launched } from '../support/deployments.ts';
import { aRow } from '../support/ports.ts';

const RUNS: ExecutionState = { state: 'running' };
const UNKNOWN: ExecutionState = { state: 'unknown' };
const ended = (seconds: number, status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' = 'ABORTED') =>
  ({ state: 'ended', status, at: at(seconds) }) as const satisfies ExecutionState;

/** Held since second 1. */
const held = (changes: Parameters<typeof aRow>[0] = {}) => {
  const row = aRow(changes);
  if (row.held === undefined) throw new Error('the row is held');
  return row.held;
};

describe('A holder is dead', () => {
  it.each<[string, ExecutionState, number, number | undefined]>([
    ['runs', RUNS, 100_000, undefined],
    ['was stopped', ended(90), 100, 90],
    ['ran out of time', ended(90, 'TIMED_OUT'), 100, 90],
    ['failed, and could not release the lock', ended(90, 'FAILED'), 100, 90],
    ['succeeded, and could not release the lock', ended(90, 'SUCCEEDED'), 100, 90],
    ['is not known yet: it is a second old', UNKNOWN, 2, undefined],
    ['is not known yet: it is five minutes old', UNKNOWN, 301, undefined],
    ['is not known anymore: the lock is older than that', UNKNOWN, 302, 1],
  ])('or not, when its execution %s', (_when, state, now, since) =>
    expect(deadSince(held(), state, at(now))).toEqual(since === undefined ? undefined : at(since)),
  );
});

describe('A change of permissions holds the lock', () => {
  const change = held({ holder: 'arn:aws:states:r:1:execution:irekae-app:cdk-deploy-live' });

  it.each<[string, ExecutionState, number, number | undefined]>([
    ['for as long as fifty stacks may take', UNKNOWN, 3_601, undefined],
    ['and no longer, if nobody lets go of it; it is no orphan of before', UNKNOWN, 3_602, 3_601],
    ['unless it is an execution that somebody called so', ended(90), 100, 90],
  ])('%s', (_, state, now, since) =>
    expect(deadSince(change, state, at(now))).toEqual(since === undefined ? undefined : at(since)),
  );

  it('and leaves nothing to do', () =>
    expect(decideCleanUp(aRow({ holder: change.holder }), UNKNOWN, at(4_000))).toMatchObject({
      verdict: 'release',
    }));
});

describe('The pending slot', () => {
  const NEWEST_FIRST = ['v3', 'v2', 'v1'];
  const asks = (versionId: string, input: object = {}, id = `asks for ${versionId}`): PendingRequest => ({
    id,
    input: JSON.stringify(input),
    versionId,
    since: at(5),
  });
  const upload = (versionId: string, eventId = 'e') => asks(versionId, { versionId, upload: { eventId } });
  /** Of a person who asked when this was the newest. */
  const askedWhen = (newestVersionId: string, request: PendingRequest) => ({ ...request, newestVersionId });
  const back = (versionId: string) => asks(versionId, { rollbackTo: `deployment of ${versionId}` });
  /** Of a fleet that follows another one's n-th deployment. */
  const following = (n: number, versionId: string) => asks(versionId, { versionId }, `after-deploy-${n}`);
  const image = (versionId = 'v2') => asks(versionId, { newImage: { eventId: 'e' } });

  it.each<[string, PendingRequest | undefined, PendingRequest, boolean]>([
    ['takes the first who comes', undefined, upload('v1'), true],
    ['takes the newer of two uploads', upload('v2'), upload('v3'), true],
    ['keeps the newer of two uploads, although it came first', upload('v3'), upload('v2'), false],
    ['keeps a newer upload from a human who wants an older version', upload('v3'), asks('v1'), false],
    [
      'takes a newer upload instead of the older version that a human waits for',
      asks('v1'),
      upload('v3'),
      true,
    ],
    ['takes a human’s request for the version of a waiting upload', upload('v3'), asks('v3'), true],
    ['keeps a human’s request when the event of that upload comes (again)', asks('v3'), upload('v3'), false],
    ['takes the later of two humans', asks('v3'), asks('v3', { redeploy: true }), true],
    ['takes the second event of one upload', upload('v3', 'e-1'), upload('v3', 'e-2'), true],
    ['drops a version that was deleted meanwhile', upload('deleted'), upload('v1'), true],
    ['keeps what waits from a version that was deleted meanwhile', upload('v1'), upload('deleted'), false],
    ['takes the later of two deleted versions', upload('deleted'), upload('deleted too'), true],
    [
      'keeps an older version that a human asked for from a late event',
      askedWhen('v3', asks('v1')),
      upload('v2'),
      false,
    ],
    ['… also from that of the newest of then', askedWhen('v3', asks('v1')), upload('v3'), false],
    ['… but not from an upload that came later', askedWhen('v2', asks('v1')), upload('v3'), true],
    ['takes a rollback instead of an upload that waits: it is to leave it', upload('v3'), back('v1'), true],
    [
      'keeps a rollback from an upload that was there before it',
      askedWhen('v3', back('v1')),
      upload('v3'),
      false,
    ],
    [
      'takes an upload that is newer than the rollback that waits',
      askedWhen('v2', back('v1')),
      upload('v3'),
      true,
    ],
    ['takes a rollback instead of what a human asked for before', asks('v3'), back('v1'), true],
    ['takes the later of two rollbacks', back('v2'), back('v1'), true],
    ['takes a human’s request instead of the rollback before', askedWhen('v3', back('v2')), asks('v1'), true],
    ['takes an upload instead of a new image', image('v3'), upload('v1'), true],
    ['takes a rollback instead of a new image', image(), back('v1'), true],
    ['keeps an upload from a new image: it takes the newest anyway', upload('v1'), image('v3'), false],
    ['takes what follows a later deployment, also back', following(2, 'v3'), following(3, 'v2'), true],
    ['keeps a person’s newer version from what follows', asks('v3'), following(3, 'v2'), false],
    ['keeps what follows a newer version from a person', following(3, 'v3'), asks('v2'), false],
    ['keeps a rollback from a new image', back('v1'), image('v3'), false],
    ['takes the later of two new images', image('v3'), image('v2'), true],
  ])('%s', (_what, waiting, request, takes) =>
    // Who says that it follows does.
    expect(takesTheSlot(waiting, request, NEWEST_FIRST, request.id.startsWith('after-'))).toBe(takes),
  );

  it('keeps what follows from what is only named as if it followed', () =>
    expect(takesTheSlot(following(2, 'v3'), following(3, 'v2'), NEWEST_FIRST, false)).toBe(false));

  it('ends with the newest, in whatever order they come', () => {
    const orders = [
      ['v1', 'v2', 'v3'],
      ['v3', 'v2', 'v1'],
      ['v2', 'v3', 'v1'],
      ['v3', 'v1', 'v3'],
    ];
    for (const order of orders) {
      let waiting: PendingRequest | undefined;
      for (const request of order.map((version) => upload(version)))
        if (takesTheSlot(waiting, request, NEWEST_FIRST, false)) waiting = request;
      expect(waiting?.versionId).toBe('v3');
    }
  });
});

describe('A request that waits', () => {
  const asks = (input: object): PendingRequest => ({
    id: 'x',
    input: JSON.stringify(input),
    versionId: 'v1',
    since: at(5),
  });

  it.each<[object, string]>([
    [{}, 'version v1'],
    [{ upload: { eventId: 'e' } }, 'version v1'],
    [{ rollbackTo: 'deploy-1' }, 'the rollback to deploy-1 (version v1)'],
    [{ newImage: { eventId: 'e' } }, 'what runs, on the newest image,'],
  ])('of the input %j is told', (input, told) => expect(wantedBy(asks(input))).toBe(told));

  it.each<[object, readonly string[], string | undefined]>([
    [{ rollbackTo: 'deploy-1' }, ['v3', 'v1'], 'v3'],
    [{ versionId: 'v1' }, ['v3', 'v1'], 'v3'],
    [{}, ['v1'], undefined],
    [{ rollbackTo: 'deploy-1' }, [], undefined],
    [{ upload: { eventId: 'e' } }, ['v3', 'v1'], undefined],
    [{ newImage: { eventId: 'e' } }, ['v3', 'v1'], undefined],
  ])('of the input %j, with %j there, remembers as the newest: %s', (input, newestFirst, newest) =>
    expect(markedWith(asks(input), newestFirst).newestVersionId).toBe(newest),
  );
});

describe('A clean-up', () => {
  const document = JSON.stringify(launched());
  const LONG_AGO = ended(100);
  const now = at(100 + TAKE_OVER_AFTER_SECONDS);

  it.each<[Phase, string]>([
    ['agree', 'release'],
    ['bring-up', 'undo'],
    ['shift', 'undo'],
    ['remove', 'finish'],
    ['undo', 'undo'],
  ])('decides about a holder that died in the phase %s: %s', (phase, verdict) =>
    expect(decideCleanUp(aRow({ phase, document }), LONG_AGO, now)).toMatchObject({
      ready: true,
      verdict,
      reason: expect.stringContaining(`in the phase ${phase}`),
    }),
  );

  it('leaves a phase that it does not know to a human: never undone, never finished', () => {
    const row = aRow({ phase: 'canary' as Phase, document });
    expect(decideCleanUp(row, LONG_AGO, now)).toEqual({
      ready: true,
      verdict: 'human',
      reason: expect.stringContaining('does not know: a human must decide'),
    });
    // Nor what is the name of something else in a table.
    expect(workLeftOf({ phase: 'constructor' as Phase, document })).toBe('human');
  });

  it.each<[Phase, object]>([
    ['remove', { record: { outcome: 'Deployed' } }],
    ['undo', { ending: { error: 'RolledBack', cause: 'An alert.' }, failure: { Error: 'Cancelled' } }],
  ])('finds nothing left of a holder that wrote its ending down (%s)', (phase, ended) =>
    expect(workLeftOf({ phase, document: JSON.stringify(ended) })).toBe('release'),
  );

  it('lets go of a lock whose holder wrote nothing down', () =>
    expect(decideCleanUp(aRow({ phase: 'agree' }), LONG_AGO, now).verdict).toBe('release'));

  it('does nothing about a fleet that was never deployed, or whose lock is free', () => {
    for (const row of [undefined, { fleet: 'shop', generation: 7 }])
      expect(decideCleanUp(row, UNKNOWN, now)).toMatchObject({ ready: true, verdict: 'nothing' });
  });

  it.each<Phase>(['agree', 'bring-up', 'shift', 'remove', 'undo'])(
    'does nothing to a living holder in the phase %s, however old',
    (phase) => {
      expect(decideCleanUp(aRow({ phase, document }), RUNS, at(1_000_000)).verdict).toBe('nothing');
      expect(decideCleanUp(aRow({ phase, document }), UNKNOWN, at(200)).verdict).toBe('nothing');
    },
  );

  it.each<Phase>(['remove', 'undo'])('leaves the phase %s to the human that it is kept for', (phase) =>
    expect(decideCleanUp(aRow({ phase, document, needsHuman: 'An undo failed.' }), LONG_AGO, now)).toEqual({
      ready: true,
      verdict: 'nothing',
      reason: 'a human must decide: An undo failed.',
    }),
  );

  it('waits until no function of the dead run can be in flight, and says for how long', () => {
    expect(decideCleanUp(aRow({ phase: 'shift', document }), LONG_AGO, at(110))).toEqual({
      ready: false,
      verdict: 'wait',
      waitSeconds: TAKE_OVER_AFTER_SECONDS - 10,
      reason: expect.stringMatching(/irekae-shop:deploy-2 may still be in flight for 2 min 20 s/),
    });
    expect(
      decideCleanUp(aRow({ phase: 'shift', document }), LONG_AGO, new Date(now.getTime() - 1)).verdict,
    ).toBe('wait');
  });

  it('waits longer than any changing step may take', () => {
    const changing = STEP_NAMES.map(rowOf).filter(({ changes }) => changes !== 'nothing');
    expect(TAKE_OVER_AFTER_SECONDS).toBe(150);
    for (const { title, seconds } of changing)
      expect(seconds, title).toBeLessThanOrEqual(TAKE_OVER_AFTER_SECONDS - 30);
  });

  it('waits also when its clock is behind that of Step Functions', () =>
    expect(decideCleanUp(aRow({ phase: 'shift', document }), ended(100), at(90)).verdict).toBe('wait'));
});

describe('The machines of a fleet', () => {
  const MACHINE = 'arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae-shop';
  it.each([
    ['an execution of its deployment', HOLD.holder],
    ['an execution of its clean-up', `${HOLD.holder.replace('irekae-shop', 'irekae-shop-clean-up')}`],
    ['its state machine', MACHINE],
  ])('follow from the ARN of %s', (_whose, arn) =>
    expect(machinesOf(arn, 'shop')).toEqual({
      deploy: MACHINE,
      cleanUp: `${MACHINE}-clean-up`,
      override: `${MACHINE}-override`,
    }),
  );

  it('are in the partition, Region and account of the execution', () =>
    expect(
      machinesOf('arn:aws-cn:states:cn-north-1:210987654321:execution:irekae-shop:x', 'shop').deploy,
    ).toBe('arn:aws-cn:states:cn-north-1:210987654321:stateMachine:irekae-shop'));
});

describe('A clean-up goes on with what a dead holder left', () => {
  const left = (document: object) => held({ document: JSON.stringify(document) });
  const late = aLook({ since: iso(10), memory: { begun: 1, 'i-new1': 7 }, looks: 40, lostSeconds: 70 });

  it.each(['termination', 'putBack', 'removal'] as const)(
    'and gives the wait %s its whole time again, with all that it remembers',
    (wait) => {
      const { document } = goOnWith(agreed(), left({ ...agreed(), [wait]: late }), at(9_000));
      expect(Object(document)[wait]).toEqual({ ...late, since: iso(9_000) });
    },
  );

  it('and begins no wait that had not begun', () => {
    const { document } = goOnWith(agreed(), left(agreed()), at(9_000));
    expect(Object.keys(document ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(termination|putBack|removal)$/)]),
    );
  });
});
