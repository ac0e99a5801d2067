/** The check that no text of a picture stands out of its box finds those that do. */
import { describe, expect, it } from 'vitest';
import { element, text } from '../../docs/svg.ts';
import { troubles } from './boxed-text.ts';

const box = (words: string, rx = 6, y = 24) =>
  element(
    'g',
    { class: 'step' },
    element('rect', { x: 0, y: 0, width: 100, height: 40, rx }),
    text({ x: 50, y }, words, 'name'),
  );

describe('A text', () => {
  it('inside its box is fine', () => expect(troubles(box('web'))).toEqual([]));

  it.each([
    ['too wide', box('Superseded by what waits')],
    ['too high', box('web', 6, 8)],
    ['too low', box('web', 6, 39)],
    ['in a corner that is rounded off', box('Superseded', 20, 13)],
    [
      'at the side of a question',
      element(
        'g',
        { class: 'question' },
        element('polygon', { points: '0,20 40,0 60,0 100,20 60,40 40,40' }),
        text({ x: 50, y: 12 }, 'Is it?', 'name'),
      ),
    ],
  ])('that is %s is found', (_, svg) => expect(troubles(svg).join()).toMatch(/stands out of its box/));

  it('in the way of another is found', () => {
    const both = text({ x: 50, y: 20 }, 'one', 'small') + text({ x: 55, y: 24 }, 'other', 'small');
    expect(troubles(both)).toEqual(['"one" stands in the way of "other"']);
  });

  it('of an unknown class is refused: nobody knows how wide it is', () =>
    expect(() => troubles(text({ x: 0, y: 0 }, 'x', 'tiny'))).toThrow('"tiny"'));
});
