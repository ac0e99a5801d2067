/** The project's documents, as the tests of `docs/` read them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const PROJECT = join(import.meta.dirname, '..', '..');

export const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');

/** Paths in the project. */
export const DOCUMENTS: readonly string[] = [
  'README.md',
  'README.ja.md',
  'SECURITY.md',
  ...readdirSync(join(PROJECT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path))
    .sort(),
  'examples/README.md',
  'examples/app/README.md',
];
