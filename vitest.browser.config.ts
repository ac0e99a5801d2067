/** `npm run test:browser`: looks at pages in Chromium; skips, loudly, where there is none. `npm test` leaves it out. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/**/*.browser.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
});
