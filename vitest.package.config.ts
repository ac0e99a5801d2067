/** `npm run test:package`: packs the product and uses it as a team would; needs the registry. `npm test` leaves it out. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.package.test.ts'],
    expect: { requireAssertions: true },
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
