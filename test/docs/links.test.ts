/** What the documents point at exists: files, headings, commands. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headingsOf } from '../../docs/markdown.ts';
import { TAKE_OVER_AFTER_SECONDS } from '../../lambdas/domain/core/steps.ts';
import { MOST_HOSTS } from '../../lib/fleet-rules.ts';
import { MOST_FLEETS } from '../../lib/read-fleets.ts';
import { DOCUMENTS, PROJECT, read } from './documents.ts';

interface Link {
  readonly from: string;
  readonly target: string;
}

const linksOf = (path: string): Link[] => {
  const prose = read(path).replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ from: path, target }));
};
const links = DOCUMENTS.flatMap(linksOf);
const isOutside = ({ target }: Link) => /^https?:/.test(target);

const scriptsIn = (path: string): string[] =>
  [...read(path).matchAll(/npm (?:run )?(?:-s )?([a-z][\w:-]*)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !['ci', 'run', 'install', 'pack'].includes(name));

/** Why a link leads nowhere, or nothing. */
function problemOf({ from, target }: Link): string | undefined {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : normalize(join(dirname(from), file));
  if (path.startsWith('..')) return `${target} leads out of the project`;
  if (!existsSync(join(PROJECT, path))) return `${path} does not exist`;
  if (anchor === undefined) return undefined;
  if (statSync(join(PROJECT, path)).isDirectory()) return `${path} is a directory, which has no headings`;
  const anchors = headingsOf(read(path)).flatMap((heading) => heading.anchors);
  return anchors.includes(anchor) ? undefined : `${path} has no heading for #${anchor}`;
}

describe.each(DOCUMENTS)('%s', (path) => {
  it('links only to files and headings that exist', () => {
    const broken = links.filter((link) => link.from === path && !isOutside(link)).map(problemOf);
    expect(broken.filter(Boolean)).toEqual([]);
  });

  it('names only npm scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json'));
    expect(scriptsIn(path).filter((name) => !(name in scripts))).toEqual([]);
  });

  it('names no path of anybody’s machine', () =>
    expect(read(path)).not.toMatch(/(^|[\s`(])\/(home|root|work|tmp|Users)\//m));

  it('has no heading twice, since links could not tell them apart', () => {
    const anchors = headingsOf(read(path)).flatMap((heading) => heading.anchors);
    expect(anchors).toEqual([...new Set(anchors)]);
  });

  it('closes every block of code', () => expect((read(path).match(/^ *```/gm) ?? []).length % 2).toBe(0));
});

describe('All documents together', () => {
  it('have links and npm scripts to look at', () => {
    expect(links.filter((link) => !isOutside(link)).length).toBeGreaterThan(100);
    expect(DOCUMENTS.flatMap(scriptsIn).length).toBeGreaterThan(20);
  });
});

describe('README.md', () => {
  const readme = read('README.md');

  it.each([
    ['README.md', '(README.ja.md)', 'replaces the hosts of an EC2 fleet'],
    ['README.ja.md', '(README.md)', 'EC2 フリートのホストを丸ごと新しいホストに入れ替える'],
  ])(
    '%s shows on its first screen what this is, the two commands and the picture, in this order',
    (...given) => {
      const [path, other, sentence] = given;
      const first = read(path).split('\n').slice(0, 14).join('\n');
      const [title, languages, what, , commands, picture] = first.split('\n\n');
      expect(title).toBe('# irekae');
      expect(languages).toContain(other);
      expect(what).toContain(sentence);
      expect(commands).toBe('```sh\nnpm ci && npm start\nnpm test\n```');
      expect(picture).toMatch(/^!\[.*\]\(docs\/deploy-story\.svg\)/);
    },
  );

  it('gives each of the eleven rules a line that links to who holds it', () => {
    const rules = [...readme.matchAll(/^\| (\d+) \| .* \| (.*) \|$/gm)];
    expect(rules.map(([, number]) => Number(number))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for (const [line, , heldBy] of rules) expect(heldBy, line).toMatch(/\]\(/);
  });

  it('names the rules that the simulator checks', () => {
    const checked = [...read('simulator/rules.ts').matchAll(/#broken\(\s*(\d+),/g)].map(([, rule]) =>
      Number(rule),
    );
    const numbers = [...new Set(checked)].sort((a, b) => a - b);
    expect(readme).toContain(
      `The simulator checks the observable ones (${numbers.join(', ')}) after every change`,
    );
  });

  it.each(['README.md', 'README.ja.md'])('%s has the limits of the code', (path) => {
    const limits = read(path)
      .split('\n')
      .filter((line) => line.startsWith('- ') && line.includes(String(MOST_HOSTS)));
    expect(limits.map((line) => line.match(/\d+/g)?.map(Number))).toEqual([
      path === 'README.md' ? [MOST_HOSTS, MOST_FLEETS] : [1, MOST_HOSTS, 1, MOST_FLEETS],
    ]);
  });

  it('has the sections that code refers to by name', () => {
    const titles = headingsOf(readme).map(({ text }) => text);
    expect(titles).toEqual(expect.arrayContaining(['Promotion', 'Eleven rules']));
  });
});

describe('The decisions', () => {
  const decisions = DOCUMENTS.filter((path) => /^docs\/decisions\/\d/.test(path));

  it('are numbered without a gap and listed in their table of contents', () => {
    const numbers = decisions.map((path) => Number(path.slice('docs/decisions/'.length).slice(0, 4)));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    const listed = linksOf('docs/decisions/README.md').map(({ target }) => join('docs/decisions', target));
    expect(listed).toEqual(decisions);
  });

  it.each(decisions)('%s says context, decision, consequences and what was rejected', (path) => {
    const titles = headingsOf(read(path)).map(({ text }) => text);
    expect(titles.slice(1)).toEqual(['Context', 'Decision', 'Consequences', 'Rejected']);
  });
});

describe('The time until a dead lock is taken over', () => {
  /** As people say it: `three minutes`. */
  const MINUTES = Math.ceil(TAKE_OVER_AFTER_SECONDS / 60);
  const WORD = ['no', 'one', 'two', 'three', 'four', 'five', 'six'][MINUTES] ?? String(MINUTES);

  it.each([
    ['README.md', `mostly a minute and a half, ${WORD} minutes at most`],
    ['README.ja.md', `多くは 1 分半、最長 ${MINUTES} 分`],
    ['docs/runbook.md', `says which one that is: ${WORD} minutes at most`],
    ['docs/runbook.md', `offers it ${WORD} minutes after the end`],
    ['docs/runbook.ja.md', `待つのは最長 ${MINUTES} 分`],
    ['docs/runbook.ja.md', `実行の終了から ${MINUTES} 分後`],
    ['docs/decisions/0018-the-dead-are-cleaned-up-after.md', `about ${WORD} minutes later at worst`],
  ])('is told in %s as the table of steps has it', (page, sentence) =>
    expect(read(page)).toContain(sentence),
  );
});
