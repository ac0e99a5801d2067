/** Where the texts of a picture stand, and which of them stand out of their boxes, or in each other's way. */
import { FONT } from '../../docs/story-picture-style.ts';
import { type Box, type Font, type Point, textWidth } from '../../docs/svg.ts';

interface Shape {
  readonly kind: string;
  readonly bounds: Box;
  readonly contains: (point: Point) => boolean;
}

interface Text {
  readonly words: string;
  readonly box: Box;
}

/** What a person would find wrong with the texts of a picture. */
export function troubles(svg: string): string[] {
  const { shapes, texts } = read(svg);
  return texts.flatMap(({ words, box }, index) => [
    ...shapes
      .filter((shape) => isOwned(box, shape) && !corners(box).every(shape.contains))
      .map(({ kind }) => `"${words}" stands out of its box (${kind})`),
    ...texts
      .slice(index + 1)
      .filter((other) => meet(box, other.box))
      .map((other) => `"${words}" stands in the way of "${other.words}"`),
  ]);
}

/** A line's label may stand at the edge of an act, which is only a background; nothing may at the edge of a box. */
function isOwned(box: Box, { kind, bounds, contains }: Shape): boolean {
  return kind === 'act' ? contains(middle(box)) : meet(box, bounds);
}

export function read(svg: string): { readonly shapes: readonly Shape[]; readonly texts: readonly Text[] } {
  const shapes: Shape[] = [];
  const texts: Text[] = [];
  let group = '';
  for (const [, tag = '', given = '', content = ''] of svg.matchAll(ELEMENTS)) {
    const attributes = attributesOf(given);
    if (tag === 'g') group = attributes.class ?? '';
    if (tag === '/g') group = '';
    if (tag === 'rect') shapes.push(rectangle(attributes, attributes.class ?? group));
    if (tag === 'polygon') shapes.push(polygon(attributes, group));
    if (tag === 'text') texts.push(textAt(attributes, group, unescaped(content)));
  }
  return { shapes, texts };
}

const ELEMENTS = /<(\/?g|rect|polygon|text)\b([^>]*?)\/?>(?:([^<]*)<\/text>)?/g;

type Attributes = Readonly<Record<string, string>>;

const attributesOf = (given: string): Attributes =>
  Object.fromEntries([...given.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));

const unescaped = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

function textAt(
  { x, y, class: name = '', 'text-anchor': anchor }: Attributes,
  group: string,
  words: string,
): Text {
  const font = fontOf(name, group);
  const width = textWidth(words, font);
  const share = anchor === 'middle' ? 0.5 : anchor === 'end' ? 1 : 0;
  // From the top of a capital, or of an `l`, to the foot of a `p`.
  const box = {
    x: Number(x) - width * share,
    y: Number(y) - font.size * 0.76,
    width,
    height: font.size * 0.98,
  };
  return { words, box };
}

function fontOf(name: string, group: string): Font {
  if (name === 'name') return group.startsWith('end ') ? FONT.end : FONT.name;
  const fonts: Readonly<Record<string, Font>> = {
    small: FONT.small,
    'act-title': FONT.title,
    'no-return-title': FONT.noReturn,
  };
  const font = fonts[name];
  if (!font) throw new Error(`Texts of class "${name}" have no font.`);
  return font;
}

function rectangle({ x, y, width, height, rx = '0' }: Attributes, kind: string): Shape {
  const bounds = { x: Number(x), y: Number(y), width: Number(width), height: Number(height) };
  const radius = Math.min(Number(rx), bounds.width / 2, bounds.height / 2);
  return {
    kind,
    bounds,
    contains: (point) => {
      // Of how far the point is beyond the centres of the corners, on either axis.
      const dx = Math.max(bounds.x + radius - point.x, point.x - (bounds.x + bounds.width - radius), 0);
      const dy = Math.max(bounds.y + radius - point.y, point.y - (bounds.y + bounds.height - radius), 0);
      return radius === 0 ? dx + dy === 0 : Math.hypot(dx, dy) <= radius;
    },
  };
}

/** All of ours are convex, with their corners in clockwise order. */
function polygon({ points = '' }: Attributes, kind: string): Shape {
  const all = points.split(' ').map((pair): Point => {
    const [x = 0, y = 0] = pair.split(',').map(Number);
    return { x, y };
  });
  const [xs, ys] = [all.map(({ x }) => x), all.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return {
    kind,
    bounds: { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y },
    contains: (point) =>
      all.every((from, index) => {
        const to = all[(index + 1) % all.length] ?? from;
        return (to.x - from.x) * (point.y - from.y) - (to.y - from.y) * (point.x - from.x) >= 0;
      }),
  };
}

const middle = ({ x, y, width, height }: Box): Point => ({ x: x + width / 2, y: y + height / 2 });

const corners = ({ x, y, width, height }: Box): Point[] =>
  [x, x + width].flatMap((cx) => [y, y + height].map((cy) => ({ x: cx, y: cy })));

const meet = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
