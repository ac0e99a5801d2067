/**
 * The picture of the rooms, from top to bottom, and what imports what. A room's floor is the length of the longest path
 * down from it; an arrow that other arrows imply is left out.
 */
import { filesIn, importsOf } from './imports.ts';
import { ROOMS, type Room, roomOf } from './rooms.ts';
import { PICTURE_STYLE } from './story-picture-style.ts';
import { type Box, element, picture, text } from './svg.ts';

/** Room → the rooms that its files import. */
export type Arrows = ReadonlyMap<Room, ReadonlySet<Room>>;

const NAMES = Object.keys(ROOMS) as readonly Room[];

export function readArrows(): Arrows {
  const arrows = new Map(NAMES.map((room) => [room, new Set<Room>()]));
  for (const { from, to } of filesIn('bin', 'lib', 'lambdas', 'simulator').flatMap(importsOf)) {
    const [room, other] = [roomOf(from), roomOf(to)];
    if (room && other && room !== other) arrows.get(room)?.add(other);
  }
  return arrows;
}

const targets = (arrows: Arrows, room: Room): readonly Room[] => [...(arrows.get(room) ?? [])];

/** @throws RangeError when the arrows form a cycle: then there is no ground floor. */
const floorOf = (arrows: Arrows, room: Room): number =>
  Math.max(-1, ...targets(arrows, room).map((other) => floorOf(arrows, other))) + 1;

const leadsTo = (arrows: Arrows, from: Room, to: Room): boolean =>
  targets(arrows, from).some((next) => next === to || leadsTo(arrows, next, to));

/** Without those that another path implies. */
export const drawnArrows = (arrows: Arrows): readonly (readonly [Room, Room])[] =>
  NAMES.flatMap((from) => {
    const all = targets(arrows, from);
    const isImplied = (to: Room) => all.some((other) => other !== to && leadsTo(arrows, other, to));
    return all.filter((to) => !isImplied(to)).map((to) => [from, to] as const);
  });

// ── Drawing ────────────────────────────────────────────────────────────────────────────────────────────────────────

const CELL = { width: 184, height: 92 } as const;
const BOX = { width: 166, height: 48 } as const;
const MARGIN = 24;

/** Positions from left to right, in cells, as it looks best; the floors follow from the imports. */
const COLUMNS: Readonly<Record<Room, number>> = {
  bin: 1.5,
  simulator: 1.5,
  lib: 0.3,
  steps: 2.7,
  clients: 3.5,
  record: 1.25,
  promotion: 0,
  lock: 2.5,
  launch: 1.5,
  hosts: 2.5,
  release: 0.5,
  core: 1.5,
  ports: 1.5,
};

export function roomsPicture(arrows: Arrows): string {
  const floors = new Map(NAMES.map((room) => [room, floorOf(arrows, room)]));
  const top = Math.max(...floors.values());
  const boxOf = (room: Room): Box => ({
    x: MARGIN + COLUMNS[room] * CELL.width,
    y: MARGIN + (top - (floors.get(room) ?? 0)) * CELL.height,
    ...BOX,
  });
  const width = MARGIN * 2 + Math.max(...Object.values(COLUMNS)) * CELL.width + BOX.width;
  const height = MARGIN * 2 + top * CELL.height + BOX.height;
  const drawn = drawnArrows(arrows);
  const sheet = {
    width,
    height,
    title: 'The rooms, and which room imports which',
    description: drawn.map(([from, to]) => `${from} imports ${to}.`).join(' '),
    style: PICTURE_STYLE,
    arrows: ['next'],
  };
  return picture(sheet, [
    domainBehind(NAMES.filter((room) => ROOMS[room].folder.startsWith('lambdas/domain')).map(boxOf)),
    ...drawn.map(([from, to]) => drawArrow(boxOf(from), boxOf(to))),
    ...NAMES.map((room) => drawRoom(room, boxOf(room))),
  ]);
}

function drawRoom(room: Room, { x, y, width, height }: Box): string {
  const centre = x + width / 2;
  return element(
    'g',
    { class: 'step' },
    element('rect', { x, y, width, height, rx: 6 }),
    text({ x: centre, y: y + 20 }, room, 'name'),
    text({ x: centre, y: y + 38 }, ROOMS[room].folder.replace('lambdas/domain/', 'domain/'), 'small'),
  );
}

/** The background of the rooms of `lambdas/domain`. */
function domainBehind(boxes: readonly Box[]): string {
  const [left, upper] = [
    Math.min(...boxes.map(({ x }) => x)) - 10,
    Math.min(...boxes.map(({ y }) => y)) - 14,
  ];
  const right = Math.max(...boxes.map(({ x, width }) => x + width)) + 10;
  const lower = Math.max(...boxes.map(({ y, height }) => y + height)) + 14;
  const place = { x: left, y: upper, width: right - left, height: lower - upper, rx: 8 };
  return element('rect', { class: 'act', ...place });
}

function drawArrow(from: Box, to: Box): string {
  const [x1, y1] = [from.x + from.width / 2, from.y + from.height];
  const [x2, y2] = [to.x + to.width / 2, to.y - 2];
  return element('path', { class: 'next', d: `M${x1},${y1} L${x2},${y2}`, 'marker-end': 'url(#next)' });
}
