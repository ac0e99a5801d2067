/** Small words for sentences: lists that stay short, counts that read well, moments and spans. */

/** `i-1, i-2 and 7 more`: sentences travel in the document and stay bounded. */
export function list(items: readonly string[], most = 4): string {
  if (items.length === 0) return 'none';
  const rest = items.length - most;
  if (rest > 0) return `${items.slice(0, most).join(', ')} and ${rest} more`;
  const [last, ...others] = [...items].reverse();
  return others.length === 0 ? `${last}` : `${others.reverse().join(', ')} and ${last}`;
}

/**
 * A name or message that others chose (a host's name, a tag, an alert), fit for a sentence: on one line, cut at `most`
 * characters, and without the characters that would move the cursor, colour a terminal, or show letters in another
 * order than they stand in.
 */
export function plain(text: string, most = 200): string {
  const line = printable(text.replace(/\s+/g, ' '));
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`.toWellFormed();
}

/** The text with every character but line ends shown as one that a terminal only prints. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => (character === '\n' ? character : '\uFFFD'));
}

/** Control characters, halves of characters, what turns the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

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
