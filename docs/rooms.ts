/**
 * The rooms of the house: what each holds, and which others it may know. Arrows run down only. A test holds the imports
 * against this table; the picture and the table of `docs/architecture.md` are drawn from both.
 */

import { table } from './markdown.ts';

export interface RoomSpec {
  /** From the project's folder. A file is in the room with the longest folder that it lies in. */
  readonly folder: string;
  readonly holds: string;
  /** Besides itself. */
  readonly may: readonly string[];
}

const DOMAIN = ['core', 'release', 'hosts', 'launch', 'lock', 'promotion', 'record'];
const PRODUCT = ['lib', 'steps', ...DOMAIN, 'ports'];

/** From the top of the house to its ground. */
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
    holds: 'what runs: a file is a step, a step is a state of the story; promotions and the watch apart',
    may: ['clients', ...DOMAIN, 'ports'],
  },
  clients: {
    folder: 'lambdas/clients',
    holds: 'adapters: AWS and Mackerel behind the ports; in `wire/` the signed requests',
    may: ['core', 'ports'],
  },
  promotion: {
    folder: 'lambdas/domain/promotion',
    holds: 'a tested artifact on its way to the next environment',
    may: ['lock', 'launch', 'hosts', 'release', 'core', 'ports'],
  },
  record: {
    folder: 'lambdas/domain/record',
    holds: 'how it ended: the record, the news, the plan, the timeline',
    may: ['lock', 'launch', 'hosts', 'release', 'core', 'ports'],
  },
  lock: {
    folder: 'lambdas/domain/lock',
    holds: 'one deployment at a time: the fence, what waits, dead holders, orphans',
    may: ['launch', 'hosts', 'release', 'core', 'ports'],
  },
  launch: {
    folder: 'lambdas/domain/launch',
    holds: 'what EC2 is asked for: capacity, tags, the boot script',
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
    holds: 'what all rooms speak of: the document, the table of steps, waits, errors, names, words',
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

/** @returns nothing for a file that is in no room, such as `package.json`. */
export function roomOf(file: string): Room | undefined {
  const around = SPECS.filter(([, { folder }]) => file.startsWith(`${folder}/`));
  return around.sort(([, one], [, other]) => other.folder.length - one.folder.length)[0]?.[0];
}

/** May a file of the one room know the other? */
export const mayKnow = (room: Room, other: Room): boolean =>
  room === other || (ROOMS[room] as RoomSpec).may.includes(other);

/** What each room may do. */
export const roomTable = (): string =>
  table(
    ['room', 'folder', 'holds', 'may know'],
    SPECS.map(([room, { folder, holds, may }]) => [
      room,
      `[\`${folder}\`](../${folder})`,
      holds,
      may.length === 0 ? 'nobody' : may.join(', '),
    ]),
  );
