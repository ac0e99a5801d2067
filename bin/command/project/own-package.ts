/** This package, as another one depends on it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import own from '../../../package.json';
import { type Dependencies, INTRODUCTION } from './files.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** @param spec what npm shall install; default: what runs here */
export const dependencies = (spec = installedFrom() ?? own.version): Dependencies => ({
  irekae: { name: own.name, spec },
  others: { 'aws-cdk-lib': own.dependencies['aws-cdk-lib'], constructs: own.dependencies.constructs },
  tools: { 'aws-cdk': own.devDependencies['aws-cdk'] },
});

/** The tarball or git URL that npm has it from; nothing for a version of a registry, and in a clone. */
function installedFrom(): string | undefined {
  try {
    const text = readFileSync(
      join(ROOT, ...own.name.split('/').map(() => '..'), '.package-lock.json'),
      'utf8',
    );
    const resolved: unknown = JSON.parse(text).packages?.[`node_modules/${own.name}`]?.resolved;
    return typeof resolved === 'string' && !/^https?:.*\/-\//.test(resolved) ? resolved : undefined;
  } catch {
    return undefined;
  }
}

/** As it stands there, but for its introduction, and where its types come from. */
export function exampleText(): string {
  const text = readFileSync(join(ROOT, 'examples', 'reactio', 'fleets.ts'), 'utf8');
  return text
    .replace(/^\/\*\*[\s\S]*?\*\/\n/, INTRODUCTION)
    .replace(/(?<= from ')[./]+\/lib\/fleet-config\.ts(?=')/, own.name);
}
