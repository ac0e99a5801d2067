/** What every ledger behind the port does: the adapter in front of a table, and the modelled world. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Debt, Entering, Hold, Ledger, PendingRequest, Phase } from '../../lambdas/ports/ledger.ts';

export interface LedgerSubject {
  /** Without any row. */
  readonly ledger: Ledger;
  readonly honours: {
    /** A large attribute may be written over. moto counts it twice, the old value and the new one. */
    readonly largeOverwrites: boolean;
    /** Condition and write are one. moto's server has threads, and sometimes lets two writers through. */
    readonly atomicWrites: boolean;
  };
  stop(): Promise<void>;
}

const FLEET = 'blog-production-app';
const ONE = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-blog:one';
const TWO = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-blog:two';
const THREE = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-blog-cleanup:three';

/** The holder that the lock is taken over from. */
const DIED_AT = new Date('2026-03-01T08:50:00.123Z');

const claim = (holder: string) => ({ holder, startedBy: 'an upload' });
const request = (id: string): PendingRequest => ({
  id,
  input: `{"versionId":"v-${id}"}`,
  versionId: `v-${id}`,
  since: new Date('2026-03-01T09:00:00.123Z'),
});
const lockLost = expect.objectContaining({ name: 'LockLost' });
const wasCancelled = expect.objectContaining({ name: 'Cancelled' });

export function ledgerContract(title: string, arrange: () => Promise<LedgerSubject>): void {
  describe(`Ledger: ${title}`, () => {
    let subject: LedgerSubject;
    let ledger: Ledger;
    beforeEach(async () => {
      subject = await arrange();
      ({ ledger } = subject);
    });
    afterEach(() => subject.stop());

    const row = () => ledger.read(FLEET);
    const held = async () => (await row())?.held;
    const taken = async (holder = ONE): Promise<Hold> => {
      const hold = await ledger.take(FLEET, claim(holder));
      if (hold === undefined) throw new Error(`${holder} did not get the lock`);
      return hold;
    };
    const entered = async (phase: Phase): Promise<Hold> => {
      const hold = await taken();
      await ledger.enter(FLEET, hold, phase, `{"in":"${phase}"}`);
      return hold;
    };

    describe('taking the lock', () => {
      it('of a fleet that was never deployed makes its first holder', async () => {
        expect(await row()).toBeUndefined();
        expect(await ledger.take(FLEET, { ...claim(ONE), why: 'a fix' })).toEqual({
          holder: ONE,
          generation: 1,
        });
        expect(await row()).toEqual({
          fleet: FLEET,
          generation: 1,
          held: {
            holder: ONE,
            generation: 1,
            phase: 'agree',
            since: expect.any(Date),
            startedBy: 'an upload',
            why: 'a fix',
            shiftRuns: 0,
          },
        });
      });

      it('twice takes it once', async () => {
        const hold = await taken();
        expect(await ledger.take(FLEET, claim(ONE))).toEqual(hold);
        expect((await row())?.generation).toBe(1);
      });

      it('fails while somebody else holds it, and changes nothing', async () => {
        await taken();
        const before = await row();
        expect(await ledger.take(FLEET, claim(TWO))).toBeUndefined();
        expect(await row()).toEqual(before);
      });

      it('is a matter of each fleet alone', async () => {
        await taken();
        expect(await ledger.take('blog-production-worker', claim(TWO))).toEqual({
          holder: TWO,
          generation: 1,
        });
        expect((await held())?.holder).toBe(ONE);
      });

      it('makes one holder of many that come at once', async ({ skip }) => {
        skip(!subject.honours.atomicWrites, 'this stand-in may let two writers through at once');
        const holders = Array.from({ length: 8 }, (_, index) => `${ONE}-${index}`);
        const holds = await Promise.all(holders.map((holder) => ledger.take(FLEET, claim(holder))));
        const winners = holds.filter((hold) => hold !== undefined);
        expect(winners).toEqual([{ holder: (await held())?.holder, generation: 1 }]);
      });

      it('leaves nothing behind once it is released, but the count of holders', async () => {
        const hold = await entered('shift');
        await ledger.keepForHuman(FLEET, hold, 'the undo failed');
        await ledger.requestCancel(FLEET, ONE, 'ops');
        await ledger.release(FLEET, hold);
        expect(await row()).toEqual({ fleet: FLEET, generation: 1 });
        expect(await ledger.take(FLEET, claim(TWO))).toEqual({ holder: TWO, generation: 2 });
        expect(Object.keys((await held()) ?? {}).sort()).toEqual(
          ['generation', 'holder', 'phase', 'shiftRuns', 'since', 'startedBy'].sort(),
        );
        // Nor the runs of its shift.
        expect((await held())?.shiftRuns).toBe(0);
      });
    });

    describe('entering a phase', () => {
      it.each<Phase>(['agree', 'bring-up', 'shift', 'remove', 'undo'])(
        'writes %s and its document',
        async (phase) => {
          const hold = await taken();
          await ledger.enter(FLEET, hold, phase, '{"newHosts":["入れ替え"]}');
          expect(await held()).toMatchObject({ phase, document: '{"newHosts":["入れ替え"]}' });
        },
      );

      it('may be repeated', async () => {
        const hold = await entered('bring-up');
        await ledger.enter(FLEET, hold, 'bring-up', '{"again":true}');
        expect(await held()).toMatchObject({ phase: 'bring-up', document: '{"again":true}' });
      });

      it('counts each run of the shift at least once, and nothing else, until the undo and beyond', async () => {
        const hold = await entered('bring-up');
        expect((await held())?.shiftRuns).toBe(0);
        for (const phase of ['shift', 'shift'] as const) await ledger.enter(FLEET, hold, phase, '{}');
        await ledger.enter(FLEET, hold, 'undo', '{}');
        // A write whose answer is lost is made, and counted, twice.
        const counted = (await held())?.shiftRuns;
        expect(counted).toBeGreaterThanOrEqual(2);
        await ledger.enter(FLEET, hold, 'shift', '{}').catch(() => {});
        expect((await held())?.shiftRuns).toBe(counted);
      });

      it('counts no run of the shift that was cancelled', async () => {
        const hold = await entered('bring-up');
        await ledger.requestCancel(FLEET, ONE, 'ops');
        await ledger.enter(FLEET, hold, 'shift', '{}').catch(() => {});
        expect((await held())?.shiftRuns).toBe(0);
      });

      it('is refused to who never held the lock', async () => {
        await expect(ledger.enter(FLEET, { holder: TWO, generation: 1 }, 'shift', '{}')).rejects.toEqual(
          lockLost,
        );
        await taken();
        await expect(ledger.enter(FLEET, { holder: TWO, generation: 1 }, 'shift', '{}')).rejects.toEqual(
          lockLost,
        );
        expect(await held()).toMatchObject({ holder: ONE, phase: 'agree' });
      });

      it('is refused to an earlier generation of the same execution', async () => {
        const old = await taken();
        await ledger.release(FLEET, old);
        await taken();
        await expect(ledger.enter(FLEET, old, 'shift', '{}')).rejects.toEqual(lockLost);
      });

      it('is refused once the lock was released', async () => {
        const hold = await taken();
        await ledger.release(FLEET, hold);
        await expect(ledger.enter(FLEET, hold, 'shift', '{}')).rejects.toMatchObject({
          name: 'LockLost',
          message: expect.stringContaining('nobody holds it now'),
        });
      });

      it.each<Phase>(['agree', 'bring-up', 'shift', 'remove'])(
        '%s is refused after a request to cancel',
        async (phase) => {
          const hold = await taken();
          await ledger.requestCancel(FLEET, ONE, 'ops');
          await expect(ledger.enter(FLEET, hold, phase, '{}')).rejects.toMatchObject({
            name: 'Cancelled',
            message: expect.stringContaining('ops'),
          });
          expect(await held()).toMatchObject({ phase: 'agree' });
        },
      );

      it('undo follows a request to cancel', async () => {
        const hold = await entered('shift');
        await ledger.requestCancel(FLEET, ONE, 'ops');
        await ledger.enter(FLEET, hold, 'undo', '{"undoing":1}');
        expect(await held()).toMatchObject({ phase: 'undo', document: '{"undoing":1}' });
      });

      it('undo follows a removal that has found a reason not to begin', async () => {
        const hold = await entered('remove');
        await ledger.enter(FLEET, hold, 'undo', '{"undoing":1}');
        expect(await held()).toMatchObject({ phase: 'undo', document: '{"undoing":1}' });
      });

      it.each<[Phase, Phase]>([
        ['bring-up', 'shift'],
        ['shift', 'remove'],
        ['bring-up', 'undo'],
        ['remove', 'undo'],
      ])('%s is refused to a late call when the same execution is in %s already', async (late, now) => {
        const hold = await entered(now);
        await expect(ledger.enter(FLEET, hold, late, '{"late":true}')).rejects.toMatchObject({
          name: 'LockLost',
          message: expect.stringContaining(`in the phase ${now} already`),
        });
        expect(await held()).toMatchObject({ phase: now, document: `{"in":"${now}"}` });
      });

      it('undo is refused from the phase that is named, although it is an earlier one', async () => {
        const hold = await entered('shift');
        await ledger.enter(FLEET, hold, 'remove', '{"removing":1}');
        await expect(
          ledger.enter(FLEET, hold, 'undo', '{"undoing":1}', { unless: 'remove' }),
        ).rejects.toMatchObject({
          name: 'LockLost',
          message: expect.stringContaining('in the phase remove already'),
        });
        expect(await held()).toMatchObject({ phase: 'remove', document: '{"removing":1}' });
      });

      it('undo follows the phases before the one that is named', async () => {
        const hold = await entered('shift');
        await ledger.enter(FLEET, hold, 'undo', '{"undoing":1}', { unless: 'remove' });
        expect(await held()).toMatchObject({ phase: 'undo', document: '{"undoing":1}' });
      });

      it('keeps other runs out until the one that names itself is over, and nobody who names none', async () => {
        const hold = await entered('bring-up');
        const run = (id: string, until = '2099-01-01') => ({ id, until: new Date(until) });
        const enter = (document: string, under: Entering) =>
          ledger.enter(FLEET, hold, 'bring-up', document, under);
        for (const document of ['{"first":1}', '{"first":2}']) await enter(document, { run: run('run-1') });
        await expect(enter('{"second":1}', { run: run('run-2'), after: 'run-1' })).rejects.toMatchObject({
          name: 'ServiceUnavailable',
          message: expect.stringContaining('until 2099-01-01T00:00:00.000Z'),
        });
        expect(await held()).toMatchObject({ document: '{"first":2}', run: run('run-1') });
        await ledger.enter(FLEET, hold, 'bring-up', '{"none":1}');
        await enter('{"first":3}', { run: { ...run('run-1'), isOver: true } });
        expect((await held())?.run).toEqual({ ...run('run-1'), isOver: true });
        // They have read the row before the first one began.
        for (const after of [undefined, 'run-0'])
          await expect(enter('{"late":1}', { run: run('run-3'), after })).rejects.toMatchObject({
            name: 'ServiceUnavailable',
          });
        await enter('{"second":1}', { run: run('run-2', '2026-01-01'), after: 'run-1' });
        expect((await held())?.run).toEqual(run('run-2', '2026-01-01'));
        await enter('{"third":1}', { run: run('run-3'), after: 'run-2' });
        expect(await held()).toMatchObject({ document: '{"third":1}', run: run('run-3') });
        await ledger.enter(FLEET, hold, 'undo', '{}');
      });

      it('keeps a document of 300 kB that cannot be compressed, beside a pending request', async ({
        skip,
      }) => {
        skip(!subject.honours.largeOverwrites, 'this stand-in does not write over large attributes');
        const document = JSON.stringify(randomBytes(200_000).toString('base64')).padEnd(300_000);
        const hold = await taken();
        const pending = { ...request('p'), input: randomBytes(32_000).toString('hex') };
        expect(await ledger.pend(FLEET, pending, undefined)).toBe(true);
        await ledger.enter(FLEET, hold, 'shift', document);
        const { held: after, pending: waiting } = (await row()) ?? {};
        expect(after?.document === document).toBe(true);
        expect(waiting?.input === pending.input).toBe(true);
      });

      it('is refused with a larger document', async () => {
        const hold = await taken();
        await expect(ledger.enter(FLEET, hold, 'shift', 'x'.repeat(300_001))).rejects.toMatchObject({
          name: 'InvalidInput',
          message: expect.stringContaining('300001 bytes'),
        });
        expect(await held()).toMatchObject({ phase: 'agree' });
      });
    });

    describe('taking the lock over', () => {
      it('keeps what the clean-up works from, and drops the request to cancel', async () => {
        const first = await ledger.take(FLEET, { ...claim(ONE), why: 'a fix' });
        await ledger.enter(FLEET, first ?? (await taken()), 'shift', '{"old":1}');
        await ledger.requestCancel(FLEET, ONE, 'ops');
        expect(await ledger.takeOver(FLEET, { holder: ONE, generation: 1 }, THREE, DIED_AT)).toEqual({
          holder: THREE,
          generation: 2,
        });
        expect(await held()).toEqual({
          holder: THREE,
          generation: 2,
          phase: 'shift',
          since: expect.any(Date),
          startedBy: 'an upload',
          why: 'a fix',
          document: '{"old":1}',
          shiftRuns: expect.any(Number),
          orphanedSince: DIED_AT,
        });
      });

      it('again, from a clean-up that died too, remembers the first death; a release forgets it', async () => {
        const from = await taken();
        const next = await ledger.takeOver(FLEET, from, TWO, DIED_AT);
        if (!next) throw new Error('It was not taken over.');
        const later = new Date(DIED_AT.getTime() + 600_000);
        const last = await ledger.takeOver(FLEET, next, THREE, later);
        expect((await held())?.orphanedSince).toEqual(DIED_AT);
        if (last) await ledger.release(FLEET, last);
        await taken();
        expect(await held()).not.toHaveProperty('orphanedSince');
      });

      it('keeps the word that a human is needed', async () => {
        const hold = await entered('remove');
        await ledger.keepForHuman(FLEET, hold, 'a host did not terminate');
        await ledger.takeOver(FLEET, hold, THREE, DIED_AT);
        expect(await held()).toMatchObject({ needsHuman: 'a host did not terminate' });
      });

      it('twice takes it over once', async () => {
        const from = await taken();
        const hold = await ledger.takeOver(FLEET, from, THREE, DIED_AT);
        expect(await ledger.takeOver(FLEET, from, THREE, DIED_AT)).toEqual(hold);
        expect((await row())?.generation).toBe(2);
      });

      it('shuts the old holder out', async () => {
        const from = await taken();
        await ledger.takeOver(FLEET, from, THREE, DIED_AT);
        await expect(ledger.enter(FLEET, from, 'shift', '{}')).rejects.toMatchObject({
          name: 'LockLost',
          message: expect.stringContaining(THREE),
        });
        await ledger.release(FLEET, from);
        expect((await held())?.holder).toBe(THREE);
      });

      it('fails when another was quicker', async () => {
        const from = await taken();
        await ledger.takeOver(FLEET, from, TWO, DIED_AT);
        expect(await ledger.takeOver(FLEET, from, THREE, DIED_AT)).toBeUndefined();
        expect((await held())?.holder).toBe(TWO);
      });

      it('fails from a holder that has released it', async () => {
        const from = await taken();
        await ledger.release(FLEET, from);
        expect(await ledger.takeOver(FLEET, from, THREE, DIED_AT)).toBeUndefined();
        expect(await held()).toBeUndefined();
      });

      it('fails for a fleet that was never deployed, and leaves no row', async () => {
        expect(await ledger.takeOver(FLEET, { holder: ONE, generation: 1 }, THREE, DIED_AT)).toBeUndefined();
        expect(await row()).toBeUndefined();
      });

      it('from long ago does not pass for today’s, even by the same new holder', async () => {
        const from = await taken();
        await ledger.release(FLEET, from);
        await ledger.release(FLEET, await taken(TWO));
        await taken(THREE);
        expect(await ledger.takeOver(FLEET, from, THREE, DIED_AT)).toBeUndefined();
      });
    });

    describe('keeping the lock for a human', () => {
      it('says why', async () => {
        const hold = await entered('shift');
        await ledger.keepForHuman(FLEET, hold, 'the undo failed');
        expect(await held()).toMatchObject({ holder: ONE, phase: 'shift', needsHuman: 'the undo failed' });
      });

      it('is refused to who does not hold it', async () => {
        const hold = await taken();
        await ledger.takeOver(FLEET, hold, THREE, DIED_AT);
        await expect(ledger.keepForHuman(FLEET, hold, 'late')).rejects.toEqual(lockLost);
        expect(await held()).not.toHaveProperty('needsHuman');
      });
    });

    describe('releasing the lock', () => {
      it('twice is done once', async () => {
        const hold = await taken();
        await ledger.release(FLEET, hold);
        await ledger.release(FLEET, hold);
        expect(await held()).toBeUndefined();
      });

      it('of a fleet without a row is done, and leaves none', async () => {
        await ledger.release(FLEET, { holder: ONE, generation: 1 });
        expect(await row()).toBeUndefined();
      });

      it('late does not touch the next hold of the same execution', async () => {
        const old = await taken();
        await ledger.release(FLEET, old);
        await taken();
        await ledger.release(FLEET, old);
        expect(await held()).toMatchObject({ holder: ONE, generation: 2 });
      });

      it('keeps the pending request', async () => {
        const hold = await taken();
        await ledger.pend(FLEET, request('two'), undefined);
        await ledger.release(FLEET, hold);
        expect(await row()).toEqual({ fleet: FLEET, generation: 1, pending: request('two') });
      });
    });

    describe('the pending slot', () => {
      it('takes a request while the lock is held', async () => {
        await taken();
        expect(await ledger.pend(FLEET, request('two'), undefined)).toBe(true);
        expect((await row())?.pending).toEqual(request('two'));
      });

      it('takes none while the lock is free', async () => {
        expect(await ledger.pend(FLEET, request('two'), undefined)).toBe(false);
        expect(await row()).toBeUndefined();
        await ledger.release(FLEET, await taken());
        expect(await ledger.pend(FLEET, request('two'), undefined)).toBe(false);
        expect(await row()).not.toHaveProperty('pending');
      });

      it('takes the same request twice', async () => {
        await taken();
        await ledger.pend(FLEET, request('two'), undefined);
        expect(await ledger.pend(FLEET, request('two'), undefined)).toBe(true);
      });

      it('is not overwritten by who believes it empty', async () => {
        await taken();
        await ledger.pend(FLEET, request('two'), undefined);
        expect(await ledger.pend(FLEET, request('three'), undefined)).toBe(false);
        expect((await row())?.pending).toEqual(request('two'));
      });

      it('is overwritten by who says whom it replaces', async () => {
        await taken();
        await ledger.pend(FLEET, request('two'), undefined);
        expect(await ledger.pend(FLEET, request('three'), request('two'))).toBe(true);
        expect((await row())?.pending).toEqual(request('three'));
      });

      it('keeps what was the newest version for a request, and not for the one that replaces it', async () => {
        await taken();
        const marked = { ...request('two'), newestVersionId: 'v-newest' };
        await ledger.pend(FLEET, marked, undefined);
        expect((await row())?.pending).toEqual(marked);
        await ledger.pend(FLEET, request('three'), marked);
        expect((await row())?.pending).toEqual(request('three'));
        await ledger.pend(FLEET, marked, request('three'));
        await ledger.clearPending(FLEET, 'two');
        expect(await row()).not.toHaveProperty('pending');
      });

      it('is not overwritten by who says another', async () => {
        await taken();
        await ledger.pend(FLEET, request('two'), undefined);
        expect(await ledger.pend(FLEET, request('four'), request('three'))).toBe(false);
        await ledger.clearPending(FLEET, 'two');
        expect(await ledger.pend(FLEET, request('four'), request('two'))).toBe(false);
        expect(await row()).not.toHaveProperty('pending');
      });

      it('is emptied of this request only', async () => {
        await taken();
        await ledger.pend(FLEET, request('two'), undefined);
        await ledger.clearPending(FLEET, 'another');
        expect((await row())?.pending).toEqual(request('two'));
        await ledger.clearPending(FLEET, 'two');
        await ledger.clearPending(FLEET, 'two');
        expect(await row()).toMatchObject({ held: { holder: ONE } });
        expect(await row()).not.toHaveProperty('pending');
      });

      it('of a fleet without a row is empty, and stays so', async () => {
        await ledger.clearPending(FLEET, 'two');
        expect(await row()).toBeUndefined();
      });

      it('refuses an input that would crowd the row', async () => {
        await taken();
        const large = { ...request('two'), input: 'x'.repeat(64_001) };
        await expect(ledger.pend(FLEET, large, undefined)).rejects.toMatchObject({ name: 'InvalidInput' });
      });
    });

    describe('a request to cancel', () => {
      it('reaches the holder', async () => {
        await entered('shift');
        expect(await ledger.requestCancel(FLEET, ONE, 'ops')).toBe(true);
        expect(await held()).toMatchObject({ cancel: { by: 'ops', at: expect.any(Date) } });
      });

      it('that is repeated stays the first one', async () => {
        await taken();
        await ledger.requestCancel(FLEET, ONE, 'ops');
        const before = await row();
        expect(await ledger.requestCancel(FLEET, ONE, 'somebody else')).toBe(true);
        expect(await row()).toEqual(before);
      });

      it('does not reach who does not hold the lock', async () => {
        expect(await ledger.requestCancel(FLEET, ONE, 'ops')).toBe(false);
        expect(await row()).toBeUndefined();
        await taken();
        expect(await ledger.requestCancel(FLEET, TWO, 'ops')).toBe(false);
        expect(await held()).not.toHaveProperty('cancel');
      });

      it('comes too late behind the point of no return', async () => {
        await entered('remove');
        expect(await ledger.requestCancel(FLEET, ONE, 'ops')).toBe(false);
        expect(await held()).not.toHaveProperty('cancel');
      });

      it('either keeps the holder from removing, or comes too late: never both', async ({ skip }) => {
        skip(!subject.honours.atomicWrites, 'this stand-in may let two writers through at once');
        const hold = await entered('shift');
        const [asked, removing] = await Promise.allSettled([
          ledger.requestCancel(FLEET, ONE, 'ops'),
          ledger.enter(FLEET, hold, 'remove', '{}'),
        ]);
        const phase = (await held())?.phase;
        const cancels = asked.status === 'fulfilled' && asked.value;
        expect(phase).toBe(cancels ? 'shift' : 'remove');
        if (removing.status === 'rejected') expect(removing.reason).toEqual(wasCancelled);
        expect(removing.status).toBe(cancels ? 'rejected' : 'fulfilled');
      });
    });

    describe('waiting for a person', () => {
      const until = new Date('2999-03-01T10:00:00.123Z');

      it('is written down by the holder alone', async () => {
        const hold = await entered('bring-up');
        await ledger.awaitPerson(FLEET, hold, 'before-shift', until);
        await ledger.awaitPerson(FLEET, hold, 'before-shift', until);
        expect((await held())?.waits).toEqual({ where: 'before-shift', until });
        const other = { holder: TWO, generation: hold.generation };
        await expect(ledger.awaitPerson(FLEET, other, 'after-shift', until)).rejects.toEqual(lockLost);
      });

      it('ends with the first word, which counts where it was said, once', async () => {
        const hold = await entered('bring-up');
        expect(await ledger.letGoOn(FLEET, ONE, 'before-shift', 'early')).toBe(false);
        await ledger.awaitPerson(FLEET, hold, 'before-shift', until);
        expect(await ledger.letGoOn(FLEET, TWO, 'before-shift', 'for another')).toBe(false);
        expect(await ledger.letGoOn(FLEET, ONE, 'after-shift', 'elsewhere')).toBe(false);
        expect(await held()).not.toHaveProperty('go');
        expect(await ledger.letGoOn(FLEET, ONE, 'before-shift', 'Hanako')).toBe(true);
        expect(await ledger.letGoOn(FLEET, ONE, 'before-shift', 'Taro')).toBe(true);
        expect((await held())?.go).toMatchObject({
          where: 'before-shift',
          by: 'Hanako',
          at: expect.any(Date),
        });
        await ledger.awaitPerson(FLEET, hold, 'after-shift', until);
        expect(await ledger.letGoOn(FLEET, ONE, 'after-shift', 'Taro')).toBe(true);
        expect((await held())?.go).toMatchObject({ where: 'after-shift', by: 'Taro' });
      });

      it.each<[string, (hold: Hold) => Promise<unknown>]>([
        ['whose time is over', (hold) => ledger.awaitPerson(FLEET, hold, 'after-shift', new Date(0))],
        ['that somebody has cancelled', () => ledger.requestCancel(FLEET, ONE, 'Taro')],
        ['that undoes itself', (hold) => ledger.enter(FLEET, hold, 'undo', '{}')],
        ['that has passed the point of no return', (hold) => ledger.enter(FLEET, hold, 'remove', '{}')],
      ])('hears no word anymore %s', async (_, happens) => {
        const hold = await entered('shift');
        await ledger.awaitPerson(FLEET, hold, 'after-shift', until);
        await happens(hold);
        expect(await ledger.letGoOn(FLEET, ONE, 'after-shift', 'Hanako')).toBe(false);
        expect(await held()).not.toHaveProperty('go');
      });

      it('goes with the lock, and with a take-over', async () => {
        const hold = await entered('shift');
        await ledger.awaitPerson(FLEET, hold, 'after-shift', until);
        await ledger.letGoOn(FLEET, ONE, 'after-shift', 'Hanako');
        await ledger.takeOver(FLEET, hold, THREE, DIED_AT);
        expect(Object.keys((await held()) ?? {})).not.toEqual(expect.arrayContaining(['waits']));
        expect(await held()).not.toHaveProperty('go');
      });
    });

    describe('what is owed', () => {
      const debt = (deployment: string): Debt => ({
        kind: 'status',
        deployment,
        since: '2026-03-01T09:00:00.123Z',
        status: 'working',
        service: 'blog',
        role: 'app',
        hosts: ['host-1', 'host-2'],
      });

      it('outlives the lock, its next holder and what waits', async () => {
        const hold = await entered('undo');
        expect(await ledger.owe(FLEET, [debt('one')], 0)).toBeTypeOf('boolean');
        await ledger.release(FLEET, hold);
        const owed = { version: 1, debts: [debt('one')] };
        expect(await row()).toEqual({ fleet: FLEET, generation: 1, owed });
        await taken(TWO);
        expect((await row())?.owed).toEqual(owed);
      });

      it('is changed only by who knows what is owed', async () => {
        await taken();
        await ledger.owe(FLEET, [debt('one')], 0);
        expect(await ledger.owe(FLEET, [debt('two')], 0)).toBe(false);
        expect((await row())?.owed?.debts).toEqual([debt('one')]);
        await ledger.owe(FLEET, [], 1);
        expect((await row())?.owed).toEqual({ version: 2, debts: [] });
        expect(await ledger.owe(FLEET, [debt('two')], 1)).toBe(false);
      });

      it('is refused of a fleet that was never deployed, and beyond what a row has room for', async () => {
        expect(await ledger.owe(FLEET, [debt('one')], 0)).toBe(false);
        await taken();
        const hosts = Array.from({ length: 4_000 }, () => randomBytes(8).toString('hex'));
        const large = ledger.owe(FLEET, [{ ...debt('one'), hosts } as Debt], 0);
        await expect(large).rejects.toThrow(expect.objectContaining({ name: 'InvalidInput' }));
      });
    });

    describe('being on hold', () => {
      const onHold = { reason: 'it moves', by: 'ops', since: new Date('2026-03-01T09:00:00.123Z') };
      const other = { ...onHold, by: 'dev', until: new Date('2026-03-02T09:00:00Z') };

      it('is known of a fleet that was never deployed, whose first holder is the first all the same', async () => {
        expect(await ledger.putOnHold(FLEET, onHold, undefined)).toBe(true);
        expect(await row()).toEqual({ fleet: FLEET, generation: 0, onHold });
        expect(await taken()).toEqual({ holder: ONE, generation: 1 });
      });

      it('outlives the lock and its holders, and takes the lock from nobody', async () => {
        const hold = await entered('shift');
        await ledger.putOnHold(FLEET, other, undefined);
        await ledger.enter(FLEET, hold, 'remove', '{}');
        await ledger.release(FLEET, hold);
        expect(await row()).toEqual({ fleet: FLEET, generation: 1, onHold: other });
      });

      it('is changed only by who knows what it replaces; and is the same twice', async () => {
        await ledger.putOnHold(FLEET, onHold, undefined);
        expect(await ledger.putOnHold(FLEET, onHold, undefined)).toBe(true);
        expect(await ledger.putOnHold(FLEET, other, undefined)).toBe(false);
        expect((await row())?.onHold).toEqual(onHold);
        expect(await ledger.putOnHold(FLEET, other, onHold)).toBe(true);
        expect((await row())?.onHold).toEqual(other);
        expect(await ledger.putOnHold(FLEET, onHold, onHold)).toBe(false);
        expect(await ledger.putOnHold(FLEET, onHold, other)).toBe(true);
        // No end of the one before stays behind.
        expect((await row())?.onHold).toEqual(onHold);
      });

      it('is lifted by who knows which, and once', async () => {
        await ledger.putOnHold(FLEET, other, undefined);
        expect(await ledger.liftHold(FLEET, onHold)).toBe(false);
        expect(await ledger.liftHold(FLEET, other)).toBe(true);
        expect(await ledger.liftHold(FLEET, other)).toBe(true);
        expect(await row()).toEqual({ fleet: FLEET, generation: 0 });
      });
    });
  });
}
