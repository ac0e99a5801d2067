/** The little Markdown that the generated parts need. */

/** @param rows cells in Markdown; a cell is one line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (text: string): string => `\`${text}\``;

export const block = (language: string, content: string): string => `\`\`\`${language}\n${content}\n\`\`\``;

/** GitHub's anchor of a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

export interface Heading {
  readonly level: number;
  readonly text: string;
  /** What leads to it: its own anchor, and that of `<a id="…"></a>` above it, which outlives a translation. */
  readonly anchors: readonly string[];
}

/** Headings outside of code blocks. */
export function headingsOf(markdown: string): Heading[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '');
  const headings = /^(?:<a id="([^"]+)"><\/a>\n+)?(#{1,6}) (.+)$/gm;
  return [...prose.matchAll(headings)].map(([, id, marks = '', text = '']) => ({
    level: marks.length,
    text,
    anchors: id === undefined ? [anchorOf(text)] : [anchorOf(text), id],
  }));
}
