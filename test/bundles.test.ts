/**
 * What really runs in Lambda: each function bundled as it is deployed. A minified error that lost its name would miss its
 * Catch; a step that carries a client which it does not need starts slower.
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LEDGER_TABLE_VARIABLE } from '../lambdas/domain/core/names.ts';
import { type Bundle, bundleSteps } from '../lib/bundle-step.ts';
import { FUNCTION_NAMES, type FunctionName, sourceOf } from '../lib/function-names.ts';
import { some } from './support/thorough.ts';

const folder = mkdtempSync(join(tmpdir(), 'irekae-bundles-'));
/** Below a folder of this name vitest leaves modules alone: Node loads them as they are, like Lambda. */
const modules = join(folder, 'node_modules');
const bundles = new Map<FunctionName, Bundle>();

beforeAll(async () => {
  vi.stubEnv('AWS_REGION', 'ap-northeast-1');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  vi.stubEnv(LEDGER_TABLE_VARIABLE, 'ledger');
  for (const bundle of await bundleSteps(FUNCTION_NAMES, modules)) bundles.set(bundle.step, bundle);
}, 60_000);
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const bundleOf = (step: FunctionName): Bundle => {
  const bundle = bundles.get(step);
  if (!bundle) throw new Error(`${step} was not bundled`);
  return bundle;
};

/** The functions that ask EC2 anything: all others must do without its client, half a megabyte. */
const NEEDS_EC2: readonly FunctionName[] = [
  'resolve-the-image',
  'snapshot-old-hosts',
  'launch-new-instances',
  'new-hosts-are-ready',
  'watch-the-first-hosts',
  'replace-the-stragglers',
  'remove-the-stragglers',
  'take-old-hosts-out-of-service',
  'watch-the-new-hosts',
  'ask-the-hook',
  'wait-for-a-person',
  'terminate-old-instances',
  'put-old-hosts-back',
  'terminate-new-instances',
  'look-for-orphans',
];

/** The functions that do more with S3 than read or write a record: all others send such a request themselves. */
const NEEDS_S3: readonly FunctionName[] = [
  'take-the-fleet-lock',
  'resolve-the-release',
  'choose-the-candidate',
  'copy-the-artifact',
  'give-up-the-promotion',
];

const mostBytes = (step: FunctionName): number => {
  if (NEEDS_EC2.includes(step)) return 900_000;
  return NEEDS_S3.includes(step) ? 450_000 : 320_000;
};

describe.each(FUNCTION_NAMES)('the bundle of %s', (step) => {
  it('carries the clients of EC2 and of S3 only if the step needs them, and stays small', () => {
    const { bytes, packages } = bundleOf(step);
    expect(packages.includes('@aws-sdk/client-ec2')).toBe(NEEDS_EC2.includes(step));
    expect(packages.includes('@aws-sdk/client-s3')).toBe(NEEDS_S3.includes(step));
    expect(bytes).toBeLessThan(mostBytes(step));
  });

  it('carries the clients of EC2 and of S3 not together', () => {
    const { packages } = bundleOf(step);
    expect(packages).not.toEqual(expect.arrayContaining(['@aws-sdk/client-ec2', '@aws-sdk/client-s3']));
  });
});

describe.each(some(FUNCTION_NAMES))('the bundle of %s', (step) => {
  it('exports a handler that fails under the right name', async () => {
    const { handler } = (await import(pathToFileURL(bundleOf(step).file).href)) as {
      handler: (document: unknown) => Promise<unknown>;
    };
    const failure = await handler({ nonsense: true }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'StepCrashed', message: expect.stringMatching(/document/) });
  });
});

describe('The files in lambdas/', () => {
  it('are the steps of all stories, and the two that are none', () => {
    const files = ['lambdas', 'lambdas/promotion', 'lambdas/watch', 'lambdas/guard'].flatMap((folder) =>
      readdirSync(join(import.meta.dirname, '..', folder)).map((file) => `${folder}/${file}`),
    );
    expect(files.filter((file) => file.endsWith('.ts')).sort()).toEqual(FUNCTION_NAMES.map(sourceOf).sort());
  });
});
