/** The Japanese runbook keeps step with the English one: whoever reads it at 3 a.m. misses no entry and no command. */
import { describe, expect, it } from 'vitest';
import { failureGroups } from '../../docs/failure-tables.ts';
import { FAILURES_JA, groupTitleJa } from '../../docs/failures-ja.ts';
import { headingsOf } from '../../docs/markdown.ts';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { read } from './documents.ts';
import { keepStep, sectionsOf, withoutBlocks } from './twin-pages.ts';

const [english, japanese] = [read('docs/runbook.md'), read('docs/runbook.ja.md')];
const [here, there] = [sectionsOf(english), sectionsOf(japanese)];
const pairs = here.map(({ title, text }, index) => [title, text, there[index]?.text ?? ''] as const);

/** Once each: names, fields, options and commands within sentences and tables. */
const codesIn = (text: string): string[] =>
  [...new Set([...withoutBlocks(text).matchAll(/`([^`]+)`/g)].map(([, code = '']) => code))].sort();

/** What consoles, causes and logs say, which is English for everybody. */
const italicsIn = (text: string): string[] =>
  [...text.matchAll(/(?<!\*)\*([^*\n]+)\*(?!\*)/g)].map(([, words = '']) => words);

const LABELS: Readonly<Record<string, string>> = {
  'When.': '発生する場合。',
  'Do.': '対応。',
  'Do, in this order.': '対応（この順序で）。',
  'The world.': '状態。',
};

const labelsIn = (text: string): string[] =>
  [...text.matchAll(/^\*\*(.+?)\*\* /gm)].map(([, label = '']) => label);

keepStep('docs/runbook.md');

describe('The Japanese runbook', () => {
  it('can be reached at every anchor of the English one', () => {
    const anchors = headingsOf(english).flatMap((heading) => heading.anchors);
    expect(anchors.length).toBeGreaterThan(Object.keys(FAILURES).length);
    const title = anchors.slice(0, 1);
    const reached = headingsOf(japanese).flatMap((heading) => heading.anchors);
    expect(anchors.filter((anchor) => !title.includes(anchor) && !reached.includes(anchor))).toEqual([]);
  });

  it('keeps the names of failures as headings, in the same places', () => {
    const names = there
      .map(({ title }, index) => [index, title])
      .filter(([, title]) => `${title}` in FAILURES);
    expect(names.map(([, title]) => title)).toEqual(Object.keys(FAILURES));
    expect(names).toEqual(names.map(([index]) => [index, here[Number(index)]?.title]));
  });

  it.each(pairs)('has every name, option and command of "%s"', (_title, mine, its) =>
    expect(codesIn(its)).toEqual(codesIn(mine)),
  );

  it.each(pairs)('quotes states and sentences as "%s" has them', (_title, mine, its) => {
    const quoted = italicsIn(its).filter((words) => /^[\x20-\x7e…]+$/.test(words));
    expect(quoted.filter((words) => !italicsIn(mine).includes(words))).toEqual([]);
  });

  it.each(pairs.filter(([title]) => title in FAILURES))(
    'says of %s when, what to do and what state things are in, in the same order',
    (_title, mine, its) => {
      const told = labelsIn(mine).map((label) => LABELS[label]);
      expect(told.length).toBeGreaterThan(1);
      expect(labelsIn(its)).toEqual(told);
    },
  );

  it('is compared by quotations and names that are there', () => {
    expect(there.flatMap(({ text }) => italicsIn(text)).length).toBeGreaterThan(20);
    expect(there.flatMap(({ text }) => codesIn(text)).length).toBeGreaterThan(100);
  });

  it('is grouped as its table of failures is', () => {
    const titles = failureGroups().map(({ title }) => groupTitleJa(title));
    const groups = there.filter(({ level }) => level === 2).slice(-titles.length);
    expect(groups.map(({ title }, index) => titles[index]?.startsWith(title))).toEqual(
      titles.map(() => true),
    );
  });

  it('has no clause left in English', () => {
    const foreign = Object.entries(FAILURES_JA).filter(([, clause]) => !/\p{sc=Hiragana}/u.test(clause));
    expect(foreign).toEqual([]);
  });

  it('has no Japanese for a group that the list of failures does not have', () =>
    expect(() => groupTitleJa('Later')).toThrow('"Later"'));
});
