/**
 * Where everything in the picture is placed: acts as columns, the steps after a failure below the acts in which it
 * happens.
 *
 * A layout of our own instead of a graph library (dagre, elkjs): those place any graph well and none like a story. They
 * know no acts, no point of no return and no undo that runs backwards, which is what a newcomer has to see.
 */
import { FAILURES } from '../lambdas/domain/core/failures.ts';
import { type Act, isCatchAll, type Row, type Story, type Track } from './story.ts';
import { FONT } from './story-picture-style.ts';
import { type Box, type Point, wrap } from './svg.ts';

export const MARGIN = 16;
export const EXITS = { width: 148, gap: 34, between: 14 };
export const COLUMN = { width: 182, gutter: 46 };
export const HEADER = { y: 46, height: 66 };
export const BOX = { one: 34, two: 48, gap: 14 };
/** Within a gutter: where failures go down, and where the story continues. */
export const RAIL = 11;
export const ONWARD = 24;
export const NO_RETURN = 36;
export const LANE = { gap: 52, bus: 20, between: 28 };
export const END = { title: 28, bottom: 8 };

/** Between a name and the notes below it. */
const NOTE_GAP = 4;
export const LINE = { name: 17, small: 15 };

/** Where everything is placed. */
export interface Layout {
  readonly boxes: ReadonlyMap<string, Box>;
  /** Of the acts' part, and of the failures' part below it. */
  readonly actsBottom: number;
  readonly laneTop: number;
  readonly width: number;
  readonly height: number;
}

/** Bad ends say what they mean, and what happens to the lock. */
export const meaningOf = ({ end, beforeEnd }: Track) =>
  wrap(
    `${end in FAILURES ? FAILURES[end as keyof typeof FAILURES] : 'fails under the first error’s own name'}; ` +
      (beforeEnd.length > 0 ? FREES : 'keeps the lock'),
    FONT.small,
    COLUMN.width - 14,
  );
const endHeight = (meaning: readonly string[]) => END.title + meaning.length * LINE.small + END.bottom;

/** What the steps that are folded into an end do. */
const FREES = 'releases the lock';

/** The end that every step may reach is placed apart, below the caption. */
export const LOST_LOCK = {
  title: 'LockLost',
  meaning: wrap('from any step: another execution holds the lock', FONT.small, EXITS.width - 10),
};

export const columnX = (index: number) =>
  MARGIN + EXITS.width + EXITS.gap + index * (COLUMN.width + COLUMN.gutter);

export const nameLines = (row: Row, width: number = COLUMN.width) => {
  const room = width - 20 - (row.loop.length > 0 ? 16 : 0);
  return row.kind === 'end' ? wrap(`✓ ${row.name}`, FONT.end, room) : wrap(row.name, FONT.name, room);
};

/** Height of the part of a box that holds its name: as its lines need. */
export const nameHeight = (row: Row, width?: number) => {
  const lines = nameLines(row, width).length;
  return lines === 1 ? BOX.one : BOX.two + (lines - 2) * LINE.name;
};

export const boxHeight = (row: Row, width?: number) => {
  const notes = noteLines(row).length;
  return nameHeight(row, width) + (notes > 0 ? notes * LINE.small + NOTE_GAP : 0);
};

/** A box's notes: where it may lead before it looks again; errors with another path; a released lock. */
export function noteLines(row: Row): string[] {
  const named = row.failures.filter((way) => !isCatchAll(way));
  const back = row.detour.length > 0 ? ['or, and back again:', ...row.detour.map(({ name }) => name)] : [];
  const frees = row.before.length > 0 ? [FREES] : [];
  return [...back, ...named.flatMap(({ errors }) => [...errors, 'are still undone']), ...frees];
}

export function layOut(story: Story): Layout {
  const boxes = new Map<string, Box>();
  const top = HEADER.y + HEADER.height + 16;
  const bottoms = story.acts.map((act, i) => placeAct(act, columnX(i), top, boxes));
  const actsBottom = Math.max(...bottoms);
  const laneTop = actsBottom + LANE.gap;
  const width = columnX(story.acts.length) - COLUMN.gutter + 26 + MARGIN;
  const lanesBottom = placeTracks(story, laneTop, boxes);
  return { boxes, actsBottom, laneTop, width, height: lanesBottom + 46 };
}

/** @returns how far down the act reaches. */
function placeAct(act: Act, x: number, top: number, boxes: Map<string, Box>): number {
  let y = top;
  for (const row of act.rows) {
    const height = boxHeight(row);
    const exitsHeight = placeExits(row, y, boxes);
    boxes.set(row.name, { x, y, width: COLUMN.width, height });
    y += Math.max(height, exitsHeight) + BOX.gap;
  }
  return y - BOX.gap;
}

/** A question's other answers are to the left of everything, the first beside the question. */
function placeExits(row: Row, top: number, boxes: Map<string, Box>): number {
  let y = top;
  for (const exit of row.exits.flat()) {
    const height = boxHeight(exit, EXITS.width);
    boxes.set(exit.name, { x: MARGIN, y, width: EXITS.width, height });
    y += height + EXITS.between;
  }
  return y === top ? 0 : y - EXITS.between - top;
}

/**
 * Steps of a track are below the acts that lead to it, the first below the last act: an undo runs backwards. Then the
 * recording step, then the end. A track that other tracks lead to is where the first of their steps is.
 */
function placeTracks(story: Story, top: number, boxes: Map<string, Box>): number {
  const columns = columnsOfTracks(story);
  const bottoms = [...story.tracks].map(([first, track]) => {
    const own = columns.get(first) ?? [];
    return placeSteps(track.steps, own, top, boxes);
  });
  const recordingTop = Math.max(...bottoms) + LANE.between;
  const endTop = recordingTop + BOX.two + LANE.between;
  const height = Math.max(...[...story.tracks.values()].map((track) => endHeight(meaningOf(track))));
  for (const [first, track] of story.tracks) {
    const column = recordingColumn(first, story, columns);
    boxes.set(track.recording.name, place(track.recording, columnX(column), recordingTop));
    boxes.set(track.end, { x: columnX(column), y: endTop, width: COLUMN.width, height });
  }
  if (story.lockLost !== undefined)
    boxes.set(story.lockLost, { x: MARGIN, y: endTop, width: EXITS.width, height });
  return endTop + height;
}

const place = (row: Row, x: number, y: number): Box => ({
  x,
  y,
  width: COLUMN.width,
  // All alike, so that lines between them are straight.
  height: Math.max(BOX.two, boxHeight(row)),
});

/** By track: the columns of the acts that lead to it, from right to left. */
function columnsOfTracks({ acts, tracks }: Story): Map<string, number[]> {
  const columns = (first: string) => acts.flatMap((act, i) => (act.failsTo === first ? [i] : [])).reverse();
  return new Map([...tracks.keys()].map((first) => [first, columns(first)]));
}

function placeSteps(
  steps: readonly Row[],
  columns: readonly number[],
  top: number,
  boxes: Map<string, Box>,
): number {
  const heights = new Map<number, number>();
  steps.forEach((row, k) => {
    const column = columns[Math.floor((k * columns.length) / steps.length)] ?? 0;
    const y = heights.get(column) ?? top;
    boxes.set(row.name, place(row, columnX(column), y));
    heights.set(column, y + place(row, 0, 0).height + BOX.gap);
  });
  return Math.max(top, ...[...heights.values()].map((y) => y - BOX.gap));
}

function recordingColumn(
  first: string,
  { tracks }: Story,
  columns: ReadonlyMap<string, readonly number[]>,
): number {
  const own = columns.get(first)?.at(-1);
  if (own !== undefined) return own;
  const parent = [...tracks].find(([, { steps }]) =>
    steps.some((row) => row.failures.some(({ to }) => to === first)),
  );
  const column = columns.get(parent?.[0] ?? '')?.[0];
  if (column === undefined) throw new Error(`Nothing leads to "${first}".`);
  return column;
}

export function boxOf({ boxes }: Layout, name: string): Box {
  const box = boxes.get(name);
  if (box === undefined) throw new Error(`"${name}" has no place in the picture.`);
  return box;
}

export const centre = ({ x, y, width, height }: Box): Point => ({ x: x + width / 2, y: y + height / 2 });
export const right = (box: Box): Point => ({ x: box.x + box.width, y: box.y + box.height / 2 });
export const left = (box: Box): Point => ({ x: box.x, y: box.y + box.height / 2 });
export const bottom = (box: Box): Point => ({ x: box.x + box.width / 2, y: box.y + box.height });
export const above = (box: Box): Point => ({ x: box.x + box.width / 2, y: box.y });
/** Arrowheads end here, so that they touch the box. */
export const shifted = ({ x, y }: Point, dx: number, dy: number): Point => ({ x: x + dx, y: y + dy });
