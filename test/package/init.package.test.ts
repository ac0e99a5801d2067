/** From nothing to a fleet: `npx irekae init --example` of the packed product in an empty folder, and what comes next. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FILES } from '../../bin/command/project/files.ts';
import { PACKAGE_FOLDER } from '../../lib/version.ts';

const folder = mkdtempSync(join(tmpdir(), 'irekae-init-'));
const team = join(folder, 'team');
afterAll(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** As somebody types it in their folder, without credentials. */
function run(line: string): Promise<Ran> {
  const [program = '', ...args] = line.split(' ');
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  const options = { cwd: team, env, timeout: 240_000, maxBuffer: 64 * 1024 ** 2 };
  return new Promise((resolve) =>
    execFile(program, args, options, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, out, err }),
    ),
  );
}

let tarball: string;
let initialized: Ran;
let installed: Ran;

beforeAll(async () => {
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: PACKAGE_FOLDER,
    encoding: 'utf8',
  });
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[\n')));
  tarball = join(folder, filename);
  mkdirSync(team);
  initialized = await run(`npx --yes --package ${tarball} irekae init --example`);
  installed = await run('npm install --no-audit --no-fund --prefer-offline');
});

it('writes a project that depends on what it came from, and installs', () => {
  expect(initialized).toMatchObject({ code: 0, err: '' });
  expect(readdirSync(team)).toEqual(expect.arrayContaining([...FILES]));
  const { dependencies } = JSON.parse(readFileSync(join(team, 'package.json'), 'utf8'));
  expect(Object.values(dependencies)).toContain(`file:${tarball}`);
  expect(installed.code, installed.err).toBe(0);
});

it.each<[string, RegExp]>([
  ['npx irekae check', /^Nothing is wrong: 4 fleets in staging and production\.$/m],
  [
    'npx irekae deploy reactio-production-app --local --wait',
    /^Deployed .*: 2 new hosts in, 2 old hosts out/m,
  ],
  ['npx irekae plan reactio-staging-worker --local', /reactio-staging-worker/],
  ['npx cdk synth --quiet', /^(?!.*rror)/],
])('%s works there', async (line, says) => {
  const { code, out, err } = await run(line);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(says);
});

it('made the stacks of all its fleets', () => {
  const stacks = readdirSync(join(team, 'cdk.out')).filter((name) => name.endsWith('.template.json'));
  expect(stacks).toHaveLength(6);
});

it('overwrites nothing when it is run again', async () => {
  const { code, err } = await run('npx irekae init --example');
  expect(code).toBe(1);
  expect(err).toContain('nothing is overwritten');
});
