import { describe, expect, it } from 'vitest';
import { type MachineKind, machineName } from '../../lambdas/domain/core/names.ts';
import { bytesOf, playable, unpack } from '../../simulator/carried.ts';
import { faultsTemplate, KINDS } from '../../simulator/faults/kinds.ts';
import { machineOf } from '../../simulator/stage.ts';

const template = faultsTemplate();
const machines = new Set(Object.values(template.Resources).map((each) => each.Properties?.StateMachineName));
const STORIES: readonly MachineKind[] = ['deploy', 'clean-up', 'promote'];
const stories = [...new Set(Object.values(KINDS).map(({ fleet }) => fleet))].flatMap((fleet) =>
  STORIES.filter((kind) => machines.has(machineName(fleet, kind))).map((kind) => [fleet, kind] as const),
);

describe('what no path of a story reads', () => {
  it.each(stories)('is carried through the interpreter unopened: %s, %s', (fleet, kind) => {
    const { definition } = machineOf(template, fleet, kind);
    expect(playable(definition).definition).not.toBe(definition);
  });

  const [fleet, kind] = stories[0] ?? ['', 'deploy'];
  const { carry } = playable(machineOf(template, fleet, kind).definition);
  const answer = { ready: true, nextLookInSeconds: 5, hosts: [{ id: 'i-1', name: 'ä' }], note: null };

  it('comes out as it went in, also where the whole document is handed on as a part', () => {
    const document = { readiness: carry(answer), shift: carry({ told: ['x'] }) };
    expect(document).not.toEqual({ readiness: answer, shift: { told: ['x'] } });
    expect(unpack(document)).toEqual({ readiness: answer, shift: { told: ['x'] } });
    expect(unpack({ document, ends: 'Deployed' })).toEqual({ document: unpack(document), ends: 'Deployed' });
  });

  it('counts as many bytes as it has as JSON', () => {
    const document = { readiness: carry(answer) };
    expect(bytesOf(document)).toBe(Buffer.byteLength(JSON.stringify({ readiness: answer })));
  });

  it.each([
    ['an index', { InputPath: '$.launch.hosts[0]' }],
    ['a filter', { InputPath: '$.hosts[?(@.id)]' }],
    ['a part of a part that is written', { ResultPath: '$.launch.hosts' }],
    ['the whole document, replaced', { ResultPath: '$' }],
  ])('is everything open where a path might read or replace anything: %s', (_, paths) => {
    const { definition } = machineOf(template, fleet, kind);
    const [name = '', state] = Object.entries(definition.States)[1] ?? [];
    const other = { ...definition, States: { ...definition.States, [name]: { ...state, ...paths } } };
    expect(playable(other as typeof definition).definition).toBe(other);
  });
});
