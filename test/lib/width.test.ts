/** Text by the columns that a terminal gives it, not by its letters. */
import { describe, expect, it } from 'vitest';
import { alignRight, beginningOf, cutTo, padTo, rowsTaken, width, wrap } from '../../lib/terminal/width.ts';

const FAMILY = '👨‍👩‍👧‍👦';
/** As macOS writes a file's name: か and its dots are two characters. */
const DECOMPOSED = 'がぎ'.normalize('NFD');

describe('The width of a text', () => {
  it.each([
    ['', 0],
    ['i-0123', 6],
    ['… ▶ ✔ · ─', 9],
    ['本番', 4],
    ['ﾊﾞｯﾁ', 4],
    ['，。', 4],
    [DECOMPOSED, 4],
    ['🚀', 2],
    [FAMILY, 2],
    ['⚠️ 停止', 7],
    ['🇯🇵', 2],
  ])('of "%s" is %d', (text, columns) => expect(width(text)).toBe(columns));

  it('is filled up, on either side', () => {
    expect(padTo('本番', 6)).toBe('本番  ');
    expect(padTo('本番', 7, '─')).toBe('本番───');
    expect(padTo('本番環境', 6)).toBe('本番環境');
    expect(alignRight('本番', 6)).toBe('  本番');
  });
});

describe('A text that is cut', () => {
  it.each([
    ['web', 3, 'web'],
    ['websites', 4, 'web…'],
    ['web sites', 5, 'web…'],
    ['本番環境', 8, '本番環境'],
    ['本番環境', 7, '本番環…'],
    ['本番環境', 6, '本番…'],
    [`a${FAMILY}b`, 3, 'a…'],
    [`a${FAMILY}bc`, 4, `a${FAMILY}…`],
    ['web', 1, '…'],
    ['web', 0, ''],
  ])('"%s" to %d columns is "%s"', (text, columns, cut) => expect(cutTo(text, columns)).toBe(cut));

  it('never ends in the middle of a character', () => {
    expect(beginningOf(`${FAMILY}${DECOMPOSED}`, 3)).toBe(FAMILY);
    expect(beginningOf(`${FAMILY}${DECOMPOSED}`, 4)).toBe(`${FAMILY}${'が'.normalize('NFD')}`);
    expect(beginningOf('本番', -1)).toBe('');
  });
});

describe('The rows of a text', () => {
  it.each([
    ['', 10, 1],
    ['a'.repeat(10), 10, 1],
    ['a'.repeat(11), 10, 2],
    ['あ'.repeat(5), 10, 1],
    ['あ'.repeat(6), 10, 2],
    // The last column of a row stays empty where the next character needs two.
    ['あああ', 3, 3],
  ])('"%s" at %d columns are %d', (text, columns, rows) => expect(rowsTaken(text, columns)).toBe(rows));
});

describe('A text that is wrapped', () => {
  it('is broken at its spaces; later lines are indented', () =>
    expect(wrap('00:07  the old hosts serve all the time', 16, '   ')).toEqual([
      '00:07  the old',
      '   hosts serve',
      '   all the time',
    ]));

  it('keeps a word whole that is longer than a line', () =>
    expect(wrap('see https://example.com/runbook there', 10)).toEqual([
      'see',
      'https://example.com/runbook',
      'there',
    ]));

  it('is broken between Japanese characters, with no punctuation at the wrong end', () => {
    expect(wrap('緊急：証明書を更新した（期限切れ）。', 12)).toEqual([
      '緊急：証明書',
      'を更新した',
      '（期限切',
      'れ）。',
    ]);
    expect(wrap('ホスト web-1 は停止中', 12)).toEqual(['ホスト web-1', 'は停止中']);
  });

  it.each([80, 116])('fits %d columns, and loses nothing', (columns) => {
    const text = 'deploy-7 は緊急リリースです 🚀。'.repeat(20);
    const lines = wrap(text, columns);
    expect(lines.filter((line) => width(line) > columns)).toEqual([]);
    expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
  });
});
