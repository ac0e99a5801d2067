/** Many questions at the same time, and no more than AWS bears from one caller. */

const AT_ONCE = 10;

/** The answers, in the order of the items. */
export async function sideBySide<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  const waiting = [...items.entries()].reverse();
  const worker = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) answers[next[0]] = await ask(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return answers;
}
