/** What `npm start` plays, from the upload to the last word: as lines, and as JSON. */

import { describe, expect, it } from 'vitest';
import { actOfState } from '../../lambdas/domain/core/story.ts';
import { closingWords } from '../../simulator/demo/closing-words.ts';
import { JsonLines } from '../../simulator/demo/json-lines.ts';
import { TOUR } from '../../simulator/demo/options.ts';
import { PlainLines } from '../../simulator/demo/plain-lines.ts';
import type { ScenarioName } from '../../simulator/scenarios.ts';
import { machineOf } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';
import { play, played } from './recorder.ts';

describe('The tour', () => {
  it.each(TOUR)('tells scenario %s in plain lines', async (scenario) => {
    const { recording, summary } = await played(scenario);
    expect(summary).toMatchObject({ asItMust: true, violations: [] });
    const told: string[] = [];
    recording.showTo(new PlainLines({ write: (text) => told.push(text), inColour: false }));
    await expect(told.join('')).toMatchFileSnapshot(`golden/${scenario}.txt`);
  });

  it.each(TOUR)('never says the same thing twice in a row in scenario %s', async (scenario) => {
    const lines = (await played(scenario)).recording.lines();
    expect(lines.filter((text, index) => text === lines[index - 1])).toEqual([]);
  });

  it('plays the same again with the same seed, and something else with another', async () => {
    const lines = async (seed: number) => (await play('worker', seed)).recording.lines();
    const first = await lines(1);
    expect(await lines(1)).toEqual(first);
    expect(await lines(2)).not.toEqual(first);
  });

  it('sees every moment at which a host changes, not only those at which a step looks', async () => {
    const { recording } = await played('app');
    const lives = recording
      .moments()
      .flatMap(({ scene }) => scene.hosts.filter(({ side }) => side === 'NEW').map(({ life }) => life));
    expect([...new Set(lives)]).toEqual(['pending', 'booting', 'starting', 'up']);
  });
});

describe('The sum of a deployment', () => {
  it('compares every part of a success with the best that could be', async () => {
    const { parts, lowerBoundSeconds, come, gone, slowest } = (await played('app')).summary;
    expect(parts.filter(({ seconds, atBest = 0 }) => seconds < atBest)).toEqual([]);
    expect(parts.reduce((sum, { atBest = 0 }) => sum + atBest, 0)).toBeCloseTo(lowerBoundSeconds ?? 0, 6);
    expect(come).toHaveLength(2);
    expect(gone).toHaveLength(2);
    expect(come).toContain(slowest?.instanceId);
  });

  it.each([
    ...TOUR,
    'bad-input',
    'halfway',
    'hook-migration',
    'paused-and-continued',
    'first-host-good',
  ] as const)('of scenario %s leaves no second out', async (scenario) => {
    const { parts, seconds } = (await played(scenario)).summary;
    expect(parts.reduce((sum, part) => sum + part.seconds, 0)).toBeCloseTo(seconds, 6);
  });

  it('of a failure has no bound, and knows that the old hosts served all the time', async () => {
    const { summary } = await played('never-healthy');
    expect(summary).toMatchObject({
      endedIn: 'RolledBack',
      come: [],
      gone: [],
      serving: { before: 2, fewest: 2, fewestOld: 2 },
    });
    expect(summary).not.toHaveProperty('lowerBoundSeconds');
    expect(summary.parts.map(({ part }) => part)).toEqual(['Agree', 'Bring up', 'Undo']);
  });
});

describe('The closing words', () => {
  const words = async (scenario: ScenarioName) => closingWords((await played(scenario)).summary).join('\n');

  it('claim that the old hosts stayed in service only where they did', async () => {
    expect(await words('never-healthy')).toContain('The old hosts stayed in service: 2 in service before');
    // Undone after the shift: for a while only the new hosts were in service.
    expect(await words('alert')).not.toContain('stayed in service');
  });

  it('end with how it ended, and why', async () => {
    expect(await words('never-healthy')).toMatch(/\nRolledBack: NewHostsNotReady: .*$/);
    expect(await words('worker')).toMatch(/\nDeployed: 2 new hosts in, 2 old hosts out$/);
  });
});

describe('JSON lines', () => {
  it('are objects with a type, begin with the scenario and end with its result', async () => {
    const { recording, summary } = await played('never-healthy');
    const written: string[] = [];
    recording.showTo(new JsonLines((text) => written.push(text)));
    const objects = written.map((line) => JSON.parse(line));
    expect(written.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
    expect(new Set(objects.map(({ type }) => type))).toEqual(
      new Set(['scenario', 'hosts', 'line', 'result']),
    );
    expect(objects[0]).toMatchObject({ type: 'scenario', scenario: 'never-healthy', seed: 7 });
    expect(objects.at(-1)).toEqual({ type: 'result', ...JSON.parse(JSON.stringify(summary)) });
    expect(objects.findLast(({ type }) => type === 'hosts').hosts).toEqual([
      expect.objectContaining({ side: 'OLD', serves: true }),
      expect.objectContaining({ side: 'OLD', serves: true }),
      expect.objectContaining({ side: 'NEW', life: 'gone' }),
      expect.objectContaining({ side: 'NEW', life: 'gone' }),
    ]);
  });
});

describe('The phases', () => {
  it('hold every step of the story', () => {
    const { steps } = machineOf(synthesize(), 'reactio-production-app');
    expect(Object.keys(steps).filter((state) => actOfState(state) === undefined)).toEqual([]);
  });
});
