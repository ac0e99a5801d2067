/** Which irekae this is: its package.json, wherever the files lie that came with it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

function folderOfManifest(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : folderOfManifest(dirname(folder));
}

/** Of the package, or of the clone. */
export const PACKAGE_FOLDER = folderOfManifest(import.meta.dirname);

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export const MANIFEST: Manifest = JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8'));

export const VERSION: string = MANIFEST.version;
