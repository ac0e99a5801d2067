/** Limits that people and AWS count in characters are counted so everywhere: in the product, the command, the scripts. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../bin/command/command-line.ts';
import { COMMANDS } from '../../bin/command/irekae.ts';
import { fleetsFile } from '../../bin/fleets.ts';
import { parseInput } from '../../lambdas/domain/core/input.ts';
import { characters, cut, plain } from '../../lambdas/domain/core/words.ts';
import { parsePromotionInput } from '../../lambdas/domain/promotion/input.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { EXAMPLES } from '../examples/example-files.ts';

/** One character each: of one byte, of three, and of four, which are two units of a string. */
const KINDS = ['x', '替', '🚚', '𠮷'];

describe.each(KINDS)('%s', (one) => {
  it('is one character', () => expect(characters(one.repeat(7))).toBe(7));

  it('is cut between itself and the next', () => {
    expect(cut(one.repeat(10), 10)).toBe(one.repeat(10));
    expect(cut(one.repeat(11), 10)).toBe(`${one.repeat(9)}…`);
    expect(plain(one.repeat(300), 256)).toBe(`${one.repeat(255)}…`);
  });

  /** Each says whether it takes a reason of so many. */
  const takers: Readonly<Record<string, (reason: string) => boolean>> = {
    'a deployment': (reason) => taken(() => parseInput({ reason })),
    'a promotion': (reason) => taken(() => parsePromotionInput({ reason })),
    'the command': (reason) =>
      readCommandLine(
        ['deploy', 'reactio-production-app', '--reason', reason],
        COMMANDS,
        readFleets(fleetsFile),
      ).kind === 'run',
    ...Object.fromEntries(
      ['C', 'C.UTF-8'].map((locale) => [`deploy.sh, LC_ALL=${locale}`, scriptTakes(locale)]),
    ),
  };
  it.each(Object.keys(takers))('may stand 256 times in a reason for %s, and not once more', (who) => {
    expect(takers[who]?.(one.repeat(256))).toBe(true);
    expect(takers[who]?.(one.repeat(257))).toBe(false);
  });

  it.each(['C', 'C.UTF-8'])('is shown whole by the scripts, LC_ALL=%s', (locale) => {
    const told = inShell(locale, 'shown "$1"', one.repeat(2_100));
    expect(told).toBe(one.repeat(2_000));
  });
});

function taken(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

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
