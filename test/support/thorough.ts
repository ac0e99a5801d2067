/**
 * Long lists of the like: `npm test` tries some of each, spread over it, so that it stays short; `npm run test:thorough`,
 * which CI runs too, tries all of them in the files that import this one.
 */
import { describe, it } from 'vitest';

const isThorough = process.env.IREKAE_THOROUGH === 'true';

/** Of a list whose members are much alike: every third, and the last. */
export const some = <T>(list: readonly T[]): T[] =>
  list.filter((_, index) => isThorough || index % 3 === 0 || index === list.length - 1);

/** For tests that take seconds and protect what rarely changes. */
export const thoroughly = it.runIf(isThorough);
export const describeThoroughly = describe.runIf(isThorough);
