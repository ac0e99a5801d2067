/** Where `.ci/run` puts the programs of others: a folder of its own, outside the tree. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const TOOLS = process.env.IREKAE_CI_TOOLS ?? join(tmpdir(), 'irekae-ci-tools');

const INSTALL = '.ci/run with CI=true installs it';

export const python = join(TOOLS, 'bin/python3');

/** @returns what is missing, or nothing. */
export const lacksPython = (module: string): string | undefined =>
  spawnSync(python, ['-c', `import ${module}`]).status === 0
    ? undefined
    : `no ${module} in ${python}: ${INSTALL}`;

export const lacksPackage = (name: string): string | undefined =>
  existsSync(join(TOOLS, 'node_modules', name))
    ? undefined
    : `no ${name} in ${TOOLS}/node_modules: ${INSTALL}`;

export const program = (name: string): string => join(TOOLS, 'bin', name);

/** Those that `judges/go` names with their versions. */
export const lacksPrograms = (...names: readonly string[]): string | undefined => {
  const lacking = names.filter((name) => !existsSync(program(name)));
  return lacking.length === 0 ? undefined : `no ${lacking.join(' and ')} in ${TOOLS}/bin: ${INSTALL}, by Go`;
};

/** A package that is no dependency: of a licence or a size that the product does not take in. */
export const toolPackage = (name: string): unknown => createRequire(join(TOOLS, 'node_modules/'))(name);

export interface Said {
  readonly out: string;
  readonly err: string;
}

/** @throws Error when it fails */
export function run(program: string, args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Said {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input,
    encoding: 'utf8',
    timeout: 240_000,
    maxBuffer: 256 * 1024 ** 2,
    env: { ...process.env, ...env },
  });
  if (status === 0) return { out: stdout, err: stderr };
  throw new Error(
    `${program} ${args.join(' ')}: ${error?.message ?? status}: ${stderr.slice(-2_000)}${stdout.slice(-2_000)}`,
  );
}
