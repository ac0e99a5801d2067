/**
 * From what a command says to what stands on a screen: commands as they are typed here, moments in local time too, at
 * the terminal's width, in colours. Where only lines can be shown, what is said stands there as it is.
 */
import { styleText } from 'node:util';
import { localTime } from '../../lambdas/domain/core/local-time.ts';
import { printable } from '../../lambdas/domain/core/words.ts';
import { layOut } from '../../lib/terminal/layout.ts';
import { cutTo } from '../../lib/terminal/width.ts';
import { commandsIn, respelt, type Spelling } from './hints.ts';

/** How the place looks where a command's lines are shown. */
export interface Surface {
  /** Absent: not a terminal, and no line is broken. */
  readonly columns?: () => number;
  readonly inColour?: boolean;
  /** Of whoever looks at it, as IANA names it; absent: UTC alone. */
  readonly timeZone?: string | undefined;
}

/** A line of the command, whatever stands in it: never longer than a person reads. */
const LONGEST = 8_000;

export class Rendering {
  readonly #surface: Surface;
  readonly #spelling: Spelling;

  constructor(surface: Surface, spelling: Spelling) {
    this.#surface = surface;
    this.#spelling = spelling;
  }

  /** As people read it in a log or in a document: the words, and nothing about the place. */
  plain(lines: readonly string[]): string[] {
    return layOut(lines, { shown: (text) => this.#spelt(text) });
  }

  /** @param ending how it ended, for the line that says so */
  rows(lines: readonly string[], ending?: Tone): string[] {
    const { columns, timeZone } = this.#surface;
    const rows = layOut(lines, {
      columns: columns && Math.max(20, columns()),
      whole: (text) => this.#whole(text),
      shown: (text) => withLocalTime(this.#spelt(text), timeZone),
    });
    return rows.map((row, at) => this.paint(row, at === 0 ? ending : undefined));
  }

  paint(row: string, tone?: Tone): string {
    return this.#surface.inColour ? painted(row, commandsIn(row, this.#spelling.command), tone) : row;
  }

  #spelt(text: string): string {
    return cutTo(respelt(printable(text), this.#spelling), LONGEST);
  }

  #whole(text: string) {
    const commands = commandsIn(text, this.#spelling.command).map(({ from, to }) => ({
      from: beginningOf(text, from),
      to,
    }));
    const moments = [...text.matchAll(MOMENT)].map(({ index, 0: { length } }) => ({
      from: index,
      to: index + length,
    }));
    return [
      ...commands,
      ...moments.filter(({ from }) => !commands.some((each) => each.from <= from && from < each.to)),
    ].sort((one, other) => one.from - other.from);
  }
}

/** Variables that are set for a command stand before it. */
function beginningOf(text: string, from: number): number {
  let at = from;
  while (text[at - 1] === ' ') {
    const start = text.lastIndexOf(' ', at - 2) + 1;
    const own = text[start] === '(' ? start + 1 : start;
    if (!/^[A-Z_]+=./.test(text.slice(own, at - 1))) return at;
    at = own;
  }
  return at;
}

// ── Local time ─────────────────────────────────────────────────────────────────────────────────────────────────────

const MOMENT = /\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC(?: \([-+: 0-9]+\))?/g;

/** `2026-11-22 03:01:23 UTC (12:01:23 +09:00)`; with the date where it is another one there. */
function withLocalTime(text: string, timeZone: string | undefined): string {
  if (timeZone === undefined) return text;
  return text.replace(
    /(\d{4}-\d\d-\d\d) (\d\d:\d\d(?::\d\d)?) UTC(?! \()/g,
    (whole, date: string, time: string) => {
      const at = new Date(`${date}T${time}Z`);
      const offset = offsetOf(at, timeZone);
      if (offset === '+00:00') return whole;
      const local = localTime(at, timeZone);
      const day = local.startsWith(date) ? '' : `${local.slice(0, 10)} `;
      return `${whole} (${day}${local.slice(11)}${time.slice(5)} ${offset})`;
    },
  );
}

/** `14:50:45`, of a line of a log. */
export function localClock(at: Date, timeZone: string): string {
  return `${localTime(at, timeZone).slice(11)}${at.toISOString().slice(16, 19)}`;
}

/** `+09:00`. */
export function offsetOf(at: Date, timeZone: string): string {
  const minute = Math.floor(at.getTime() / 60_000);
  const away = Date.parse(`${localTime(at, timeZone)}Z`) / 60_000 - minute;
  const two = (number: number) => String(number).padStart(2, '0');
  const size = Math.abs(away);
  return `${away < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

// ── Colours ────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Tone = 'good' | 'bad' | 'open';
type Style = Parameters<typeof styleText>[0];

const TONES: Readonly<Record<Tone, Style>> = {
  good: ['green', 'bold'],
  bad: ['red', 'bold'],
  open: ['yellow', 'bold'],
};

/** What stands out in a row: the first that is found in it. */
const MARKS: readonly (readonly [RegExp, Style])[] = [
  [/──[^─]+──/, 'bold'],
  [/✖ .*/, 'red'],
  [/^Problems: .*|^ *✖.*/, ['red', 'bold']],
  [/^(Warnings|Unknown)\b.*:.*/, ['yellow', 'bold']],
  [/^Fine$|^ *✔.*/, 'green'],
  [/^[^ ].*:$/, 'bold'],
  [/▶ [^·▶]*?(?= {2}|$)/, ['green', 'bold']],
  [/^( *)(NEW)\b/, 'green'],
];

const TIMES = /^(?:\d\d:\d\d:\d\d {1,2})+/;

function painted(
  row: string,
  commands: readonly { readonly from: number; readonly to: number }[],
  tone?: Tone,
): string {
  if (tone !== undefined) return style(TONES[tone], row);
  let text = row;
  for (const { from, to } of [...commands].reverse())
    text = `${text.slice(0, from)}${style('cyan', text.slice(from, to))}${text.slice(to)}`;
  if (commands.length > 0) return text;
  const [times = ''] = TIMES.exec(row) ?? [];
  const rest = row.slice(times.length);
  const mark = MARKS.find(([pattern]) => pattern.test(rest));
  const marked = mark ? rest.replace(mark[0], (found) => style(mark[1], found)) : rest;
  return `${times === '' ? '' : style('dim', times)}${marked}`;
}

/** Whether colours are wanted is decided already. */
const style = (format: Style, text: string): string => styleText(format, text, { validateStream: false });
