/** From nothing to a fleet: `npx irekae init --example` of the packed product in an empty folder, and what comes next. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FILES } from '../../bin/command/project/files.ts';
import { type Ran, Team } from './team.ts';

const team = new Team();
afterAll(() => team.remove());

/** As somebody types it in their folder, without credentials. */
function run(line: string): Promise<Ran> {
  const [program = '', ...args] = line.split(' ');
  return team.run(program, args, { PATH: process.env.PATH, HOME: process.env.HOME });
}

let tarball: string;
let initialized: Ran;
let installed: Ran;

beforeAll(async () => {
  tarball = team.pack();
  initialized = await run(`npx --yes --package ${tarball} irekae init --example`);
  installed = await run('npm install --no-audit --no-fund --prefer-offline');
});

it('writes a project that depends on what it came from, and installs', () => {
  expect(initialized).toMatchObject({ code: 0, err: '' });
  expect(readdirSync(team.folder)).toEqual(expect.arrayContaining([...FILES]));
  const { dependencies } = JSON.parse(readFileSync(join(team.folder, 'package.json'), 'utf8'));
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
  const stacks = readdirSync(join(team.folder, 'cdk.out')).filter((name) => name.endsWith('.template.json'));
  expect(stacks).toHaveLength(6);
});

it('overwrites nothing when it is run again', async () => {
  const { code, err } = await run('npx irekae init --example');
  expect(code).toBe(1);
  expect(err).toContain('nothing is overwritten');
});
