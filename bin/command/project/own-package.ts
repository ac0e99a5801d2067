/** This package, as another one depends on it. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MANIFEST, PACKAGE_FOLDER, VERSION } from '../../../lib/version.ts';
import { type Dependencies, INTRODUCTION } from './files.ts';

const { name, dependencies: own, peerDependencies: peers, devDependencies: tools } = MANIFEST;
/** Every version that is named somewhere, as it is tested here. */
const VERSIONS: Readonly<Record<string, string>> = { ...peers, ...own, ...tools };
const versionsOf = (...names: readonly string[]) =>
  Object.fromEntries(names.map((each) => [each, VERSIONS[each] ?? '*']));

/** @param spec what npm shall install; default: what runs here */
export const dependencies = (spec = installedFrom() ?? VERSION): Dependencies => ({
  irekae: { name, spec },
  others: versionsOf('aws-cdk-lib', 'constructs'),
  tools: versionsOf('aws-cdk'),
});

/** The tarball or git URL that npm has it from; nothing for a version of a registry, and in a clone. */
function installedFrom(): string | undefined {
  try {
    const modules = join(PACKAGE_FOLDER, ...name.split('/').map(() => '..'));
    const { packages } = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8'));
    const resolved: unknown = packages[`node_modules/${name}`]?.resolved;
    if (typeof resolved !== 'string' || /^https?:.*\/-\//.test(resolved)) return undefined;
    // A path is told from where it was installed.
    return resolved.startsWith('file:') ? `file:${resolve(modules, '..', resolved.slice(5))}` : resolved;
  } catch {
    return undefined;
  }
}

/** As it stands there, but for its introduction, and where its types come from. */
export function exampleText(): string {
  const text = readFileSync(join(PACKAGE_FOLDER, 'examples', 'reactio', 'fleets.ts'), 'utf8');
  return text
    .replace(/^\/\*\*[\s\S]*?\*\/\n/, INTRODUCTION)
    .replace(/(?<= from ')[./]+\/lib\/fleet-config\.ts(?=')/, name);
}
