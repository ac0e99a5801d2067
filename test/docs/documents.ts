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
  'examples/terraform/README.md',
];

export const codeBlocksOf = (page: string): readonly string[] =>
  [...page.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(([, block = '']) => block);

/** Lines of the blocks, with what goes on in the next one; and what stands between backticks in a sentence. */
export const commandsOf = (page: string): readonly string[] => [
  ...codeBlocksOf(page).flatMap((block) => block.replace(/\\\n */g, '').split('\n')),
  ...page
    .replace(/^ *```[\s\S]*?^ *```/gm, '')
    .split('\n')
    .flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)),
];
