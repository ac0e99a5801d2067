/**
 * Clocks on the wall: from a local time in an IANA time zone to the moment that it names, and back. `Intl` knows the
 * zones; a library would bring what the runtime has already, and only hide the two hours a year that matter here.
 */
const DAY_MILLIS = 86_400_000;

/** Making one costs more than using it a thousand times. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(timeZone, format);
  return format;
}

/** What the zone's clocks show at a moment, as if it were UTC; to the second. */
function shownAt(moment: number, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(moment);
  const [year, month, day, hour, minute, second] = PARTS.map((type) =>
    Number(parts.find((part) => part.type === type)?.value),
  ) as [number, number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
const PARTS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;

const offsetAt = (moment: number, timeZone: string): number =>
  shownAt(moment, timeZone) - Math.floor(moment / 1000) * 1000;

/** The local date of a moment: `2026-11-22`. */
export function localDate(moment: Date, timeZone: string): string {
  return localTime(moment, timeZone).slice(0, 10);
}

/** `2026-11-22T12:00`. */
export function localTime(moment: Date, timeZone: string): string {
  return new Date(shownAt(moment.getTime(), timeZone)).toISOString().slice(0, 16);
}

/**
 * The moment at which the zone's clocks show this. Where they are turned back they show it twice: `which` says whether
 * the first or the last time is meant. Where they are turned forward and never show it: the moment of the jump.
 * @param local `2026-11-22T12:00`
 */
export function momentOf(local: string, timeZone: string, which: 'first' | 'last'): Date {
  const wanted = Date.parse(`${local}Z`);
  // A day before and a day after: whatever the clocks do in between, they keep one of the two before and one after it.
  const offsets = [wanted - DAY_MILLIS, wanted + DAY_MILLIS].map((moment) => offsetAt(moment, timeZone));
  const candidates = offsets.map((offset) => wanted - offset).sort((a, b) => a - b);
  const shown = candidates.filter((moment) => shownAt(moment, timeZone) === wanted);
  const found = which === 'first' ? shown.at(0) : shown.at(-1);
  const [earliest = wanted, latest = wanted] = candidates;
  return new Date(found ?? jumpBetween(earliest, latest, timeZone));
}

/** The moment between two at which the zone's offset changes; to the second. */
function jumpBetween(before: number, after: number, timeZone: string): number {
  const offset = offsetAt(after, timeZone);
  let [low, high] = [before, after];
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (offsetAt(middle, timeZone) === offset) high = middle;
    else low = middle;
  }
  return high;
}

/** The date so many days later. */
export function daysLater(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00Z`) + days * DAY_MILLIS).toISOString().slice(0, 10);
}

export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export function weekdayOf(date: string): Weekday {
  return WEEKDAYS[new Date(`${date}T00:00Z`).getUTCDay()] ?? 'sun';
}
