/** The steps' bundles as they are deployed: how large they are, and how long Node takes to import them. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { STEP_NAMES, type StepName } from '../../lambdas/domain/core/steps.ts';
import { bundleStep } from '../../lib/bundle-step.ts';
import type { FunctionFacts } from './functions.ts';

export interface BundleRow {
  readonly step: StepName;
  readonly bytes: number;
  readonly needsEc2: boolean;
  readonly carriesEc2: boolean;
  /** Median of fresh processes, on this machine. */
  readonly importMillis: number;
}

/** @param imports how many processes import each bundle */
export async function measureBundles(
  functions: ReadonlyMap<StepName, FunctionFacts>,
  imports: number,
): Promise<BundleRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'irekae-bench-'));
  try {
    const rows: BundleRow[] = [];
    for (const step of STEP_NAMES) {
      const { file, bytes, packages } = await bundleStep(step, folder);
      rows.push({
        step,
        bytes,
        needsEc2: functions.get(step)?.mayAskEc2 ?? false,
        carriesEc2: packages.includes('@aws-sdk/client-ec2'),
        importMillis: await medianImport(file, imports),
      });
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One after the other: in parallel they would disturb each other on a small machine. */
async function medianImport(file: string, imports: number): Promise<number> {
  const millis: number[] = [];
  for (let count = 0; count < imports; count += 1) millis.push(await importOnce(file));
  return millis.sort((a, b) => a - b)[Math.floor(imports / 2)] ?? Number.NaN;
}

async function importOnce(file: string): Promise<number> {
  const script = `const from = performance.now();
    await import(${JSON.stringify(pathToFileURL(file).href)});
    console.log(performance.now() - from);`;
  const env = { PATH: process.env.PATH, AWS_REGION: 'ap-northeast-1' };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    env,
  });
  return Number(stdout);
}
