/** The small decisions of the waits: joining, draining, the bake, putting back, removal. */
import { describe, expect, it } from 'vitest';
import type { OldHost } from '../../lambdas/domain/core/document.ts';
import {
  ADVISED_CHECK,
  decideBake,
  noticesAfter,
  tuningSentence,
  watchOf,
  watchSeconds,
} from '../../lambdas/domain/hosts/bake.ts';
import { decideDraining } from '../../lambdas/domain/hosts/draining.ts';
import { decideJoining, joinCosts, leadSeconds } from '../../lambdas/domain/hosts/joining.ts';
import { decidePuttingBack } from '../../lambdas/domain/hosts/putting-back.ts';
import type { HostStanding } from '../../lambdas/domain/hosts/readiness.ts';
import { removalCandidates, settledAt, stragglerCandidates } from '../../lambdas/domain/hosts/removal.ts';
import type { Member } from '../../lambdas/ports/load-balancers.ts';
import { anOldHost, at, launched } from '../support/deployments.ts';
import { aNewInstance, anAlert, anInstance, draining, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { API, WEB } from '../support/fleets.ts';
import { LAST, replaced, TEN } from '../support/large.ts';

describe('decideJoining', () => {
  it.each([
    ['a tuned classic ELB while the host boots', WEB, 5, 2, 'when-running'],
    [
      'a classic ELB with its defaults once the application is up: 5 minutes saved',
      WEB,
      30,
      10,
      'when-registered',
    ],
    ['a tuned target group while the host boots', API, 5, 2, 'when-running'],
    ['a target group with its defaults once the application is up', API, 30, 5, 'when-registered'],
  ] as const)('joins %s', (_title, ref, intervalSeconds, healthyThreshold, joins) =>
    expect(decideJoining({ ref, intervalSeconds, healthyThreshold })).toBe(joins),
  );

  it.each([
    ['of few hosts behind a classic ELB’s defaults, one check may fail', WEB, 2, 2, 30],
    ['of few hosts where three checks must fail, two may', WEB, 3, 2, 60],
    [
      'of some a little, as the one that is slowest to start is seldom the one that is slowest to register',
      WEB,
      2,
      10,
      20,
    ],
    ['of many none, as somebody’s registration takes longest', WEB, 2, 250, 13],
    ['of many at a target group a little, as registering takes seconds there', API, 2, 17, 3],
    ['of others at a target group not at all', API, 2, 16, 0],
    ['of few at a target group neither', API, 3, 1, 0],
  ] as const)('joins before the slowest start is over: %s', (_title, ref, unhealthyThreshold, hosts, lead) =>
    expect(leadSeconds({ ref, intervalSeconds: 30, unhealthyThreshold }, hosts)).toBe(lead),
  );

  it('compares what joining early and late cost, in seconds', () =>
    expect(joinCosts({ ref: WEB, intervalSeconds: 30, healthyThreshold: 10 })).toEqual({
      early: 300,
      late: 60,
    }));
});

describe('decideDraining', () => {
  const at = (web: Member[], api?: Member[]) =>
    new Map([['web', web], ...(api ? [['api', api] as const] : [])]);
  it.each([
    ['nobody is listed anymore', at([]), true, 'the old hosts are drained at all load balancers'],
    ['there is no load balancer', new Map(), true, 'no load balancer to drain'],
    ['requests still run', at([draining('i-1')]), false, 'requests still run on i-1 at web'],
    [
      'one of two load balancers drains',
      at([], [draining('i-1')]),
      false,
      'requests still run on i-1 at api',
    ],
    [
      'somebody is in service again',
      at([inService('i-1'), draining('i-2')]),
      false,
      'still registered: i-1 at web',
    ],
    [
      'somebody is registered out of service',
      at([outOfService('i-1')]),
      false,
      'still registered: i-1 at web',
    ],
  ])('%s', (_title, members, drained, reason) =>
    expect(decideDraining(members)).toMatchObject({ drained, reason }),
  );
});

/** Behind two load balancers, the slower one with ELB's defaults. */
const BOTH = watchOf(60, [
  { name: 'fast', noticesAfterSeconds: noticesAfter(ADVISED_CHECK) },
  {
    name: 'slow',
    noticesAfterSeconds: noticesAfter({ intervalSeconds: 30, unhealthyThreshold: 2, timeoutSeconds: 5 }),
  },
]);

describe('the watch', () => {
  it('lasts the bake, and then until the slowest load balancer would show its last second, looked at twice', () => {
    expect(BOTH).toEqual({
      field: 'limits.bakeSeconds',
      bakeSeconds: 60,
      sightSeconds: 2 * 30 + 5 + 5,
      slowest: 'slow',
      tuningSaves: 51,
    });
    expect(watchSeconds(BOTH)).toBe(130);
  });
  it('says what would save how much', () => {
    expect(tuningSentence(BOTH)).toBe(
      'checks every 5 s, unhealthy after 2, with a time-out of 4 s at slow would save 51 s of it',
    );
    expect(tuningSentence(BOTH, 51)).toBeUndefined();
    expect(tuningSentence(watchOf(60, [{ name: 'fast', noticesAfterSeconds: 14 }]))).toBeUndefined();
  });
  it.each([
    ['0 stays no bake', watchOf(0, [{ name: 'slow', noticesAfterSeconds: 65 }]), 0],
    ['without a load balancer a look shows all', watchOf(60, []), 60],
  ])('%s', (_title, watch, seconds) => {
    expect(watchSeconds(watch)).toBe(seconds);
    expect(watch.slowest).toBeUndefined();
  });
});

describe('decideBake', () => {
  const host = (lacks = ''): HostStanding => ({
    instanceId: 'i-new1',
    rung: lacks ? 'registered' : 'ready',
    lacks,
    hostIds: ['host of i-new1'],
  });
  const facts = { standings: [host()], alerts: [], badLooks: 0, secondsLeft: 20, watch: watchOf(60, []) };

  it.each([
    [
      'goes on while all is well',
      {},
      { baked: false, badLooks: 0, reason: 'all healthy; watching for another 20 s' },
    ],
    [
      'tells both parts of the watch',
      { watch: BOTH, secondsLeft: 90 },
      {
        baked: false,
        badLooks: 0,
        reason:
          'all healthy; watching for another 20 s, then 70 s until slow would show a host that broke in the last second of the bake',
      },
    ],
    [
      'tells the second part alone once the first is over',
      { watch: BOTH, secondsLeft: 70 },
      {
        baked: false,
        badLooks: 0,
        reason:
          'all healthy; another 70 s until slow would show a host that broke in the last second of the bake',
      },
    ],
    [
      'is over when stayed healthy throughout',
      { secondsLeft: 0 },
      { baked: true, badLooks: 0, reason: 'stayed healthy throughout' },
    ],
    [
      'looks twice before it believes a bad look',
      { standings: [host('not in service at web')] },
      { baked: false, badLooks: 1, reason: '0 of 1 ready; i-new1: not in service at web; looking twice' },
    ],
    [
      'looks twice at its very end too',
      { standings: [host('x')], secondsLeft: 0 },
      { baked: false, badLooks: 1, reason: '0 of 1 ready; i-new1: x; looking twice' },
    ],
    [
      'forgets a bad look after a good one',
      { badLooks: 1 },
      { baked: false, badLooks: 0, reason: 'all healthy; watching for another 20 s' },
    ],
    [
      'does not mind alerts of no host',
      { alerts: [(({ hostId: _, ...alert }) => alert)(anAlert('i-new1'))] },
      { baked: false, badLooks: 0, reason: 'all healthy; watching for another 20 s' },
    ],
    [
      'does not mind alerts of other hosts',
      { alerts: [anAlert('i-old1')] },
      { baked: false, badLooks: 0, reason: 'all healthy; watching for another 20 s' },
    ],
    [
      'is not over when it sees no host',
      { standings: [], secondsLeft: 0 },
      { baked: false, badLooks: 1, reason: 'no new host to look at; looking twice' },
    ],
  ])('%s', (_title, changes, decision) => expect(decideBake({ ...facts, ...changes })).toEqual(decision));

  it('fails at the second bad look in a row', () =>
    expect(() => decideBake({ ...facts, standings: [host('not in service at web')], badLooks: 1 })).toThrow(
      failure(
        'ReadinessLost',
        'The new hosts were ready and no longer are: 0 of 1 ready; i-new1: not in service at web. See what',
      ),
    ));
  it.each(['CRITICAL', 'WARNING', 'UNKNOWN'] as const)(
    'fails at once on an open %s alert of a new host',
    (status) =>
      expect(() => decideBake({ ...facts, alerts: [anAlert('i-new1', { status })] })).toThrow(
        failure(
          'AlertDuringBake',
          `Mackerel opened an alert on a new host: ${status} on i-new1: loadavg5 12 > 8.`,
        ),
      ),
  );
});

describe('decidePuttingBack', () => {
  const old = [anOldHost('i-1'), anOldHost('i-2')];
  const running = old.map(({ instanceId }) => anInstance(instanceId));
  const decide = (web: Member[], changes: { old?: OldHost[]; instances?: typeof running } = {}) => {
    const { register, ...rest } = decidePuttingBack({
      old,
      instances: running,
      members: new Map([['web', web]]),
      ...changes,
    });
    return { ...rest, register: Object.fromEntries(register) };
  };

  it.each<[string, ReturnType<typeof decide>, object]>([
    [
      'is done when all serve again',
      decide([inService('i-1'), inService('i-2')]),
      { done: true, register: {}, reason: 'the old hosts serve' },
    ],
    [
      'registers whom the load balancer does not list',
      decide([inService('i-1')]),
      { done: false, register: { web: ['i-2'] }, reason: 'not in service again yet: i-2 at web' },
    ],
    [
      'registers who is still draining',
      decide([inService('i-1'), draining('i-2')]),
      { done: false, register: { web: ['i-2'] }, reason: 'not in service again yet: i-2 at web' },
    ],
    [
      'waits for who is registered and not in service yet',
      decide([inService('i-1'), outOfService('i-2')]),
      { done: false, register: { web: ['i-2'] }, reason: 'not in service again yet: i-2 at web' },
    ],
    [
      'registers, but does not wait for, a host that did not serve before',
      decide([inService('i-1')], { old: [anOldHost('i-1'), anOldHost('i-2', { served: false })] }),
      { done: false, register: { web: ['i-2'] }, reason: 'the old hosts serve' },
    ],
    [
      'puts nobody where it was not before',
      decide([inService('i-1')], {
        old: [anOldHost('i-1'), anOldHost('i-2', { served: false, memberOf: [] })],
      }),
      { done: true, register: {}, reason: 'the old hosts serve' },
    ],
    [
      'goes on without a host that ended by itself',
      decide([inService('i-1')], {
        instances: [anInstance('i-1'), anInstance('i-2', { state: 'terminated' })],
      }),
      {
        done: true,
        register: {},
        reason: 'the old hosts serve; 1 old host terminated meanwhile, but not by this deployment',
      },
    ],
    [
      'does not take a host for ended that EC2 does not show',
      decide([inService('i-1')], { instances: [] }),
      { done: false, register: { web: ['i-2'] }, reason: 'not in service again yet: i-2 at web' },
    ],
  ])('%s', (_title, decision, expected) => expect(decision).toEqual(expected));

  it('gives up when none is left of those that served', () =>
    expect(() =>
      decide([], {
        instances: old.map(({ instanceId }) => anInstance(instanceId, { state: 'shutting-down' })),
      }),
    ).toThrow(
      failure(
        'OldHostsNotServing',
        'All old hosts that served when the deployment began have terminated by themselves (i-1 and i-2). The new hosts were left',
      ),
    ));
});

describe('removal', () => {
  it.each([
    ['whoever launches may do so until its time is over', at(300), 310],
    ['a run that is over has launched what it has', at(100), 110],
    ['nobody knows of a launch, which an earlier release of irekae may have begun', undefined, 240],
  ])('%s, and EC2 shows it a little later', (_title, until, seconds) =>
    expect(settledAt(until && { id: 'run-1', until }, { now: at(200), secondsPassed: 30 })).toEqual(
      at(seconds),
    ),
  );

  it('removes what the launch answered with, what carries the tag, and what an earlier look saw', () =>
    expect(
      removalCandidates(launched(), [aNewInstance('i-new2'), aNewInstance('i-more')], ['i-ended']),
    ).toEqual(['i-new1', 'i-new2', 'i-more', 'i-ended']));
  it('removes stragglers that were replaced, though they may have lost their tags', () =>
    expect(removalCandidates(replaced(), [], [])).toContain(LAST));
  it('removes of a deployment that goes on only what are no new hosts: stragglers, and what nobody knows of', () => {
    const tagged = [...TEN, 'i-other', 'i-doubled', 'i-old1'].map((id) => aNewInstance(id));
    expect(stragglerCandidates(replaced(), tagged, ['i-ended'])).toEqual([LAST, 'i-doubled', 'i-ended']);
  });
  it('never removes an old host, whatever its tags say', () =>
    expect(removalCandidates(launched(), [aNewInstance('i-old1')], ['i-old2'])).toEqual([
      'i-new1',
      'i-new2',
    ]));
});
