/** `npm run test:examples-lint`: the examples under linters that are programs of their own; they skip, loudly, without. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/**/*.examples-lint.test.ts'], testTimeout: 60_000 },
});
