/** Limits that people and AWS count in characters are counted so by the scripts, too, in whatever locale. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXAMPLES } from './example-files.ts';

/** One character each: of one byte, of three, and of four, which are two units of a string. */
const KINDS = ['x', '替', '🚚', '𠮷'];

describe.each(KINDS)('%s', (one) => {
  it.each(['C', 'C.UTF-8'])(
    'may stand 256 times in a reason for deploy.sh, and not once more, LC_ALL=%s',
    (locale) => {
      const takes = scriptTakes(locale);
      expect(takes(one.repeat(256))).toBe(true);
      expect(takes(one.repeat(257))).toBe(false);
    },
  );

  it.each(['C', 'C.UTF-8'])('is shown whole by the scripts, LC_ALL=%s', (locale) => {
    const told = inShell(locale, 'shown "$1"', one.repeat(2_100));
    expect(told).toBe(one.repeat(2_000));
  });
});

const IREKAE = join(EXAMPLES, 'shell', 'irekae.sh');
const inShell = (locale: string, script: string, text: string): string =>
  spawnSync('bash', ['-c', `set -eu; . "$0"; ${script}`, IREKAE, text], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LC_ALL: locale },
  }).stdout;

/** Usage is checked before anything is asked: only this can be wrong with it. */
function scriptTakes(locale: string): (reason: string) => boolean {
  return (reason) => inShell(locale, 'reason=$1; check_options fleet; printf %s "$problems"', reason) === '0';
}
