/** Deployments that meet one kind of trouble: how many of them are undone, and how soon that begins. */
import type { TemplateJson } from '../../lib/synthesize.ts';
import { Stage } from '../stage.ts';
import { SMALL } from './fleets.ts';
import { BALANCERS, type Tuning } from './measure.ts';

export interface Undone {
  readonly tuning: Tuning;
  /** Deployments, each with a seed of its own, that met the trouble. */
  readonly runs: number;
  readonly undone: number;
  /** From the trouble until the undo began, in seconds: the longest. */
  readonly longestSeconds: number;
}

/** @param trouble deploys once. After how many seconds did the undo begin? Nothing if the deployment ended otherwise. */
export async function measureUndone(
  template: TemplateJson,
  tuning: Tuning,
  runs: number,
  trouble: (stage: Stage, seed: number) => Promise<number | undefined>,
): Promise<Undone> {
  const waits: number[] = [];
  for (let seed = 1; seed <= runs; seed += 1) {
    const stage = new Stage({ template, fleet: SMALL, seed, balancers: BALANCERS[tuning] });
    try {
      const seconds = await trouble(stage, seed);
      if (seconds !== undefined) waits.push(seconds);
    } finally {
      stage.close();
    }
  }
  return { tuning, runs, undone: waits.length, longestSeconds: Math.max(...waits) };
}
