/**
 * No regular expression of the product takes longer than its text is long: whoever may choose a text could keep a
 * function busy with it until its time is over. Each is judged by `recheck`, which knows expressions and no clock.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSync } from 'recheck';
import { describe, expect, it } from 'vitest';
import { keepSecret, masked } from '../../lambdas/domain/core/secrets.ts';
import { plain } from '../../lambdas/domain/core/words.ts';

const PROJECT = join(import.meta.dirname, '..', '..');

const LITERAL =
  /(?<=[(,=:[!&|?{};>]\s*|return )\/(?![*/ ])((?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)\/([dgimsuvy]*)(?=[\s).,;:\]])/g;

/** A text may look like one. */
function isPattern(source: string, flags: string): boolean {
  try {
    return Boolean(new RegExp(source, flags));
  } catch {
    return false;
  }
}

const found = ['lambdas', 'bin', 'lib'].flatMap((folder) =>
  readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const code = readFileSync(join(PROJECT, folder, file), 'utf8').replace(/^ *(?:\/\/|\/?\*).*$/gm, '');
      return [...code.matchAll(LITERAL)]
        .map(([, source = '', flags = '']) => [`${folder}/${file}`, source, flags] as const)
        .filter(([, source, flags]) => isPattern(source, flags));
    }),
);

/** Without any limit of time, and with a seed: the same answer on a busy machine. */
const DETERMINED = {
  checker: 'auto',
  randomSeed: 1,
  timeout: null,
  attackTimeout: null,
  incubationTimeout: null,
  recallLimit: 0,
  maxNFASize: 4_000,
} as const;

/** One repetition, or none, from the beginning of the text on: nothing is read twice. */
const isPlain = (source: string): boolean => {
  const bare = source.replace(/\\.|\[(?:\\.|[^\]\\])*\]/g, 'x');
  const repetitions = bare.match(/[*+]|\{\d+,\d*\}/g) ?? [];
  return repetitions.length === 0 || (repetitions.length === 1 && /^\^[^|]*$/.test(bare));
};

/** A text on which it takes longer than its text is long; `undefined` where there is none. */
function slowOn(source: string, flags: string): string | undefined {
  if (isPlain(source)) return undefined;
  const found = checkSync(source, flags, DETERMINED);
  if (found.status === 'safe') return undefined;
  return found.status === 'vulnerable' ? found.attack.pattern : `nobody knows: ${found.error.kind}`;
}

describe('A regular expression', () => {
  it(`is fast on every text, each of the product’s ${found.length}`, {
    timeout: 120_000,
  }, () => {
    expect(found.length).toBeGreaterThan(140);
    const different = new Map(found.map((each) => [`/${each[1]}/${each[2]}`, each] as const));
    const slow = [...different.values()].flatMap(([file, source, flags]) => {
      const text = slowOn(source, flags);
      return text === undefined
        ? []
        : [`${file}: /${source}/${flags} on ${JSON.stringify(text.slice(0, 30))}…`];
    });
    expect(slow).toEqual([]);
  });

  it.each([
    ['<[^>]*>', 'g'],
    ['\\.+$', ''],
    ['\\s+$', ''],
    ['\\d+ (h|min|s)\\b', 'g'],
    ['<!--[\\s\\S]*?-->', 'g'],
    ['(a+)+$', ''],
  ])('of the kinds that are slow is found: /%s/%s', (source, flags) =>
    expect(slowOn(source, flags)).toBeDefined(),
  );
});

/** One that took the square of it would be at it for hours. */
describe('The display of a text of a megabyte', { timeout: 120_000 }, () => {
  keepSecret(`${'Ab/+9='.repeat(20)}key`);
  it.each([
    '\\',
    '%25',
    '&amp;',
    '\u0301',
    ' ',
    'Ab/+9=',
    'X-Amz-Signature=',
    'X-Amz-Signature: ',
    'Bearer ',
    '\u202e',
  ])('ends: %j', (pump) => {
    const text = pump.repeat(1e6 / pump.length);
    expect(masked(text).length).toBeLessThanOrEqual(text.length + 3);
    expect(plain(text).length).toBeLessThan(1_000);
  });
});
