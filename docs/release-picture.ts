/**
 * The picture of the release flow, from left to right: what CI uploads, the environment that tries it, the promotion,
 * and the environment that it is for. In the style of the deployment's picture.
 */
import type { Home, ReleaseFlow } from './release-flow.ts';
import { FONT, PICTURE_STYLE } from './story-picture-style.ts';
import { arrow, type Box, element, lines, type Point, picture, text, wrap } from './svg.ts';

const BAND = { y: 56, width: 276, gap: 84, pad: 14 } as const;
const BOX = { height: 44, gap: 46 } as const;
const CI = { x: 20, width: 132 } as const;
const TOP = BAND.y + 26;
const LINE = 17;

const bandX = (index: number) => CI.x + CI.width + 60 + index * (BAND.width + BAND.gap);
const boxAt = (band: number, row: number): Box => ({
  // Room on the left for the lines of the upload's event.
  x: bandX(band) + BAND.pad + 16,
  y: TOP + row * (BOX.height + BOX.gap),
  width: BAND.width - 2 * BAND.pad - 16,
  height: BOX.height,
});
const left = ({ x, y, height }: Box): Point => ({ x, y: y + height / 2 });
const right = ({ x, y, width, height }: Box): Point => ({ x: x + width, y: y + height / 2 });
const top = ({ x, y, width }: Box): Point => ({ x: x + width / 2, y });
const bottom = ({ x, y, width, height }: Box): Point => ({ x: x + width / 2, y: y + height });

export function releasePicture(flow: ReleaseFlow): string {
  const { source, destination, steps } = flow;
  const rows = Math.max(source.fleets.length + 1, destination.fleets.length + 1, steps.length);
  const height = TOP + rows * (BOX.height + BOX.gap);
  const width = bandX(2) + BAND.width + 20;
  const sheet = {
    width,
    height,
    title: 'A release, from CI to production',
    description: describe(flow),
    style: PICTURE_STYLE,
    arrows: ['next'],
  };
  return picture(sheet, [
    ...[source.environment, 'promotion', destination.environment].map((name, index) =>
      drawBand(name, index, height),
    ),
    ...drawCi(),
    ...drawHome(source, 0),
    ...drawHome(destination, 2),
    ...drawPromotion(flow),
  ]);
}

/** The same in words, for those who do not see the picture. */
function describe({ source, sourceFleet, soakMinutes, steps, destination }: ReleaseFlow): string {
  const home = ({ environment, key, fleets }: Home) =>
    `In ${environment}, an upload of ${key} starts ${fleets
      .map(({ name, after }) => (after === undefined ? name : `then, when ${after} is deployed, ${name}`))
      .join(', ')}.`;
  const soak = soakMinutes > 0 ? ` when it has run there for ${soakMinutes} minutes` : '';
  return [
    `CI uploads ${source.key} to ${source.environment}.`,
    home(source),
    `Someone promotes what ${sourceFleet} runs${soak}: ${steps.join(', ')}.`,
    home(destination),
  ].join(' ');
}

function drawBand(title: string, index: number, height: number): string {
  const x = bandX(index);
  return [
    element('rect', { class: 'act', x, y: 20, width: BAND.width, height: height - 40, rx: 8 }),
    text({ x: x + BAND.width / 2, y: 50 }, title, 'act-title'),
  ].join('');
}

function drawBox(box: Box, name: string, note = '', kind = 'step'): string {
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const content = note === '' ? [] : [text({ x: middle.x, y: middle.y + 15 }, note, 'small')];
  return element(
    'g',
    { class: kind },
    element('rect', { ...box, rx: 6 }),
    lines(
      { x: middle.x, y: middle.y - (note === '' ? 0 : 7) },
      wrap(name, FONT.name, box.width),
      'name',
      LINE,
    ),
    ...content,
  );
}

function drawCi(): string[] {
  const box = { ...boxAt(0, 0), x: CI.x, width: CI.width };
  return [
    drawBox(box, 'CI or a person', 'packs, uploads', 'start'),
    arrow([right(box), left(boxAt(0, 0))], 'next'),
  ];
}

/** The tarball on top; what it starts below it. */
function drawHome({ key, fleets }: Home, band: number): string[] {
  const tarball = boxAt(band, 0);
  const boxOf = (name: string) => boxAt(band, 1 + fleets.findIndex((fleet) => fleet.name === name));
  return [
    drawBox(tarball, key, 'the newest version in S3', 'refused'),
    ...fleets.flatMap(({ name, after }) => {
      const box = boxOf(name);
      const note = after === undefined ? 'started by the upload' : 'follows when that is deployed';
      return [
        drawBox(box, name, note),
        after === undefined ? byUpload(tarball, box) : arrow([bottom(boxOf(after)), top(box)], 'next'),
      ];
    }),
  ];
}

/** Straight down to the first fleet; to the others around it. */
function byUpload(tarball: Box, box: Box): string {
  if (box.y === tarball.y + BOX.height + BOX.gap) return arrow([bottom(tarball), top(box)], 'next');
  const way = tarball.x - 14;
  const from = { x: tarball.x, y: tarball.y + BOX.height - 10 };
  return arrow([from, { x: way, y: from.y }, { x: way, y: left(box).y }, left(box)], 'next');
}

function drawPromotion({ source, sourceFleet, soakMinutes, steps }: ReleaseFlow): string[] {
  const tested = boxAt(0, 1 + source.fleets.findIndex(({ name }) => name === sourceFleet));
  const boxes = steps.map((_, row) => boxAt(1, row));
  const [first = boxAt(1, 0)] = boxes;
  const copying = boxes[steps.indexOf('Copy the artifact')] ?? first;
  // Between the bands, from the tested fleet to the first step, and from the copy to the destination's key.
  const before = bandX(1) - BAND.gap / 2;
  const after = bandX(2) - BAND.gap / 2;
  const target = boxAt(2, 0);
  const words = ['people look', ...(soakMinutes > 0 ? [`≥ ${soakMinutes} min`] : [])];
  return [
    ...steps.map((name, row) => drawBox(boxes[row] ?? first, name)),
    ...steps
      .slice(1)
      .map((_, row) => arrow([bottom(boxes[row] ?? first), top(boxes[row + 1] ?? first)], 'next')),
    arrow(
      [right(tested), { x: before, y: right(tested).y }, { x: before, y: left(first).y }, left(first)],
      'next',
    ),
    lines({ x: before, y: right(tested).y + 30 }, words, 'small', 15),
    arrow(
      [right(copying), { x: after, y: right(copying).y }, { x: after, y: left(target).y }, left(target)],
      'next',
    ),
    lines({ x: after, y: right(copying).y + 30 }, ['S3 copies,', 'pinned'], 'small', 15),
  ];
}
