/** Which irekae this is: the version in its package.json, wherever the files lie that came with it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

function manifestAbove(folder: string): string {
  const found = join(folder, 'package.json');
  return existsSync(found) ? found : manifestAbove(dirname(folder));
}

export const VERSION: string = (
  JSON.parse(readFileSync(manifestAbove(import.meta.dirname), 'utf8')) as { readonly version: string }
).version;
