#!/usr/bin/env node
/**
 * What `npx --no -- irekae` runs: the compiled command; in a clone whose sources are newer, these, by tsx. It is named
 * from this file, so that the command works in any folder.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const PROJECT = join(import.meta.dirname, '..');
const COMPILED = join(PROJECT, 'dist', 'irekae.js');

function isNewer(path, than) {
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs > than;
  return readdirSync(path, { withFileTypes: true }).some((entry) =>
    entry.isDirectory()
      ? isNewer(join(path, entry.name), than)
      : statSync(join(path, entry.name)).mtimeMs > than,
  );
}

function isCompiled() {
  const compiled = statSync(COMPILED, { throwIfNoEntry: false });
  if (compiled === undefined) return false;
  const sources = ['bin/command', 'bin/irekae.ts', 'lib', 'lambdas', 'simulator'];
  return !existsSync(join(PROJECT, 'lambdas')) || !sources.some((name) => isNewer(join(PROJECT, name), compiled.mtimeMs));
}

if (isCompiled()) {
  await import('../dist/irekae.js');
} else {
  let tsx;
  try {
    tsx = await import('tsx/esm/api');
  } catch {
    console.error('irekae is not installed yet: run `npm ci` in its folder first (without --omit=dev).');
    process.exit(1);
  }
  tsx.register();
  await import('./irekae.ts');
}
