/** Small words for sentences: lists that stay short, counts that read well, moments and spans. */
import { masked } from './secrets.ts';

/** `i-1, i-2 and 7 more`: sentences travel in the document and stay bounded. */
export function list(items: readonly string[], most = 4): string {
  if (items.length === 0) return 'none';
  const rest = items.length - most;
  if (rest > 0) return `${items.slice(0, most).join(', ')} and ${rest} more`;
  const [last, ...others] = [...items].reverse();
  return others.length === 0 ? `${last}` : `${others.reverse().join(', ')} and ${last}`;
}

/**
 * How everything that comes from outside is shown, at every place where people read it (command, cause, record, page,
 * mail): on one line, without secrets, and without characters that move a cursor, colour a terminal, end a line, show
 * letters in another order than they stand in, or are not seen at all. A joined emoji falls apart by it.
 */
export function printable(text: string): string {
  return masked(text).replace(UNSEEN, '\uFFFD').replace(FLOODS, '');
}

/** Control and format characters, halves of characters, line separators, and blanks, but no form of a kanji or emoji. */
const UNSEEN = /(?!\p{Variation_Selector})[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;
/** What combines with no letter, number or symbol, or as the fourth with one. */
const FLOODS = /(?<![\p{L}\p{N}\p{S}\p{M}])\p{M}+|(?<=\p{M}{3})\p{M}+/gu;

/** The same for a name or message in a sentence: blanks and line ends as one blank each, cut at `most` characters. */
export function plain(text: string, most = 200): string {
  return cut(printable(masked(text).replace(/\s+/g, ' ')), most);
}

/**
 * How long a text is as people and AWS count it: in characters, and neither in bytes, of which a kanji has three, nor in
 * the units of JavaScript's strings, of which an emoji has two.
 */
export const characters = (text: string): number => [...text].length;

/** At most so many characters; the last one is an ellipsis if something is missing. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const all = [...text];
  return all.length <= most ? text : `${all.slice(0, most - 1).join('')}…`;
}

/** The first ones, and how many more there are: whatever lists problems is read by a person. */
export function firstOf(items: readonly string[], most = 10): readonly string[] {
  const rest = items.length - most;
  return rest > 0 ? [...items.slice(0, most), `… and ${rest.toLocaleString('en')} more`] : items;
}

/** `1 host`, `2 hosts`. */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}

/** `45 s`, `2 min 5 s`, `1 h 3 min`. */
export function span(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes < 60) return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Seconds from one moment to a later one. */
export function secondsBetween(from: Date | string, to: Date | string): number {
  return (new Date(to).getTime() - new Date(from).getTime()) / 1000;
}

/** `2026-11-22 03:01`, in UTC: say so beside it. */
export const utcMinute = (at: Date | string): string =>
  new Date(at).toISOString().slice(0, 16).replace('T', ' ');

/** `2026-11-22 03:01:23 UTC`. */
export const utcMoment = (at: Date): string => `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
