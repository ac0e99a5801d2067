/** The house stays tidy: arrows between rooms run down only, and nothing is said in two places. */
import { describe, expect, it } from 'vitest';
import { filesIn, importsOf, sourceOf } from '../../docs/imports.ts';
import { mayKnow, ROOMS, type RoomSpec, roomOf } from '../../docs/rooms.ts';
import { PHASES, rowOf, STEP_NAMES, type StepName } from '../../lambdas/domain/core/steps.ts';
import { FUNCTION_NAMES, sourceOf as fileOf } from '../../lib/function-names.ts';

const FILES = filesIn('bin', 'lib', 'lambdas', 'simulator');

const imports = FILES.flatMap(importsOf).flatMap(({ from, to }) => {
  const [room, other] = [roomOf(from), roomOf(to)];
  return room && other ? [{ from, to, room, other }] : [];
});

describe('Between rooms', () => {
  it('no import runs up', () => {
    expect(imports.length).toBeGreaterThan(1_000);
    const wrong = imports.filter(({ room, other }) => !mayKnow(room, other));
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('each room is below those that may know it', () => {
    const order = Object.keys(ROOMS);
    const up = Object.entries(ROOMS).flatMap(([room, { may }]: [string, RoomSpec]) =>
      may.filter((other) => order.indexOf(other) <= order.indexOf(room)).map((other) => `${room} → ${other}`),
    );
    expect(up).toEqual([]);
  });
});

describe('In lambdas', () => {
  it('no exported name but the handler is there twice', () => {
    const places = new Map<string, string[]>();
    for (const file of filesIn('lambdas')) {
      for (const [, name = ''] of sourceOf(file).matchAll(
        /^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm,
      ))
        places.set(name, [...new Set([...(places.get(name) ?? []), file])]);
    }
    expect(places.size).toBeGreaterThan(400);
    expect([...places].filter(([name, files]) => name !== 'handler' && files.length > 1)).toEqual([]);
  });
});

/** Lines that say something: no blank ones, no comments, no imports, not the wiring of the handler. */
function ownLines(file: string): number {
  const [body = ''] = sourceOf(file).split('\nexport const handler = ');
  const code = body.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').replace(/^import [\s\S]*?;$/gm, '');
  return code.split('\n').filter((line) => line.trim() !== '').length;
}

describe('A step', () => {
  const STEP_FILES = FUNCTION_NAMES.map(fileOf);

  it('is a file of its own, and has a row in a table', () => {
    const files = FILES.filter((file) => roomOf(file) === 'steps');
    expect(files.toSorted()).toEqual(STEP_FILES.toSorted());
  });

  it.each(PHASES.slice(1))('begins the act %s by writing down that its deployment enters it', (act) => {
    const first = STEP_NAMES.find((name) => rowOf(name).act === act);
    const entering = act === 'bring-up' ? 'launchingAlone(' : `enterPhase('${act}', `;
    expect(sourceOf(fileOf(first as StepName))).toContain(entering);
  });

  it('begins the acts in their order, of which the undo is the last', () => {
    const begun = [...new Set(STEP_NAMES.map((name) => rowOf(name).act))];
    expect(begun).toEqual(PHASES);
    expect(PHASES.at(-1)).toBe('undo');
  });

  it.each(STEP_FILES)('%s looks, asks for a decision and acts, in at most 60 lines', (file) =>
    expect(ownLines(file)).toBeLessThanOrEqual(60),
  );
});

describe('The user’s fleets file', () => {
  it('makes no test, document or sample: these are of the example', () => {
    const readers = filesIn('test', 'docs', 'simulator', 'judges', 'examples').filter((file) =>
      importsOf(file).some(({ to }) => to === 'bin/fleets.ts'),
    );
    expect(readers).toEqual([]);
  });
});

describe('What is said to a user', () => {
  // The one that looks for it there, in a clone.
  const files = filesIn('bin/command', 'lambdas', 'lib', 'simulator/world');
  const pages = ['docs/runbook.md', 'docs/events.md', 'docs/input.md', 'docs/command.md'];

  it.each([...files, ...pages].filter((file) => file !== 'lib/fleets-file.ts'))(
    '%s names no fleets file but theirs, which may have any name',
    (file) => expect(sourceOf(file)).not.toContain('bin/fleets.ts'),
  );
});
