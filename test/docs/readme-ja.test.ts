/** The Japanese README keeps step with the English one: the same headings, the same commands, the same links. */
import { describe, expect, it } from 'vitest';
import { anchorOf, headingsOf } from '../../docs/markdown.ts';
import { read } from './documents.ts';

interface Section {
  /** `##`, `###`; the part above the first heading has none. */
  readonly level: number;
  readonly title: string;
  readonly text: string;
}

/** Generated parts stand in the English one alone; the Japanese one links to them there. */
const byHand = (markdown: string) => markdown.replace(/<!-- generated: [\s\S]*?<!-- \/generated -->/g, '');

const withoutBlocks = (markdown: string) => markdown.replace(/^ *```[\s\S]*?^ *```/gm, '');

function sectionsOf(markdown: string): Section[] {
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

/** What is to be typed, without the indentation of the list that it stands in. */
const commandsIn = (text: string): string[] =>
  [...text.matchAll(/^( *)```sh\n([\s\S]*?)^ *```/gm)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );

/** Sorted, each once: a sentence in another language has another order. A heading's own name is its number. */
function linksIn(text: string, whole: string): string[] {
  const anchors = headingsOf(whole).map((heading) => anchorOf(heading.text));
  const targets = [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  const own = targets.filter((target) => !/^README(\.ja)?\.md/.test(target));
  const told = own.map((target) =>
    target.startsWith('#') ? `heading ${anchors.indexOf(target.slice(1)) + 1} of this page` : target,
  );
  return [...new Set(told)].sort();
}

const [english, japanese] = [read('README.md'), read('README.ja.md')];
const [here, there] = [sectionsOf(english), sectionsOf(japanese)];

describe('README.ja.md', () => {
  it('has the headings of README.md: as many, of the same levels, in the same order', () => {
    const outline = (sections: readonly Section[]) =>
      sections.map(({ level }, index) => `${index}: ${'#'.repeat(level)}`);
    const titles = here.map(({ title }, index) => `${index}: ${title} = ${there[index]?.title}`);
    expect(outline(there), titles.join('\n')).toEqual(outline(here));
  });

  it.each(here.map(({ title }, index) => [title, index] as const))(
    'has the commands and links of "%s"',
    (title, index) => {
      const [mine, its] = [here[index]?.text ?? '', there[index]?.text ?? ''];
      const where = `README.md, "${title}" = README.ja.md, "${there[index]?.title}"`;
      expect(commandsIn(its), where).toEqual(commandsIn(mine));
      expect(linksIn(its, japanese), where).toEqual(linksIn(mine, english));
    },
  );

  it('has as many points and rows as README.md in each section', () => {
    const shape = (sections: readonly Section[], mark: RegExp) =>
      sections.map(({ text }) => withoutBlocks(text).match(mark)?.length ?? 0);
    for (const mark of [/^\| /gm, /^- /gm, /^\d+\. /gm]) {
      expect(Math.max(...shape(here, mark)), String(mark)).toBeGreaterThan(0);
      expect(shape(there, mark), String(mark)).toEqual(shape(here, mark));
    }
  });

  it('is compared by commands and links that are there', () => {
    expect(here.flatMap(({ text }) => commandsIn(text)).length).toBeGreaterThan(5);
    expect(here.flatMap(({ text }) => linksIn(text, english)).length).toBeGreaterThan(20);
  });

  it('and README.md lead to each other in their first lines', () => {
    expect(english.split('\n').slice(0, 4).join('\n')).toContain('](README.ja.md)');
    expect(japanese.split('\n').slice(0, 4).join('\n')).toContain('](README.md)');
  });

  it('is written in Japanese, every section of it', () => {
    const foreign = there.filter(({ text }) => !/[\p{sc=Hiragana}\p{sc=Katakana}]/u.test(text));
    expect(foreign.map(({ title }) => title)).toEqual([]);
  });
});

describe('The comparison', () => {
  it('sees a command that was changed, and not where it is indented', () => {
    expect(commandsIn('1. a\n\n   ```sh\n   ls\n   ```\n')).toEqual(commandsIn('```sh\nls\n```\n'));
    expect(commandsIn('```sh\nls\n```')).not.toEqual(commandsIn('```sh\nls -l\n```'));
  });

  it('takes a link within the page for the same when it leads to the same heading', () => {
    expect(linksIn('[b](#b)', '# a\n\n## b')).toEqual(linksIn('[乙](#乙)', '# 甲\n\n## 乙'));
    expect(linksIn('[b](#b)', '# a\n\n## b')).not.toEqual(linksIn('[甲](#甲)', '# 甲\n\n## 乙'));
  });
});
