/** The block that is redrawn at a terminal, where names and reasons are Japanese: it goes up by what it has drawn. */
import { describe, expect, it } from 'vitest';
import { LiveBlock } from '../../bin/command/follow/live-block.ts';
import { table } from '../../bin/command/wording.ts';
import { layOut } from '../../lib/terminal/layout.ts';
import { width } from '../../lib/terminal/width.ts';

const ESC = '\u001b';

/**
 * A terminal as far as the block uses one. A line that reaches the edge goes on in the next row, a character of two
 * columns with both of them, unless wrapping is off. It wraps anew what stands there when it gets another width.
 */
class Terminal {
  columns: number;
  #rows: string[] = [''];
  #at = 0;
  #wraps = true;

  constructor(columns: number) {
    this.columns = columns;
  }

  get screen() {
    return { write: (text: string) => this.#write(text), columns: () => this.columns, rows: () => 24 };
  }

  get shown(): string[] {
    return this.#rows.filter((row) => row !== '');
  }

  narrow(columns: number): void {
    this.columns = columns;
    const [rows, wraps] = [this.#rows, this.#wraps];
    [this.#rows, this.#at, this.#wraps] = [[''], 0, true];
    this.#put(
      rows
        .slice(0, -1)
        .map((row) => `${row}\n`)
        .join(''),
    );
    this.#wraps = wraps;
  }

  #write(text: string): void {
    for (const [, code, plain = ''] of text.matchAll(PARTS)) {
      const up = /^\[(\d+)A$/.exec(code ?? '');
      if (up) this.#at -= Number(up[1]);
      if (code === '[J') this.#rows = this.#rows.slice(0, this.#at);
      if (code === '[?7l') this.#wraps = false;
      if (code === '[?7h') this.#wraps = true;
      this.#put(plain.replaceAll('\r', ''));
    }
  }

  #put(text: string): void {
    for (const { segment } of new Intl.Segmenter().segment(text)) {
      const row = this.#rows[this.#at] ?? '';
      const isFull = width(row) + width(segment) > this.columns;
      if (segment === '\n' || (isFull && this.#wraps)) {
        this.#rows[this.#at] = row;
        this.#at += 1;
        this.#rows[this.#at] = segment === '\n' ? '' : segment;
      } else if (!isFull) this.#rows[this.#at] = `${row}${segment}`;
    }
  }
}

/** A control sequence, or text up to the next one. */
const PARTS = new RegExp(`${ESC}(\\[\\??\\d*[A-Za-z])|([^${ESC}]+)`, 'g');

const REASON =
  '緊急リリース：決済の証明書が期限切れになるため、担当者が承認したうえで本番環境を入れ替える🚀。'.repeat(3);
const HOSTS = table([
  ['NEW', 'i-0000000000000000a', '東京リージョンの決済サーバー', 'working'],
  ['OLD', 'i-0000000000000000b', 'web', 'standby'],
]);

describe('The live block', () => {
  it.each([80, 120])('of Japanese rows at %d columns is redrawn in place', (columns) => {
    const terminal = new Terminal(columns);
    const block = new LiveBlock(terminal.screen);
    block.draw([REASON, ...HOSTS]);
    const first = terminal.shown;
    expect(first).toHaveLength(3);
    expect(first[0]).toMatch(/^緊急リリース.*…$/);
    expect(width(first[0] ?? '')).toBeLessThan(columns);
    block.draw([`もう一度：${REASON}`, ...HOSTS]);
    expect(terminal.shown).toHaveLength(3);
    expect(terminal.shown[0]).toMatch(/^もう一度：緊急/);
    block.close();
    expect(terminal.shown).toEqual([]);
  });

  it.each([80, 120])('leaves whole lines above it, at %d columns', (columns) => {
    const terminal = new Terminal(columns);
    const block = new LiveBlock(terminal.screen);
    block.draw(HOSTS);
    block.print(`03:01:23  ${REASON}`);
    block.print('03:01:24  次の行');
    block.draw([...HOSTS, '　待機中']);
    block.close();
    expect(terminal.shown.join('')).toBe(`03:01:23  ${REASON}03:01:24  次の行`);
  });

  it('of a terminal that has become narrower goes up by the rows that stand there now', () => {
    const terminal = new Terminal(120);
    const block = new LiveBlock(terminal.screen);
    block.print('a line that stays');
    block.draw([REASON, ...HOSTS]);
    terminal.narrow(80);
    expect(terminal.shown).toHaveLength(5);
    block.draw([REASON, ...HOSTS]);
    expect(terminal.shown).toHaveLength(4);
    expect(terminal.shown[0]).toBe('a line that stays');
  });

  it('is not wrapped by a terminal that counts otherwise; lines are', () => {
    const written: string[] = [];
    const block = new LiveBlock({ write: (text) => written.push(text), columns: () => 80, rows: () => 24 });
    block.draw(['▶ up']);
    block.print('a line');
    expect(written.at(-1)).toContain(`a line\n${ESC}[?7l▶ up\n${ESC}[?7h`);
  });
});

describe('A table', () => {
  it('has its columns under each other, whatever the names are', () => {
    const rows = layOut(
      table([
        ['決済サーバー', 'working', '本番'],
        ['web-1', 'standby', 'staging'],
        ['🚀 batch', 'off', ''],
      ]),
    );
    const startOf = (row: string | undefined, cell: string) => width(row?.slice(0, row.indexOf(cell)) ?? '');
    expect([startOf(rows[0], 'working'), startOf(rows[1], 'standby'), startOf(rows[2], 'off')]).toEqual([
      16, 16, 16,
    ]);
    expect([startOf(rows[0], '本番'), startOf(rows[1], 'staging')]).toEqual([25, 25]);
  });
});
