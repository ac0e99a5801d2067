/** The lines between the picture's boxes: what happens next, and where failures go. */
import { isCatchAll, type Row, type Story, type Track } from './story.ts';
import {
  above,
  bottom,
  boxOf,
  COLUMN,
  columnX,
  LANE,
  type Layout,
  left,
  ONWARD,
  RAIL,
  right,
  shifted,
} from './story-layout.ts';
import { arrow, type Box, line, text } from './svg.ts';

export function drawStoryLines({ acts }: Story, layout: Layout): string[] {
  const rows = acts.flatMap((act) => act.rows);
  const onward = rows.slice(1).map((row, i) => nextLine(rows[i] as Row, row, layout));
  return [...onward, ...rows.flatMap((row) => [...exitLines(row, layout), ...backLine(row, layout)])];
}

function nextLine(from: Row, to: Row, layout: Layout): string {
  const [a, b] = [boxOf(layout, from.name), boxOf(layout, to.name)];
  if (a.x === b.x) return arrow([bottom(a), shifted(above(b), 0, -1)], 'next');
  const gutter = a.x + a.width + ONWARD;
  const start = shifted(right(a), 0, from.failures.length > 0 ? a.height / 4 : 0);
  return arrow(
    [start, { x: gutter, y: start.y }, { x: gutter, y: left(b).y }, shifted(left(b), -1, 0)],
    'next',
  );
}

function exitLines(row: Row, layout: Layout): string[] {
  const from = left(boxOf(layout, row.name));
  return row.exits.flatMap((way) => {
    const boxes = way.map(({ name }) => boxOf(layout, name));
    return boxes.map((box, i) => {
      const previous = boxes[i - 1];
      if (previous !== undefined) return arrow([bottom(previous), shifted(above(box), 0, -1)], 'next');
      const to = shifted(right(box), 1, 0);
      const middle = (from.x + to.x) / 2;
      return arrow([from, { x: middle, y: from.y }, { x: middle, y: to.y }, to], 'next');
    });
  });
}

function backLine(row: Row, layout: Layout): string[] {
  if (row.backTo === undefined) return [];
  const from = left(boxOf(layout, row.name));
  const to = shifted(right(boxOf(layout, row.backTo)), 1, 0);
  const middle = (from.x + to.x) / 2;
  return [
    arrow([from, { x: middle, y: from.y }, { x: middle, y: to.y }, to], 'back'),
    text({ x: from.x - 11, y: from.y - 5 }, 'no', 'small'),
  ];
}

/** All failures of an act go down one rail, to the track that the act fails to. */
export function drawFailuresOf(story: Story, index: number, layout: Layout): string[] {
  const act = story.acts[index];
  const track = act && story.tracks.get(act.failsTo);
  if (act === undefined || track === undefined) return [];
  const first = boxOf(layout, (track.steps[0] ?? track.recording).name);
  const rail = columnX(index) + COLUMN.width + RAIL;
  const bus = layout.laneTop - LANE.bus;
  const starts = act.rows
    .filter(({ failures }) => failures.some(isCatchAll))
    .map(({ name }) => right(boxOf(layout, name)));
  const stubs = starts.map((start, i) =>
    i === 0
      ? arrow(
          [
            start,
            { x: rail, y: start.y },
            { x: rail, y: bus },
            { x: above(first).x, y: bus },
            shifted(above(first), 0, -1),
          ],
          'fails',
        )
      : line([start, { x: rail, y: start.y }], 'fails'),
  );
  return [...stubs, ...act.rows.flatMap((row) => namedFailures(row, index, story, layout))];
}

/** Errors that are distinguished by name cross over to the rail of the act before. */
function namedFailures(row: Row, index: number, story: Story, layout: Layout): string[] {
  return row.failures
    .filter((way) => !isCatchAll(way))
    .map(({ to }) => {
      const home = story.acts.findLastIndex((act) => act.failsTo === to);
      if (home !== index - 1) throw new Error(`The picture has no line from "${row.name}" to "${to}".`);
      const box = boxOf(layout, row.name);
      const start = { x: box.x, y: box.y + box.height - 12 };
      return arrow([start, { x: columnX(home) + COLUMN.width + RAIL + 1, y: start.y }], 'fails');
    });
}

export function drawTrackLines({ steps, recording, end }: Track, story: Story, layout: Layout): string[] {
  const rows = [...steps, recording];
  const boxes = rows.map(({ name }) => boxOf(layout, name));
  const onward = [...boxes.slice(1), boxOf(layout, end)].map((to, i) => trackLine(boxes[i] as Box, to));
  const failures = steps.flatMap((row) =>
    row.failures.map(({ to }) => undoFailureLine(boxOf(layout, row.name), boxOf(layout, firstOf(story, to)))),
  );
  return [...onward, ...failures];
}

function firstOf({ tracks }: Story, name: string): string {
  const track = tracks.get(name);
  return (track?.steps[0] ?? track?.recording)?.name ?? name;
}

function trackLine(from: Box, to: Box): string {
  if (from.x === to.x) return arrow([bottom(from), shifted(above(to), 0, -1)], 'next');
  return arrow([left(from), shifted(right(to), 1, 0)], 'next');
}

function undoFailureLine(from: Box, to: Box): string {
  if (from.x === to.x) return arrow([bottom(from), shifted(above(to), 0, -1)], 'fails');
  const start = shifted(right(from), 0, from.height / 4);
  const gutter = start.x + RAIL;
  return arrow(
    [start, { x: gutter, y: start.y }, { x: gutter, y: left(to).y }, shifted(left(to), -1, 0)],
    'fails',
  );
}
