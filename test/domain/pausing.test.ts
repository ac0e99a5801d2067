/** Pauses, and the door for people's words. */
import { describe, expect, it } from 'vitest';
import type { After } from '../../lambdas/domain/core/document.ts';
import { mostSparseLooks, sparsePause } from '../../lambdas/domain/core/looks.ts';
import type { Pause } from '../../lambdas/domain/core/points.ts';
import { doubledSentence } from '../../lambdas/domain/hosts/meanwhile.ts';
import { waitsFrom } from '../../lambdas/domain/hosts/side-by-side.ts';
import { decidePause, pauseSentence } from '../../lambdas/domain/lock/pausing.ts';
import { judgeWord } from '../../lambdas/domain/lock/told.ts';
import type { LedgerRow, Phase } from '../../lambdas/ports/ledger.ts';
import { agreed, aLook, at, EXECUTION, iso, launched } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';

const PAUSE: Pause = { at: 'after-shift', timeoutMinutes: 30, then: 'undo' };
const until = at(1_800);
const go = { where: 'after-shift', by: 'Hanako (it is fast)', at: at(5) };

describe('decidePause', () => {
  const facts = { pause: PAUSE, deadline: until, now: at(60), go: undefined, meanwhile: {} };

  it.each([
    ['waits while nobody has said anything', {}, { over: false }],
    [
      'goes on when somebody says so',
      { go },
      { over: true, decided: expect.stringMatching(/Hanako \(it is fast\) let it go on/) },
    ],
    [
      'hears no word that was said at another point',
      { go: { ...go, where: 'before-shift' } },
      { over: false },
    ],
    ['hears a word in its last look', { go, now: until }, { over: true }],
    [
      'goes on by itself where the fleet says so',
      { now: until, pause: { ...PAUSE, then: 'go on' as const } },
      { over: true, decided: expect.stringMatching(/nobody said anything in 30 min: it goes on/) },
    ],
    [
      'goes on with no host that is not ready just now',
      { go, meanwhile: { lacks: '1 of 2 ready' } },
      { over: false, lacks: '1 of 2 ready' },
    ],
    [
      'nor by itself',
      { now: until, pause: { ...PAUSE, then: 'go on' as const }, meanwhile: { lacks: '1 of 2 ready' } },
      { over: false },
    ],
  ])('%s', (_, changes, verdict) => expect(decidePause({ ...facts, ...changes })).toMatchObject(verdict));

  it('is undone when nobody has said anything, and the fleet says so', () =>
    expect(() => decidePause({ ...facts, now: until })).toThrow(
      failure('NotContinued', /Nobody let the deployment go on after the shift in 30 min/),
    ));
});

describe('The sentence of a pause', () => {
  it('says what it waits for, until when, what happens then, what that costs, and what to type', () =>
    expect(pauseSentence(launched(), PAUSE, until)).toBe(
      'waits for a person after the shift, until 2026-03-01 09:30:00 UTC, and then is undone; 4 hosts run instead of 2 meanwhile, ' +
        'each hour of which is 2 instance-hours more (2 × t4g.small); to let it go on: npx --no -- irekae go shop, to have it undone: cancel',
    ));

  it('says that nothing costs anything before the launch', () =>
    expect(doubledSentence(agreed())).toBe('nothing was launched yet'));
});

it('What was waited for before the shift is not the new hosts’ time to be ready', () => {
  const deployment = launched() as After<'launch'>;
  expect(waitsFrom(deployment).at).toBe(deployment.launch.at);
  const paused = { ...deployment, pauseBeforeShift: { ...aLook(), since: iso(100), at: iso(700) } };
  const late = new Date(deployment.launch.at).getTime() + 600_000;
  expect(waitsFrom(paused).at).toBe(new Date(late).toISOString());
});

describe('judgeWord', () => {
  type Held = NonNullable<LedgerRow['held']>;
  const held = (changes: Partial<Held> = {}): Held => ({
    holder: EXECUTION,
    generation: 7,
    phase: 'shift',
    since: at(0),
    startedBy: 'CI',
    waits: { where: 'after-shift', until },
    ...changes,
  });
  const deployment = 'deploy-2';
  const judge = (what: 'go' | 'cancel', now: Held | undefined, isDead = false, when = at(60)) =>
    judgeWord({ what, deployment }, now, isDead, when);

  it('hears both from whoever names the deployment that waits', () => {
    expect(judge('go', held())).toEqual({ is: 'heard', where: 'after-shift' });
    expect(judge('cancel', held())).toEqual({ is: 'heard' });
  });

  it.each<['go' | 'cancel', string, Held | undefined, RegExp]>([
    ['go', 'nobody', undefined, /no deployment of the fleet runs/],
    [
      'cancel',
      'another one',
      held({ holder: `${EXECUTION}0` }),
      /deploy-20 holds the fleet’s lock, and not deploy-2/,
    ],
    ['go', 'one that does not wait', { ...held(), waits: undefined } as never, /does not wait for a person/],
    ['go', 'one that is being finished', held({ phase: 'remove' }), /past that, in the act “Remove”/],
    ['go', 'one that undoes itself', held({ phase: 'undo' }), /past that, in the act “Undo”/],
    ['go', 'one that was cancelled', held({ cancel: { by: 'Taro', at: at(1) } }), /Taro has cancelled it/],
    ['go', 'one that is left to a human', held({ needsHuman: 'halfway' }), /left the rest to a human/],
    [
      'go',
      'one that waits at a point of a later release',
      held({ waits: { where: 'at-noon', until } }),
      /does not wait/,
    ],
    ['cancel', 'one past the point of no return', held({ phase: 'remove' }), /passed the point of no return/],
  ])('refuses to tell (%s) %s', (what, _, now, why) =>
    expect(judge(what, now)).toEqual({ is: 'refused', sentence: expect.stringMatching(why) }),
  );

  it('refuses what comes too late, and to tell the dead', () => {
    expect(judge('go', held(), false, at(1_801))).toMatchObject({
      is: 'refused',
      sentence: expect.stringMatching(/its time after the shift was over/),
    });
    for (const what of ['go', 'cancel'] as const)
      expect(judge(what, held(), true)).toMatchObject({
        is: 'refused',
        sentence: expect.stringMatching(/execution has ended/),
      });
  });

  it.each<['go' | 'cancel', Partial<Held>, RegExp]>([
    ['go', { go }, /Hanako \(it is fast\) has let it go on after the shift already/],
    ['cancel', { cancel: { by: 'Taro', at: at(1) } }, /Taro has cancelled it already/],
    ['cancel', { phase: 'undo' as Phase }, /undoing itself already/],
  ])('knows what was said before (%s)', (what, changes, words) =>
    expect(judge(what, held(changes))).toEqual({ is: 'known', sentence: expect.stringMatching(words) }),
  );
});

describe('Whoever waits for long', () => {
  it('looks every 15 s at first, then every sixteenth of what has passed, ten minutes at most', () =>
    expect([0, 240, 960, 3_600, 86_400].map(sparsePause)).toEqual([15, 15, 60, 225, 600]));

  it('has looked about 200 times in a day', () => expect(mostSparseLooks(86_400)).toBeLessThan(210));
});
