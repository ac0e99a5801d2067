/** Limits that people and AWS count in characters are counted so everywhere: in the product and the command; in the scripts, too: `characters-script.test.ts`. */
import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../bin/command/command-line.ts';
import { COMMANDS } from '../../bin/command/irekae.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { parseInput } from '../../lambdas/domain/core/input.ts';
import { characters, cut, plain } from '../../lambdas/domain/core/words.ts';
import { parsePromotionInput } from '../../lambdas/domain/promotion/input.ts';
import { readFleets } from '../../lib/read-fleets.ts';

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
  const takers: Readonly<Record<string, (reason: string) => boolean | Promise<boolean>>> = {
    'a deployment': (reason) => taken(() => parseInput({ reason })),
    'a promotion': (reason) => taken(() => parsePromotionInput({ reason })),
    'the command': async (reason) =>
      (
        await readCommandLine(['deploy', 'reactio-production-app', '--reason', reason], COMMANDS, async () =>
          readFleets(fleetsFile),
        )
      ).kind === 'run',
  };
  it.each(Object.keys(takers))('may stand 256 times in a reason for %s, and not once more', async (who) => {
    expect(await takers[who]?.(one.repeat(256))).toBe(true);
    expect(await takers[who]?.(one.repeat(257))).toBe(false);
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
