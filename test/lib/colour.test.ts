/** Who gets colours. */
import { describe, expect, it } from 'vitest';
import { wantsColour } from '../../lib/terminal/colour.ts';

describe('Colours', () => {
  it.each<[string, Record<string, string>, boolean, boolean]>([
    ['at a terminal', { TERM: 'xterm' }, true, true],
    ['not in a pipe', { TERM: 'xterm' }, false, false],
    ['not at a dumb terminal', { TERM: 'dumb' }, true, false],
    ['not with NO_COLOR', { NO_COLOR: '1' }, true, false],
    ['not with NO_COLOR, whatever it says', { NO_COLOR: '0' }, true, false],
    ['with an empty NO_COLOR, which is none', { NO_COLOR: '' }, true, true],
    ['in a pipe with FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
    ['at a dumb terminal with FORCE_COLOR', { FORCE_COLOR: '1', TERM: 'dumb' }, true, true],
    ['with both, as Node has it', { FORCE_COLOR: '1', NO_COLOR: '1' }, true, true],
    ['not with FORCE_COLOR=0', { FORCE_COLOR: '0' }, true, false],
  ])('%s', (_, env, isTerminal, wanted) => expect(wantsColour(env, isTerminal)).toBe(wanted));
});
