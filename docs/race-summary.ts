/** The race in one line for each contender, from the figures that `npm run race:docs` keeps. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures, Percentiles, RaceFigures } from '../simulator/race/figures.ts';
import type { Scene, Trouble, Tuning } from '../simulator/race/scenes.ts';

export const readRace = (): RaceFigures =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'race.json'), 'utf8')) as RaceFigures;

export interface Summary {
  readonly contender: string;
  /** All goes well: traffic on the new hosts alone. */
  readonly traffic: (tuning: Tuning, size: Scene['size']) => Percentiles;
  /** The smallest share of the hosts that was in service, where the scenario broke none. */
  readonly least: Pick<Figures, 'leastInService' | 'scene'>;
  /** Of the worst row, host-seconds a run. */
  readonly cut: number;
  /** Of the worst row: what was left of a run, all kinds together. */
  readonly left: number;
  /** Seconds until a release that never gets healthy is given up, median. */
  readonly givesUp: number;
  /** After a new host broke: runs in which the old release served in the end, of how many, in the worse row. */
  readonly undone: { readonly runs: number; readonly of: number };
}

const NOTHING: Percentiles = { p50: null, p95: null };

export function summaries({ figures }: RaceFigures): Summary[] {
  const names = [...new Set(figures.map(({ contender }) => contender))];
  return names.map((contender) =>
    summaryOf(
      contender,
      figures.filter((each) => each.contender === contender),
    ),
  );
}

function summaryOf(contender: string, rows: readonly Figures[]): Summary {
  const find = (trouble: Trouble, tuning: Tuning, size: Scene['size']) =>
    rows.find(({ scene }) => scene.trouble === trouble && scene.tuning === tuning && scene.size === size);
  const share = ({ leastInService, scene }: Figures) => leastInService / scene.size;
  const untouched = rows.filter(({ scene }) => scene.trouble !== 'breaks');
  const [least] = [...untouched].sort((a, b) => share(a) - share(b));
  const [broken] = rows
    .filter(({ scene }) => scene.trouble === 'breaks')
    .sort((a, b) => a.endedOn.old - b.endedOn.old);
  if (!least || !broken) throw new Error(`${contender} has no figures: run npm run race:docs.`);
  return {
    contender,
    traffic: (tuning, size) => find('none', tuning, size)?.trafficOnNew ?? NOTHING,
    least,
    cut: Math.max(...rows.map(({ cut }) => cut)),
    left: Math.max(...rows.map(({ left }) => left.instances + left.registrations + left.mackerelHosts)),
    givesUp: find('never-healthy', 'tuned', 2)?.ended.p50 ?? Number.POSITIVE_INFINITY,
    undone: { runs: broken.endedOn.old, of: broken.runs },
  };
}

const MANY_SECONDS = 600;

/** Seconds, or minutes where there are many. */
export const brief = (seconds: number): string =>
  seconds < MANY_SECONDS ? `${Math.round(seconds)} s` : minutes(seconds);

const minutes = (seconds: number): string => `${inMinutes(seconds)} min`;
const inMinutes = (seconds: number): string => (seconds / 60).toFixed(seconds < MANY_SECONDS ? 1 : 0);

/** Median and 95th percentile, in one unit. */
export function range({ p50, p95 }: Percentiles): string {
  if (p50 === null) return '–';
  if (p95 === null) return `${brief(p50)}–…`;
  const [from, to] =
    p95 < MANY_SECONDS ? [p50, p95].map((each) => `${Math.round(each)}`) : [p50, p95].map(inMinutes);
  return `${from === to ? to : `${from}–${to}`} ${p95 < MANY_SECONDS ? 's' : 'min'}`;
}

export const leastText = ({ leastInService, scene }: Summary['least'], all: string, of: string): string =>
  leastInService >= scene.size ? all : `${leastInService}${of}${scene.size}`;

export const inHostSeconds = (cut: number): string => (cut === 0 ? '0' : cut < 1 ? '< 1' : cut.toFixed(0));
export const inThings = (left: number): string =>
  left === 0 ? '0' : left < 0.1 ? '< 0.1' : left.toFixed(1).replace('.0', '');
