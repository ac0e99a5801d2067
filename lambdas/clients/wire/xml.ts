/** AWS's XML as a tree: what stands where counts, not which tag of a name comes first. */

export interface Xml {
  readonly tag: string;
  readonly text: string;
  readonly children: readonly Xml[];
}

interface Open extends Xml {
  text: string;
  readonly children: Open[];
}

/** Each where the one before ended: what is no token ends the reading at once. */
const TOKEN =
  /<!--[\s\S]*?-->|<[?!](?!\[CDATA\[|--)[^>]*>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([^\s/<>!?]+)(?=[\s/>])(?:"[^"]*"|'[^']*'|[^<>"'])*?(\/?)>|([^<]+)/gy;

/** @throws SyntaxError for an answer that was cut off, or is no XML. */
export function parseXml(source: string): Xml {
  const root: Open = { tag: '', text: '', children: [] };
  const open = [root];
  let read = 0;
  for (const { 0: token, 1: raw, 2: end, 3: tag, 4: empty, 5: words } of source.matchAll(TOKEN)) {
    read += token.length;
    const parent = open.at(-1) ?? root;
    if (tag === undefined) parent.text += raw ?? unescaped(words ?? '');
    else if (end) {
      if (open.length < 2 || open.pop()?.tag !== tag) throw new SyntaxError(`</${tag}> ends nothing`);
    } else {
      const child: Open = { tag, text: '', children: [] };
      parent.children.push(child);
      if (!empty) open.push(child);
    }
  }
  if (read !== source.length || open.length > 1 || root.children.length === 0)
    throw new SyntaxError('the XML is not whole');
  return root;
}

/** The text at the end of a path of tags, each the first of its name; `undefined` where there is no such path. */
export function textAt(xml: Xml, ...path: readonly string[]): string | undefined {
  let at: Xml | undefined = xml;
  for (const tag of path) at = at?.children.find((child) => child.tag === tag);
  return at?.text;
}

/** All elements of this name, however deep. */
export const allOf = (xml: Xml, tag: string): Xml[] =>
  xml.children.flatMap((child) => (child.tag === tag ? [child] : allOf(child, tag)));

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (entity, decimal, hex, name: string) =>
    name === undefined
      ? String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal))
      : (ENTITIES[name] ?? entity),
  );
