/** How the command was called, so that what it tells people to type works where they are. */
import { basename, dirname, relative, sep } from 'node:path';
import { COMMAND } from '../../lambdas/domain/core/names.ts';
import { PACKAGE_FOLDER } from '../../lib/version.ts';
import type { Spelling } from './hints.ts';
import { shell } from './typed.ts';

export interface Calling {
  /** As in `process.argv`: the program, the script, what was typed. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const OURS = 'irekae';

/** The command as it was called. */
export function calledAs({ argv, env, cwd }: Calling): string {
  const script = argv[1] ?? '';
  return byPackageManager(env, script) ?? byShell(script, env, cwd);
}

/** npm says what it runs. What that runs in turn inherits it, so it is believed only about us. */
function byPackageManager(env: Calling['env'], script: string): string | undefined {
  const { npm_command: by = '', npm_lifecycle_event: name = '', npm_lifecycle_script: line = '' } = env;
  const words = line.replaceAll(/['"]/g, '').trim().split(/\s+/);
  const isOurs = words[0] === OURS;
  const isSource = words.length === 2 && words[0] === 'tsx' && isOurSource(words[1] ?? '');
  if (by === 'exec') {
    if (isOurs) return isInstalled(script) ? `npx ${OURS}` : COMMAND;
    return words[0] === 'tsx' && isOurSource(script) ? `npx tsx bin/${OURS}.ts` : undefined;
  }
  // A script of more words gives us options of its own, which are to be given once.
  const isScript = by === 'run' || by === 'run-script';
  return isScript && ((isOurs && words.length === 1) || isSource) ? `npm run ${name} --` : undefined;
}

const isOurSource = (script: string): boolean => basename(script) === `${OURS}.ts`;

/** As a dependency, and not in a clone. */
const isInstalled = (script: string): boolean => script.split(sep).includes('node_modules');

function byShell(script: string, env: Calling['env'], cwd: string): string {
  if (basename(script) === OURS) {
    const isInPath = (env.PATH ?? '').split(':').includes(dirname(script));
    return isInPath ? OURS : shell(near(script, cwd));
  }
  if (basename(script) === `${OURS}.js`) return shell('node', near(script, cwd));
  return isOurSource(script) ? shell('npx', 'tsx', near(script, cwd)) : COMMAND;
}

const near = (script: string, cwd: string): string => {
  const path = relative(cwd, script);
  return path.startsWith('..') ? script : path.includes(sep) ? path : `./${path}`;
};

/** With what was given beside the command line: a profile and a fleets file, which everything needs that is pasted. */
export function spellingOf(calling: Calling): Omit<Spelling, 'options' | 'fleetsFile'> {
  const { AWS_PROFILE: profile, IREKAE_FLEETS: fleets } = calling.env;
  return {
    command: (fleets ? `IREKAE_FLEETS=${shell(fleets)} ` : '') + calledAs(calling),
    environment: profile ? `AWS_PROFILE=${shell(profile)}` : '',
    docs: folderOf(calling.cwd),
  };
}

/** From here to the project, whose documents came with it: `node_modules/@irekae/irekae/`. */
function folderOf(cwd: string): string {
  const path = relative(cwd, PACKAGE_FOLDER);
  if (path === '') return '';
  return `${path.startsWith('..') ? PACKAGE_FOLDER : path}/`;
}
