/** The runbook has one entry for each failure: rule 9. */
import { describe, expect, it } from 'vitest';
import { failureGroups } from '../../docs/failure-tables.ts';
import { headingsOf } from '../../docs/markdown.ts';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { synthesize } from '../synth.ts';
import { read } from './documents.ts';

const runbook = read('docs/runbook.md');
const entries = runbook.slice(runbook.indexOf('\n## Before anything was changed'));

/** Heading → what stands below it, up to the next one. */
const sections = new Map(
  entries
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...body] = section.split('\n');
      return [title, body.join('\n').split(/^## /m)[0] ?? ''] as const;
    }),
);

describe('The runbook', () => {
  it('has exactly one entry for each failure, in the order of the list, and no other', () => {
    const titles = headingsOf(entries).filter(({ level }) => level === 3);
    expect(titles.map(({ text }) => text)).toEqual(Object.keys(FAILURES));
  });

  it.each(Object.keys(FAILURES))('says of %s when it happens and what to do', (name) => {
    expect(sections.get(name)).toMatch(/^\*\*When\.\*\* \S.{20}/m);
    expect(sections.get(name)).toMatch(/^\*\*Do(\.|, in this order\.)\*\*/m);
  });

  it.each(['RolledBack', 'RollbackFailed', 'StoppedHalfway'])(
    'says of the ending %s what the world looks like',
    (name) => expect(sections.get(name)).toContain('**The world.**'),
  );

  it('is grouped as the list of failures is', () => {
    const groups = failureGroups();
    expect(groups.flatMap(({ names }) => names)).toEqual(Object.keys(FAILURES));
    const headings = headingsOf(entries).filter(({ level }) => level === 2);
    expect(headings).toHaveLength(groups.length);
    headings.forEach(({ text }, i) => {
      expect(groups[i]?.title.startsWith(text), text).toBe(true);
    });
  });

  it('tells of every alarm what has happened and where to look', () => {
    const alarms = Object.values(synthesize().Resources)
      .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
      .map(({ Properties }) => String(Properties?.AlarmName))
      .map((name) => name.replace(/^irekae-(reactio-production-(app|worker)|production)-/, '-'));
    expect(alarms.length).toBeGreaterThan(5);
    const told = /^### Which alarm it was$([\s\S]*?)^### /m.exec(runbook)?.[1] ?? '';
    const first = [...told.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell]) => cell).join();
    const named = [...first.matchAll(/`(?:irekae-(?:FLEET|ENVIRONMENT))?(-[a-z-]+)`/g)].map(
      ([, name]) => name,
    );
    expect([...named].sort()).toEqual([...new Set(alarms)].sort());
  });
});
