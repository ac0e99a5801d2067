/** Performances, each played once per file, that can be shown to any audience afterwards. */
import { castOf } from '../../simulator/demo/cast.ts';
import type { Line } from '../../simulator/demo/narration.ts';
import { Pace } from '../../simulator/demo/pace.ts';
import { type Audience, type Moment, perform } from '../../simulator/demo/performance.ts';
import type { Show } from '../../simulator/demo/picture.ts';
import type { Summary } from '../../simulator/demo/summary.ts';
import type { ScenarioName } from '../../simulator/scenarios.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';

/** Everything that an audience heard and saw, in order. */
export class Recording implements Audience {
  readonly #calls: ((audience: Partial<Audience>) => void)[] = [];
  readonly begins: Audience['begins'] = (opening) => this.#calls.push((to) => to.begins?.(opening));
  readonly tells: Audience['tells'] = (line) => this.#calls.push((to) => to.tells?.(line));
  readonly sees: Audience['sees'] = (moment) => this.#calls.push((to) => to.sees?.(moment));
  readonly between = (line: Line): void => {
    this.#calls.push((to) => to.between?.(line));
  };
  readonly ends: Audience['ends'] = (summary) => this.#calls.push((to) => to.ends?.(summary));

  showTo(audience: Partial<Audience>): void {
    for (const call of this.#calls) call(audience);
  }

  lines(): readonly string[] {
    const lines: string[] = [];
    this.showTo({ tells: ({ text }) => lines.push(text) });
    return lines;
  }

  moments(): readonly Moment[] {
    const moments: Moment[] = [];
    this.showTo({ sees: (moment) => moments.push(moment) });
    return moments;
  }

  /** What the picture would show at each moment. */
  shows(): readonly Show[] {
    const shows: Show[] = [];
    let show: Omit<Show, 'moment'> | undefined;
    this.showTo({
      begins: (opening) => {
        show = { opening, lines: [] };
      },
      tells: (line) => {
        if (show) show = { ...show, lines: [...show.lines, line] };
      },
      sees: (moment) => {
        if (show) shows.push({ ...show, moment });
      },
    });
    return shows;
  }
}

export interface Performed {
  readonly recording: Recording;
  readonly summary: Summary;
}

const performed = new Map<string, Promise<Performed>>();

export function played(scenario: ScenarioName, seed = 7): Promise<Performed> {
  const key = `${scenario} ${seed}`;
  const before = performed.get(key);
  const now = before ?? play(scenario, seed);
  performed.set(key, now);
  return now;
}

/** Played anew. */
export async function play(scenario: ScenarioName, seed: number): Promise<Performed> {
  const recording = new Recording();
  const [part] = castOf([scenario], exampleEnvironments).parts;
  if (!part) throw new Error(`No fleet of the example can play ${scenario}.`);
  const summary = await perform({
    template: synthesize(part.environment),
    fleet: part.fleet,
    scenario,
    seed,
    // Not the example application: compressed bytes differ between versions of Node.
    tarball: Buffer.from('a tarball'),
    audience: recording,
    pace: new Pace('max'),
  });
  return { recording, summary };
}
