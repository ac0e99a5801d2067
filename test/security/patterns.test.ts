/**
 * No regular expression of the product takes longer than its text is long: whoever may choose a text could keep a
 * function busy with it until its time is over. Each is run on texts that are made for it, of one length and of twice
 * that length: what grows as its text does is done before a clock moves, what grows as the square takes four times as long.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** Characters and words of a pattern, alone and in pairs, so many times, and what it does not match after them. */
function textsFor(source: string, times: number): string[] {
  const words = source
    .split(/\\[a-zA-Z](?:\{[^}]*\})?|\[[^\]]*\]|[()|*+?{}^$.\\]/)
    .filter((word) => word.length > 1);
  const characters = [
    ...new Set([...source.replace(/\\[a-zA-Z](\{[^}]*\})?|[\\^$?*+|]/g, ''), ...'0a .<"\n']),
  ];
  const some = characters.slice(-9);
  const pumps = [
    ...words,
    ...words.map((word) => ` ${word} `),
    ...characters,
    ...some.flatMap((one) => some.map((other) => one + other)),
  ];
  return pumps.flatMap((pump) =>
    ['\u0001', '\n\u0001'].map((end) => pump.repeat(Math.ceil(times / Math.sqrt(pump.length))) + end),
  );
}

const millis = (run: () => unknown): number => {
  const began = performance.now();
  run();
  return performance.now() - began;
};

/** The text on which it takes longer than it should; `undefined` where there is none. */
function slowOn(source: string, flags: string): string | undefined {
  const pattern = new RegExp(source, flags.includes('g') ? flags : `${flags}g`);
  const [once, twice] = [textsFor(source, 8_000), textsFor(source, 16_000)];
  // What grows as a power of two would never end on the long ones.
  const power = textsFor(source, 24).find((text) => millis(() => text.replace(pattern, '')) > 50);
  if (power !== undefined) return power;
  return twice.find((text, index) => {
    const took = () => millis(() => text.replace(pattern, ''));
    const before = () => millis(() => (once[index] ?? '').replace(pattern, ''));
    // A machine that stumbles does so once: slow is what is slow each time, and grows each time.
    return [1, 2, 3].every(() => took() > 25) && [1, 2, 3].every(() => took() > 2.5 * before());
  });
}

describe('A regular expression', () => {
  it(`is fast on every text, each of the product’s ${found.length}`, {
    timeout: 120_000,
  }, () => {
    expect(found.length).toBeGreaterThan(140);
    const slow = found.flatMap(([file, source, flags]) => {
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
    [' (Check the permissions of|It may pass:) .*$', ''],
    ['\\d+ (h|min|s)\\b', 'g'],
    ['<!--[\\s\\S]*?-->', 'g'],
    ['(a+)+$', ''],
  ])('of the kinds that are slow is found: /%s/%s', (source, flags) =>
    expect(slowOn(source, flags)).toBeDefined(),
  );
});

describe('The display of a text of a megabyte', () => {
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
  ])('is as long as the text: %j', (pump) => {
    const [once, twice] = [5e5, 1e6].map((length) => pump.repeat(length / pump.length));
    const took = (text = '') => Math.min(...[1, 2, 3].map(() => millis(() => [masked(text), plain(text)])));
    expect(took(twice)).toBeLessThan(4 * took(once) + 50);
  });
});
