/** From when on a host that has not registered in Mackerel is not waited for. */
import { describe, expect, it } from 'vitest';
import type { Starts } from '../../lambdas/domain/core/starts.ts';
import { standings } from '../../lambdas/domain/hosts/readiness.ts';
import { judgeRegistration, mustAsk, registrationLimit } from '../../lambdas/domain/hosts/registration.ts';
import { aLaunch, at, launched, RELEASE } from '../support/deployments.ts';
import { aHost, allWell, aNewInstance } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';

const TYPE = 't4g.small';
const limitOf = (starts: Starts | undefined, fleet: object = {}, launch: object = {}) =>
  registrationLimit(
    launched({
      fleet: { ...aFleet(), learnsReadySeconds: true, ...fleet },
      release: { ...RELEASE, ...(starts && { starts }) },
      launch: aLaunch(launch),
    }) as Parameters<typeof registrationLimit>[0],
  );

describe('the limit of the registration', () => {
  it.each<[string, number | undefined, Parameters<typeof limitOf>]>([
    ['three times the slowest start', 300, [{ [TYPE]: [60, 100] }]],
    ['four minutes at the least', 240, [{ [TYPE]: [60] }]],
    ['none without a record', undefined, [undefined]],
    ['none with a record of another type', undefined, [{ 'm7g.large': [60] }]],
    [
      'none where one of two types has no record',
      undefined,
      [
        { [TYPE]: [60] },
        {},
        { instances: [aNewInstance('i-new1'), aNewInstance('i-new2', { instanceType: 'm7g.large' })] },
      ],
    ],
    [
      'none where somebody has set how long to wait',
      undefined,
      [{ [TYPE]: [60] }, { learnsReadySeconds: false }],
    ],
    ['none where stragglers are replaced', undefined, [{ [TYPE]: [60] }, { replaceStragglers: true }]],
    ['none beyond the fleet’s own', undefined, [{ [TYPE]: [300] }]],
    ['none of nothing', undefined, [{ [TYPE]: [60] }, {}, { instances: [] }]],
  ])('is %s', (_title, seconds, given) => expect(limitOf(...given)?.seconds).toBe(seconds));
});

describe('a host that has not registered', () => {
  const limit = limitOf({ [TYPE]: [70] });
  const due = (limit?.at.getTime() ?? 0) - at(0).getTime();
  const judge = (
    hosts: ReturnType<typeof aHost>[] | 'not asked',
    memory: object = {},
    seconds = due / 1000,
  ) => {
    const { instances, members } = allWell();
    const facts = { instances, members: new Map(Object.entries(members)), hosts };
    return judgeRegistration(limit, standings(aLaunch().instances, facts), facts, at(seconds), {
      hosts: {},
      ...memory,
    });
  };
  const ONE = [aHost('i-new1')];

  it('is waited for before', () => expect(judge(ONE, { missing: 1 }, due / 1000 - 1)).toEqual({}));
  it('is looked for twice', () => {
    expect(judge(ONE)).toEqual({ missing: 1 });
    expect(() => judge(ONE, { missing: 1 })).toThrow(
      failure(
        'NewHostsNotReady',
        '1 of 2 new hosts not registered in Mackerel 4 min after the launch: 1 of 2 ready; i-new2: not registered in Mackerel yet. Nobody has set limits.readySeconds, so the limit is 3 times the slowest of the last starts, which took 70 s, and 4 min at the least.',
      ),
    );
  });
  it('is forgiven when one answer had lacked it', () =>
    expect(judge([...ONE, aHost('i-new2')], { missing: 1 })).toEqual({ missing: undefined }));
  it('is not blamed for a Mackerel that was silent', () =>
    expect(judge(ONE, { missing: 1, unanswered: 1 })).toEqual({}));
  it('is not judged by a look that did not ask', () =>
    expect(judge('not asked', { missing: 1 })).toEqual({ missing: 1 }));

  it.each([
    ['before the limit', due / 1000 - 1, {}, false],
    ['at the limit', due / 1000, {}, true],
    ['once that has been asked', due / 1000 + 3, { mackerelAskedAt: at(due / 1000).getTime() }, false],
    ['to agree', due / 1000 + 3, { mackerelAskedAt: at(due / 1000).getTime(), missing: 1 }, true],
  ])('Mackerel is asked about: %s', (_title, seconds, memory, asks) =>
    expect(mustAsk(limit, { hosts: {}, ...memory }, at(seconds))).toBe(asks),
  );
});
