#!/usr/bin/env node
/**
 * What `npx --no -- irekae` runs: the compiled command; in a clone whose sources are newer, these, by tsx. It is named
 * from this file, so that the command works in any folder.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const PROJECT = join(import.meta.dirname, '..');
const COMPILED = join(PROJECT, 'dist', 'irekae.js');

/** When it was last changed; of a folder, the newest thing in it. */
const changedAt = (path) =>
  Math.max(
    statSync(path).mtimeMs,
    ...(statSync(path).isDirectory()
      ? readdirSync(path, { withFileTypes: true }).map((entry) =>
          entry.isDirectory() ? changedAt(join(path, entry.name)) : statSync(join(path, entry.name)).mtimeMs,
        )
      : []),
  );

function isCompiled() {
  if (!existsSync(COMPILED)) return false;
  const compiledAt = statSync(COMPILED).mtimeMs;
  const sources = ['bin/command', 'bin/irekae.ts', 'lib', 'lambdas', 'simulator'].map((name) => join(PROJECT, name));
  return sources.every((path) => !existsSync(path) || changedAt(path) <= compiledAt);
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
