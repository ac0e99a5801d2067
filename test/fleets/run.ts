/**
 * `npm run test:fleets`: in copies of the project whose `bin/fleets.ts` is somebody else's, all tests are green, and
 * `npm run docs` writes nothing of it anywhere. `-- NAME…` takes some of the files; `-- --drawn` one that chance picks,
 * and of the tests those that could read it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ODD_FILES } from './odd-files.ts';

const PROJECT = join(import.meta.dirname, '../..');
const LIMIT_MILLIS = 15 * 60_000;

/** With a git of its own, as tests ask it; the packages are linked, as they are many. */
function copyOf(name: string): string {
  const copy = mkdtempSync(join(tmpdir(), `irekae-fleets-${name}-`));
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: PROJECT,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter((each) => each !== '')) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(PROJECT, file), join(copy, file));
  }
  execFileSync('cp', ['-al', join(PROJECT, 'node_modules'), join(copy, 'node_modules')]);
  writeFileSync(
    join(copy, 'bin/fleets.ts'),
    `export const fleetsFile = ${JSON.stringify(ODD_FILES[name])};\n`,
  );
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@reactio.example', ...args], { cwd: copy });
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'odd');
  return copy;
}

/** Of the tests: who imports the file or what finds it, who names it, and who starts programs. */
function readersIn(copy: string): string[] {
  const tests = readdirSync(join(copy, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join('test', file));
  const may = /bin\/fleets|child_process/;
  const named = tests.filter((file) => may.test(readFileSync(join(copy, file), 'utf8')));
  return ['related', '--run', 'bin/fleets.ts', 'lib/fleets-file.ts', ...named];
}

/** @returns whether it is as it must be */
function passes(name: string, isDrawn: boolean): boolean {
  const copy = copyOf(name);
  const run = (program: string, ...args: string[]) => {
    console.log(`\n${name}: ${program} ${args.join(' ')}`);
    const { IREKAE_FLEETS: _, ...env } = process.env;
    return spawnSync(program, args, { cwd: copy, stdio: 'inherit', timeout: LIMIT_MILLIS, env }).status === 0;
  };
  try {
    const [fleet] = ODD_FILES[name]?.fleets ?? [];
    return (
      // It is the copy's file that counts there, or the rest would show nothing.
      run('npx', 'tsx', 'bin/irekae.ts', 'status', fleet?.name ?? '', '--local') &&
      run('npx', 'tsx', 'docs/generate.ts') &&
      run('git', 'diff', '--exit-code') &&
      run('npx', 'vitest', ...(isDrawn ? readersIn(copy) : ['run']), '--reporter=dot')
    );
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const given = process.argv.slice(2);
const all = Object.keys(ODD_FILES);
const unknown = given.filter((name) => name !== '--drawn' && !all.includes(name));
if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: allowed: --drawn, ${all.join(', ')}`);
const isDrawn = given.includes('--drawn');
const drawn = all[Math.floor(Math.random() * all.length)] ?? '';
const names = isDrawn ? [drawn] : given.length > 0 ? given : all;
const failed = names.filter((name) => !passes(name, isDrawn));
console.log(
  failed.length === 0 ? `\nall green with ${names.join(', ')}` : `\nnot green with ${failed.join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
