/** What Lambda loads: the minified file of a step, made as the stack makes it. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Stack } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LEDGER_TABLE_VARIABLE } from '../../lambdas/domain/core/names.ts';
import { bundleStep } from '../../lib/bundle-step.ts';
import { codeOf } from '../../lib/function-code.ts';
import { standaloneApp } from '../../lib/synthesize.ts';
import { thoroughly } from '../support/thorough.ts';

const PROJECT = join(import.meta.dirname, '../..');

describe('The bundle of a step', () => {
  const folder = mkdtempSync(join(tmpdir(), 'irekae-bundle-'));
  /** Below a folder of this name vitest leaves modules alone: Node loads them as they are, like Lambda. */
  const outdir = join(folder, 'node_modules');
  let file = '';

  beforeAll(() => {
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
    vi.stubEnv(LEDGER_TABLE_VARIABLE, 'ledger');
    const app = standaloneApp(outdir, { bundle: true });
    codeOf(new Stack(app, 'Bundles'), 'resolve-the-release').bind(new Stack(app, 'Function'));
    const [asset] = readdirSync(outdir).filter((name) => name.startsWith('asset.'));
    file = join(outdir, asset ?? '', 'index.mjs');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is a module that loads and has a handler', async () => {
    const { handler } = await import(pathToFileURL(file).href);
    expect(handler).toBeTypeOf('function');
  });

  it('throws failures under the names that the state machine matches on', async () => {
    const { handler } = await import(pathToFileURL(file).href);
    await expect(handler({})).rejects.toMatchObject({ name: 'StepCrashed' });
  });

  it('reads credentials from Lambda’s variables, and leaves the SDK’s other dozen places out', () => {
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('AWS_SESSION_TOKEN');
    expect(text).not.toContain('credential_process');
  });

  it('holds no path of the machine that made it', () => {
    expect(readFileSync(file, 'utf8')).not.toContain(PROJECT);
  });

  // The stack's was made with all others.
  thoroughly('is the same when it is made anew, elsewhere and alone', async () => {
    const again = await bundleStep('resolve-the-release', join(folder, 'elsewhere'));
    expect(readFileSync(again.file)).toEqual(readFileSync(file));
  });
});
