/**
 * `npm run test:examples-lint`: the examples' scripts, run as shells run them, and linters that are programs of their own:
 * these skip, loudly, where they are missing.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.examples-lint.test.ts', 'test/examples/*-script*.test.ts'],
    setupFiles: ['test/setup.ts'],
    expect: { requireAssertions: true },
    testTimeout: 180_000,
  },
});
