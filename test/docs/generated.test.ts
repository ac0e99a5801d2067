/** What is generated from the code is committed as the code makes it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { committed, generatedFiles } from '../../docs/generate.ts';
import { fillParts } from '../../docs/generated-parts.ts';
import { synthesize } from '../synth.ts';
import { read, troubles } from './boxed-text.ts';

const GENERATED = [
  'README.ja.md',
  'README.md',
  'docs/command.md',
  'docs/deploy-states.svg',
  'docs/deploy-story.svg',
  'docs/events.md',
  'docs/fleets.md',
  'docs/input.md',
  'docs/permissions.md',
  'docs/race.md',
  'docs/race.svg',
  'docs/release-flow.svg',
  'docs/rooms.svg',
  'docs/architecture.md',
  'docs/runbook.ja.md',
  'docs/runbook.md',
  'docs/sample-timeline.html',
  'docs/what-decides.md',
  'docs/what-decides.svg',
  'examples/iam/people.template.json',
];

describe('The committed documents', () => {
  let generated: Readonly<Record<string, string>>;
  // Deploys on the modelled world for the examples in the documents.
  beforeAll(async () => {
    generated = await generatedFiles({ staging: synthesize('staging'), production: synthesize() });
  });

  it.each(GENERATED)('%s is what `npm run docs` makes', (path) =>
    expect(committed(path), 'run `npm run docs` and look at what has changed').toBe(generated[path]),
  );

  it.each(GENERATED.filter((path) => path.endsWith('.svg')))('%s has every text inside its box', (path) => {
    const picture = generated[path] ?? '';
    expect(read(picture).texts.length).toBeGreaterThan(20);
    expect(troubles(picture)).toEqual([]);
  });

  it('are all of those that `npm run docs` writes', () =>
    expect(Object.keys(generated).sort()).toEqual([...GENERATED].sort()));
});

describe('A generated part', () => {
  const document = 'before\n<!-- generated: a -->\nold\n<!-- /generated -->\nafter\n';

  it('is replaced between its markers, and nothing around it is', () =>
    expect(fillParts(document, { a: () => 'new' })).toBe(
      'before\n<!-- generated: a -->\n\nnew\n\n<!-- /generated -->\nafter\n',
    ));

  it('is the same when it is filled twice', () => {
    const once = fillParts(document, { a: () => 'new' });
    expect(fillParts(once, { a: () => 'new' })).toBe(once);
  });

  it('with dollar signs is taken as it is', () =>
    expect(fillParts(document, { a: () => "$& $1 $'" })).toContain("\n$& $1 $'\n"));

  it('of a name that nothing is generated under is refused', () =>
    expect(() => fillParts(document, {})).toThrow('"a"'));

  it('without a place in the document is refused', () =>
    expect(() => fillParts(document, { a: () => '', b: () => '' })).toThrow('b'));
});
