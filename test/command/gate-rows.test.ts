/** What `status` and `plan` say of the fleets file: windows, promotion, and the order of fleets. */
import { describe, expect, it } from 'vitest';
import type { Task } from '../../bin/command/command.ts';
import { commandsFor, gateRows } from '../../bin/command/gate-rows.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { readFleets } from '../../lib/read-fleets.ts';

function taskOf(name: string, now: string, freezes?: object[]): Task {
  for (const environment of readFleets(fleetsFile)) {
    const fleet = environment.fleets.find((each) => each.name === name);
    if (!fleet) continue;
    const ports = { clock: { now: () => new Date(now), sleep: async () => {} } };
    return {
      environment,
      fleet: { ...fleet, ...(freezes && { freezes }) },
      ports,
      options: {},
    } as unknown as Task;
  }
  throw new Error(`There is no fleet ${name}.`);
}

describe('By the fleets file', () => {
  it('a fleet has its windows to come, where its releases come from, and who follows', () =>
    expect(gateRows(taskOf('reactio-production-app', '2026-12-01T00:00:00Z'))).toEqual([
      ['freezes', 'year end, 2026-12-28 00:00 to 2027-01-04 09:00 in Asia/Tokyo'],
      ['accepts', 'only artifacts promoted from reactio-staging-app, after 30 min there'],
      ['then', 'reactio-production-worker follows with the same version'],
    ]));

  it('a fleet that follows says whom', () =>
    expect(gateRows(taskOf('reactio-production-worker', '2026-12-01T00:00:00Z')).at(-1)).toEqual([
      'follows',
      'reactio-production-app: starts when that is not undone anymore, not on upload',
    ]));

  it.each([
    ['2026-12-27T14:59:59Z', false],
    // On the clocks of Tokyo.
    ['2026-12-27T15:00:00Z', true],
    ['2027-01-03T23:59:59Z', true],
  ])('at %s, that it is frozen now: %s', (now, isFrozen) => {
    const rows = gateRows(taskOf('reactio-production-app', now));
    expect(rows[0]?.[0] === 'frozen now').toBe(isFrozen);
    expect(rows.map(([what]) => what)).toContain('freezes');
  });

  it('a window that is over is not told, a weekly one always is', () => {
    expect(gateRows(taskOf('reactio-production-app', '2027-01-04T00:00:00Z'))[0]?.[0]).toBe('accepts');
    const weekend = {
      kind: 'weekly',
      label: 'weekend',
      timeZone: 'UTC',
      days: ['sat', 'sun'],
      from: '00:00',
      to: '24:00',
    };
    expect(gateRows(taskOf('reactio-production-app', '2026-11-23T12:00:00Z', [weekend]))[0]).toEqual([
      'freezes',
      'weekend, sat and sun 00:00 to 24:00 in UTC',
    ]);
  });

  it('a fleet with none of it has no rows', () =>
    expect(gateRows(taskOf('reactio-staging-app', '2026-12-01T00:00:00Z'))).toEqual([]));
});

describe('A gate that refuses', () => {
  const task = taskOf('reactio-production-app', '2026-12-01T00:00:00Z');

  it.each([
    ['NotProven: it was not promoted. Also Frozen: year end', ['irekae promote', '--override freeze']],
    ['Frozen: year end', ['--override freeze']],
    ['Frozen: year end. Also OnHold: it moves', ['irekae release', '--override freeze,hold']],
    ['ImageNotFound: there is none', []],
  ])('%s: what to type', (refusal, commands) => {
    const lines = commandsFor(task, [refusal]);
    expect(lines).toHaveLength(commands.length);
    for (const [index, command] of commands.entries()) expect(lines[index]).toContain(command);
  });
});
