/** `irekae cancel`: who is asked to undo itself, and what is said when that is not possible. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Phase } from '../../lambdas/ports/ledger.ts';
import { Desk, FLEET } from './desk.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});

describe('irekae cancel', () => {
  it('asks the holder, says what happens next, and what is deployed then', async () => {
    desk.hold('bring-up');
    desk.pend('v9');
    const said = await desk.run(`cancel ${FLEET} --reason=wrong-config`);
    expect(said.out).toBe(
      [
        'Asked deploy-2 to undo itself (phase bring-up), by Operator/hanako (wrong-config).',
        'It notices this at its next look. It undoes itself and ends as Cancelled: the old hosts are in service, and what it launched is terminated.',
        'What is waiting is deployed next, version v9; this does not cancel it.',
        `To see how it ends:  npx --no -- irekae watch ${FLEET}`,
      ].join('\n'),
    );
    expect(said).toMatchObject({ exitCode: 0, err: '' });
    expect(desk.held()?.cancel?.by).toBe('Operator/hanako (wrong-config)');
  });

  it('calls a waiting rollback a rollback', async () => {
    desk.hold('bring-up');
    desk.pendRollback('deploy-1', 'v1');
    expect((await desk.run(`cancel ${FLEET}`)).out).toContain(
      'What is waiting is deployed next, the rollback to deploy-1 (version v1); this does not cancel it.',
    );
  });

  it.each<[Phase, 0 | 1, RegExp]>([
    ['agree', 0, /It has changed nothing yet: it ends as Cancelled/],
    ['bring-up', 0, /what it launched is terminated/],
    ['shift', 0, /the old hosts are in service/],
    ['remove', 1, /^Too late: deploy-2 has passed the point of no return/],
    ['undo', 0, /^deploy-2 is already undoing itself/],
  ])('in the phase %s ends with exit code %i', async (phase, exitCode, words) => {
    desk.hold(phase);
    const said = await desk.run(`cancel ${FLEET}`);
    expect(said.exitCode).toBe(exitCode);
    expect(exitCode === 0 ? said.out : said.err).toMatch(words);
    expect(desk.held()?.cancel !== undefined).toBe(exitCode === 0 && phase !== 'undo');
  });

  it('says how to go back when it is too late', async () => {
    desk.hold('remove');
    expect((await desk.run(`cancel ${FLEET}`)).err).toMatch(
      /irekae rollback reactio-production-app --reason 'instead of deploy-2' --wait/,
    );
  });

  it('keeps the first request and names who made it', async () => {
    desk.hold('shift');
    await desk.run(`cancel ${FLEET}`);
    desk.pass(65);
    const said = await desk.run(`cancel ${FLEET} --reason again`);
    expect(said).toMatchObject({
      exitCode: 0,
      out: 'Already requested by Operator/hanako, 2026-11-22 03:00:00 UTC, 65 s ago: deploy-2 is undoing itself.',
    });
    expect(desk.held()?.cancel?.by).toBe('Operator/hanako');
  });

  it('says that nothing runs, and that the fleet was never deployed', async () => {
    expect(await desk.run(`cancel ${FLEET}`)).toMatchObject({
      exitCode: 1,
      err: `No deployment of ${FLEET} is running (it was never deployed): nothing to cancel.`,
    });
  });

  it.each([
    [undefined, /The clean-up undoes or finishes what it left automatically, within 5 minutes/],
    ['half of it is left', /It left the rest to a human/],
  ])('asks nobody who has ended already (needs a human: %s)', async (human, words) => {
    const arn = desk.hold('shift');
    if (human) desk.callHuman(human);
    desk.world.executions.end(arn, 'ABORTED');
    const said = await desk.run(`cancel ${FLEET}`);
    expect(said.exitCode).toBe(1);
    expect(said.err).toMatch(words);
    expect(said.err).toContain(`irekae unlock ${FLEET}`);
    expect(desk.held()?.cancel).toBeUndefined();
  });

  it('says that it is too late when the point of no return is passed between look and request', async () => {
    desk.hold('shift');
    const { ledger } = desk.world.ports;
    const requestCancel: typeof ledger.requestCancel = (...args) => {
      const held = desk.held();
      if (held) desk.world.ledger.enter(FLEET, held, 'remove', '{}');
      return ledger.requestCancel(...args);
    };
    const said = await desk.run(`cancel ${FLEET}`, { ports: { ledger: { ...ledger, requestCancel } } });
    expect(said.exitCode).toBe(1);
    expect(said.err).toMatch(/^Too late/);
  });

  it('does not ask the next holder for what was meant for the one before', async () => {
    desk.hold('shift');
    const { ledger } = desk.world.ports;
    const requestCancel: typeof ledger.requestCancel = (...args) => {
      const held = desk.held();
      if (held) desk.world.ledger.release(FLEET, held);
      desk.hold('bring-up', { name: 'deploy-3' });
      return ledger.requestCancel(...args);
    };
    const said = await desk.run(`cancel ${FLEET}`, { ports: { ledger: { ...ledger, requestCancel } } });
    expect(said.exitCode).toBe(1);
    expect(said.err).toMatch(
      /Another deployment now holds the lock of .*: deploy-3\.\nNothing was requested/,
    );
    expect(desk.held()?.cancel).toBeUndefined();
  });

  it('tells machines the same as one JSON document', async () => {
    const arn = desk.hold('bring-up');
    const { out, err } = await desk.run(`cancel ${FLEET} --json`);
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({
      command: 'cancel',
      fleet: FLEET,
      outcome: 'requested',
      result: { execution: arn, phase: 'bring-up', by: 'Operator/hanako' },
    });
  });
});
