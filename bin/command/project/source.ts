/** Values as somebody would write them in a TypeScript file: in the style of the formatter, with comments beside fields. */

const WIDTH = 100;

/** @param comments of the fields of the outermost object */
export function source(
  value: unknown,
  indent = '',
  comments: ReadonlyMap<string, string> = new Map(),
): string {
  const short = oneLine(value);
  if (comments.size === 0 && indent.length + short.length < WIDTH) return short;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => `${inner}${source(item, inner)},\n`).join('')}${indent}]`;
  }
  if (!isObject(value)) return short;
  const lines = Object.entries(value).map(([key, field]) => {
    const comment = commentLines(comments.get(key) ?? '', inner);
    return `${comment}${inner}${name(key)}: ${source(field, inner)},\n`;
  });
  return `{\n${lines.join('')}${indent}}`;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function oneLine(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (!isObject(value)) return String(JSON.stringify(value));
  const fields = Object.entries(value).map(([key, field]) => `${name(key)}: ${oneLine(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

const name = (key: string) => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key));

/** As JSON has it, in single quotes; a text with a quote of its own stays in double ones. */
const quoted = (text: string): string => {
  const json = JSON.stringify(text);
  return text.includes("'") ? json : `'${json.slice(1, -1).replaceAll('\\"', '"')}'`;
};

/** Whatever stands in it ends no comment: one line, broken at blanks. */
export function commentLines(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH - indent.length)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `${indent}// ${line}\n`).join('');
}
