/** What counts as a reason: others read it later, where a gate was overridden. (U+FFFD stands for what nobody can read.) */
export const A_REASON = 'words: four letters or more, three of them different, all printable';

export function saysWhy(reason: string): boolean {
  const letters = reason.match(/\p{L}/gu) ?? [];
  return letters.length > 3 && new Set(letters).size > 2 && !/\uFFFD|[^\P{C}\s]/u.test(reason);
}

/** Whoever overrides a gate says why: it is kept for whoever asks later. */
export function unexplained({ override, reason }: Readonly<Record<string, unknown>>) {
  if (!Array.isArray(override) || override.length === 0) return [];
  if (reason === undefined)
    return [{ field: 'override', allowed: 'a list beside a reason, which is recorded' }];
  return typeof reason === 'string' && !saysWhy(reason) ? [{ field: 'reason', allowed: A_REASON }] : [];
}
