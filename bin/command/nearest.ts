/** The names that somebody may have typed in short; the bundles of the steps do without this. */
import { nearest as nearestByLetters } from '../../lib/nearest.ts';

/** At most three: those that are near by their letters, else those that what was given is short for. */
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
