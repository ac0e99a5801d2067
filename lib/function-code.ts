/**
 * The code of the functions. A package brings it, made once for everybody; a clone makes it of its sources, by one
 * process for all functions, whenever a stack is synthesized that needs it.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { type AssetCode, Code } from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';
import type { BuildOptions } from 'esbuild';
import { FUNCTION_NAMES, type FunctionName, sourceOf } from './function-names.ts';

const PROJECT = join(import.meta.dirname, '..');

/** In a package, a folder for each function, with the one file that Lambda loads. */
export const PREBUILT = join(PROJECT, 'dist', 'functions');

export const HANDLER = 'index.handler';

export function codeOf(scope: IConstruct, name: FunctionName): AssetCode {
  // What only looks at the rest of a template, or deploys another stack, needs no code.
  return Code.fromAsset(Stack.of(scope).bundlingRequired ? join(allFunctions(), name) : noCode());
}

const hasSources = existsSync(join(PROJECT, 'lambdas'));

let made: string | undefined;

function allFunctions(): string {
  if (!hasSources) return PREBUILT;
  if (made === undefined) {
    const folder = temporaryFolder();
    bundleAll(folder);
    made = folder;
  }
  return made;
}

export function bundleAll(folder: string): void {
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  buildSync(bundling(FUNCTION_NAMES, folder));
}

let empty: string | undefined;

function noCode(): string {
  if (empty === undefined) {
    empty = join(temporaryFolder(), 'no-code');
    mkdirSync(empty);
    writeFileSync(join(empty, 'index.mjs'), '');
  }
  return empty;
}

/** Until the process ends: CDK copies what it needs. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'irekae-functions-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** How files of `lambdas/` become each the one file that Lambda loads. */
export const bundling = (names: readonly FunctionName[], folder: string): BuildOptions => ({
  entryPoints: names.map((name) => ({ in: join(PROJECT, sourceOf(name)), out: join(name, 'index') })),
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  // What a bundle says of its parts does not depend on where it was made.
  absWorkingDir: PROJECT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minify: true,
  // The state machine matches on the names of errors, which ours and the SDK's set themselves; to keep all other names is
  // 26 kB of each bundle, and a map would double what is loaded at every start.
  sourcemap: false,
  // CDK's default takes the CommonJS half of packages, which is twice as large.
  mainFields: ['module', 'main'],
  // CommonJS packages call `require`; the name is one that the minifier cannot produce.
  banner: {
    js: "import{createRequire as irekaeCreateRequire}from'node:module';const require=irekaeCreateRequire(import.meta.url);",
  },
  alias: {
    // Lambda hands credentials over in variables; the SDK's chain of a dozen other places is 100 kB of each bundle.
    '@aws-sdk/credential-provider-node': './lambdas/clients/wire/lambda-credentials.ts',
    // No step makes a call that answers with a stream of events.
    '@smithy/core/event-streams': './lambdas/clients/wire/no-event-streams.ts',
  },
  logLevel: 'error',
});
