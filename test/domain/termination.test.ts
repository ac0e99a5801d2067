import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instance, InstanceState } from '../../lambdas/clients/ports.ts';
import { TAG } from '../../lambdas/domain/fleet.ts';
import {
  allEnded,
  decideTermination,
  refuseAny,
  rememberUnseen,
  UNSEEN_SECONDS,
} from '../../lambdas/domain/termination.ts';
import { aLaunch, anOldHost, aSnapshot, at, baked } from '../support/deployments.ts';
import { aNewInstance, anInstance } from '../support/facts.ts';
import { failure } from '../support/failures.ts';

const NOTHING = { terminate: [], going: [], gone: [], unseen: [], refused: [] };

describe('decideTermination', () => {
  it.each<[string, 'old' | 'new', Instance | undefined, object]>([
    ['terminates an old host of the fleet', 'old', anInstance('i-old1'), { terminate: ['i-old1'] }],
    [
      'terminates a stopped one too',
      'old',
      anInstance('i-old1', { state: 'stopped' }),
      { terminate: ['i-old1'] },
    ],
    [
      'waits for one that is shutting down',
      'old',
      anInstance('i-old1', { state: 'shutting-down' }),
      { going: ['i-old1'] },
    ],
    [
      'calls gone only what EC2 calls terminated',
      'old',
      anInstance('i-old1', { state: 'terminated' }),
      { gone: ['i-old1'] },
    ],
    [
      'takes a terminated one without its tags for gone',
      'old',
      anInstance('i-old1', { state: 'terminated', tags: {} }),
      { gone: ['i-old1'] },
    ],
    ['never calls an instance gone that EC2 does not show', 'old', undefined, { unseen: ['i-old1'] }],
    [
      'refuses an old host that lost its tag',
      'old',
      anInstance('i-old1', { tags: {} }),
      { refused: [{ id: 'i-old1', reason: 'it does not carry the tag irekae:fleet' }] },
    ],
    [
      'refuses a host of another fleet',
      'old',
      anInstance('i-old1', { tags: { [TAG.fleet]: 'blog' } }),
      { refused: [{ id: 'i-old1', reason: 'it belongs to the fleet blog' }] },
    ],
    [
      'refuses a stranger on the old side',
      'old',
      anInstance('i-stranger'),
      { refused: [{ id: 'i-stranger', reason: 'it is not in the snapshot of old hosts' }] },
    ],
    [
      'refuses a new host on the old side',
      'old',
      aNewInstance('i-new1'),
      { refused: [{ id: 'i-new1', reason: 'it is not in the snapshot of old hosts' }] },
    ],
    [
      'refuses an old host that carries this deployment’s tag',
      'old',
      aNewInstance('i-old1'),
      { refused: [{ id: 'i-old1', reason: 'this deployment launched it' }] },
    ],
    ['terminates what the launch answered with', 'new', anInstance('i-new1'), { terminate: ['i-new1'] }],
    ['terminates what only the tag tells of', 'new', aNewInstance('i-lost'), { terminate: ['i-lost'] }],
    [
      'takes what the tag told of, and EC2 does not show now, for unseen',
      'new',
      undefined,
      { unseen: ['i-lost'] },
    ],
    [
      'takes what the tag told of, and ended without its tags, for gone',
      'new',
      anInstance('i-lost', { state: 'terminated', tags: {} }),
      { gone: ['i-lost'] },
    ],
    [
      'refuses an old host on the new side, whatever its tags say',
      'new',
      aNewInstance('i-old1'),
      { refused: [{ id: 'i-old1', reason: 'it is one of the old hosts' }] },
    ],
    [
      'refuses a host of the fleet that another deployment launched',
      'new',
      anInstance('i-stranger'),
      { refused: [{ id: 'i-stranger', reason: 'this deployment did not launch it' }] },
    ],
  ])('%s', (_title, side, instance, expected) => {
    const id = instance?.instanceId ?? (side === 'old' ? 'i-old1' : 'i-lost');
    const decision = decideTermination(side, baked(), [id], instance ? [instance] : []);
    expect(decision).toEqual({ ...NOTHING, ...expected });
  });
});

// ── Whatever Mackerel, EC2, the input or a bug says ────────────────────────────────────────────────────────────────

const IDS = ['i-1', 'i-2', 'i-3', 'i-4', 'i-5', 'i-6'];
const STATES: InstanceState[] = ['pending', 'running', 'shutting-down', 'terminated', 'stopping', 'stopped'];
const someIds = fc.subarray(IDS);
const anyInstances = fc.subarray(IDS).chain((ids) =>
  fc.tuple(
    ...ids.map((instanceId) =>
      fc
        .record({
          state: fc.constantFrom(...STATES),
          fleet: fc.constantFrom('shop', 'blog', undefined),
          deployment: fc.constantFrom('deploy-2', 'deploy-1', undefined),
        })
        .map(({ state, fleet, deployment }) =>
          anInstance(instanceId, {
            state,
            tags: {
              ...(fleet && { [TAG.fleet]: fleet }),
              ...(deployment && { [TAG.deployment]: deployment }),
            },
          }),
        ),
    ),
  ),
);
const anyCase = fc.record({
  side: fc.constantFrom('old' as const, 'new' as const),
  old: someIds,
  launched: someIds,
  candidates: someIds,
  instances: anyInstances,
});
type AnyCase = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;

function decide({ side, old, launched, candidates, instances }: AnyCase) {
  const deployment = baked({
    oldHosts: aSnapshot({ hosts: old.map((id) => anOldHost(id)) }),
    launch: aLaunch({
      instances: launched.map((instanceId) => ({ instanceId, zone: 'a', instanceType: 't' })),
    }),
  });
  return decideTermination(side, deployment, candidates, instances);
}

/** Holds for every case, with the decision and what EC2 said of an id. */
function always(check: (facts: AnyCase, decision: ReturnType<typeof decide>) => void): void {
  fc.assert(
    fc.property(anyCase, (facts) => check(facts, decide(facts))),
    { numRuns: 300 },
  );
}

describe('whatever the facts are, decideTermination', () => {
  it('terminates nothing outside the snapshot and the launch', () =>
    always(({ old, launched, instances }, { terminate }) => {
      const tagged = instances
        .filter((each) => each.tags[TAG.deployment] === 'deploy-2')
        .map((each) => each.instanceId);
      for (const id of terminate) expect([...old, ...launched, ...tagged]).toContain(id);
    }));

  it('terminates nothing that lacks the fleet’s tag in this very look', () =>
    always(({ instances }, { terminate }) => {
      for (const id of terminate) {
        expect(instances.find((each) => each.instanceId === id)?.tags[TAG.fleet]).toBe('shop');
      }
    }));

  it('terminates nothing of the other side', () =>
    always(({ side, old, launched }, { terminate }) => {
      const other = side === 'old' ? launched : old;
      for (const id of terminate) expect(other).not.toContain(id);
    }));

  it('gives a reason for each refusal', () =>
    always((_facts, { refused }) => {
      for (const { reason } of refused) expect(reason).toMatch(/^(it|this deployment) \w+/);
    }));

  it('puts each candidate in exactly one place', () =>
    always(({ candidates }, { terminate, going, gone, unseen, refused }) => {
      const placed = [...terminate, ...going, ...gone, ...unseen, ...refused.map(({ id }) => id)];
      expect(placed.sort()).toEqual([...candidates].sort());
    }));
});

// ── When all have ended ────────────────────────────────────────────────────────────────────────────────────────────

describe('allEnded', () => {
  const now = at(500);
  it.each<[string, object, number | undefined, boolean]>([
    ['when EC2 calls all of them terminated', { gone: ['i-1'] }, undefined, true],
    ['not while one is shutting down', { gone: ['i-1'], going: ['i-2'] }, undefined, false],
    ['not while one could still be terminated', { gone: ['i-1'], terminate: ['i-2'] }, undefined, false],
    ['not while one was refused', { gone: ['i-1'], refused: [{ id: 'i-2', reason: 'x' }] }, undefined, false],
    ['not when EC2 does not show one for the first time', { unseen: ['i-1'] }, undefined, false],
    ['not when EC2 has not shown one for a moment', { unseen: ['i-1'] }, UNSEEN_SECONDS - 1, false],
    ['when EC2 has not shown one for a while', { unseen: ['i-1'] }, UNSEEN_SECONDS, true],
  ])('%s', (_title, decision, unseenFor, expected) => {
    const since = unseenFor === undefined ? {} : { 'i-1': now.getTime() - unseenFor * 1000 };
    expect(allEnded({ ...NOTHING, ...decision }, since, now)).toBe(expected);
  });

  it('counts each unseen instance for itself', () => {
    const since = { 'i-1': at(400).getTime(), 'i-2': at(499).getTime() };
    expect(allEnded({ ...NOTHING, unseen: ['i-1', 'i-2'] }, since, now)).toBe(false);
  });
});

describe('rememberUnseen', () => {
  it('keeps the moment at which an instance was first missed', () =>
    expect(rememberUnseen({ unseen: ['i-1'] }, { 'i-1': 7 }, at(0))).toEqual({ 'i-1': 7 }));
  it('counts anew after the instance was seen', () => {
    expect(rememberUnseen({ unseen: [] }, { 'i-1': 7 }, at(0))).toEqual({});
    expect(rememberUnseen({ unseen: ['i-1'] }, { 'i-1': 0 }, at(0))).toEqual({ 'i-1': at(0).getTime() });
  });
});

describe('refuseAny', () => {
  it('tells who was not terminated, why, and what to compare', () =>
    expect(() => refuseAny({ refused: [{ id: 'i-1', reason: 'it belongs to the fleet blog' }] })).toThrow(
      failure('TerminationRefused', 'Not terminated: i-1 (it belongs to the fleet blog). Compare'),
    ));
  it('has nothing against an empty list', () => expect(() => refuseAny({ refused: [] })).not.toThrow());
});
