/** The names that may have been mistyped or abbreviated. Kept here, out of the steps' bundles. */
import { nearest as nearestByLetters } from '../../lambdas/domain/core/nearest.ts';

/** At most three: names with similar letters, or else names that the input may abbreviate. */
export function nearest(given: string, names: readonly string[]): string[] {
  const near = nearestByLetters(given, names);
  if (near.length > 0) return near;
  return names.filter((name) => isShortFor(given.toLowerCase(), name.toLowerCase())).slice(0, 3);
}

/** `reactio-prod-app` for `reactio-production-app`: each part begins one of the name's, in order. */
function isShortFor(given: string, name: string): boolean {
  const [wanted, parts] = [given.split('-'), name.split('-')];
  if (wanted.length < 2 || wanted.includes('')) return false;
  let from = 0;
  return wanted.every((part) => {
    const found = parts.findIndex((each, index) => index >= from && each.startsWith(part));
    from = found + 1;
    return found >= 0;
  });
}
