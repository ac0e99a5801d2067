/**
 * The picture of a deployment: the acts as columns from left to right, their states from top to bottom; good ends on
 * the left and at the end, failures below the act that they happen in. The lines are the definition's own.
 */
import { FAILURES } from '../lambdas/domain/core/failures.ts';
import type { Act, Row, Story, Track } from './story.ts';
import {
  BOX,
  boxHeight,
  boxOf,
  COLUMN,
  centre,
  columnX,
  END,
  EXITS,
  HEADER,
  type Layout,
  LINE,
  LOST_LOCK,
  layOut,
  left,
  MARGIN,
  meaningOf,
  NO_RETURN,
  nameHeight,
  nameLines,
  noteLines,
  shifted,
} from './story-layout.ts';
import { drawFailuresOf, drawStoryLines, drawTrackLines } from './story-lines.ts';
import { FONT, PICTURE_STYLE } from './story-picture-style.ts';
import { arrow, type Box, element, line, lines, type Point, picture, text, wrap } from './svg.ts';

export function storyPicture(story: Story): string {
  const layout = layOut(story);
  const { width, height } = layout;
  const sheet = {
    width,
    height,
    title: 'A deployment, from the upload to the end',
    description: describe(story),
    style: PICTURE_STYLE,
    arrows: ['next', 'fails', 'back'],
  };
  return picture(sheet, [
    ...story.acts.map((act, i) => drawHeader(act, i, layout)),
    drawPointOfNoReturn(story, layout),
    ...story.acts.flatMap((_, i) => drawFailuresOf(story, i, layout)),
    ...[...story.tracks.values()].flatMap((track) => drawTrackLines(track, story, layout)),
    ...drawStoryLines(story, layout),
    ...story.acts.flatMap((act) => act.rows).flatMap((row) => drawRow(row, layout)),
    ...[...story.tracks.values()].flatMap((track) => drawTrack(track, layout)),
    ...drawLostLock(story, layout),
    ...drawCaptions(story, layout),
    drawLegend(layout),
  ]);
}

/** The same in words, for those who cannot see the picture. */
function describe(story: Story): string {
  const acts = story.acts.map(({ title, promise, rows, failsTo }) => {
    const told = rows.filter((row) => row.kind !== 'question').flatMap((row) => [row, ...row.detour]);
    const states = told.map((row) => row.name);
    return `${title}: ${states.join(', ')}. ${promise} A failure leads to: ${wayOf(story, failsTo)}.`;
  });
  return acts.join(' ');
}

function wayOf({ tracks }: Story, first: string): string {
  const track = tracks.get(first);
  return track
    ? [...track.steps, track.recording]
        .map((row) => row.name)
        .concat(track.end)
        .join(', ')
    : first;
}

// ── Boxes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function drawHeader({ title, promise }: Act, index: number, { actsBottom }: Layout): string {
  const x = columnX(index);
  const band = { x: x - 8, y: HEADER.y, width: COLUMN.width + 16, height: actsBottom - HEADER.y + 12, rx: 8 };
  const middle = x + COLUMN.width / 2;
  return [
    element('rect', { class: 'act', ...band }),
    text({ x: middle, y: HEADER.y + 24 }, `${index + 1}  ${title}`, 'act-title'),
    lines({ x: middle, y: HEADER.y + 48 }, wrap(promise, FONT.small, COLUMN.width), 'small', LINE.small),
  ].join('');
}

function drawPointOfNoReturn({ pointOfNoReturn, acts }: Story, { height }: Layout): string {
  if (pointOfNoReturn === 0 || pointOfNoReturn >= acts.length) {
    throw new Error('The acts have no point of no return: either all failures are undone, or none.');
  }
  const x = columnX(pointOfNoReturn) - COLUMN.gutter + NO_RETURN;
  return [
    line(
      [
        { x, y: 36 },
        { x, y: height - 40 },
      ],
      'no-return',
    ),
    text({ x, y: 26 }, 'the point of no return', 'no-return-title'),
  ].join('');
}

function drawRow(row: Row, layout: Layout): string[] {
  return [
    drawBox(row, boxOf(layout, row.name)),
    ...row.exits.flat().map((exit) => drawBox(exit, boxOf(layout, exit.name))),
  ];
}

function drawBox(row: Row, box: Box): string {
  const notes = noteLines(row);
  const middle = centre(box);
  const nameAt = {
    x: middle.x - (row.loop.length > 0 ? 9 : 0),
    y: middle.y - (boxHeight(row, box.width) - nameHeight(row, box.width)) / 2,
  };
  const notesAt = { x: nameAt.x, y: box.y + box.height - 7 - (notes.length * LINE.small) / 2 };
  return element(
    'g',
    { class: row.kind === 'end' ? 'end good' : row.kind },
    element('title', {}, [...row.before, row.name, ...row.loop].join(' · ')),
    outline(row, box),
    lines(nameAt, nameLines(row, box.width), 'name', LINE.name),
    ...(notes.length > 0 ? [lines(notesAt, notes, 'small', LINE.small)] : []),
    ...(row.loop.length > 0 ? [loopSign({ x: box.x + box.width - 17, y: nameAt.y })] : []),
  );
}

/** Radius of the corners of starts and ends: half of the usual box, so that a higher one has room in its corners. */
const ROUND = BOX.one / 2;

function outline({ kind }: Row, { x, y, width, height }: Box): string {
  if (kind !== 'question') return element('rect', { x, y, width, height, rx: kind === 'step' ? 6 : ROUND });
  const tip = 12;
  const middle = y + height / 2;
  const corners = [
    [x, middle],
    [x + tip, y],
    [x + width - tip, y],
    [x + width, middle],
    [x + width - tip, y + height],
    [x + tip, y + height],
  ];
  return element('polygon', { points: corners.map((corner) => corner.join(',')).join(' ') });
}

/** Looks, waits, looks again. */
function loopSign({ x, y }: Point): string {
  const round = `M${x + 5} ${y - 3.5}A6 6 0 1 0 ${x + 6} ${y + 1.5}`;
  const head = `M${x + 6.5} ${y - 8}V${y - 2.5}H${x + 1}`;
  return element('path', { class: 'loop', d: `${round}${head}` });
}

function drawTrack(track: Track, layout: Layout): string[] {
  const { steps, recording, beforeEnd, end } = track;
  const kind = steps.length > 0 ? 'undone' : 'bad';
  return [
    ...[...steps, recording].map((row) => drawBox(row, boxOf(layout, row.name))),
    drawBadEnd(
      {
        title: end,
        tells: [...beforeEnd, end].join(' · '),
        meaning: meaningOf(track),
        kind: end in FAILURES ? kind : 'refused',
      },
      boxOf(layout, end),
    ),
  ];
}

function drawLostLock({ lockLost }: Story, layout: Layout): string[] {
  if (lockLost === undefined) return [];
  return [drawBadEnd({ ...LOST_LOCK, tells: lockLost, kind: 'refused' }, boxOf(layout, lockLost))];
}

interface BadEnd {
  readonly title: string;
  /** Shown on hovering. */
  readonly tells: string;
  readonly meaning: readonly string[];
  readonly kind: string;
}

function drawBadEnd({ title, tells, meaning, kind }: BadEnd, box: Box): string {
  const middle = centre(box);
  return element(
    'g',
    { class: `end ${kind}` },
    element('title', {}, tells),
    element('rect', { ...box, rx: 10 }),
    text({ x: middle.x, y: box.y + 20 }, `✗ ${title}`, 'name'),
    lines(
      { x: middle.x, y: box.y + END.title + (meaning.length * LINE.small) / 2 },
      meaning,
      'small',
      LINE.small,
    ),
  );
}

/** In the first column, beside what they describe. */
function drawCaptions({ acts }: Story, layout: Layout): string[] {
  const opening = boxOf(layout, acts[0]?.rows[0]?.name ?? '');
  const x = MARGIN + EXITS.width / 2;
  const starts = left(opening);
  return [
    lines({ x, y: starts.y }, ['an upload to S3,', 'CI or a person'], 'small', LINE.small),
    arrow([{ x: MARGIN + EXITS.width - 8, y: starts.y }, shifted(starts, -1, 0)], 'next'),
    lines(
      { x, y: layout.laneTop + BOX.two / 2 },
      wrap('When something fails', FONT.title, EXITS.width),
      'act-title',
      20,
    ),
  ];
}

function drawLegend({ height, width }: Layout): string {
  const y = height - 18;
  const x = columnX(0);
  return element(
    'g',
    {},
    loopSign({ x: x + 6, y: y - 4 }),
    text({ x: x + 20, y }, 'looks, waits, looks again', 'small', 'start'),
    arrow(
      [
        { x: x + 216, y: y - 4 },
        { x: x + 246, y: y - 4 },
      ],
      'next',
    ),
    text({ x: x + 256, y }, 'what happens next', 'small', 'start'),
    arrow(
      [
        { x: x + 432, y: y - 4 },
        { x: x + 462, y: y - 4 },
      ],
      'fails',
    ),
    text({ x: x + 472, y }, 'on failure', 'small', 'start'),
    text({ x: width - MARGIN - 12, y }, '✓ succeeds   ✗ fails', 'small', 'end'),
  );
}
