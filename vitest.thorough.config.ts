/** `npm run test:thorough`: the files of `npm test` that try only some of a long list there, with all of it. Those in test/security are `npm run test:security`'s. */
import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import common from './vitest.config.ts';

const { test } = common;
const sampling = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && !file.startsWith('security/'))
  .filter((file) => readFileSync(`test/${file}`, 'utf8').includes('/thorough.ts'));

export default defineConfig({
  test: {
    ...test,
    include: sampling.map((file) => `test/${file}`),
    env: { ...test?.env, IREKAE_THOROUGH: 'true' },
  },
});
