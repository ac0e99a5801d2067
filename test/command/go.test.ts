/** `irekae go`, and what status says of a pause: by the lock alone, because not everybody may read a history. */
import { beforeEach, describe, expect, it } from 'vitest';
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
