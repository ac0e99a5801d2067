/**
 * HTML that cannot be forgotten to be escaped: in a template, text becomes text and only markup made by a template stays
 * markup. Names, reasons and consoles come from outside.
 */
import { printable } from '../../core/words.ts';

/** Markup. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | Html | undefined | false | readonly Part[];

/** `html`<p>${anything}</p>``: strings are escaped, also inside of quoted attributes; `undefined` and `false` are left out. */
export function html(pieces: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const texts = pieces.flatMap((piece, i) => [piece, i < parts.length ? textOf(parts[i]) : '']);
  return new Html(texts.join(''));
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return escaped(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Also without what turns the direction of writing: a host's name must not rewrite the line that it stands in. */
const escaped = (text: string): string =>
  printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
