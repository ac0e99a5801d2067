/** How tests ask for a failure: by its name, and by what its sentence says. */
import { expect } from 'vitest';
import type { FailureName } from '../../lambdas/domain/core/errors.ts';

/** For `rejects.toThrow` and `toThrow`. */
export const failure = (name: FailureName, says: RegExp | string = '') =>
  expect.objectContaining({
    name,
    message: typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says),
  });
