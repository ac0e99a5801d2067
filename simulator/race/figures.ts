/** What the race is about: the runs of one contender in one scene, as figures. They are kept as JSON for the documents. */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { CONTENDERS, nameOf } from './contenders.ts';
import { type Contender, type Played, play } from './play.ts';
import { SCENES, type Scene } from './scenes.ts';

export interface Percentiles {
  /** `null`: more than half of the runs never got there; of p95, more than one in twenty. */
  readonly p50: number | null;
  readonly p95: number | null;
}

export interface Figures {
  readonly contender: string;
  readonly scene: Scene;
  readonly trafficOnNew: Percentiles;
  readonly ended: Percentiles;
  readonly leastInService: number;
  /** Means per run. */
  readonly missing: number;
  readonly cut: number;
  readonly left: Played['left'];
  /** Of all runs: how many cut something, left something, and what served in the end. */
  readonly runs: number;
  readonly runsThatCut: number;
  readonly runsThatLeft: number;
  readonly endedOn: Readonly<Record<Played['servesInTheEnd'], number>>;
}

export interface RaceFigures {
  /** From 1 to this. */
  readonly seeds: number;
  readonly figures: readonly Figures[];
}

/** Until the first scene has been played. */
const FIRST_GUESS_SECONDS = 150;

export async function race(
  template: TemplateJson,
  seeds: number,
  told: (what: string) => void = () => {},
): Promise<RaceFigures> {
  const figures: Figures[] = [];
  for (const contender of CONTENDERS) {
    let typicalSeconds = FIRST_GUESS_SECONDS;
    for (const scene of SCENES) {
      const measured = await figuresOf(contender, scene, template, seeds, typicalSeconds);
      if (scene === SCENES[0]) typicalSeconds = measured.ended.p50 ?? typicalSeconds;
      figures.push(measured);
    }
    told(nameOf(contender));
  }
  return { seeds, figures };
}

async function figuresOf(
  contender: Contender,
  scene: Scene,
  template: TemplateJson,
  seeds: number,
  typicalSeconds: number,
): Promise<Figures> {
  const all: Played[] = [];
  for (let seed = 1; seed <= seeds; seed += 1)
    all.push(await play(contender, { template, scene, seed, typicalSeconds }));
  return { contender: nameOf(contender), scene, ...summary(all) };
}

export function summary(all: readonly Played[]): Omit<Figures, 'contender' | 'scene'> {
  const mean = (of: (run: Played) => number) =>
    rounded(all.reduce((sum, run) => sum + of(run), 0) / all.length);
  const endedOn = { old: 0, new: 0, both: 0 };
  for (const { servesInTheEnd } of all) endedOn[servesInTheEnd] += 1;
  return {
    trafficOnNew: percentiles(all.map(({ trafficOnNew }) => trafficOnNew ?? Number.POSITIVE_INFINITY)),
    ended: percentiles(all.map(({ ended }) => ended)),
    leastInService: Math.min(...all.map(({ leastInService }) => leastInService)),
    missing: mean(({ missing }) => missing),
    cut: mean(({ cut }) => cut),
    left: {
      instances: mean(({ left }) => left.instances),
      registrations: mean(({ left }) => left.registrations),
      mackerelHosts: mean(({ left }) => left.mackerelHosts),
    },
    runs: all.length,
    runsThatCut: all.filter(({ cut }) => cut > 0).length,
    runsThatLeft: all.filter(({ left }) => Object.values(left).some((count) => count > 0)).length,
    endedOn,
  };
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.POSITIVE_INFINITY;
    return Number.isFinite(value) ? rounded(value) : null;
  };
  return { p50: at(0.5), p95: at(0.95) };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

export const sameScene = (one: Scene, other: Scene): boolean =>
  one.trouble === other.trouble && one.tuning === other.tuning && one.size === other.size;

export const inScene = ({ figures }: RaceFigures, scene: Scene): readonly Figures[] =>
  figures.filter((each) => sameScene(each.scene, scene));
