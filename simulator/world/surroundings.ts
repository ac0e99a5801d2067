/** What every part of the world shares: the time, the randomness, the timings, and where to report a change. */
import type { WorldChange } from './events.ts';
import type { Random } from './prng.ts';
import type { Timings } from './timings.ts';

export interface Surroundings {
  /** Virtual time in epoch milliseconds. It never runs backwards. */
  readonly now: () => number;
  readonly random: Random;
  readonly timings: Timings;
  readonly region: string;
  readonly account: string;
  readonly emit: (change: WorldChange) => void;
}
