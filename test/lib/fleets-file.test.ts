/** Which fleets file is read, in which forms, and what is said of one that cannot be read. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { irekae } from '../../bin/command/irekae.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { environmentsOf, type FleetsPlace, findFleetsFile, loadFleets } from '../../lib/fleets-file.ts';
import { FleetsFileError, readFleets } from '../../lib/read-fleets.ts';

const all = mkdtempSync(join(tmpdir(), 'irekae-fleets-'));
afterAll(() => rmSync(all, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(all, 'repository-'));
});

const write = (files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
};

const load = (place: FleetsPlace = {}) => loadFleets({ env: {}, folder, ...place });

async function saidOf(place: FleetsPlace = {}): Promise<string> {
  try {
    await load(place);
  } catch (error) {
    if (error instanceof FleetsFileError) return error.message;
    throw error;
  }
  return 'it was read';
}

describe('Which file', () => {
  const found = (place: FleetsPlace = {}) => {
    const path = findFleetsFile({ env: {}, folder, ...place });
    return path.startsWith(folder) ? path.slice(folder.length + 1) : path;
  };

  it('the given one, then the variable, then the context, then the one that lies here, then that of the clone', () => {
    expect(found()).toMatch(/\/bin\/fleets\.ts$/);
    write({ 'fleets.yaml': '', 'a.ts': '', 'b.json': '', 'c/d.yaml': '', 'e.ts': '' });
    expect(found()).toBe('fleets.yaml');
    write({ 'cdk.json': JSON.stringify({ context: { 'irekae:fleets': 'e.ts' } }) });
    expect(found()).toBe('e.ts');
    expect(found({ context: 'c/d.yaml' })).toBe('c/d.yaml');
    const env = { IREKAE_FLEETS: 'b.json' };
    expect(found({ context: 'c/d.yaml', env })).toBe('b.json');
    expect(found({ context: 'c/d.yaml', env, given: 'a.ts' })).toBe('a.ts');
    expect(found({ env: { IREKAE_FLEETS: '' } })).toBe('e.ts');
  });

  it.each([
    [{ given: 'nowhere.ts' }, /^--fleets names nowhere\.ts, and there is no such file$/],
    [{ env: { IREKAE_FLEETS: 'x.yaml' } }, /^IREKAE_FLEETS names x\.yaml, and there is no such file$/],
    [{ context: 5 }, /^the CDK context irekae:fleets: given 5, allowed: the path of a file$/],
  ])('%j is refused in a sentence', async (place, sentence) => expect(await saidOf(place)).toMatch(sentence));

  it('is not guessed where there are two', async () => {
    write({ 'fleets.ts': '', 'fleets.json': '{}' });
    expect(await saidOf()).toMatch(/^fleets\.ts and fleets\.json are all here: name the one that counts/);
  });
});

describe('The same fleets', () => {
  const json = JSON.stringify(fleetsFile);
  const FORMS: Readonly<Record<string, readonly [file: string, text: string]>> = {
    'as JSON': ['fleets.json', json],
    'as JSON with a byte order mark': ['fleets.json', `\uFEFF${json}`],
    'as YAML': ['fleets.yaml', stringify(fleetsFile)],
    'as YAML with anchors': ['fleets.yml', stringify(fleetsFile, { aliasDuplicateObjects: true })],
    'as a named export': ['fleets.ts', `export const fleetsFile: object = ${json};`],
    'as the default': ['fleets.ts', `export default ${json} satisfies object;`],
    'as two exports': ['fleets.ts', `export const { environments, fleets } = ${json};`],
    'of CommonJS': ['fleets.js', `module.exports = ${json};`],
    'of CommonJS, named': ['fleets.js', `exports.fleetsFile = ${json};`],
    'of JavaScript': ['fleets.mjs', `export const fleetsFile = ${json};`],
  };
  const expected = readFleets(fleetsFile);

  it.each(Object.keys(FORMS))('%s', async (form) => {
    const [file, text] = FORMS[form] ?? ['', ''];
    write({ [file]: text });
    expect(await environmentsOf(() => load())).toEqual(expected);
  });

  it('from a file that imports others, in a repository of ES modules and of CommonJS', async () => {
    for (const type of ['module', 'commonjs']) {
      write({
        'package.json': JSON.stringify({ type }),
        'shared/hosts.ts': `export enum Zone { A }\nexport const given: unknown = ${json};`,
        'fleets.ts':
          "import { given, Zone } from './shared/hosts.ts';\nexport default Zone.A === 0 && given;",
      });
      expect((await load()).content).toEqual(fleetsFile);
    }
  });

  it('is read anew when it was changed', async () => {
    write({ 'fleets.ts': 'export default 1;' });
    expect((await load()).content).toBe(1);
    write({ 'fleets.ts': 'export default 2;' });
    expect((await load()).content).toBe(2);
  });
});

describe('A file that cannot be read', () => {
  const CASES: readonly (readonly [file: string, text: string, sentence: RegExp])[] = [
    ['fleets.ts', 'export default {\n  a: 1,,\n};', /^fleets\.ts:2: Unexpected token/],
    [
      'fleets.ts',
      '// mine\nexport const fleetsFile = {\n  a: nobody,\n};',
      /^fleets\.ts:3: nobody is not defined$/,
    ],
    ['fleets.ts', 'type A = string;\n\nthrow new Error("not today\\nat all");', /^fleets\.ts:3: not today$/],
    [
      'fleets.ts',
      'import { a } from "./gone.ts";\nexport default a;',
      /^fleets\.ts:1: Cannot find module '\.\/gone\.ts'/,
    ],
    ['fleets.json', '{\n  "environments": [],\n  "fleets": [,]\n}', /^fleets\.json:3: Unexpected token/],
    ['fleets.json', '{\n  "a": 1,\n}', /^fleets\.json:3: /],
    ['fleets.json', `{\n  "a": "${'x'.repeat(99)}",\n  b: 1\n}`, /^fleets\.json:3: /],
    ['fleets.json', '{\n  "a": [1\n', /^fleets\.json:[23]: /],
    ['fleets.json', '', /^fleets\.json:1: /],
    ['fleets.yaml', 'environments:\n  - name: a\n - name: b\n', /^fleets\.yaml:\d: /],
    ['fleets.yaml', 'a: *nobody\n', /^fleets\.yaml:1: .*nobody/],
    ['fleets.yaml', 'a: 1\na: 2\n', /^fleets\.yaml:2: /],
    ['fleets.yaml', 'a: !env HOME\n', /^fleets\.yaml:1: /],
  ];

  it.each(CASES)('%s: %j is one sentence', async (file, text, sentence) => {
    write({ [file]: text });
    const said = await saidOf();
    expect(said).toMatch(sentence);
    expect(said.split('\n')).toHaveLength(1);
  });

  it('because of another one that it imports', async () => {
    write({
      'fleets.ts': "export { a as default } from './parts/a.ts';",
      'parts/a.ts': '\nexport const a = {{};',
    });
    expect(await saidOf()).toMatch(/^parts\/a\.ts:2: /);
    write({
      'fleets.ts': "export { b as default } from './parts/b.ts';",
      'parts/b.ts': '\n\nexport const b = c;',
    });
    expect(await saidOf()).toMatch(/^parts\/b\.ts:3: c is not defined$/);
  });

  it('because it is a folder', async () => {
    write({ 'fleets.json/a': '' });
    expect(await saidOf()).toMatch(/^fleets\.json cannot be read: EISDIR/);
  });

  it('is named by the path where it lies elsewhere', async () => {
    write({ 'a/fleets.yaml': 'a: [' });
    expect(await saidOf({ given: join(folder, 'a/fleets.yaml'), folder: join(folder, 'b') })).toMatch(
      new RegExp(`^${folder}/a/fleets\\.yaml:1: `),
    );
  });
});

describe('The command', () => {
  const run = async (...args: string[]) => {
    const said: string[] = [];
    const exitCode = await irekae(args, {
      fleetsFile: (given?: string) => load({ given }),
      connect: async () => Promise.reject(new Error('nobody may be asked')),
      print: (line) => said.push(line),
      complain: (line) => said.push(line),
    });
    return { exitCode, said };
  };

  it.each([[], ['--help'], ['deploy', '--help']])('reads no file for help: %j', async (...args) => {
    write({ 'fleets.ts': 'throw new Error("read");', 'fleets.json': '' });
    expect((await run(...args.flat())).said[0]).toMatch(/^Usage: /);
  });

  it('names the file whose problems it tells, whichever it was told to read', async () => {
    write({ 'mine.yaml': 'environments: []\nfleets: []\n' });
    for (const args of [['--fleets', 'mine.yaml'], ['--fleets=mine.yaml']]) {
      const { exitCode, said } = await run('status', 'shop', ...args);
      expect(exitCode).toBe(2);
      expect(said[0]).toMatch(/^mine\.yaml has 2 problems:/);
    }
  });

  it('tells a machine where the file is broken', async () => {
    write({ 'fleets.json': '{\n,}' });
    const { exitCode, said } = await run('status', 'shop', '--json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(said.join('\n'))).toMatchObject({
      outcome: 'bad-usage',
      problem: { sentences: [expect.stringMatching(/^fleets\.json:2: /)] },
    });
  });
});
