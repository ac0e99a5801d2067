/** `irekae go`, and what status says of a pause: by the lock alone, because not everybody may read a history. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import { Desk, FLEET } from './desk.ts';

let desk: Desk;
let arn: string;
beforeEach(() => {
  desk = new Desk();
  arn = desk.hold('shift');
});

function waits(seconds = 600): void {
  const { holder = '', generation = 0 } = desk.held() ?? {};
  const until = new Date(desk.now().getTime() + seconds * 1_000);
  desk.world.ledger.awaitPerson(FLEET, { holder, generation }, 'after-shift', until);
}

describe('irekae go', () => {
  it.each<[string, () => void, RegExp]>([
    [
      'one that does not wait',
      () => {},
      /^deploy-2 cannot go on by your word: it does not wait for a person\./,
    ],
    [
      'one whose time is over',
      () => {
        waits(60);
        desk.pass(61);
      },
      /its time after the shift was over at 2026-11-22T03:01:00/,
    ],
    [
      'one that was cancelled',
      () => {
        waits();
        desk.world.ledger.requestCancel(FLEET, arn, 'Taro');
      },
      /Taro has cancelled it/,
    ],
    [
      'one that has passed the point of no return',
      () => {
        waits();
        const { holder = '', generation = 0 } = desk.held() ?? {};
        desk.world.ledger.enter(FLEET, { holder, generation }, 'remove', '{}');
      },
      /it is past that/,
    ],
  ])('starts nothing for %s, and says why', async (_, happens, words) => {
    happens();
    const { exitCode, err } = await desk.run(`go ${FLEET}`);
    expect(exitCode).toBe(1);
    expect(err).toMatch(words);
    expect(desk.started()).toEqual([]);
  });

  it('says who was quicker, and starts nothing', async () => {
    waits();
    desk.world.ledger.letGoOn(FLEET, arn, 'after-shift', 'Hanako (fast)');
    const { exitCode, out } = await desk.run(`go ${FLEET}`);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^deploy-2: Hanako \(fast\) has let it go on after the shift already\.$/);
    expect(desk.started()).toEqual([]);
  });
});

describe('irekae go, to whom', () => {
  it('nobody: one that has ended is cleaned up after', async () => {
    waits();
    desk.world.executions.end(arn, 'ABORTED');
    desk.pass(30);
    expect(await desk.run(`go ${FLEET}`)).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/its execution has ended: the clean-up undoes or finishes/),
    });
    expect(desk.started()).toEqual([]);
  });

  it('nobody: the fleet is closed, and no deployment runs', async () => {
    desk = new Desk();
    desk.close();
    expect(await desk.run(`go ${FLEET}`)).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^No deployment of .* is running, and no deployment starts: `cdk deploy`/),
    });
  });

  it('nobody: nothing runs', async () => {
    desk = new Desk();
    expect(await desk.run(`go ${FLEET}`)).toMatchObject({
      exitCode: 1,
      err: `No deployment of ${FLEET} is running: nothing waits.`,
    });
  });
});

describe('irekae go, through the door', () => {
  const described = (state: ExecutionState, more = {}) => {
    const describe = async () => ({ input: '{}', state, ...more }) as never;
    return { ports: { executions: { ...desk.world.ports.executions, describe } } };
  };
  const ended = (status: string) => ({ state: 'ended', status, at: desk.now() }) as ExecutionState;

  it('says that it goes on, and from where', async () => {
    waits();
    const { exitCode, out } = await desk.run(`go ${FLEET} --reason fine`, described(ended('SUCCEEDED')));
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^deploy-2 goes on from after the shift: it notices this at its next look/m);
  });

  it('says why the door refused the word', async () => {
    waits();
    const error = { error: 'NotTold', cause: 'deploy-2 cannot be told to go on: too late.' };
    expect(await desk.run(`go ${FLEET}`, described(ended('FAILED'), error))).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/NotTold: deploy-2 cannot be told to go on: too late/),
    });
  });

  it('says that nobody knows, when the door does not end in a minute', async () => {
    waits();
    const pause = async (seconds: number) => desk.pass(seconds);
    const { ports } = described({ state: 'running' } as ExecutionState);
    expect(await desk.run(`go ${FLEET}`, { ports: { ...ports, pause } })).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/was started to tell deploy-2, and has not ended in 60 s/),
    });
  });
});

describe('irekae status', () => {
  const status = async () => (await desk.run(`status ${FLEET}`)).out;

  it('says what it waits for, until when, and what to type; then who has let it go on', async () => {
    expect(await status()).not.toMatch(/waits for|irekae go/);
    waits();
    expect(await status()).toMatch(/waits for +a person after the shift, until 2026-11-22 03:10:00 UTC$/m);
    expect(await status()).toMatch(/^To let it go on: .*irekae go/m);
    desk.world.ledger.letGoOn(FLEET, arn, 'after-shift', 'Hanako (fast)');
    desk.pass(65);
    expect(await status()).toMatch(/let go on +after the shift, by Hanako \(fast\), .* 65 s ago$/m);
    expect(await status()).not.toMatch(/waits for|irekae go/);
  });
});
