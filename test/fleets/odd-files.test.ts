/** The odd files are valid, or they would show nothing. */
import { expect, it } from 'vitest';
import { readFleets } from '../../lib/read-fleets.ts';
import { ODD_FILES } from './odd-files.ts';

it.each(Object.entries(ODD_FILES))('%s is a valid fleets file', (_, file) => {
  expect(readFleets(file).flatMap(({ fleets }) => fleets)).toHaveLength(file.fleets.length);
});

it('there are three', () => expect(Object.keys(ODD_FILES)).toHaveLength(3));
