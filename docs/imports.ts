/** Who imports whom, read from the sources: what the arrows of the house are held against, and drawn from. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PROJECT = join(import.meta.dirname, '..');

/** One import of a file of ours. Paths are relative to the project. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** Every TypeScript file of these folders. @throws Error when one has none: a test over nothing cannot fail. */
export function filesIn(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    const names = readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' });
    const files = names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`);
    if (files.length === 0) throw new Error(`There is no TypeScript in ${folder}.`);
    return files.sort();
  });
}

export const sourceOf = (file: string): string => readFileSync(join(PROJECT, file), 'utf8');

/** Static and dynamic imports, of values and of types alike: a circle of types is a circle to a reader. */
export function importsOf(file: string): Import[] {
  const found = sourceOf(file).matchAll(/(?:\bfrom |\bimport\(|^import )'(\.[^']+)'/gm);
  return [...found].map(([, specifier = '']) => ({ from: file, to: join(dirname(file), specifier) }));
}
