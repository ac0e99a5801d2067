/** What imports what, read from the sources: the arrows between rooms are checked against this, and drawn from it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PROJECT = join(import.meta.dirname, '..');

/** One import in one of our files. Paths are relative to the project. */
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

/** Static and dynamic imports, of values and of types alike: a cycle of types is a cycle for a reader too. */
export function importsOf(file: string): Import[] {
  const found = sourceOf(file).matchAll(/(?:\bfrom |\bimport\(|^import )'(\.[^']+)'/gm);
  return [...found].map(([, specifier = '']) => ({ from: file, to: join(dirname(file), specifier) }));
}
