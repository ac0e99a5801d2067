/** Why a fleets file could not be loaded: the words of those who load it, and the line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tsImport } from 'tsx/esm/api';
import { afterAll, describe, expect, it } from 'vitest';
import { loadingProblems } from '../../lib/loading-problems.ts';

const folder = mkdtempSync(join(tmpdir(), 'irekae-loading-'));
afterAll(() => rmSync(folder, { recursive: true }));

const problemsOf = (error: unknown, name: string, text: string) =>
  loadingProblems(error, { path: join(folder, name), text, folder });

describe('What a file has wrong is told with its line:', () => {
  it.each<[string, string, string, RegExp]>([
    ['two values', 'a', 'export const a = {\n  b: "x" "y",\n};\n', /^a\.ts:2:10: Expected "}" but found/],
    ['an end that never comes', 'b', 'export const a = {\n', /^b\.ts:2:1: Expected .* but found end of file/],
    [
      'a name that is none',
      'c',
      '\n\nexport const a = [...shared];\n',
      /^c\.ts:\d+:\d+: shared is not defined/,
    ],
    [
      'a file that is not there',
      'd',
      'import { a } from "./none.ts";\nexport const b = a;\n',
      /^d\.ts: Cannot find module '\.\/none\.ts'$/,
    ],
    [
      'what it throws itself',
      'e',
      'throw new Error("AWS_PROFILE is not set");',
      /^e\.ts:\d+:\d+: AWS_PROFILE is not/,
    ],
    ['what is thrown and is no error', 'f', 'throw "no";', /^f\.ts: no$/],
  ])('TypeScript: %s', async (_, name, text, words) => {
    const path = join(folder, `${name}.ts`);
    writeFileSync(path, text);
    const error = await tsImport(path, import.meta.url).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(problemsOf(error, `${name}.ts`, text)).toEqual([expect.stringMatching(words)]);
  });

  it.each([
    ['{"a": 1,\n "b" 2}', /^fleets\.json:2:6: /],
    ['{"a": 1', /^fleets\.json:1:8: /],
    ['', /^fleets\.json:1:1: Unexpected end of JSON input/],
    ['{"a": 1,\n}', /^fleets\.json:2:1: /],
    ['\nnope', /^fleets\.json:2:2: /],
    [`{"long": "${'x'.repeat(200)}",\n\n  oops}`, /^fleets\.json:3:3: /],
  ])('JSON: %j', (text, words) => {
    let thrown: unknown;
    try {
      JSON.parse(text);
    } catch (error) {
      thrown = error;
    }
    const [problem = ''] = problemsOf(thrown, 'fleets.json', text);
    expect(problem).toMatch(words);
    expect(problem).not.toMatch(/position \d/);
  });

  it('YAML: as its parser has it', () => {
    const message =
      'Nested mappings are not allowed in compact mappings at line 1, column 4:\n\na: 1\n   ^\n';
    const error = Object.assign(new Error(message), { linePos: [{ line: 1, col: 4 }] });
    expect(problemsOf(error, 'fleets.yaml', 'a: 1\n b: 2')).toEqual([
      'fleets.yaml:1:4: Nested mappings are not allowed in compact mappings',
    ]);
  });

  it('of another file that it imports, by the path of that one', () => {
    const error = new Error(
      `Transform failed with 1 error:\n${join(folder, 'shared.ts')}:7:0: ERROR: Unexpected "}"`,
    );
    expect(problemsOf(error, 'fleets.ts', '')).toEqual(['shared.ts:7:1: Unexpected "}"']);
  });
});
