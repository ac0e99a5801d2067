/**
 * `npm run build`, and npm by itself before it packs or installs from git: makes `dist/`, which a package holds. The
 * command, what a CDK app imports, its types, and the functions as Lambda loads them.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { fleetsFile } from '../examples/reactio/fleets.ts';
import { bundleAll, PREBUILT } from '../lib/function-code.ts';
import { readFleets } from '../lib/read-fleets.ts';
import { synthesizeTemplates } from '../lib/synthesize.ts';
import { KEPT, keptTemplates } from '../simulator/kept-templates.ts';

const PROJECT = join(import.meta.dirname, '..');
const DIST = join(PROJECT, 'dist');
const TYPES = join(DIST, 'types');
const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
/** Small, and wanted at every start: they are loaded faster from within. */
const WITHIN = ['valibot', 'string-width'];
const installed = [...Object.keys(dependencies), ...Object.keys(peerDependencies)].filter(
  (name) => !WITHIN.includes(name),
);

rmSync(DIST, { recursive: true, force: true });
bundleAll(PREBUILT);
await build({
  entryPoints: {
    index: join(PROJECT, 'bin/index.ts'),
    app: join(PROJECT, 'bin/package-app.ts'),
    irekae: join(PROJECT, 'bin/irekae.ts'),
  },
  outdir: DIST,
  absWorkingDir: PROJECT,
  // Flat, so that a file finds what lies beside `dist` as its source does beside its own folder.
  splitting: true,
  chunkNames: '[name]-[hash]',
  bundle: true,
  minifySyntax: true,
  minifyWhitespace: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  mainFields: ['module', 'main'],
  external: installed.flatMap((name) => [name, `${name}/*`]),
  banner: {
    js: "import{createRequire as irekaeCreateRequire}from'node:module';const require=irekaeCreateRequire(import.meta.url);",
  },
  legalComments: 'external',
  logLevel: 'error',
});

// The first `--local` of whoever tries the example.
const environments = readFleets(fleetsFile);
await keptTemplates({
  needed: environments,
  all: environments,
  folder: join(DIST, KEPT),
  synthesize: async () => synthesizeTemplates(environments),
});

execFileSync(
  process.execPath,
  [join(PROJECT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.package.json'],
  {
    cwd: PROJECT,
    stdio: 'inherit',
  },
);
// Types are emitted with the sources' own extension, and found by that of what is run.
for (const name of readdirSync(TYPES, { recursive: true, encoding: 'utf8' }).filter((each) =>
  each.endsWith('.d.ts'),
)) {
  const file = join(TYPES, name);
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replaceAll(/(from |import\()(['"])(\.[^'"]+)\.ts\2/g, '$1$2$3.js$2'),
  );
}
