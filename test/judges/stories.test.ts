/** The stories that moto plays (`npm run judges`), on the model alone: each ends as it says, and differences are found. */
import { afterEach, describe, expect, it } from 'vitest';
import { stacksOf } from '../../judges/moto/stacks.ts';
import { differences, withoutLoops } from '../../judges/stories/compare.ts';
import { STORIES, STORY_NAMES } from '../../judges/stories/list.ts';
import { playedOnModel } from '../../judges/stories/model.ts';
import type { Story, Told } from '../../judges/stories/theatre.ts';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';

const templates = Object.fromEntries(exampleEnvironments.map(({ name }) => [name, synthesize(name)]));
const stacks = stacksOf(exampleEnvironments, ({ name }) => synthesize(name));

afterEach(() => VirtualClock.uninstallAny());

describe('a story', () => {
  it.each(STORY_NAMES)('%s ends on the model as it says', async (name) => {
    const story: Story = STORIES[name];
    const told = await playedOnModel(story, { stacks, templates });
    expect(differences(story, told, told)).toEqual([]);
  });
});

describe('what differs', () => {
  const story: Story = { tells: '', ends: { app: 'C' }, play: async () => {} };
  const hosts = [{ id: 'i-1', state: 'running', serves: true, isNew: true, status: 'working' }];
  const told = (states: readonly string[], rest: object = {}, fleet: object = {}): Told => ({
    executions: [{ machine: 'irekae-app', status: 'SUCCEEDED', states, ...rest }],
    fleets: { app: { hosts, lock: 'free', records: [], ...fleet } },
  });
  const right = told(['A', 'B', 'C']);

  it.each<[string, Told, string[]]>([
    ['nothing', told(['A', 'B', 'C']), []],
    ['a state that is left out', told(['A', 'C']), ['irekae-app 1: after A it enters C, on the model B']],
    [
      'a state too few',
      told(['A', 'B']),
      ['app ends in B, not in C', 'irekae-app 1: after B it enters nothing, on the model C'],
    ],
    [
      'a state too many',
      told(['A', 'B', 'C', 'C']),
      ['irekae-app 1: after C it enters C, on the model nothing'],
    ],
    [
      'another error',
      told(['A', 'B', 'C'], { error: 'E', cause: 'NewHostDied: i-1' }),
      ['irekae-app 1: it ends as SUCCEEDED E NewHostDied, on the model as SUCCEEDED'],
    ],
    [
      'another machine',
      { ...right, executions: [...right.executions, { machine: 'irekae-b', status: 'FAILED', states: [] }] },
      ['irekae-b: 1 executions on moto, 0 on the model'],
    ],
    [
      'who serves',
      told(['A', 'B', 'C'], {}, { hosts: [], lock: 'held', records: ['RolledBack'] }),
      [
        'app is left with lock held, records RolledBack; on the model with new running in service working, lock free, records ',
      ],
    ],
  ])('is %s', (_, moto, found) => {
    expect(differences(story, moto, right)).toEqual(found);
  });

  it.each<[string, string[], string[]]>([
    ['a look', ['X', 'X?', 'Y'], ['X', 'X?', 'Y']],
    ['two looks', ['X', 'X?', 'X (look again soon)', 'X', 'X?', 'Y'], ['X', 'X?', 'Y']],
    ['a look that fails', ['X', 'X?', 'X (look again soon)', 'X', 'Z'], ['X', 'Z']],
  ])('is no matter of how often a wait looks: %s', (_, states, left) => {
    expect(withoutLoops(states)).toEqual(left);
  });
});
