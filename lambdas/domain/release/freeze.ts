/**
 * Freeze windows: times in which a fleet is not deployed, on the clocks of a time zone. Each window is one stretch of
 * time: from the first moment at which the clocks show its beginning to the last at which they show its end, so that
 * an hour that comes twice is frozen as a whole.
 */
import type { FreezeWindow } from '../core/fleet.ts';
import { daysLater, localDate, localTime, momentOf, weekdayOf } from '../core/local-time.ts';
import { list } from '../core/words.ts';

export interface Freeze {
  /** Of the windows that are open now. */
  readonly labels: readonly string[];
  /** When the last of them ends, and of those that follow without a gap. */
  readonly until: Date;
  /** `until` is not the end: windows follow each other for longer than is worth looking. */
  readonly goesOn: boolean;
  /** Of the window that ends it. */
  readonly timeZone: string;
}

interface Stretch {
  readonly window: FreezeWindow;
  readonly from: Date;
  readonly to: Date;
}

/** Windows that follow each other without a gap are looked through so far. */
const MOST_FOLLOWING = 60;

/** @returns the freeze that a moment lies in, or nothing. */
export function freezeAt(windows: readonly FreezeWindow[], moment: Date): Freeze | undefined {
  const open = openAt(windows, moment);
  let last = latest(open);
  if (last === undefined) return undefined;
  for (let followed = 0; followed < MOST_FOLLOWING; followed += 1) {
    const next = latest(openAt(windows, last.to));
    if (next === undefined) break;
    last = next;
  }
  return {
    labels: [...new Set(open.map(({ window }) => window.label))],
    until: last.to,
    goesOn: openAt(windows, last.to).length > 0,
    timeZone: last.window.timeZone,
  };
}

/** `weekend, until Mon 2026-11-23 00:00 in Asia/Tokyo (2026-11-22T15:00Z)` */
export function freezeSentence({ labels, until, goesOn, timeZone }: Freeze): string {
  const local = localTime(until, timeZone);
  const utc = `${until.toISOString().slice(0, 16)}Z`;
  const [first = '', ...rest] = weekdayOf(local.slice(0, 10));
  const when = `${first.toUpperCase()}${rest.join('')} ${local.replace('T', ' ')} in ${timeZone} (${utc})`;
  return `${list(labels)}, until ${goesOn ? 'at least ' : ''}${when}`;
}

function openAt(windows: readonly FreezeWindow[], moment: Date): Stretch[] {
  return windows
    .flatMap((window) => stretchesNear(window, moment))
    .filter(({ from, to }) => from <= moment && moment < to);
}

const latest = (stretches: readonly Stretch[]): Stretch | undefined =>
  stretches.reduce<Stretch | undefined>(
    (last, each) => (last === undefined || each.to > last.to ? each : last),
    undefined,
  );

/** Those of a window that could hold the moment: a weekly one begins today, or yesterday and goes over midnight. */
function stretchesNear(window: FreezeWindow, moment: Date): Stretch[] {
  if (window.kind === 'dated') return [stretch(window, window.from, window.to)];
  const today = localDate(moment, window.timeZone);
  return [daysLater(today, -1), today]
    .filter((date) => window.days.includes(weekdayOf(date)))
    .map((date) => stretch(window, `${date}T${window.from}`, endOf(date, window)));
}

/** Midnight at the end of a day is `24:00` to people, and `00:00` of the next day to clocks. */
function endOf(date: string, { from, to }: { readonly from: string; readonly to: string }): string {
  if (to === '24:00') return `${daysLater(date, 1)}T00:00`;
  return `${to > from ? date : daysLater(date, 1)}T${to}`;
}

const stretch = (window: FreezeWindow, from: string, to: string): Stretch => ({
  window,
  from: momentOf(from, window.timeZone, 'first'),
  to: momentOf(to, window.timeZone, 'last'),
});
