/**
 * What the checks of the workflow files need of YAML: which key stands where, and the text of a block. No parser is a
 * dependency of this project for them: `actionlint` parses them whole (`npm run test:examples-lint`), this looks at the
 * few things that must never be wrong, also where actionlint is not installed.
 */

/** Lines that begin a mapping entry, with their indentation; comments and texts of blocks are none. */
export interface Entry {
  readonly indent: number;
  readonly key: string;
  /** What follows on the line, without a comment; for a block (`|`, `>`), its lines. */
  readonly value: string;
}

export function entriesOf(yaml: string): Entry[] {
  const lines = yaml.split('\n');
  const entries: Entry[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const [, blanks = '', dash = '', key, rest = ''] =
      /^( *)((?:- )*)([\w.-]+):(?: +(.*))?$/.exec(lines[index] ?? '') ?? [];
    if (key === undefined) continue;
    const indent = blanks.length + dash.length;
    if (!/^[|>]/.test(rest)) {
      entries.push({ indent, key, value: rest.replace(/(^|\s)#.*$/, '').trim() });
      continue;
    }
    const block: string[] = [];
    while (index + 1 < lines.length && /^\s*$|^ +/.test(lines[index + 1] ?? '')) {
      const next = lines[index + 1] ?? '';
      if (next.trim() !== '' && next.search(/\S/) <= indent) break;
      block.push(next);
      index += 1;
    }
    entries.push({ indent, key, value: block.join('\n') });
  }
  return entries;
}
