/**
 * The rooms: what each holds, and which others it may import. Arrows only point down. A test checks the imports against
 * this table; the picture and the table of `docs/architecture.md` are drawn from both.
 */

import { table } from './markdown.ts';

export interface RoomSpec {
  /** From the project's folder. A file is in the room with the longest folder that contains it. */
  readonly folder: string;
  readonly holds: string;
  /** Besides itself. */
  readonly may: readonly string[];
}

const DOMAIN = ['core', 'release', 'hosts', 'launch', 'lock', 'promotion', 'record'];
const PRODUCT = ['lib', 'steps', ...DOMAIN, 'ports'];

/** From top to bottom. */
export const ROOMS = {
  bin: {
    folder: 'bin',
    holds: 'what can be started: the CDK app, the command, the demo; and the fleets file',
    may: ['simulator', ...PRODUCT, 'clients'],
  },
  simulator: {
    folder: 'simulator',
    holds: 'the same story and the same steps against a modelled world',
    may: PRODUCT,
  },
  lib: {
    folder: 'lib',
    holds: 'what is deployed: the stories, the stack, permissions',
    may: ['steps', ...DOMAIN, 'ports'],
  },
  steps: {
    folder: 'lambdas',
    holds:
      'what runs: a file is a step, a step is a state of the story; promotions, the watch and the guard in folders of their own',
    may: ['clients', ...DOMAIN, 'ports'],
  },
  clients: {
    folder: 'lambdas/clients',
    holds: 'adapters: AWS and Mackerel behind the ports; signed requests in `wire/`',
    may: ['core', 'ports'],
  },
  promotion: {
    folder: 'lambdas/domain/promotion',
    holds: 'a tested artifact on its way to the next environment',
    may: ['lock', 'launch', 'hosts', 'release', 'core', 'ports'],
  },
  record: {
    folder: 'lambdas/domain/record',
    holds: 'how it ended: the record, notifications, the plan, the timeline',
    may: ['lock', 'launch', 'hosts', 'release', 'core', 'ports'],
  },
  lock: {
    folder: 'lambdas/domain/lock',
    holds: 'one deployment at a time: the fence, waiting requests, dead holders, orphans',
    may: ['launch', 'hosts', 'release', 'core', 'ports'],
  },
  launch: {
    folder: 'lambdas/domain/launch',
    holds: 'what is requested from EC2: capacity, tags, the boot script',
    may: ['core', 'ports'],
  },
  hosts: {
    folder: 'lambdas/domain/hosts',
    holds: 'old and new hosts: snapshot, readiness, draining, bake, putting back, termination',
    may: ['core', 'ports'],
  },
  release: {
    folder: 'lambdas/domain/release',
    holds: 'what is deployed: artifact, image, runtimes; rollback; gates',
    may: ['core', 'ports'],
  },
  core: {
    folder: 'lambdas/domain/core',
    holds: 'what all rooms share: the document, the table of steps, waits, errors, names, words',
    may: ['ports'],
  },
  ports: {
    folder: 'lambdas/ports',
    holds: 'the outside world in our own words: one file per service',
    may: [],
  },
} as const satisfies Readonly<Record<string, RoomSpec>>;

export type Room = keyof typeof ROOMS;

const SPECS: readonly (readonly [Room, RoomSpec])[] = Object.entries(ROOMS) as [Room, RoomSpec][];

/** @returns `undefined` for a file that is in no room, such as `package.json`. */
export function roomOf(file: string): Room | undefined {
  const around = SPECS.filter(([, { folder }]) => file.startsWith(`${folder}/`));
  return around.sort(([, one], [, other]) => other.folder.length - one.folder.length)[0]?.[0];
}

/** May a file of the one room import the other? */
export const mayKnow = (room: Room, other: Room): boolean =>
  room === other || (ROOMS[room] as RoomSpec).may.includes(other);

/** The table of rooms. */
export const roomTable = (): string =>
  table(
    ['room', 'folder', 'holds', 'may import'],
    SPECS.map(([room, { folder, holds, may }]) => [
      room,
      `[\`${folder}\`](../${folder})`,
      holds,
      may.length === 0 ? 'nothing' : may.join(', '),
    ]),
  );
