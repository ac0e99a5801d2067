/**
 * Bundles one function exactly as the stack does (`BUNDLING`), but for looking at: its size, what is in it, and a file to
 * import. The tests and the benchmark judge what is deployed, not a copy of its options.
 */
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { type FunctionName, sourceOf } from './function-names.ts';
import { BUNDLING } from './functions.ts';

export interface Bundle {
  /** Of a step, or of the orphan watch. */
  readonly step: FunctionName;
  /** The one file that Lambda would load. */
  readonly file: string;
  readonly bytes: number;
  /** Names of the npm packages of which it holds anything. */
  readonly packages: readonly string[];
}

const PROJECT = join(import.meta.dirname, '..');

export async function bundleStep(step: FunctionName, folder: string): Promise<Bundle> {
  const [bundle] = await bundleSteps([step], folder);
  if (!bundle) throw new Error(`esbuild made no bundle of ${step}`);
  return bundle;
}

/** Several at once read what they share only once; each is the same as when it is bundled alone. */
export async function bundleSteps(steps: readonly FunctionName[], folder: string): Promise<Bundle[]> {
  const { target, minify, keepNames, mainFields, banner } = BUNDLING;
  const { metafile } = await build({
    entryPoints: steps.map((step) => ({ in: join(PROJECT, sourceOf(step)), out: step })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    absWorkingDir: PROJECT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target,
    minify,
    keepNames,
    mainFields,
    banner: { js: banner },
    alias: aliases(BUNDLING.esbuildArgs),
    metafile: true,
    logLevel: 'error',
  });
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  return steps.map((step) => {
    const output = outputs.get(`${step}.mjs`);
    const sources = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    const packages = new Set(sources.flatMap(([path]) => packageOf(path) ?? []));
    return {
      step,
      file: join(folder, `${step}.mjs`),
      bytes: output?.bytes ?? 0,
      packages: [...packages].sort(),
    };
  });
}

/** `--alias:FROM=TO`, as the command line has it, for esbuild's own interface. */
function aliases(args: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = '--alias:';
  const entries = Object.entries(args).map(([option, to]) => {
    if (!option.startsWith(prefix)) throw new Error(`bundleStep does not know the esbuild option ${option}`);
    return [option.slice(prefix.length), to];
  });
  return Object.fromEntries(entries);
}

function packageOf(path: string): string | undefined {
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}
