/** `irekae hold` and `irekae release`: who is told what, and what becomes of two people at once. */
import { beforeEach, describe, expect, it } from 'vitest';
import { refusedBy, startAgain } from '../../bin/command/refused-meanwhile.ts';
import { parseRecord } from '../../bin/command/release-records.ts';
import { aTime, momentIn } from '../../bin/command/until.ts';
import { Desk, FLEET } from './desk.ts';
import { Theatre } from './theatre.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});
const onHold = () => desk.world.ledger.read(FLEET)?.onHold;
const hold = (...options: string[]) => desk.run(['hold', FLEET, '--reason=migration', ...options].join(' '));
const JIRO = { account: '123456789012', arn: 'arn:aws:iam::123456789012:user/jiro' };

describe('irekae hold', () => {
  it('says what happens from now on, and how to lift it', async () => {
    expect(await hold('--until', '2h')).toMatchObject({
      exitCode: 0,
      err: '',
      out: [
        `${FLEET} is on hold: migration (by Operator/hanako, 2026-11-22 03:00 UTC), until 2026-11-22 05:00 UTC.`,
        'Whatever starts a deployment until then is refused, an upload too, and nothing starts it automatically afterwards.',
        `To lift it:  npx --no -- irekae release ${FLEET}`,
      ].join('\n'),
    });
    expect(onHold()).toEqual({
      reason: 'migration',
      by: 'Operator/hanako',
      since: desk.now(),
      until: new Date(desk.now().getTime() + 7_200_000),
    });
  });

  it('says that what runs goes on, how to undo it, and what becomes of what waits', async () => {
    desk.hold('bring-up');
    desk.pend('v9');
    const { out } = await hold();
    expect(out).toContain('deploy-2 holds the lock (phase bring-up): a hold stops nothing that has begun.');
    expect(out).toContain(`To have it undone:  npx --no -- irekae cancel ${FLEET}`);
    expect(out).toContain('What is waiting, version v9, is refused when its turn comes.');
    expect(desk.held()?.cancel).toBeUndefined();
    expect((await desk.run(`cancel ${FLEET}`)).out).toContain(
      'What is waiting is refused next, as the fleet is on hold, version v9; this does not cancel it.',
    );
  });

  it.each([
    [
      [],
      /Waiting: version v9, .*; it will be refused, unless the hold has ended by then, when the lock is free\./,
    ],
    [['hold'], /Waiting: version v9, .*; it will be deployed when the lock is free\./],
  ])('holds up what waits, unless it overrides that (%s)', async (override, words) => {
    desk.hold('bring-up');
    const input = JSON.stringify({ override, reason: 'it burns' });
    desk.world.ledger.pend(FLEET, { id: 'd3', input, versionId: 'v9', since: desk.now() }, undefined);
    const { out } = await hold();
    expect(out.includes('is refused when its turn comes')).toBe(override.length === 0);
    expect((await desk.run(`status ${FLEET}`)).out).toMatch(words);
  });

  it('offers no undo of what has passed the point of no return, and takes no change for a deployment', async () => {
    desk.hold('remove');
    expect((await hold()).out).not.toContain('irekae cancel');
    desk = new Desk();
    desk.close();
    expect((await hold()).out).not.toContain('holds the lock');
  });

  it('takes the place of another one, and names it; of one that is over it says nothing', async () => {
    await hold('--until', '10m');
    desk.pass(60);
    expect((await desk.run(`hold ${FLEET} --reason=audit`, { caller: JIRO })).out).toContain(
      'It takes the place of this one: migration (by Operator/hanako, 2026-11-22 03:00 UTC), until 2026-11-22 03:10 UTC.',
    );
    expect(onHold()).toMatchObject({ reason: 'audit', by: 'jiro' });
    await hold('--until', '10m');
    desk.pass(600);
    expect((await hold()).out).not.toContain('takes the place');
  });

  it.each<[string, boolean, RegExp]>([
    ['has put it on hold', false, /^Somebody else was quicker: .* is on hold: audit \(by jiro, /],
    ['has lifted it', true, /^Somebody has just lifted the hold/],
  ])('changes nothing when somebody %s meanwhile', async (_what, isLifted, words) => {
    if (isLifted) await hold();
    const { ledger } = desk.world.ports;
    const before = onHold();
    const putOnHold: typeof ledger.putOnHold = (...args) => {
      const since = new Date(desk.now().getTime() - 1);
      if (before) desk.world.ledger.liftHold(FLEET, before);
      else desk.world.ledger.putOnHold(FLEET, { reason: 'audit', by: 'jiro', since }, undefined);
      return ledger.putOnHold(...args);
    };
    desk.pass(5);
    const said = await desk.run(`hold ${FLEET} --reason=migration`, {
      ports: { ledger: { ...ledger, putOnHold } },
    });
    expect(said.exitCode).toBe(1);
    expect(said.err).toMatch(words);
    expect(onHold()?.by).toBe(isLifted ? undefined : 'jiro');
  });

  it('says all that is wrong with it at once, and changes nothing', async () => {
    const { exitCode, err } = await desk.run(`hold ${FLEET} --reason=aa --until=soon --wait`);
    expect(exitCode).toBe(2);
    expect(err).toMatch(
      /--reason aa: allowed: words: .*\n--until soon: allowed: a time such as .*\n--wait: /,
    );
    expect(await desk.run(`hold ${FLEET}`)).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/^--reason TEXT: missing, but required/),
    });
    expect(await hold('--until', '2026-11-22T03:00Z')).toMatchObject({
      exitCode: 1,
      err: '--until 2026-11-22T03:00Z: allowed: a time after now, 2026-11-22T03:00Z. Nothing was changed.',
    });
    expect(onHold()).toBeUndefined();
  });

  it('tells machines the same as one JSON document', async () => {
    const { out } = await hold('--json');
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'on-hold',
      result: { onHold: { reason: 'migration', by: 'Operator/hanako' } },
    });
  });
});

describe('Until when', () => {
  const now = new Date('2026-11-22T03:00:00Z');
  it.each<[string, string | undefined, string | RegExp]>([
    ['90m', undefined, '2026-11-22T04:30:00.000Z'],
    ['8h', undefined, '2026-11-22T11:00:00.000Z'],
    ['3d', undefined, '2026-11-25T03:00:00.000Z'],
    ['366d', undefined, '2027-11-23T03:00:00.000Z'],
    ['2026-12-01T18:00+09:00', undefined, '2026-12-01T09:00:00.000Z'],
    ['2026-12-01T09:00:30Z', 'Asia/Tokyo', '2026-12-01T09:00:30.000Z'],
    ['2026-12-01T18:00', 'Asia/Tokyo', '2026-12-01T09:00:00.000Z'],
    ['2026-12-01T18:00:59', 'Asia/Tokyo', '2026-12-01T09:00:59.000Z'],
    // Never shown, because the clocks are turned forward: the moment of that.
    ['2027-03-28T02:30', 'Europe/Berlin', '2027-03-28T01:00:00.000Z'],
    // The clocks are turned back: the later of the two.
    ['2027-10-31T02:30', 'Europe/Berlin', '2027-10-31T01:30:00.000Z'],
    ['2026-12-01T18:00', undefined, /^an offset or Z after it, such as 2026-12-01T18:00\+09:00/],
    ['0m', undefined, /^a time after now, 2026-11-22T03:00Z$/],
    ['2026-11-22T12:00+09:00', undefined, /^a time after now/],
    ['367d', undefined, /^a time before 2027-11-23T03:00Z$/],
  ])('%s (on a terminal in %s): %s', (value, timeZone, expected) => {
    expect(aTime(value)).toBeUndefined();
    const found = momentIn(value, now, timeZone);
    const said = typeof found === 'string' ? found : found.toISOString();
    expect(said).toMatch(expected);
  });

  it.each([
    'tomorrow',
    '18:00',
    '2026-12-01',
    '5',
    '5w',
    '-5m',
    '1.5h',
    '2026-02-30T00:00Z',
    '2026-12-01T24:30Z',
  ])('not %s', (value) => expect(aTime(value)).toMatch(/^a time such as /));
  it.each(['2026-12-01T18:00+25:00', '2026-12-01T18:61Z', '2026-13-01T18:00', '9999999m'])(
    'not %s',
    (value) => expect(aTime(value)).toMatch(/^a time such as /),
  );
});

describe('irekae release', () => {
  it('says that there is nothing to lift, and of the last one that it has ended', async () => {
    expect(await desk.run(`release ${FLEET}`)).toMatchObject({
      exitCode: 0,
      out: `${FLEET} is not on hold: there is nothing to lift.`,
    });
    await hold('--until', '10m');
    desk.pass(600);
    const { exitCode, out } = await desk.run(`release ${FLEET}`);
    expect(exitCode).toBe(0);
    expect(out).toContain('Its last hold has ended by itself: migration (by Operator/hanako, ');
  });

  it('lifts it, whoever has put it there', async () => {
    await hold();
    expect(await desk.run(`release ${FLEET}`, { caller: JIRO })).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(
        /^Lifted: migration \(by Operator\/hanako, .*\)\. Deployments of .* start again\./,
      ),
    });
    expect(onHold()).toBeUndefined();
  });

  it('lifts none that it was not told of', async () => {
    await hold();
    const { ledger } = desk.world.ports;
    const liftHold: typeof ledger.liftHold = (...args) => {
      const anew = { reason: 'audit', by: 'jiro', since: desk.now() };
      desk.world.ledger.putOnHold(FLEET, anew, onHold());
      return ledger.liftHold(...args);
    };
    desk.pass(5);
    const said = await desk.run(`release ${FLEET}`, { ports: { ledger: { ...ledger, liftHold } } });
    expect(said.exitCode).toBe(1);
    expect(said.err).toMatch(/^Another hold stands by now: audit \(by jiro, /);
    expect(onHold()?.by).toBe('jiro');
  });
});

describe('What a hold has refused', () => {
  const at = (minute: number) => `2026-11-22T03:${String(minute).padStart(2, '0')}:00.000Z`;
  const record = (changes: object) => {
    const base = { deployment: 'd', outcome: 'OnHold', startedAt: at(30), finishedAt: at(30) };
    const parsed = parseRecord({ ...base, ...changes });
    if (!parsed) throw new Error('this is no record');
    return parsed;
  };
  const onHold = { reason: 'migration', by: 'ops', since: new Date(at(10)) };
  const artifact = (versionId: string) => ({ key: 'app', versionId, sha256: 'a'.repeat(64) });
  const current = record({ outcome: 'Deployed', artifact: artifact('v1'), finishedAt: at(0) });

  it.each<[string, object, object, number]>([
    ['since it stands', {}, {}, 1],
    ['not before it stood', { finishedAt: at(9) }, {}, 0],
    ['not by something else', { outcome: 'Frozen' }, {}, 0],
    [
      'by it and by another gate',
      { outcome: 'Frozen', reason: 'Frozen: … Also OnHold: shop is on hold' },
      {},
      1,
    ],
    ['not when something was deployed since', {}, { finishedAt: at(31) }, 0],
  ])('is what was refused %s', (_what, changes, deployed, found) =>
    expect(refusedBy(onHold, [record(changes)], { ...current, ...deployed })).toHaveLength(found),
  );

  it.each<[string, readonly object[], string | undefined, readonly string[]]>([
    ['an upload', [{ askedFor: 'v3' }], 'v3', ['deploy shop']],
    ['several uploads', [{ askedFor: 'v3' }, { askedFor: 'v2' }], 'v3', ['deploy shop']],
    ['an older version', [{ askedFor: 'v2' }], 'v3', ['deploy shop --version v2']],
    ['whatever was the newest', [{}], 'v3', ['deploy shop']],
    [
      'a rollback',
      [{ rolledBackTo: 'd0', why: 'it is slow' }],
      'v1',
      ["rollback shop --to d0 --reason 'it is slow'"],
    ],
    [
      'a new image, not a newest upload that was left behind',
      [{ startedBy: 'a new machine image' }],
      'v3',
      ['deploy shop --version v1 --redeploy'],
    ],
    ['nothing', [], 'v3', []],
  ])('%s is started by its own command', (_what, refused, newest, commands) =>
    expect(startAgain('shop', refused.map(record), current, newest)).toEqual(
      commands.map((each) => `npx --no -- irekae ${each} --wait`),
    ),
  );

  it('is told when it has ended by itself, too', async () => {
    const theatre = new Theatre();
    try {
      const { world, clock } = theatre.stage;
      const versionId = theatre.upload();
      const [since, until] = [clock.now(), new Date(clock.now().getTime() + 60_000)];
      world.ledger.putOnHold(FLEET, { reason: 'migration', by: 'ops', since, until }, undefined);
      expect((await theatre.stage.deploy({ versionId }, 'd1')).error).toBe('OnHold');
      await theatre.stage.wait(60);
      expect((await theatre.run(['release', FLEET])).out).toMatch(
        new RegExp(
          'has ended by itself: migration .*\n\nRefused meanwhile, and not started by itself:\n' +
            ` +d1 +${versionId} .*\n\nTo start it:\n +npx .* irekae deploy ${FLEET} --wait$`,
        ),
      );
      expect((await theatre.stage.deploy({ versionId }, 'd2')).endedIn).toBe('Deployed');
    } finally {
      theatre.close();
    }
  });
});
