/** What a campaign found: how many cases ran, by kind, fault and state, how they ended, and each violation. */
import { alignRight } from '../../lib/terminal/width.ts';
import { type Case, caseName } from './case.ts';
import { FAULT_NAMES, FAULTS, isOutage } from './catalogue.ts';
import { KIND_NAMES } from './kinds.ts';
import type { Verdict } from './play.ts';

/** A judged case, small enough to be sent between processes. */
export interface Judged extends Case, Pick<Verdict, 'applied' | 'outcome' | 'violations'> {}

export class Tally {
  cases = 0;
  /** Cases in which not every fault occurred: the first one led elsewhere. */
  partly = 0;
  readonly broken: Judged[] = [];
  readonly #kinds = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly #states = new Map<string, number>();
  readonly #outcomes = new Map<string, number>();

  add(judged: Judged): void {
    const { kind, injuries, applied, outcome, violations } = judged;
    this.cases += 1;
    if (applied < injuries.length) this.partly += 1;
    if (violations.length > 0) this.broken.push(judged);
    count(this.#kinds, kind);
    count(this.#outcomes, outcome);
    for (const { moment, fault } of injuries) {
      count(this.#faults, fault);
      count(this.#states, `${moment.machine === 'clean-up' ? 'clean-up: ' : ''}${moment.state}`);
    }
  }

  /** Tables for people to read. */
  lines(): string[] {
    const table = (title: string, rows: readonly (readonly [string, number, string?])[]) => [
      '',
      title,
      ...rows.map(([name, n, note]) => `  ${alignRight(`${n}`, 7)}  ${name}${note ? `  (${note})` : ''}`),
    ];
    return [
      ...table('Kinds of deployment', ordered(this.#kinds, KIND_NAMES)),
      ...table(
        'Faults',
        FAULT_NAMES.map((name) => [name, this.#faults.get(name) ?? 0, FAULTS[name]] as const),
      ),
      ...table(
        'Outages (from a call on, so many minutes)',
        [...this.#faults].filter(([name]) => isOutage(name)).sort(),
      ),
      ...table('States', [...this.#states].sort()),
      ...table('The fleet ended with', [...this.#outcomes].sort()),
    ];
  }
}

/** What a case broke, and how to replay it. */
export function violationLines(judged: Judged): string[] {
  const most = 3;
  return [
    ...judged.violations.slice(0, most).map(({ rule, what }) => `✗ rule ${rule}: ${what}`),
    `  npm run faults -- --replay '${caseName(judged)}'`,
  ];
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

const ordered = (counts: ReadonlyMap<string, number>, names: readonly string[]) =>
  names.flatMap((name) => (counts.has(name) ? [[name, counts.get(name) ?? 0] as const] : []));
