/** `npm run test:security`: every attack; also those that take too long for `npm test`, where the others run too. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/security/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    expect: { requireAssertions: true },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    env: {
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      RECHECK_SYNC_BACKEND: 'pure',
      IREKAE_THOROUGH: 'true',
    },
  },
});
