/** The same dependencies for everybody: exact versions, and a lock file that has these and no others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

type Versions = Readonly<Record<string, string>>;
interface Manifest {
  readonly version: string;
  readonly dependencies: Versions;
  readonly devDependencies: Versions;
  readonly peerDependencies?: Versions;
}
const read = (file: string) => JSON.parse(readFileSync(join(import.meta.dirname, '../..', file), 'utf8'));
const manifest = read('package.json') as Manifest & Readonly<Record<string, unknown>>;
const lock = read('package-lock.json') as {
  readonly packages: Readonly<
    Record<string, Manifest & { readonly integrity?: string; readonly link?: true }>
  >;
};
const asked = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });

describe('Every dependency', () => {
  it.each(asked)('%s is one exact version, %s', (_, version) =>
    expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
  );

  it.each(asked)('%s is locked at %s', (name, version) =>
    expect(lock.packages[`node_modules/${name}`]?.version).toBe(version),
  );

  it('of those that the user brings may be newer, and is what the tests run with', () => {
    const { peerDependencies, devDependencies } = manifest;
    const tested = ['aws-cdk-lib', 'constructs'].map((name) => [name, `^${devDependencies[name]}`]);
    expect(peerDependencies).toEqual(Object.fromEntries(tested));
  });

  it('stands in one of the two lists, and in no other', () => {
    expect(asked).toHaveLength(
      Object.keys(manifest.dependencies).length + Object.keys(manifest.devDependencies).length,
    );
    for (const list of ['optionalDependencies', 'bundleDependencies'])
      expect(manifest).not.toHaveProperty(list);
  });
});

describe('The lock file', () => {
  it('was made from this package.json', () => {
    const { dependencies, devDependencies } = manifest;
    expect(lock.packages['']).toMatchObject({ dependencies, devDependencies });
  });

  it('knows the digest of every package', () => {
    const packages = Object.entries(lock.packages).filter(([path, { link }]) => path !== '' && !link);
    expect(packages.length).toBeGreaterThan(asked.length);
    // What is packed inside of another package is covered by that one's digest.
    const without = packages.filter(
      ([, each]) => each.integrity === undefined && !('inBundle' in each && each.inBundle),
    );
    expect(without.map(([path]) => path)).toEqual([]);
  });
});
