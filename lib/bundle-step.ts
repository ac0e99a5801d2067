/**
 * Bundles functions exactly as the stack does, but for looking at: the size, what is in it, and a file to import. The
 * tests and the benchmark judge what is deployed, not a copy of its options.
 */
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { bundling } from './function-code.ts';
import type { FunctionName } from './function-names.ts';

export interface Bundle {
  /** Of a step, or of the orphan watch. */
  readonly step: FunctionName;
  /** The one file that Lambda would load. */
  readonly file: string;
  readonly bytes: number;
  /** Names of the npm packages of which it holds anything. */
  readonly packages: readonly string[];
}

export async function bundleStep(step: FunctionName, folder: string): Promise<Bundle> {
  const [bundle] = await bundleSteps([step], folder);
  if (!bundle) throw new Error(`esbuild made no bundle of ${step}`);
  return bundle;
}

/** Several at once read what they share only once; each is the same as when it is bundled alone. */
export async function bundleSteps(steps: readonly FunctionName[], folder: string): Promise<Bundle[]> {
  const { metafile } = await build({ ...bundling(steps, folder), metafile: true });
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [basename(dirname(path)), output]),
  );
  return steps.map((step) => {
    const output = outputs.get(step);
    const sources = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    const packages = new Set(sources.flatMap(([path]) => packageOf(path) ?? []));
    return {
      step,
      file: join(folder, step, 'index.mjs'),
      bytes: output?.bytes ?? 0,
      packages: [...packages].sort(),
    };
  });
}

function packageOf(path: string): string | undefined {
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}
