/** Lets real time pass. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Ends early, and without an error, when the signal is aborted. */
export async function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, signal && { signal }).catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
}
