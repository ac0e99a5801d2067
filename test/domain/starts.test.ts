/** What earlier starts teach, and how they travel from record to record. */
import { describe, expect, it } from 'vitest';
import { type Starts, withNewer } from '../../lambdas/domain/core/starts.ts';
import { joinsAfter, learnedJoins, startsOf } from '../../lambdas/domain/hosts/starts.ts';
import { recipe, startsIn } from '../../lambdas/domain/release/release-choice.ts';
import { aSnapshot, at } from '../support/deployments.ts';
import { aHost, aNewInstance, anInstance, inService } from '../support/facts.ts';
import { aFleet } from '../support/fleets.ts';

const TEN = [70, 69, 68, 67, 66, 65, 64, 63, 62, 61];
const TYPE = 't4g.small';
const SLOW = { ...aSnapshot().balancers[0], joins: 'when-registered', leadSeconds: 30 } as ReturnType<
  typeof aSnapshot
>['balancers'][number];

describe('the starts in a record', () => {
  const fleet = aFleet();
  const record = (changes: object = {}) => ({
    fleet: fleet.name,
    recipe: recipe(fleet),
    outcome: 'StoppedHalfway',
    starts: { [TYPE]: TEN },
    ...changes,
  });
  it('are read, whatever became of the deployment', () =>
    expect(startsIn(record(), fleet)).toEqual({ [TYPE]: TEN }));
  it.each<[string, unknown]>([
    ['no record', undefined],
    ['of another fleet', record({ fleet: 'other' })],
    ['of hosts that were made otherwise', record({ recipe: 'another' })],
    ['of a type that the fleet does not have', record({ starts: { 'm7g.metal': TEN } })],
    ['none yet', record({ starts: undefined })],
    ['an empty list', record({ starts: { [TYPE]: [] } })],
    ['more than ten', record({ starts: { [TYPE]: [...TEN, 60] } })],
    ['no seconds', record({ starts: { [TYPE]: ['70'] } })],
    ['seconds that cannot be', record({ starts: { [TYPE]: [-1] } })],
    ['endless ones', record({ starts: { [TYPE]: [7_201] } })],
    ['no list', record({ starts: { [TYPE]: 70 } })],
    ['no object', record({ starts: 'x' })],
  ])('are none: %s', (_title, wrong) => expect(startsIn(wrong, fleet)).toBeUndefined());
});

describe('the starts that are handed on', () => {
  it.each<[string, Starts | undefined, Starts | undefined, Starts]>([
    ['those of before, where none is new', { a: [1] }, undefined, { a: [1] }],
    [
      'the new ones first, the oldest dropped',
      { a: TEN },
      { a: [99, 98] },
      { a: [99, 98, ...TEN.slice(0, 8)] },
    ],
    ['each type for itself', { a: [1] }, { b: [2] }, { b: [2], a: [1] }],
    ['none of none', undefined, undefined, {}],
  ])('are %s', (_title, known, newer, all) => expect(withNewer(known, newer)).toEqual(all));
});

describe('startsOf', () => {
  const launched = ['i-1', 'i-2', 'i-3'].map((id) => aNewInstance(id));
  const instances = ['i-1', 'i-2', 'i-3'].map((id) => anInstance(id, { launchedAt: at(10) }));
  const host = (id: string, seconds: number) => ({ ...aHost(id), createdAt: at(seconds) });
  it('are those from launch to registration, the slowest first', () =>
    expect(
      startsOf(launched, { instances, members: new Map(), hosts: [host('i-1', 50), host('i-2', 70)] }),
    ).toEqual({ [TYPE]: [60, 40] }));
  it('tell nothing of a host that is older than its instance, and are unknown where nobody asked', () => {
    expect(startsOf(launched, { instances, members: new Map(), hosts: [host('i-1', 9)] })).toEqual({});
    expect(startsOf(launched, { instances, members: new Map(), hosts: 'not asked' })).toEqual({});
  });
});

describe('when a host joins by what was learned', () => {
  it.each<[string, Starts | undefined, string, number | undefined]>([
    ['before the slowest of ten would register', { [TYPE]: TEN }, TYPE, 40],
    ['at once where that was quick', { [TYPE]: TEN.map(() => 20) }, TYPE, 0],
    ['as today with fewer than ten', { [TYPE]: TEN.slice(1) }, TYPE, undefined],
    ['as today with none', undefined, TYPE, undefined],
    ['as today with another type', { 'm7g.metal': TEN }, TYPE, undefined],
    ['as today with a type of a strange name', { [TYPE]: TEN }, 'constructor', undefined],
  ])('%s', (_title, starts, type, seconds) => expect(joinsAfter(SLOW, type, starts)).toBe(seconds));
  it('as today where hosts join while they boot', () =>
    expect(joinsAfter({ ...SLOW, joins: 'when-running' }, TYPE, { [TYPE]: TEN })).toBeUndefined());
  it('as today where there is nothing to win', () =>
    expect(joinsAfter({ ...SLOW, leadSeconds: 0 }, TYPE, { [TYPE]: TEN })).toBeUndefined());

  const look = (seconds: number, there: string[] = []) =>
    learnedJoins(
      [SLOW],
      {
        instances: [anInstance('i-1', { launchedAt: at(10) })],
        members: new Map([['web', there.map((id) => inService(id))]]),
      },
      at(seconds),
      { [TYPE]: TEN },
    );
  it('counts from its own launch, and says so while somebody waits', () => {
    expect(look(49).isDue('web', 'i-1')).toBe(false);
    expect(look(49).reason).toBe('new hosts join web 40 s after their launch, by the last 10 starts');
    expect(look(50)).toMatchObject({ reason: '' });
    expect(look(50).isDue('web', 'i-1')).toBe(true);
    expect(look(50).isDue('web', 'i-unknown')).toBe(false);
    expect(look(49, ['i-1']).reason).toBe('');
  });
});
