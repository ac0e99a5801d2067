/** Moments and spans as the page says them: in UTC, with their date, and as what passed since the start. */
import { span } from '../../core/words.ts';
import { type Html, html } from './html.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Sun 22 Nov 2026` */
export function day(at: Date): string {
  return `${DAYS[at.getUTCDay()]} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
}

/** `03:06:54` */
export const clock = (at: Date): string => at.toISOString().slice(11, 19);

/** `03:06:54`, for machines with its date. */
export function timeElement(startedAt: string, seconds: number): Html {
  const at = new Date(new Date(startedAt).getTime() + seconds * 1000);
  return html`<time datetime="${at.toISOString().replace(/\.\d+Z$/, 'Z')}">${clock(at)}</time>`;
}

/** `Sun 22 Nov 2026, 03:00:00 to 03:06:54 UTC`; with both dates where midnight lies between. */
export function period(startedAt: string, finishedAt: string): string {
  const [from, to] = [new Date(startedAt), new Date(finishedAt)];
  const until = day(from) === day(to) ? clock(to) : `${day(to)}, ${clock(to)}`;
  return `${day(from)}, ${clock(from)} to ${until} UTC`;
}

/** Seconds between two marks of an axis: as few marks as can be read on a phone. */
const STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400];
const MOST_MARKS = 6;

/** Where an axis of so many seconds has its marks. */
export function marks(total: number): { seconds: number; label: string }[] {
  const step = STEPS.find((each) => total / each <= MOST_MARKS) ?? Math.ceil(total / MOST_MARKS);
  const many = Math.floor(total / step);
  return Array.from({ length: many + 1 }, (_, i) => ({ seconds: i * step, label: mark(i * step) }));
}

function mark(seconds: number): string {
  if (seconds === 0) return '0';
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : span(seconds);
}
