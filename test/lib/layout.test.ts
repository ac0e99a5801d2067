/** Lines at a width: what goes on below, what stays in one piece, and tables that have no room. */
import { describe, expect, it } from 'vitest';
import { layOut, rowOfCells } from '../../lib/terminal/layout.ts';

const ARN = `arn:aws:states:ap-northeast-1:222222222222:execution:irekae-shop:deploy-${'1'.repeat(12)}`;

describe('A sentence', () => {
  it.each<[string, number | undefined, string[]]>([
    ['as it is where nothing is known of a width', undefined, ['one two three four']],
    ['in as many lines as it takes', 9, ['one two', 'three', 'four']],
    ['in one, if it fits', 18, ['one two three four']],
  ])('%s', (_, columns, lines) => expect(layOut(['one two three four'], { columns })).toEqual(lines));

  it('keeps its indentation, and stands below its time in a log', () =>
    expect(layOut(['  aa bb cc', '03:00:00 12:00:00  aa bb cc'], { columns: 24 })).toEqual([
      '  aa bb cc',
      '03:00:00 12:00:00  aa bb',
      '                   cc',
    ]));

  it('is broken between Japanese characters, by the columns that they take', () =>
    expect(layOut(['決済サーバーを入れ替えました。'], { columns: 12 })).toEqual([
      '決済サーバー',
      'を入れ替えま',
      'した。',
    ]));

  it('never within an id, which stands on a line of its own where it is wider', () =>
    expect(layOut([`held by ${ARN} now`], { columns: 30 })).toEqual(['held by', ARN, 'now']));

  it('never within what is to stay whole', () => {
    const whole = (text: string) => [{ from: text.indexOf('npx'), to: text.length }];
    expect(layOut(['To see it:  npx cowsay status shop'], { columns: 24, whole })).toEqual([
      'To see it:',
      '  npx cowsay status shop',
    ]);
  });
});

describe('A table', () => {
  const rows = (...cells: string[][]) => cells.map((each) => `  ${rowOfCells(each)}`);

  it('has its columns below each other, whatever they begin with', () =>
    expect(layOut(rows(['   --to', 'whose'], ['-h, --help', 'this help']))).toEqual([
      '     --to     whose',
      '  -h, --help  this help',
    ]));

  it('goes on in its last column', () =>
    expect(layOut(rows(['version', 'v1'], ['why', 'because the old one was slow']), { columns: 40 })).toEqual(
      ['  version  v1', '  why      because the old one was slow'],
    ));

  it('gives an id a line of its own, as far to the right as it fits', () =>
    expect(layOut(rows(['holder', 'i-0123456789abcdef01234567890abcdef']), { columns: 40 })).toEqual([
      '  holder',
      '     i-0123456789abcdef01234567890abcdef',
    ]));

  const HEAD = `  ${rowOfCells(['', 'ended', 'version', 'why'], true)}`;
  const LONG = rows(
    ['▶', '2026-11-22', 'v'.repeat(32), 'release 2'],
    ['', '2026-11-08', 'w'.repeat(32), '-'],
  );

  it('stands side by side where there is room', () =>
    expect(layOut([HEAD, ...LONG], { columns: 80 })[1]).toBe(
      `  ▶  2026-11-22  ${'v'.repeat(32)}  release 2`,
    ));

  it('and else each row below what names it, by the names of its columns, without what says nothing', () =>
    expect(layOut([HEAD, ...LONG], { columns: 50 })).toEqual([
      '  ▶  2026-11-22',
      `      version  ${'v'.repeat(32)}`,
      '      why      release 2',
      '    2026-11-08',
      `      version  ${'w'.repeat(32)}`,
    ]));

  it('of other cells than the one above is a table of its own', () =>
    expect(layOut([...rows(['a', 'b']), ...rows(['long', 'x', 'y'])])).toEqual(['  a  b', '  long  x  y']));

  it('shows each cell as it is to be shown, before it measures', () =>
    expect(layOut(rows(['a', 'x'], ['b', 'y']), { shown: (text) => text.replace('a', 'aaaa') })).toEqual([
      '  aaaa  x',
      '  b     y',
    ]));

  it('takes no character of somebody else for its own', () =>
    expect(layOut(['a \x1f b'])).toEqual(['a \x1f b']));
});
