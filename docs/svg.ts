/** Just enough SVG: elements, and text that fits because its width is estimated generously. */
import { breakable, width as columnsOf } from '../lib/terminal/width.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/**
 * Widths in em of the widest of the usual sans-serif fonts (DejaVu Sans, Verdana); most readers' fonts are narrower.
 * An SVG cannot measure text, and a font embedded in it would be larger than the picture.
 */
const NARROW = /[iljtfrI.,:;'’!|()[\] ]/;
const WIDE = /[mwMW@%—→]/;

const BOLD = 1.05;
/** A Japanese character is as wide as its font is high; an emoji is wider. */
const DENSE = 1;
const EMOJI = 1.4;

const widthOf = (character: string): number => {
  if (/\p{Emoji_Presentation}/u.test(character)) return EMOJI;
  if (columnsOf(character) === 2) return DENSE;
  if (NARROW.test(character)) return 0.42;
  if (WIDE.test(character)) return 1;
  return /[A-Z]/.test(character) ? 0.78 : 0.65;
};

export interface Font {
  /** In px. */
  readonly size: number;
  readonly isBold?: boolean;
}

export function textWidth(text: string, { size, isBold = false }: Font): number {
  const ems = [...text].reduce((sum, character) => sum + widthOf(character), 0);
  return ems * size * (isBold ? BOLD : 1);
}

/** Breaks at spaces, and between Japanese characters. @throws Error when a single word is wider than a line. */
export function wrap(text: string, font: Font, width: number): string[] {
  const lines: string[] = [];
  for (const piece of breakable(text)) {
    const line = lines.at(-1);
    const longer = `${line ?? ''}${piece}`;
    if (textWidth(piece.trimEnd(), font) > width)
      throw new Error(`"${piece.trimEnd()}" does not fit into ${width} px.`);
    if (line !== undefined && textWidth(longer.trimEnd(), font) <= width) lines[lines.length - 1] = longer;
    else lines.push(piece);
  }
  return lines.map((line) => line.trimEnd());
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  const open = `<${name}${given.join('')}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}

export function text(at: Point, content: string, className: string, anchor = 'middle'): string {
  return element('text', { x: at.x, y: at.y, class: className, 'text-anchor': anchor }, escaped(content));
}

interface Sheet {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** The same in words, for those who cannot see the picture. */
  readonly description: string;
  readonly style: string;
  /** Classes of lines that end in an arrowhead. */
  readonly arrows: readonly string[];
}

/** A whole picture, on a sheet of its own. */
export function picture(sheet: Sheet, parts: readonly string[]): string {
  const { width, height, title, description, style, arrows } = sheet;
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'aria-labelledby': 'title description',
  };
  const all = [
    element('title', { id: 'title' }, title),
    element('desc', { id: 'description' }, description),
    element('style', {}, style),
    element('defs', {}, ...arrows.map(arrowhead)),
    element('rect', { class: 'sheet', x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 10 }),
    ...parts,
  ];
  return `${element('svg', attributes, '\n', all.join('\n'), '\n')}\n`;
}

function arrowhead(className: string): string {
  const size = { markerUnits: 'userSpaceOnUse', markerWidth: 9, markerHeight: 9 };
  const box = { id: className, viewBox: '0 0 8 8', refX: 7, refY: 4, orient: 'auto', ...size };
  return element('marker', box, element('path', { d: 'M0 0L8 4L0 8Z', class: `${className}-head` }));
}

/** Lines of text one below the other, the whole of them centred on a point. */
export function lines(at: Point, contents: readonly string[], className: string, height: number): string {
  const first = at.y - ((contents.length - 1) * height) / 2 + height * 0.26;
  return contents.map((content, i) => text({ x: at.x, y: first + i * height }, content, className)).join('');
}

/** A line through points, with an arrowhead at its end; corners are rounded. */
export function arrow(points: readonly Point[], className: string): string {
  return element('path', { d: roundedPath(points), class: className, 'marker-end': `url(#${className})` });
}

export function line(points: readonly Point[], className: string): string {
  return element('path', { d: roundedPath(points), class: className });
}

const CORNER = 7;

function roundedPath(points: readonly Point[]): string {
  return points
    .map((point, i) => {
      const before = points[i - 1];
      const after = points[i + 1];
      if (before === undefined) return `M${point.x} ${point.y}`;
      if (after === undefined) return `L${point.x} ${point.y}`;
      const from = toward(point, before);
      const to = toward(point, after);
      return `L${from.x} ${from.y}Q${point.x} ${point.y} ${to.x} ${to.y}`;
    })
    .join('');
}

/** A point on the way from one to another, a corner's radius away or half of the way. */
function toward(from: Point, to: Point): Point {
  const distance = Math.hypot(to.x - from.x, to.y - from.y);
  const share = distance === 0 ? 0 : Math.min(CORNER / distance, 0.5);
  const along = (a: number, b: number) => Math.round((a + (b - a) * share) * 100) / 100;
  return { x: along(from.x, to.x), y: along(from.y, to.y) };
}
