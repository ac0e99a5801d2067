/**
 * Parts of a document between markers, written by `npm run docs`:
 * `<!-- generated: NAME -->` … `<!-- /generated -->`. The text around them is written by hand.
 */
const PART = /(<!-- generated: ([a-z-]+) -->\n)[\s\S]*?(<!-- \/generated -->)/g;

/** @throws Error when a marker has an unknown name, or a part has no marker. */
export function fillParts(document: string, parts: Readonly<Record<string, () => string>>): string {
  const filled = new Set<string>();
  const text = document.replace(PART, (_whole, begin: string, name: string, end: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`Nothing is generated under the name "${name}".`);
    filled.add(name);
    return `${begin}\n${part()}\n\n${end}`;
  });
  const missing = Object.keys(parts).filter((name) => !filled.has(name));
  if (missing.length > 0) throw new Error(`The document has no place for: ${missing.join(', ')}.`);
  return text;
}
