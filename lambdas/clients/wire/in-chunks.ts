/** Lists of ids, cut to what one request may carry, freed of the ids that would spoil it, and asked for side by side. */
import { chunksOf } from '../../domain/core/collections.ts';

/**
 * Acts on each item, on at most `most` of them at the same time. The first failure is the answer, and nothing is begun
 * after it.
 * @returns the answers in the order of the items.
 */
export async function sideBySide<T, R>(
  items: readonly T[],
  most: number,
  act: (item: T) => Promise<R>,
): Promise<R[]> {
  const answers: R[] = [];
  const queue = items.entries();
  let hasFailed = false;
  const hand = async () => {
    for (const [index, item] of queue) {
      if (hasFailed) return;
      try {
        answers[index] = await act(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, hand));
  return answers;
}

/**
 * Asks for `size` ids at a time and gathers the answers. One unknown id makes AWS refuse the whole request without
 * saying which one it was: then each id is asked for alone, and the unknown ones are left out.
 */
export async function inChunks<T>(
  ids: readonly string[],
  size: number,
  isUnknownId: (error: unknown) => boolean,
  ask: (ids: string[]) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = [];
  for (const chunk of chunksOf(ids, size)) {
    try {
      answers.push(await ask(chunk));
    } catch (error) {
      if (!isUnknownId(error)) throw error;
      if (chunk.length > 1) answers.push(...(await inChunks(chunk, 1, isUnknownId, ask)));
    }
  }
  return answers;
}
