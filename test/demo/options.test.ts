/** The command line of `npm start`: what it becomes, and every problem with it at once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { HELP, readCommand, TOUR } from '../../simulator/demo/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'irekae-options-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: Uint8Array | string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const tarball = file('app.tar.gz', gzipSync('anything'));
const text = file('app.txt', 'no tarball');

const tour = { scenarios: TOUR, json: false, plain: false };
const play = (args: string[]) => readCommand(args);

describe('The command line', () => {
  it.each([
    ['', tour],
    ['--scenario never-healthy', { ...tour, scenarios: ['never-healthy'] }],
    ['--scenario worker --scenario=alert', { ...tour, scenarios: ['worker', 'alert'] }],
    ['--seed 0', { ...tour, seed: 0 }],
    ['--seed 4294967295', { ...tour, seed: 4_294_967_295 }],
    ['--speed 2.5', { ...tour, speed: 2.5 }],
    ['--speed 1 --speed max', { ...tour, speed: 'max' }],
    ['--speed tour', { ...tour, speed: 'tour' }],
    ['--json', { ...tour, json: true }],
    ['--plain', { ...tour, plain: true }],
    [`--artifact ${tarball}`, { ...tour, artifact: tarball }],
    ['--timeline page.html', { ...tour, timeline: 'page.html' }],
  ])('"%s" is played', (line, options) => {
    expect(play(line.split(' ').filter(Boolean))).toEqual({ do: 'play', options });
  });

  it.each([
    ['--scenario nobody', /^--scenario nobody: allowed: app, worker, never-healthy, /],
    ['--speed 0', /^--speed 0: allowed: a number above 0, tour or max$/],
    ['--speed -1', /^--speed -1: allowed/],
    ['--speed Infinity', /^--speed Infinity: allowed/],
    ['--seed 1.5', /^--seed 1\.5: allowed: a whole number from 0 to 4294967295$/],
    ['--seed 4294967296', /^--seed 4294967296: allowed/],
    ['--seed', /^--seed: needs a value$/],
    ['--seed=', /^--seed: needs a value$/],
    ['--json=yes', /^--json: takes no value$/],
    ['--json --plain', /^--json and --plain: give only one of them$/],
    ['--sede=3', /^--sede: no such option; allowed: --scenario, --artifact, /],
    ['--constructor', /^--constructor: no such option/],
    ['app', /^app: not an option/],
    ['--timeline page.txt', /^--timeline page\.txt: allowed: a file whose name ends with \.html$/],
    ['--timeline nowhere/at/all.html', /^--timeline nowhere\/at\/all\.html: there is no folder nowhere\/at$/],
    ['--artifact /nowhere/at/all', /^--artifact \/nowhere\/at\/all: cannot be read \(ENOENT\)$/],
    [`--artifact ${folder}`, /: cannot be read \(EISDIR\)$/],
    [`--artifact ${text}`, /: not a \.tar\.gz$/],
  ])('"%s" is refused', (line, problem) => {
    const command = play(line.split(' '));
    expect(command).toEqual({ do: 'refuse', problems: [expect.stringMatching(problem)] });
  });

  it('with several mistakes is refused with all of them', () => {
    const command = play(['--seed', 'x', '--speed', 'fast', '--scenario', 'nobody', '--hlep']);
    expect(command).toMatchObject({ do: 'refuse' });
    expect(Object(command).problems).toHaveLength(4);
  });

  it('that asks for help gets it, whatever else is wrong', () => {
    expect(play(['-h'])).toEqual({ do: 'help' });
    expect(play(['--seed', 'x', '--help'])).toEqual({ do: 'help' });
    expect(HELP).toContain(TOUR.join(', '));
  });

  it('that asks for the list gets it, unless something is wrong', () => {
    expect(play(['--list'])).toEqual({ do: 'list' });
    expect(play(['--list', '--seed', 'x'])).toMatchObject({ do: 'refuse' });
  });
});
