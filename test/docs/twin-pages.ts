/** A page and its Japanese twin: the same outline, the same commands, the same links. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headingsOf } from '../../docs/markdown.ts';
import { PROJECT, read } from './documents.ts';

export interface Section {
  /** `##`, `###`; the part above the first heading has none. */
  readonly level: number;
  readonly title: string;
  readonly text: string;
}

/** Generated parts are compared with the code instead; README's stand in the English one alone. */
const byHand = (markdown: string) => markdown.replace(/<!-- generated: [\s\S]*?<!-- \/generated -->/g, '');

export const withoutBlocks = (markdown: string) => markdown.replace(/^ *```[\s\S]*?^ *```/gm, '');

export function sectionsOf(markdown: string): Section[] {
  // A heading in a block of code would be a comment of a shell.
  const blocks: string[] = [];
  const hidden = byHand(markdown).replace(/^ *```[\s\S]*?^ *```/gm, (block) => {
    blocks.push(block);
    return `⟦${blocks.length - 1}⟧`;
  });
  return hidden.split(/^(?=#{1,6} )/m).map((part) => {
    const [, marks = '', title = ''] = /^(#*) ?(.*)/.exec(part) ?? [];
    const text = part.replace(/⟦(\d+)⟧/g, (_mark, index) => blocks[Number(index)] ?? '');
    return { level: marks.length, title, text };
  });
}

/** What is to be typed, without comments and the indentation of the list that it stands in. */
export const commandsIn = (text: string): string[] =>
  [...text.matchAll(/^( *)```sh\n([\s\S]*?)^ *```/gm)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), '').replace(/^#.*\n/gm, ''),
  );

const targetsIn = (text: string): string[] =>
  [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);

/** `README.ja.md` → `README.md`: the two are one page, in two languages. */
const inEnglish = (target: string) => target.replace(/\.ja\.md(?=#|$)/, '.md');

/**
 * Sorted, each once: a sentence in another language has another order. A heading's own name is its number.
 * @param page the name of the page itself; what leads to its twin has no counterpart there.
 */
export function linksIn(text: string, whole: string, page = 'README.md'): string[] {
  const headings = headingsOf(whole);
  const numberOf = (anchor: string) => headings.findIndex(({ anchors }) => anchors.includes(anchor)) + 1;
  const own = targetsIn(text)
    .map(inEnglish)
    .filter((target) => target.split('#')[0] !== page);
  const told = own.map((target) =>
    target.startsWith('#') ? `heading ${numberOf(target.slice(1))} of this page` : target,
  );
  return [...new Set(told)].sort();
}

/** Links to an English page that exists in Japanese, the page's own twin excepted. */
const strayIn = (path: string): string[] =>
  targetsIn(read(path)).filter((target) => {
    const file = join(dirname(path), target.split('#')[0] ?? '');
    const twin = file.replace(/\.md$/, '.ja.md');
    return file.endsWith('.md') && twin !== path && existsSync(join(PROJECT, twin));
  });

/** @param path the English one. */
export function keepStep(path: string): void {
  const twin = path.replace(/\.md$/, '.ja.md');
  const [english, japanese] = [read(path), read(twin)];
  const [here, there] = [sectionsOf(english), sectionsOf(japanese)];
  const page = basename(path);

  describe(twin, () => {
    it(`has the headings of ${path}: as many, of the same levels, in the same order`, () => {
      const outline = (sections: readonly Section[]) =>
        sections.map(({ level }, index) => `${index}: ${'#'.repeat(level)}`);
      const titles = here.map(({ title }, index) => `${index}: ${title} = ${there[index]?.title}`);
      expect(outline(there), titles.join('\n')).toEqual(outline(here));
    });

    it.each(here.map(({ title }, index) => [title, index] as const))(
      'has the commands and links of "%s"',
      (title, index) => {
        const [mine, its] = [here[index]?.text ?? '', there[index]?.text ?? ''];
        const where = `${path}, "${title}" = ${twin}, "${there[index]?.title}"`;
        expect(commandsIn(its), where).toEqual(commandsIn(mine));
        expect(linksIn(its, japanese, page), where).toEqual(linksIn(mine, english, page));
      },
    );

    it(`has as many points and rows as ${path} in each section`, () => {
      const shape = (sections: readonly Section[], mark: RegExp) =>
        sections.map(({ text }) => withoutBlocks(text).match(mark)?.length ?? 0);
      for (const mark of [/^ *\| /gm, /^- /gm, /^\d+\. /gm]) {
        expect(Math.max(...shape(here, mark)), String(mark)).toBeGreaterThan(0);
        expect(shape(there, mark), String(mark)).toEqual(shape(here, mark));
      }
    });

    it('is compared by commands and links that are there', () => {
      expect(here.flatMap(({ text }) => commandsIn(text)).length).toBeGreaterThan(5);
      expect(here.flatMap(({ text }) => linksIn(text, english, page)).length).toBeGreaterThan(20);
    });

    it(`and ${path} lead to each other in their first lines`, () => {
      expect(english.split('\n').slice(0, 4).join('\n')).toContain(`](${basename(twin)})`);
      expect(japanese.split('\n').slice(0, 4).join('\n')).toContain(`](${page})`);
    });

    it('leads to pages in Japanese, where there are any', () => expect(strayIn(twin)).toEqual([]));

    it('is written in Japanese, every section of it', () => {
      const foreign = there.filter(({ text }) => !/[\p{sc=Hiragana}\p{sc=Katakana}]/u.test(text));
      expect(foreign.map(({ title }) => title)).toEqual([]);
    });
  });
}
