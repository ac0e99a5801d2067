/** The picture tells the whole definition, and a changed definition changes it. */
import { describe, expect, it } from 'vitest';
import { ACT_PLANS } from '../../docs/acts.ts';
import { actsPicture } from '../../docs/acts-picture.ts';
import { readStory, statesTold } from '../../docs/story.ts';
import { storyPicture } from '../../docs/story-picture.ts';
import { textWidth, wrap } from '../../docs/svg.ts';
import { definitionOf, type StateJson, type StateMachineDefinition } from '../../lib/resolve-definition.ts';
import { synthesize } from '../synth.ts';
import { troubles } from './boxed-text.ts';

const { definition } = definitionOf(synthesize(), 'reactio-production-app');
const story = readStory(definition, ACT_PLANS);

const changed = (states: Readonly<Record<string, Partial<StateJson>>>): StateMachineDefinition => {
  const merged = Object.entries(states).map(([name, fields]) => [
    name,
    { ...definition.States[name], ...fields },
  ]);
  return { ...definition, States: { ...definition.States, ...Object.fromEntries(merged) } };
};
const rowsOf = (title: string, acts = story.acts) =>
  acts.find((act) => act.title === title)?.rows.map((row) => row.name);

describe('The story behind the picture', () => {
  it('tells every state of the definition once', () =>
    expect(statesTold(story).sort()).toEqual(Object.keys(definition.States).sort()));

  it('has the acts of the story, each with its states in order', () => {
    expect(rowsOf('Bring up')).toEqual(['Launch new instances', 'New hosts are ready']);
    expect(rowsOf('Remove')).toEqual([
      'Terminate old instances',
      'Retire old hosts in Mackerel',
      'Record the release',
      'Deployed',
    ]);
  });

  it('knows which steps look again and again', () => {
    const looking = [
      ...story.acts.flatMap((act) => act.rows),
      ...[...story.tracks.values()].flatMap((t) => t.steps),
    ];
    expect(looking.filter((row) => row.loop.length > 0).map((row) => row.name)).toEqual([
      'New hosts are ready',
      'Old hosts are drained',
      'Watch the new hosts',
      'Terminate old instances',
      'Put old hosts back',
      'Terminate new instances',
    ]);
  });

  it('knows by what a look may come before it looks again', () => {
    const ready = story.acts.flatMap((act) => act.rows).find(({ name }) => name === 'New hosts are ready');
    expect(ready?.detour.map(({ name, loop }) => [name, loop.length])).toEqual([
      ['Watch the first hosts', 2],
      ['Replace the stragglers', 0],
      ['Remove the stragglers', 2],
    ]);
  });

  it('puts the point of no return before the first act whose failures are not undone', () =>
    expect(story.acts[story.pointOfNoReturn]?.title).toBe('Remove'));

  it('knows where each failure ends', () => {
    const endOf = (title: string) =>
      story.tracks.get(story.acts.find((act) => act.title === title)?.failsTo ?? '')?.end;
    expect(story.acts.map((act) => endOf(act.title))).toEqual([
      'Nothing was changed',
      'RolledBack',
      'RolledBack',
      'StoppedHalfway',
    ]);
  });

  it('has a new state in its place without being told', () => {
    const gate = {
      Type: 'Task',
      Next: 'Resolve the image',
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Record the refusal' }],
    };
    const turn = {
      Choices: definition.States['Is it our turn?']?.Choices,
      Default: 'Ask the gatekeeper',
    };
    const longer = readStory(changed({ 'Is it our turn?': turn, 'Ask the gatekeeper': gate }), ACT_PLANS);
    expect(rowsOf('Agree', longer.acts)?.slice(0, 5)).toEqual([
      'Open the deployment',
      'Take the fleet lock',
      'Is it our turn?',
      'Ask the gatekeeper',
      'Resolve the image',
    ]);
    expect(storyPicture(longer)).toContain('Ask the gatekeeper');
  });

  it('folds the release of the lock into the ends that free it', () => {
    const rows = story.acts.flatMap((act) => act.rows);
    const ends = [...rows, ...rows.flatMap((row) => row.exits.flat())].filter(({ kind }) => kind === 'end');
    const tracks = [...story.tracks.values()].map(({ end, beforeEnd }) => [end, beforeEnd]);
    expect([...ends.map(({ name, before }) => [name, before]), ...tracks]).toEqual([
      ['Deployed', ['Release the lock after the deployment']],
      ['Waiting for its turn', []],
      ['Superseded by what waits', []],
      ['Already deployed', ['Release the lock after already deployed']],
      ['Superseded', ['Release the lock after superseded']],
      ['Nothing to redeploy', ['Release the lock after nothing to redeploy']],
      ['Planned', []],
      ['Nothing was changed', ['Release the lock after the refusal']],
      ['RolledBack', ['Release the lock after the undo']],
      ['StoppedHalfway', []],
      ['RollbackFailed', []],
    ]);
  });

  it('knows where a lost lock leads, which is one end for all', () => {
    expect(story.lockLost).toBe('The lock was lost');
    const Catch = [
      { ErrorEquals: ['LockLost'], Next: 'Record the refusal' },
      { ErrorEquals: ['States.ALL'], Next: 'Put old hosts back' },
    ];
    expect(() => readStory(changed({ 'Launch new instances': { Catch } }), ACT_PLANS)).toThrow('A lost lock');
  });

  it('is refused when failures of one act lead to different places', () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Record the refusal' }];
    expect(() => readStory(changed({ 'Launch new instances': { Catch } }), ACT_PLANS)).toThrow('"Bring up"');
  });

  it('is refused when an act begins with a state that no deployment comes by', () =>
    expect(() => readStory(definition, [{ title: 'x', promise: '', begins: 'Put old hosts back' }])).toThrow(
      'Put old hosts back',
    ));

  it('is refused when a failure does not end in Fail', () => {
    const succeeds = changed({ RolledBack: { Type: 'Succeed' } });
    expect(() => readStory(succeeds, ACT_PLANS)).toThrow('does not end in Fail');
  });

  it('has no picture without a point of no return', () => {
    const undone = { ...story, pointOfNoReturn: story.acts.length };
    expect(() => storyPicture(undone)).toThrow('point of no return');
  });
});

describe('The picture', () => {
  const svg = storyPicture(story);

  it('is the same each time', () => expect(storyPicture(readStory(definition, ACT_PLANS))).toBe(svg));

  it('has a name and a description for those who do not see it', () => {
    expect(svg).toMatch(/<svg[^>]* role="img" aria-labelledby="title description"/);
    expect(svg).toMatch(/<title id="title">.+<\/title>/);
    expect(svg).toMatch(/<desc id="description">.*Retire old hosts in Mackerel.*StoppedHalfway.*<\/desc>/);
  });

  it('tells endings by a word, not by colour alone', () => {
    for (const good of ['Deployed', 'Superseded', 'Planned']) expect(svg).toContain(`>✓ ${good}<`);
    for (const bad of ['RolledBack', 'RollbackFailed', 'StoppedHalfway', 'Nothing was changed', 'LockLost'])
      expect(svg).toContain(`>✗ ${bad}<`);
  });

  it('brings colours for light and for dark pages', () =>
    expect(svg).toContain('@media (prefers-color-scheme:dark)'));

  it('has room for an end of a long name, and says so in its box', () => {
    const long = 'Superseded by what came while it waited for its turn to begin';
    const renamed = JSON.parse(
      JSON.stringify(definition).replaceAll('Superseded by what waits', long),
    ) as StateMachineDefinition;
    const picture = storyPicture(readStory(renamed, ACT_PLANS));
    expect(picture).toContain('>✓ Superseded by</text>');
    expect(troubles(picture)).toEqual([]);
  });

  it('loads nothing from elsewhere', () =>
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href|@import/));

  it('keeps every box inside the sheet and apart from the others', () => {
    const [, width = 0, height = 0] = (/viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? []).map(Number);
    const rects = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" rx/g)];
    const boxes = rects.map(([, ...numbers]) => numbers.map(Number) as [number, number, number, number]);
    expect(boxes.length).toBeGreaterThan(20);
    boxes.forEach(([x, y, w, h], i) => {
      expect(x + w).toBeLessThan(width);
      expect(y + h).toBeLessThan(height);
      for (const [ox, oy, ow, oh] of boxes.slice(i + 1)) {
        expect(x + w <= ox || ox + ow <= x || y + h <= oy || oy + oh <= y).toBe(true);
      }
    });
  });
});

describe('Text', () => {
  it('is broken at spaces, into lines that fit', () => {
    const lines = wrap('Take old hosts out of service', { size: 13 }, 130);
    expect(lines.join(' ')).toBe('Take old hosts out of service');
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(textWidth(line, { size: 13 })).toBeLessThanOrEqual(130);
  });

  it('of Japanese is broken between its characters, each as wide as the font is high', () => {
    expect(wrap('新しいホストの準備', { size: 13 }, 13 * 5)).toEqual(['新しいホス', 'トの準備']);
    expect(textWidth('新しい🚀', { size: 10 })).toBe(44);
  });

  it('in bold is wider', () => {
    const title = 'Nothing was changed';
    expect(textWidth(title, { size: 13, isBold: true })).toBeGreaterThan(textWidth(title, { size: 13 }));
  });

  it('of one word that is wider than its box is refused', () =>
    expect(() => wrap('Incomprehensibilities', { size: 13 }, 60)).toThrow('does not fit'));
});

describe('The first picture', () => {
  const texts = (of: string) => [...of.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = '']) => text);

  it('shows each act with its steps, and where its failures end, and nothing else', () => {
    const shown = texts(actsPicture(story));
    for (const { title, rows } of story.acts) {
      expect(shown.filter((text) => text.endsWith(title))).toHaveLength(1);
      for (const { kind, name } of rows) expect(shown.includes(name), name).toBe(kind === 'step');
    }
    expect(shown.filter((text) => text.startsWith('✗'))).toEqual([
      '✗ Nothing was changed',
      '✗ RolledBack',
      '✗ StoppedHalfway',
    ]);
    expect(shown).toContain('✓ Deployed');
  });

  it('has its texts in their boxes', () => expect(troubles(actsPicture(story))).toEqual([]));

  it('follows the definition: a step that leads elsewhere is another picture', () => {
    const renamed = readStory(
      changed({ 'Retire old hosts in Mackerel': { Next: 'Release the lock after the deployment' } }),
      ACT_PLANS,
    );
    expect(texts(actsPicture(renamed))).not.toContain('Record the release');
  });
});
