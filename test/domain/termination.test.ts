import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { launchTokens } from '../../lambdas/domain/core/names.ts';
import {
  allEnded,
  assertNoneRefused,
  decideTermination,
  rememberUnseen,
  UNSEEN_SECONDS,
} from '../../lambdas/domain/hosts/termination.ts';
import type { Instance, InstanceState } from '../../lambdas/ports/ec2.ts';
import { aLaunch, anOldHost, aSnapshot, at, baked, EXECUTION } from '../support/deployments.ts';
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
    [
      'refuses an old host that carries the hand brake',
      'old',
      anInstance('i-old1', { tags: { [TAG.fleet]: 'shop', [TAG.protect]: '' } }),
      { refused: [{ id: 'i-old1', reason: 'it carries the hand brake, the tag irekae:protect' }] },
    ],
    [
      'refuses a new host that carries the hand brake',
      'new',
      anInstance('i-new1', { tags: { [TAG.fleet]: 'shop', [TAG.protect]: 'true' } }),
      { refused: [{ id: 'i-new1', reason: 'it carries the hand brake, the tag irekae:protect' }] },
    ],
    [
      'terminates an old host whose hand brake was let go of',
      'old',
      anInstance('i-old1', { tags: { [TAG.fleet]: 'shop', [TAG.protect]: 'false' } }),
      { terminate: ['i-old1'] },
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

  it('refuses all of a list that is longer than the snapshot, and says so', () => {
    const ids = ['i-old1', 'i-old2', 'i-x'];
    const reason = 'it is one of 3 candidates, but the snapshot has 2';
    expect(
      decideTermination(
        'old',
        baked(),
        ids,
        ids.map((id) => anInstance(id)),
      ),
    ).toEqual({
      ...NOTHING,
      refused: ids.map((id) => ({ id, reason })),
    });
  });
});

// ── Whatever Mackerel, EC2, the input or a bug says ────────────────────────────────────────────────────────────────

const IDS = ['i-1', 'i-2', 'i-3', 'i-4', 'i-5', 'i-6', 'i-7'];
const STATES: InstanceState[] = ['pending', 'running', 'shutting-down', 'terminated', 'stopping', 'stopped'];
/** Four new hosts at most: each of two replaced once. */
const MOST_NEW = 4;
const someIds = fc.subarray(IDS);
/** In any order, some of them more than once. */
const anyCandidates = fc.array(fc.constantFrom(...IDS, 'i-of-nobody'), { maxLength: 12 });
const anyTags = fc.record({
  [TAG.fleet]: fc.constantFrom('shop', 'blog', 'shop-2', '', undefined),
  [TAG.deployment]: fc.constantFrom('deploy-2', 'deploy-1', undefined),
  [TAG.protect]: fc.constantFrom('', 'true', 'false', undefined, undefined, undefined),
});
const OURS = launchTokens(EXECUTION);
const anyToken = fc.constantFrom(`${OURS}1`, 'of-another-execution', '');
const anyInstances = someIds.chain((ids) =>
  fc.tuple(
    ...ids.map((instanceId) =>
      fc.tuple(fc.constantFrom(...STATES), anyTags, anyToken).map(([state, tags, clientToken]) => {
        const given = Object.entries(tags).filter(([, value]) => value !== undefined);
        return anInstance(instanceId, {
          state,
          clientToken,
          tags: Object.fromEntries(given) as Record<string, string>,
        });
      }),
    ),
  ),
);
const anyCase = fc.record({
  side: fc.constantFrom('old' as const, 'new' as const),
  old: someIds,
  launched: someIds,
  candidates: anyCandidates,
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
function always(
  check: (
    facts: AnyCase,
    decision: ReturnType<typeof decide>,
    seen: (id: string) => Instance | undefined,
  ) => void,
): void {
  fc.assert(
    fc.property(anyCase, (facts) =>
      check(facts, decide(facts), (id) => facts.instances.find(({ instanceId }) => instanceId === id)),
    ),
    { numRuns: 1_000 },
  );
}

describe('whatever the facts are, decideTermination', () => {
  it('terminates on the old side nothing outside the snapshot', () =>
    always(({ side, old }, { terminate }) => {
      expect(side === 'old' ? terminate.filter((id) => !old.includes(id)) : []).toEqual([]);
    }));

  it('terminates on the new side nothing that this deployment did not launch', () =>
    always(({ side, launched }, { terminate }, seen) => {
      const isOurs = (id: string) => launched.includes(id) || seen(id)?.clientToken?.startsWith(OURS);
      expect(side === 'new' ? terminate.filter((id) => !isOurs(id)) : []).toEqual([]);
    }));

  it('terminates nothing of the other side', () =>
    always(({ side, old, launched }, { terminate }, seen) => {
      const isNew = (id: string) => launched.includes(id) || seen(id)?.clientToken?.startsWith(OURS);
      expect(terminate.filter((id) => (side === 'new' ? old.includes(id) : isNew(id)))).toEqual([]);
    }));

  it('terminates nothing that lacks the fleet’s tag in this very look, or has another fleet’s', () =>
    always((_facts, { terminate }, seen) => {
      expect(terminate.filter((id) => seen(id)?.tags[TAG.fleet] !== 'shop')).toEqual([]);
    }));

  it('terminates nothing that carries the hand brake', () =>
    always((_facts, { terminate }, seen) => {
      const isBraked = (id: string) => ![undefined, 'false'].includes(seen(id)?.tags[TAG.protect]);
      expect(terminate.filter(isBraked)).toEqual([]);
    }));

  it('terminates nobody when there are more candidates than there can be', () =>
    always(({ side, old, candidates }, { terminate, refused }) => {
      const ids = new Set(candidates);
      const isMore = ids.size > (side === 'old' ? old.length : MOST_NEW);
      expect(isMore ? terminate : []).toEqual([]);
      expect(isMore ? refused.map(({ id }) => id) : [...ids]).toEqual([...ids]);
    }));

  it('terminates nobody twice, and nobody who was not asked for', () =>
    always(({ candidates }, { terminate }) => {
      expect(terminate).toEqual([...new Set(terminate)]);
      for (const id of terminate) expect(candidates).toContain(id);
    }));

  it('answers an empty list with nothing at all', () =>
    always((facts) => {
      expect(decide({ ...facts, candidates: [] })).toEqual(NOTHING);
    }));

  it('gives a reason for each refusal', () =>
    always((_facts, { refused }) => {
      const reasons = refused.map(({ reason }) => reason);
      expect(reasons.filter((reason) => !/^(it|this deployment) \w+/.test(reason))).toEqual([]);
    }));

  it('puts each candidate in exactly one place', () =>
    always(({ candidates }, { terminate, going, gone, unseen, refused }) => {
      const placed = [...terminate, ...going, ...gone, ...unseen, ...refused.map(({ id }) => id)];
      expect(placed.sort()).toEqual([...new Set(candidates)].sort());
    }));

  it('is not made safe by refusing everybody: it terminates whom it may', () =>
    always(({ side, old, launched, candidates }, { terminate }, seen) => {
      const may = (id: string) => {
        const { state, tags = {}, clientToken } = seen(id) ?? {};
        const ours = launched.includes(id) || clientToken?.startsWith(OURS) === true;
        const lives = state !== undefined && state !== 'shutting-down' && state !== 'terminated';
        const onThisSide = side === 'old' ? old.includes(id) && !ours : ours && !old.includes(id);
        const free = [undefined, 'false'].includes(tags[TAG.protect]);
        return lives && onThisSide && free && tags[TAG.fleet] === 'shop';
      };
      const ids = [...new Set(candidates)];
      const most = side === 'old' ? old.length : MOST_NEW;
      expect(terminate).toEqual(ids.length > most ? [] : ids.filter(may));
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

describe('assertNoneRefused', () => {
  it('tells who was not terminated, why, and what to compare', () =>
    expect(() =>
      assertNoneRefused({ refused: [{ id: 'i-1', reason: 'it belongs to the fleet blog' }] }),
    ).toThrow(failure('TerminationRefused', 'Not terminated: i-1 (it belongs to the fleet blog). Compare')));
  it('has nothing against an empty list', () =>
    expect(() => assertNoneRefused({ refused: [] })).not.toThrow());
});
