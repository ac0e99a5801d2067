/** SECURITY.md cites tests that exist, and says of every principal where a fence ends. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT, read } from './documents.ts';

const rows = read('SECURITY.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (who \||---)/.test(line));
const cited = rows.flatMap((row) =>
  [...row.matchAll(/`(test\/[\w./-]+)` › `([^`]+)`/g)].map(
    ([, path = '', title = '']) => [path, title] as const,
  ),
);

describe('SECURITY.md', () => {
  it('has a row for each principal, with a test or as a trust', () => {
    expect(rows).toHaveLength(17);
    expect(rows.filter((row) => !row.includes('` › `') && !row.includes('**A trust**'))).toEqual([]);
  });

  it.each(cited)('cites %s › %s, which exists', (path, title) => {
    expect(existsSync(join(PROJECT, path))).toBe(true);
    expect(read(path)).toContain(title);
  });
});
