/** `npm run test:moto`: the suites that need moto, an emulator in Python. `npm test` leaves them out. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/**/*.moto.test.ts'], testTimeout: 30_000, hookTimeout: 60_000 },
});
