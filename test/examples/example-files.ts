/** The files under `examples/`, as the tests read them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

export const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

export const exampleFile = (path: string): string => readFileSync(join(EXAMPLES, path), 'utf8');

/** Paths below `examples/` that end in this, with `/` between their parts. */
export const exampleFiles = (ending: string): string[] =>
  readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.endsWith(ending) && statSync(join(EXAMPLES, path)).isFile())
    .sort();
