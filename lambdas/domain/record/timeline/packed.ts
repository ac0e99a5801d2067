/**
 * A column of seconds as it travels in the document: two characters per host instead of up to six. At 500 hosts, whose
 * document is close to Step Functions' limit at its worst, that is ten kilobytes less. The record has plain numbers.
 */

/** Seconds since the execution began, per host; `null`: not seen (yet). */
export type Column = readonly (number | null)[];

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** What a pair of digits can tell apart, beside "not seen". */
const PLACES = DIGITS.length ** 2 - 1;

/** `FIRST.STEP.PAIRS`: the earliest moment, seconds per place, and for each host how many places later, from 1. */
export function pack(column: Column): string {
  const known = column.filter((seconds) => seconds !== null);
  const first = Math.min(...known, Number.MAX_SAFE_INTEGER);
  // Beyond an hour a second is not what anybody looks for. A power of two: what is packed again stays as it is.
  let step = 1;
  while (Math.max(0, ...known) - first > (PLACES - 1) * step) step *= 2;
  const pairs = column.map((seconds) =>
    pair(seconds === null ? 0 : 1 + Math.round((seconds - first) / step)),
  );
  return `${known.length === 0 ? 0 : first}.${step}.${pairs.join('')}`;
}

const pair = (place: number): string =>
  `${DIGITS[Math.floor(place / DIGITS.length)]}${DIGITS[place % DIGITS.length]}`;

/** What `pack` has made; of anything else, a column that has seen nothing. */
export function unpack(packed: string | undefined): Column {
  const [, first, step, pairs] = /^(\d+)\.(\d+)\.((?:[\w-]{2})*)$/.exec(packed ?? '') ?? [];
  return (pairs?.match(/../g) ?? []).map(([high = '', low = '']) => {
    const place = DIGITS.indexOf(high) * DIGITS.length + DIGITS.indexOf(low);
    return place === 0 ? null : Number(first) + (place - 1) * Number(step);
  });
}
