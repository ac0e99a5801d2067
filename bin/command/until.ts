/** Until when something holds, as people say it: a moment, a time of the clock beside them, or how long from now. */
import { momentOf } from '../../lambdas/domain/core/local-time.ts';

/** Further away it is a slip of the pen, and would be forgotten. */
const MOST_DAYS = 366;
const DAY_SECONDS = 86_400;
const SECONDS = { m: 60, h: 3_600, d: DAY_SECONDS } as const;

const SPAN = /^(\d{1,6})([mhd])$/;
const DATE = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d))?(Z|[+-]\d\d:\d\d)?$/;

/** What is allowed, for what is none of it. */
export const aTime = (value: string): string | undefined =>
  SPAN.test(value) || isDate(value)
    ? undefined
    : 'a time such as 2026-12-01T18:00+09:00 or 2026-12-01T09:00Z, or 90m, 8h or 3d from now';

/** No calendar has a 30th of February, but `Date` does; and clocks stop at 23:59 and at 14 hours from UTC. */
function isDate(value: string): boolean {
  const [, day = '', time = '', seconds = '00', offset = 'Z'] = DATE.exec(value) ?? [];
  const at = new Date(`${day}T${time}:${seconds}Z`);
  const isReal = !Number.isNaN(at.getTime()) && at.toISOString().startsWith(`${day}T${time}:${seconds}`);
  return isReal && !Number.isNaN(Date.parse(`${day}T${time}:${seconds}${offset}`));
}

/**
 * @param value that `aTime` has nothing against
 * @param timeZone of whoever typed it; absent where nobody sits at a terminal
 * @returns the moment, or what is allowed instead
 */
export function momentIn(value: string, now: Date, timeZone: string | undefined): Date | string {
  const at = pointIn(value, now, timeZone);
  if (at === undefined)
    return `an offset or Z after it, such as ${value}+09:00, because this is no terminal with a time zone`;
  if (at <= now) return `a time after now, ${now.toISOString().slice(0, 16)}Z`;
  const latest = new Date(now.getTime() + MOST_DAYS * DAY_SECONDS * 1_000);
  return at <= latest ? at : `a time before ${latest.toISOString().slice(0, 16)}Z`;
}

function pointIn(value: string, now: Date, timeZone: string | undefined): Date | undefined {
  const [, count, unit] = SPAN.exec(value) ?? [];
  if (count !== undefined)
    return new Date(now.getTime() + Number(count) * SECONDS[unit as keyof typeof SECONDS] * 1_000);
  const [, day, time, seconds = '00', offset] = DATE.exec(value) ?? [];
  if (offset !== undefined) return new Date(value);
  // Where the clocks are turned back it comes twice: then the later one, so that nothing starts too early.
  return timeZone === undefined ? undefined : momentOf(`${day}T${time}:${seconds}`, timeZone, 'last');
}
