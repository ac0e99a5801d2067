/** `npm test`: everything that needs Node alone. Suites that need Python or a browser have configs of their own. */
import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      ...configDefaults.exclude,
      'test/**/*.moto.test.ts',
      'test/**/*.browser.test.ts',
      'test/**/*.package.test.ts',
      'test/**/*.examples-lint.test.ts',
      'test/examples/*-script*.test.ts',
      'test/**/*.slow.test.ts',
    ],
    // One module registry for all files of a worker: loading CDK and the SDK anew for each of ninety files took longer
    // than all tests together. Files restore what they change (clocks, environment, mocks).
    isolate: false,
    setupFiles: ['test/setup.ts'],
    // A loop over nothing, or a callback that never ran, is no success.
    expect: { requireAssertions: true },
    // Vitest leaves one core to itself, of which CI has two; it needs little of it.
    maxWorkers: '100%',
    // What a simulated deployment makes is mostly short-lived: in Node's 16 MB, collecting it took an eighth of the
    // time. There is a worker for each core: threads that help one of them to collect take time from the other.
    execArgv: ['--max-semi-space-size=64', '--single-threaded-gc'],
    // Only for a test that hangs: how long one takes depends on what else the machine does.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // The SDK's notice that its releases of 2027 want Node 22: said once in the README, not in every test file.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
});
