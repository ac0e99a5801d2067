/** Freeze windows on the clocks of their time zones: also in the two nights a year in which these jump. */

import { describe, expect, it } from 'vitest';
import type { FreezeWindow } from '../../lambdas/domain/core/fleet.ts';
import { localTime, momentOf } from '../../lambdas/domain/core/local-time.ts';
import { freezeAt, freezeSentence } from '../../lambdas/domain/release/freeze.ts';

const TOKYO = 'Asia/Tokyo';
/** Clocks go forward on 8 March 2026 at 2:00 (7:00 UTC), and back on 1 November at 2:00 (6:00 UTC). */
const NEW_YORK = 'America/New_York';
/** Clocks go by half an hour only: forward on 4 October 2026 at 2:00, back on 5 April at 2:00. */
const LORD_HOWE = 'Australia/Lord_Howe';

describe('momentOf', () => {
  it.each<[string, string, string, 'first' | 'last', string]>([
    ['a zone without summer time', '2026-11-22T12:00', TOKYO, 'first', '2026-11-22T03:00:00.000Z'],
    [
      'a zone east of the date line',
      '2026-01-01T00:30',
      'Pacific/Kiritimati',
      'first',
      '2025-12-31T10:30:00.000Z',
    ],
    ['a zone of quarters', '2026-06-01T00:00', 'Asia/Kathmandu', 'last', '2026-05-31T18:15:00.000Z'],
    ['winter', '2026-03-07T12:00', NEW_YORK, 'first', '2026-03-07T17:00:00.000Z'],
    ['the last minute before the jump', '2026-03-08T01:59', NEW_YORK, 'first', '2026-03-08T06:59:00.000Z'],
    [
      'a time that is jumped over: its beginning',
      '2026-03-08T02:30',
      NEW_YORK,
      'first',
      '2026-03-08T07:00:00.000Z',
    ],
    ['a time that is jumped over: its end', '2026-03-08T02:30', NEW_YORK, 'last', '2026-03-08T07:00:00.000Z'],
    ['the first minute after the jump', '2026-03-08T03:00', NEW_YORK, 'last', '2026-03-08T07:00:00.000Z'],
    ['a time that comes twice, first', '2026-11-01T01:30', NEW_YORK, 'first', '2026-11-01T05:30:00.000Z'],
    ['a time that comes twice, last', '2026-11-01T01:30', NEW_YORK, 'last', '2026-11-01T06:30:00.000Z'],
    ['after the hour that came twice', '2026-11-01T02:00', NEW_YORK, 'first', '2026-11-01T07:00:00.000Z'],
    [
      'half an hour that comes twice, first',
      '2026-04-05T01:45',
      LORD_HOWE,
      'first',
      '2026-04-04T14:45:00.000Z',
    ],
    [
      'half an hour that comes twice, last',
      '2026-04-05T01:45',
      LORD_HOWE,
      'last',
      '2026-04-04T15:15:00.000Z',
    ],
    ['half an hour that is jumped over', '2026-10-04T02:15', LORD_HOWE, 'first', '2026-10-03T15:30:00.000Z'],
  ])('knows %s', (_what, local, zone, which, moment) =>
    expect(momentOf(local, zone, which).toISOString()).toBe(moment),
  );

  it('is the way back from what the clocks show, on every hour of a year', () => {
    for (const zone of [TOKYO, NEW_YORK, LORD_HOWE, 'Africa/Casablanca', 'Europe/Dublin']) {
      for (let hour = 0; hour < 366 * 24; hour += 7) {
        const moment = new Date(Date.UTC(2026, 0, 1, hour));
        const local = localTime(moment, zone);
        const both = (['first', 'last'] as const).map((which) => momentOf(local, zone, which).getTime());
        expect(both, `${local} in ${zone}`).toContain(moment.getTime());
      }
    }
  });
});

const weekly = (changes: Partial<Extract<FreezeWindow, { kind: 'weekly' }>> = {}): FreezeWindow => ({
  kind: 'weekly',
  label: 'night',
  timeZone: TOKYO,
  days: ['fri'],
  from: '22:00',
  to: '06:00',
  ...changes,
});
const dated = (from: string, to: string, timeZone = TOKYO): FreezeWindow => ({
  kind: 'dated',
  label: 'year end',
  timeZone,
  from,
  to,
});
const WEEKEND = weekly({ label: 'weekend', days: ['sat', 'sun'], from: '00:00', to: '24:00' });
const NEW_YORK_NIGHT = weekly({ timeZone: NEW_YORK, days: ['sat'], from: '23:00', to: '02:30' });
const NEW_YORK_EARLY = weekly({ timeZone: NEW_YORK, days: ['sun'], from: '01:30', to: '01:45' });

/** The 27th of November 2026 is a Friday. */
describe('freezeAt', () => {
  it.each<[string, readonly FreezeWindow[], string, string | undefined]>([
    ['no windows', [], '2026-11-27T13:00Z', undefined],
    ['a minute before', [weekly()], '2026-11-27T12:59Z', undefined],
    ['its first minute', [weekly()], '2026-11-27T13:00Z', '2026-11-27T21:00Z'],
    [
      'over midnight, on a day that it does not begin on',
      [weekly()],
      '2026-11-27T20:59Z',
      '2026-11-27T21:00Z',
    ],
    ['the moment at which it ends', [weekly()], '2026-11-27T21:00Z', undefined],
    ['the same time of another day', [weekly()], '2026-11-26T13:00Z', undefined],
    ['within a day', [weekly({ from: '09:00', to: '17:00' })], '2026-11-27T00:00Z', '2026-11-27T08:00Z'],
    ['after it, within the day', [weekly({ from: '09:00', to: '17:00' })], '2026-11-27T08:00Z', undefined],
    ['up to midnight', [weekly({ from: '22:00', to: '24:00' })], '2026-11-27T14:59Z', '2026-11-27T15:00Z'],
    ['at midnight', [weekly({ from: '22:00', to: '00:00' })], '2026-11-27T15:00Z', undefined],
    ['days that follow each other', [WEEKEND], '2026-11-28T03:00Z', '2026-11-29T15:00Z'],
    ['adjacent windows', [weekly({ to: '24:00' }), WEEKEND], '2026-11-27T14:00Z', '2026-11-29T15:00Z'],
    ['overlapping windows', [weekly(), WEEKEND], '2026-11-27T14:00Z', '2026-11-29T15:00Z'],
    ['windows with a gap', [weekly({ to: '23:00' }), WEEKEND], '2026-11-27T13:30Z', '2026-11-27T14:00Z'],
    [
      'a dated window, and the weekend behind it',
      [dated('2026-11-25T00:00', '2026-11-28T10:00'), WEEKEND],
      '2026-11-26T00:00Z',
      '2026-11-29T15:00Z',
    ],
    [
      'before a dated window',
      [dated('2026-12-28T18:00', '2027-01-04T09:00')],
      '2026-12-28T08:59Z',
      undefined,
    ],
    [
      'over a dated window',
      [dated('2026-12-28T18:00', '2027-01-04T09:00')],
      '2026-12-28T09:00Z',
      '2027-01-04T00:00Z',
    ],
    ['the night with the hour that comes twice', [NEW_YORK_NIGHT], '2026-11-01T06:59Z', '2026-11-01T07:30Z'],
    ['the hour that comes twice, the first time', [NEW_YORK_EARLY], '2026-11-01T05:30Z', '2026-11-01T06:45Z'],
    ['the hour that comes twice, in between', [NEW_YORK_EARLY], '2026-11-01T06:10Z', '2026-11-01T06:45Z'],
    ['the night without its hour', [NEW_YORK_NIGHT], '2026-03-08T06:59Z', '2026-03-08T07:00Z'],
    ['an end that is jumped over', [NEW_YORK_NIGHT], '2026-03-08T07:00Z', undefined],
    [
      'two zones',
      [weekly(), weekly({ timeZone: 'Europe/Berlin', from: '20:00', to: '23:00' })],
      '2026-11-27T20:00Z',
      '2026-11-27T22:00Z',
    ],
  ])('%s', (_what, windows, now, until) =>
    expect(freezeAt(windows, new Date(now))?.until).toEqual(until && new Date(until)),
  );

  it('names the windows that are open, and not those that follow', () => {
    const open = freezeAt(
      [weekly(), { ...WEEKEND, label: 'follows' }, weekly({ label: 'release' })],
      new Date('2026-11-27T14:00Z'),
    );
    expect(open?.labels).toEqual(['night', 'release']);
  });

  it('looks for an end only so far, and says that it goes on', () => {
    const always = weekly({
      label: 'hand over',
      days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
      from: '00:00',
      to: '24:00',
    });
    const freeze = freezeAt([always], new Date('2026-11-27T14:00Z'));
    expect(freeze?.goesOn).toBe(true);
    expect(freeze && freezeSentence(freeze)).toMatch(
      /^hand over, until at least [A-Z]\w\w 2027-01-\d\d 00:00 in Asia\/Tokyo/,
    );
  });

  it('tells the end by the clocks of its zone, and in UTC', () => {
    const freeze = freezeAt([WEEKEND], new Date('2026-11-28T03:00Z'));
    expect(freeze && freezeSentence(freeze)).toBe(
      'weekend, until Mon 2026-11-30 00:00 in Asia/Tokyo (2026-11-29T15:00Z)',
    );
  });
});
