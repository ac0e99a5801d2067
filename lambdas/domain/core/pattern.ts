/** Patterns of names, as AWS has them. Each text takes as long as it is, and no longer, whoever has chosen it. */

/** `*` is any text, `?` any character. */
export const glob = (pattern: string): RegExp =>
  fitting(pattern.split('*').map((part) => literally(part).replaceAll('\\?', '.')));

export const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * These parts in this order, with any text between. Each is taken where it fits first, and for good: a later place would
 * leave less for the others, so that trying one is never worth it.
 */
export function fitting([first = '', ...others]: readonly string[], between = '.*'): RegExp {
  const last = others.pop();
  const middle = others.map((part, index) => `(?=(?<p${index}>${between}?${part}))\\k<p${index}>`).join('');
  return new RegExp(`^${first}${last === undefined ? '' : `${middle}${between}${last}`}$`, 's');
}
