/** Lists: in groups, in pieces, in all. */

/** Like `Map.groupBy` (Node 21). */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

export const countBy = <T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, number> =>
  new Map([...groupBy(items, keyOf)].map(([key, group]) => [key, group.length]));

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

export const mean = (numbers: readonly number[]): number => sum(numbers) / numbers.length;

/** The list without duplicates, in pieces of at most `size`. An empty list has no pieces. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const unique = [...new Set(items)];
  const count = Math.ceil(unique.length / size);
  return Array.from({ length: count }, (_, index) => unique.slice(index * size, (index + 1) * size));
}
