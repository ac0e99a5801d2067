/** Suites that drive this project's Mackerel server with Mackerel's own Go tools; they skip, loudly, without them. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/**/*.go-tools.test.ts'] },
});
