/** Inside the command: its actions stand on what follows, what examines and what all share; nothing runs back up. */
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../bin/command/irekae.ts';
import { filesIn, type Import, importsOf } from '../../docs/imports.ts';

const COMMAND = 'bin/command';

/** From the top to the ground. `shared` is what lies beside the folders. */
const ROOMS = {
  actions: ['follow', 'doctor', 'shared'],
  project: ['shared'],
  follow: ['shared'],
  doctor: ['shared'],
  live: ['shared'],
  shared: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;
type Room = keyof typeof ROOMS;

/** The command from its arguments to its exit code: it knows every action. */
const ENTRANCE = `${COMMAND}/irekae.ts`;

/** @throws Error for a folder that is no room yet: the table above has to say what it may know. */
function roomOf(file: string): Room {
  const [folder = '', ...deeper] = file.slice(COMMAND.length + 1).split('/');
  if (deeper.length === 0) return 'shared';
  if (!(folder in ROOMS)) throw new Error(`${folder} is no room of ${COMMAND}`);
  return folder as Room;
}

const all = filesIn('bin').flatMap(importsOf);
const isInside = (file: string) => file.startsWith(`${COMMAND}/`);
const inside = all.filter(({ from, to }) => isInside(from) && isInside(to));
const told = (found: readonly Import[]) => found.map(({ from, to }) => `${from} imports ${to}`);

const mayKnow = (room: Room, other: Room): boolean =>
  room === other || (ROOMS[room] as readonly Room[]).includes(other);

describe('Inside the command', () => {
  it('no import runs up, nor from one room to its neighbour', () => {
    expect(inside.length).toBeGreaterThan(100);
    const wrong = inside.filter(
      ({ from, to }) => from !== ENTRANCE && (!mayKnow(roomOf(from), roomOf(to)) || to === ENTRANCE),
    );
    expect(told(wrong)).toEqual([]);
  });

  it('the entrance knows actions, the project and what is shared', () => {
    const wrong = inside.filter(
      ({ from, to }) => from === ENTRANCE && !['actions', 'project', 'shared'].includes(roomOf(to)),
    );
    expect(told(wrong)).toEqual([]);
  });

  it('only what is started knows the live connection', () => {
    const known = all.filter(({ from, to }) => to.startsWith(`${COMMAND}/live/`) && !from.includes('/live/'));
    const started = [...new Set(known.map(({ from }) => from))];
    expect(started).toEqual(['bin/irekae.ts']);
  });

  it('no action knows another', () => {
    const wrong = inside.filter(({ from, to }) => roomOf(from) === 'actions' && roomOf(to) === 'actions');
    expect(told(wrong)).toEqual([]);
  });

  it('each action is a command, and each command an action', () => {
    const actions = filesIn(`${COMMAND}/actions`).map((file) => basename(file, '.ts'));
    expect(actions.toSorted()).toEqual(COMMANDS.map(({ name }) => name).toSorted());
  });

  it('no file is known by itself, by whatever way round', () => {
    const others = new Map<string, string[]>();
    for (const { from, to } of inside) others.set(from, [...(others.get(from) ?? []), to]);
    const circles = [...others.keys()].flatMap((file) => wayBack(file, others) ?? []);
    expect(circles).toEqual([]);
  });
});

/** How a file is reached from itself; nothing when it is not. */
function wayBack(start: string, others: ReadonlyMap<string, readonly string[]>): string | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of others.get(way.at(-1) ?? '') ?? []) {
      if (next === start) return [...way, next].join(' → ');
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}
