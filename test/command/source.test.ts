/** Values as TypeScript: whatever is written is read as the same again. */
import { Script } from 'node:vm';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { commentLines, source } from '../../bin/command/project/source.ts';

const read = (text: string): unknown => JSON.parse(JSON.stringify(new Script(`(${text})`).runInNewContext()));

it('is what was given, however long and whatever stands in it', () => {
  const values = fc
    .jsonValue({ maxDepth: 4 })
    .filter((value) => !JSON.stringify(value).includes('__proto__'));
  fc.assert(
    fc.property(values, fc.string({ unit: 'binary' }), (value, comment) => {
      const given = JSON.parse(JSON.stringify({ value }));
      expect(read(source(given, '', new Map([['value', comment]])))).toEqual(given);
    }),
    { numRuns: 300 },
  );
});

it.each([
  ['a text', "'a text'"],
  ["it's", '"it\'s"'],
  ['say "x"', '\'say "x"\''],
  [{ a: 1, 'b-c': [true, 'x'] }, "{ a: 1, 'b-c': [true, 'x'] }"],
  [{}, '{}'],
])('%j is written as somebody would', (value, text) => {
  expect(source(value)).toBe(text);
});

it('breaks what is long, as the formatter does', () => {
  const long = 'x'.repeat(60);
  expect(source({ a: [long, long], b: 1 })).toBe(
    `{\n  a: [\n    '${long}',\n    '${long}',\n  ],\n  b: 1,\n}`,
  );
});

it('comments stay comments', () => {
  expect(commentLines('a\n*/ b\u2028c', '  ')).toBe('  // a */ b c\n');
});
