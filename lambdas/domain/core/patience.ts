/**
 * How a launch waits for its turn. EC2 has one bucket of RunInstances for the whole account and Region: 5 calls, 2 more
 * a second. Whoever finds it empty asks again after a pause; a random one, or all fleets would come back together.
 */

/** Of one call: begun in the first half of its function's time, it ends in the second. */
export const LAUNCH_PATIENCE_MILLIS = 20_000;

const SHORTEST_MILLIS = 500;
const LONGEST_MILLIS = 4_000;

export interface Waiting {
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<unknown>;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Asks until it gets its turn, fails otherwise, or its time is over. */
export async function waitingForTurn<T>(
  ask: () => Promise<T>,
  isTurnedAway: (error: unknown) => boolean,
  { now, sleep, random }: Waiting,
): Promise<T> {
  const end = now() + LAUNCH_PATIENCE_MILLIS;
  for (let longest = 2 * SHORTEST_MILLIS; ; longest = Math.min(2 * longest, LONGEST_MILLIS)) {
    try {
      return await ask();
    } catch (error) {
      const pause = SHORTEST_MILLIS + random() * (longest - SHORTEST_MILLIS);
      if (!isTurnedAway(error) || now() + pause > end) throw error;
      await sleep(pause);
    }
  }
}
