import { describe, expect, it } from 'vitest';
import type { Deployment, OldHost } from '../../lambdas/domain/core/document.ts';
import { decideBake, judgeHealth } from '../../lambdas/domain/hosts/bake.ts';
import {
  exposureOf,
  exposureSentence,
  firstHosts,
  firstHostsPlan,
  firstWatchOf,
  reserveOf,
  whoGoesFirst,
} from '../../lambdas/domain/hosts/first-hosts.ts';
import {
  mackerelMatters,
  readinessSentence,
  standings,
  toRegister,
} from '../../lambdas/domain/hosts/readiness.ts';
import { registrationLimit } from '../../lambdas/domain/hosts/registration.ts';
import {
  decideStage,
  heardIn,
  readyDeadline,
  sideBySidePlan,
  sideBySideSeconds,
  slowestStart,
} from '../../lambdas/domain/hosts/side-by-side.ts';
import { decideStragglers, mayBeLost } from '../../lambdas/domain/hosts/stragglers.ts';
import { writePlan } from '../../lambdas/domain/record/plan.ts';
import { phases, recordOf } from '../../lambdas/domain/record/record.ts';
import { newHosts } from '../../lambdas/domain/record/timeline/hosts.ts';
import { failedState, timelineOf } from '../../lambdas/domain/record/timeline/timeline.ts';
import {
  agreed,
  aLaunch,
  aLook,
  anOldHost,
  aSnapshot,
  at,
  iso,
  launched,
  NEW,
  OLD,
} from '../support/deployments.ts';
import { aHost, allWell, aNewInstance, anAlert, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';

const FIRST = { hosts: 1, watchSeconds: 120 };
const WATCHED = aLook({ ready: true, since: iso(60), at: iso(200) });

/** Hosts by their zones, as letters: `aab` is two in a and one in b. */
const hosts = (zones: string) =>
  [...zones].map((zone, index) => ({ instanceId: `i-${zone}${index + 1}`, zone }));
const old = (zones: string, changes: Partial<OldHost> = {}) =>
  hosts(zones).map(({ instanceId, zone }) => anOldHost(`${instanceId}-old`, { zone, ...changes }));
const fresh = (zones: string) => hosts(zones).map((host) => ({ ...host, instanceType: 't4g.small' }));

const deployment = (oldZones: string, newZones: string, first = FIRST, changes: Partial<Deployment> = {}) =>
  launched({
    fleet: aFleet({ first }),
    oldHosts: aSnapshot({ hosts: old(oldZones) }),
    launch: aLaunch({ instances: fresh(newZones) }),
    ...changes,
  });

describe('Who goes first', () => {
  it.each([
    ['one, in the order of the launch', 'ab', 'ab', 1, ['i-a1']],
    ['one of each zone', 'aabb', 'aabb', 2, ['i-a1', 'i-b3']],
    ['more of them, spread evenly', 'aaabbb', 'aaabbb', 4, ['i-a1', 'i-b4', 'i-a2', 'i-b5']],
    ['in the zone with the most old hosts', 'abbb', 'aabb', 1, ['i-b3']],
    ['last in a zone without an old host', 'aab', 'aabbcc', 3, ['i-a1', 'i-a2', 'i-b3']],
    ['all, where a share could not be launched', 'ab', 'a', 2, ['i-a1']],
  ])('%s', (_title, oldZones, newZones, count, ids) =>
    expect(firstHosts(deployment(oldZones, newZones, { ...FIRST, hosts: count }))).toEqual(ids),
  );

  it('are all, in a fleet whose hosts nobody gives a share', () => {
    const workers = deployment('ab', 'ab', FIRST, { fleet: aFleet({ first: FIRST, loadBalancers: [] }) });
    expect(firstHosts(workers)).toEqual(['i-a1', 'i-b2']);
    expect(reserveOf(workers)).toEqual(new Set());
    expect(exposureOf(workers)).toBeUndefined();
  });

  it.each([
    ['no old host is there', 'nobody', [] as OldHost[]],
    ['no old host serves', 'nobody', old('ab', { served: false })],
    ['an old host serves', 'somebody', old('a')],
  ])('where %s: %s', (_title, who, oldHosts) => {
    const those = deployment('ab', 'ab', FIRST, { oldHosts: aSnapshot({ hosts: oldHosts }) });
    expect(whoGoesFirst(those)).toEqual(who === 'nobody' ? undefined : FIRST);
    expect(firstHosts(those)).toHaveLength(who === 'nobody' ? 0 : 1);
  });

  it('lets the others wait until the watch is over', () => {
    expect(reserveOf(deployment('ab', 'ab'))).toEqual(new Set(['i-b2']));
    expect(reserveOf(deployment('ab', 'ab', FIRST, { firstWatch: aLook() }))).toEqual(new Set(['i-b2']));
    expect(reserveOf(deployment('ab', 'ab', FIRST, { firstWatch: WATCHED }))).toEqual(new Set());
    expect(reserveOf(launched())).toEqual(new Set());
  });
});

describe('The exposure', () => {
  it.each([
    ['ab', 'ab', 1, 1 / 3, 1 / 4],
    ['aabb', 'aabb', 2, 2 / 6, 1 / 3],
    ['abbb', 'abbb', 1, 1 / 5, 1 / 8],
    // Where one zone has hardly an old host, two first ones take more than their count of its half.
    ['abbbbbbbbb', 'ab', 2, 2 / 12, (1 / 2 + 1 / 10) / 2],
  ])('of old hosts in %s and %s, %i first', (oldZones, newZones, count, share, shareByZone) => {
    const found = exposureOf(deployment(oldZones, newZones, { ...FIRST, hosts: count }));
    expect(found?.share).toBeCloseTo(share);
    expect(found?.shareByZone).toBeCloseTo(shareByZone);
  });

  it.each([
    // A third of each of three zones adds up to a digit more than a third.
    [
      'evenly spread hosts',
      'aaabbbccc',
      'aabbcc',
      6,
      '6 of 15 hosts in service: at most 40 % of the requests',
    ],
    [
      'a whole number of percents',
      'a'.repeat(93),
      'a'.repeat(9),
      7,
      '7 of 100 hosts in service: at most 7 % of the requests',
    ],
  ])('of %s is told as it is', (_title, oldZones, newZones, count, says) => {
    const found = exposureOf(deployment(oldZones, newZones, { ...FIRST, hosts: count }));
    expect(found && exposureSentence(found)).toBe(says);
  });

  it('is told as a share of the requests, and by zone where that is more', () => {
    expect(exposureSentence({ first: 1, of: 3, share: 1 / 3, shareByZone: 0.25 })).toBe(
      '1 of 3 hosts in service: at most 33.4 % of the requests',
    );
    expect(exposureSentence({ first: 2, of: 12, share: 1 / 6, shareByZone: 0.3 })).toMatch(
      /at most 16\.7 % of the requests by count, and 30 % where a load balancer keeps requests within their zone, because the old hosts are unevenly spread$/,
    );
  });

  it.each([
    ['1 of 3 hosts in service: at most 33.4 % of the requests; watched for 2 min before the others join', {}],
    ['all at once: no old host is in service beside them', { oldHosts: aSnapshot({ hosts: [] }) }],
    [
      'a fleet without a load balancer has no shares of requests: all new hosts are registered, and watched for 2 min beside the old ones',
      { fleet: aFleet({ first: FIRST, loadBalancers: [] }) },
    ],
    [undefined, { fleet: aFleet() }],
  ])('is planned as: %s', (says, changes) => {
    const zones = ['a', 'b'];
    const planned = agreed({
      fleet: aFleet({ first: FIRST }),
      oldHosts: aSnapshot({ hosts: old('ab'), zones }),
      ...changes,
    });
    expect(firstHostsPlan(planned)).toBe(says);
  });
});

describe('A plan', () => {
  it('tells the first hosts, their watch, and what both fleets serve side by side', () => {
    const { first, sideBySide, earliestFinish } = writePlan(
      agreed({
        fleet: aFleet({ first: FIRST, sideBySideSeconds: 30 }),
        oldHosts: aSnapshot({ zones: ['a', 'b'] }),
      }) as Parameters<typeof writePlan>[0],
    );
    expect(first).toMatch(/^1 of 3 hosts/);
    expect(sideBySide).toBe('30 s once all are ready');
    expect(earliestFinish.parts).toEqual(
      expect.arrayContaining([
        'the first hosts are watched: 2 min',
        'then until web would show what broke in the last second of that: 19 s',
        'old and new hosts serve side by side: 30 s',
      ]),
    );
  });
});

describe('A look before the first hosts were watched', () => {
  const facts = (members: Parameters<typeof allWell>[0]) => {
    const { instances, hosts: known, members: at } = allWell(members);
    return { instances, hosts: known, members: new Map(Object.entries(at)), reserve: new Set(['i-new2']) };
  };
  const looked = (members: Parameters<typeof allWell>[0]) => {
    const seen = facts(members);
    return { seen, standing: standings(aLaunch().instances, seen) };
  };
  const SERVES = { members: { web: [...OLD, 'i-new1'].map(inService) } };

  it('is content with others that are registered', () => {
    const { standing, seen } = looked(SERVES);
    expect(standing.map(({ rung }) => rung)).toEqual(['ready', 'ready']);
    expect(readinessSentence(standing, seen)).toBe('the first host is ready; the other one is registered');
  });

  it('says of both what they lack', () => {
    const { standing, seen } = looked({
      hosts: [aHost('i-new1')],
      members: { web: [outOfService('i-new1')] },
    });
    expect(readinessSentence(standing, seen)).toBe(
      '0 of 1 first host ready; i-new1: not in service at web (checks fail); 0 of 1 other registered; i-new2: not registered in Mackerel yet',
    );
  });

  it('lets nobody else join', () => {
    const { standing, seen } = looked({ members: { web: OLD.map(inService) } });
    expect(toRegister(standing, seen, () => true)).toEqual(new Map([['web', ['i-new1']]]));
    const all = { ...seen, reserve: new Set<string>() };
    expect(toRegister(standings(aLaunch().instances, all), all, () => true)).toEqual(
      new Map([['web', ['i-new1', 'i-new2']]]),
    );
  });

  it('asks Mackerel once the first ones serve and the others run', () => {
    const asks = (scene: Parameters<typeof allWell>[0]) =>
      mackerelMatters(aLaunch().instances, facts(scene), new Map(), 0);
    expect(asks(SERVES)).toBe(true);
    expect(asks({ members: { web: OLD.map(inService) } })).toBe(false);
  });
});

describe('When all are ready that are to be', () => {
  const ready = NEW.map((instanceId) => ({
    instanceId,
    rung: 'ready' as const,
    lacks: '',
    hostIds: [`host of ${instanceId}`],
  }));
  const some = ready.map((host, i) =>
    i === 0 ? host : { ...host, rung: 'registered' as const, lacks: 'x' },
  );
  const first = launched({ fleet: aFleet({ first: FIRST, sideBySideSeconds: 30 }) });
  const all = { ...first, firstWatch: { ...WATCHED, hosts: ['i-new1'] } };
  const since = at(300).getTime();

  it.each([
    ['the first hosts are watched', first, ready, undefined, 300, { ready: true, first: ['i-new1'] }],
    ['one is missing', first, some, undefined, 300, { ready: false }],
    [
      'both fleets begin to serve',
      all,
      ready,
      undefined,
      300,
      { ready: false, allReadyAt: since, patienceSeconds: 10 },
    ],
    [
      'both have served for a while',
      all,
      ready,
      since,
      325,
      { ready: false, allReadyAt: since, patienceSeconds: 5 },
    ],
    ['both have served long enough', all, ready, since, 330, { ready: true, allReadyAt: since }],
    ['one is lost meanwhile: it begins anew', all, some, since, 325, { ready: false }],
    [
      'the shift found one that was not: it begins anew',
      { ...all, shift: { done: false, reason: 'x', at: iso(331) } },
      ready,
      since,
      332,
      { ready: false, allReadyAt: at(332).getTime() },
    ],
    [
      'the time of the whole wait is over, while both serve anew',
      all,
      ready,
      at(1120).getTime(),
      1130,
      { ready: true, allReadyAt: at(1120).getTime() },
    ],
    ['nobody is to wait', launched(), ready, undefined, 300, { ready: true, allReadyAt: since }],
  ] as const)('and %s', (_title, on, standing, allReadyAt, seconds, stage) => {
    const found = decideStage(on as never, standing, allReadyAt, at(seconds));
    expect(found).toMatchObject(stage);
    expect('first' in found).toBe('first' in stage);
    expect('allReadyAt' in found).toBe('allReadyAt' in stage);
  });

  it('tells how long both serve yet', () =>
    expect(decideStage(all as never, ready, since, at(305)).reason).toBe(
      'both fleets serve for another 25 s',
    ));

  it.each([
    ['nobody, while hosts come up', first, undefined, []],
    ['the first ones, while the others join', all, undefined, ['i-new1']],
    ['all, while both fleets serve', all, since, ['i-new1', 'i-new2']],
    ['nobody, where nothing is asked for', launched(), since, []],
  ] as const)('alerts decide of %s', (_title, on, allReadyAt, ids) =>
    expect(heardIn(on as never, ready, allReadyAt).map(({ instanceId }) => instanceId)).toEqual(ids),
  );

  it('have their whole time anew once the first ones were watched', () => {
    expect(readyDeadline(launched() as never)).toEqual(at(910));
    expect(readyDeadline(all as never)).toEqual(at(1100));
    const learns = { learnsReadySeconds: true, starts: { 't4g.small': Array(10).fill(60) } };
    const release = { ...launched().release, starts: learns.starts } as never;
    const on = (more: Partial<Deployment>) =>
      launched({ fleet: aFleet({ learnsReadySeconds: true }), release, ...more });
    expect(registrationLimit(on({}) as never)?.seconds).toBe(240);
    expect(registrationLimit(on({ firstWatch: WATCHED }) as never)).toBeUndefined();
  });
});

describe('Side by side', () => {
  const balancers = (...seconds: number[]) =>
    seconds.map(
      (slowStartSeconds, i) =>
        ({ ...aSnapshot().balancers[0], name: `group${i}`, slowStartSeconds }) as never,
    );
  it.each([
    [
      'the longest slow start',
      aFleet(),
      balancers(30, 300),
      300,
      '5 min once all are ready, the slow start of group1',
    ],
    ['what the fleet says', aFleet({ sideBySideSeconds: 60 }), balancers(30), 60, '60 s once all are ready'],
    [
      'what the fleet says, although it is shorter',
      aFleet({ sideBySideSeconds: 60 }),
      balancers(300),
      60,
      '60 s once all are ready, although group0 gives a new host its full share only after 5 min',
    ],
    ['nothing, if it says so', aFleet({ sideBySideSeconds: 0 }), balancers(30), 0, undefined],
    ['nothing without a slow start', aFleet(), balancers(0), 0, undefined],
  ])('lasts %s', (_title, fleet, those, seconds, says) => {
    const on = agreed({ fleet, oldHosts: aSnapshot({ balancers: those }) });
    expect(sideBySideSeconds(on)).toBe(seconds);
    expect(sideBySidePlan(on)).toBe(says);
  });

  it('is nothing where no old host serves', () =>
    expect(
      sideBySideSeconds(
        agreed({ fleet: aFleet({ sideBySideSeconds: 60 }), oldHosts: aSnapshot({ hosts: [] }) }),
      ),
    ).toBe(0));

  it('knows no slow start of a classic ELB', () => expect(slowestStart([])).toBeUndefined());
});

describe('The watch of the first hosts', () => {
  it('lasts what the fleet says, and then until the slowest signal shows the last second', () => {
    const on = deployment('ab', 'ab');
    const watch = firstWatchOf(on);
    expect(watch).toMatchObject({
      field: 'first.watchSeconds',
      bakeSeconds: 120,
      sightSeconds: 19,
      slowest: 'web',
    });
    expect(firstWatchOf(launched()).bakeSeconds).toBe(0);
  });

  it('says that it was the first hosts', () => {
    const watch = firstWatchOf(deployment('ab', 'ab'));
    const standing = (rung: 'ready' | 'registered') => [
      { instanceId: 'i-new1', rung, lacks: 'x', hostIds: ['host of i-new1'] },
    ];
    const bake = (rung: 'ready' | 'registered', alerts: ReturnType<typeof anAlert>[]) => () =>
      decideBake({ watch, standings: standing(rung), alerts, badLooks: 1, secondsLeft: 60 });
    expect(bake('registered', [])).toThrow(
      failure('ReadinessLost', 'The first hosts were ready and no longer are'),
    );
    // A hook or a person may be waited for before the shift, too.
    expect(() => judgeHealth({ standings: standing('registered'), alerts: [], badLooks: 1 })).toThrow(
      failure('ReadinessLost', 'See what their application logged since they got traffic.'),
    );
    expect(bake('ready', [anAlert('i-new1')])).toThrow(
      failure('AlertDuringBake', 'on a new host while it served beside the old ones: CRITICAL on i-new1'),
    );
  });
});

describe('Stragglers beside first hosts', () => {
  const five = fresh('aabbb');
  const of = (replaceStragglers: boolean, replaced?: []) => ({
    fleet: aFleet({ replaceStragglers }),
    launch: aLaunch({ instances: five, ...(replaced && { replaced }) }),
  });
  const dead = (id: string, stateReason = 'Server.InternalError') =>
    aNewInstance(id, { state: 'terminated', stateReason });
  it.each([
    ['a lost one that serves nobody yet', of(true), dead('i-b5'), true],
    ['where nobody is replaced', of(false), dead('i-b5'), false],
    ['after others were', of(true, []), dead('i-b5'), false],
    ['a first one', of(true), dead('i-a1'), false],
    ['one that shut itself down', of(true), dead('i-b5', 'Client.InstanceInitiatedShutdown'), false],
  ])('the watch bears the loss of %s: %#', (_title, on, lost, bears) =>
    expect(mayBeLost(on, new Set(['i-b4', 'i-b5']))([lost])).toBe(bears),
  );

  it.each([
    ['a first one that no check has passed', 'i-a1', 'registered', ['i-b3', 'i-b4', 'i-b5', 'i-a2'], 0],
    ['a first one, where another first one has passed', 'i-a1', 'registered', ['i-b4', 'i-b5'], 1],
    ['a first one that does not even register', 'i-a1', 'running', ['i-b3', 'i-b4', 'i-b5', 'i-a2'], 1],
    ['one that lets others go first', 'i-b5', 'running', ['i-b3', 'i-b4', 'i-b5', 'i-a2'], 1],
  ] as const)('are replaced before the watch: %s', (_title, late, rung, reserve, replaced) => {
    const found = decideStragglers({
      launch: aLaunch({ instances: five }),
      hosts: five.map(({ instanceId }) => ({
        instanceId,
        rung: instanceId === late ? rung : ('ready' as const),
        lacks: instanceId === late ? 'x' : '',
        hostIds: [],
      })),
      instances: five.map(({ instanceId }) => aNewInstance(instanceId)),
      memory: { halfReadyAt: at(60).getTime(), hosts: { [late]: 1 } },
      now: at(300),
      reserve: new Set(reserve),
    });
    expect(found.replace).toHaveLength(replaced);
  });

  it.each([
    ['is none, when it passes its checks no more', 'i-b5', 'registered', 0],
    ['is replaced, when EC2 loses it', 'i-b5', 'lost', 1],
    ['says nothing of another one', 'i-a1', 'registered', 1],
  ] as const)('one that was watched to the end %s', (_title, watched, rung, replaced) => {
    const found = decideStragglers({
      launch: aLaunch({ instances: five }),
      hosts: five.map(({ instanceId }, i) => ({
        instanceId,
        rung: i === 4 ? rung : ('ready' as const),
        lacks: i === 4 ? 'x' : '',
        hostIds: [],
      })),
      instances: five.map(({ instanceId }) => aNewInstance(instanceId)),
      memory: { halfReadyAt: at(60).getTime(), hosts: { 'i-b5': 1 } },
      now: at(700),
      from: { at: iso(400), what: 'the watch of the first hosts' },
      watched: [watched],
    });
    expect(found.replace).toHaveLength(replaced);
  });

  it('are slow by what the others took, counted from the end of the watch', () => {
    const launch = aLaunch({ instances: five });
    const standing = five.map(({ instanceId }, i) => ({
      instanceId,
      rung: i === 4 ? ('registered' as const) : ('ready' as const),
      lacks: i === 4 ? 'not in service' : '',
      hostIds: [],
    }));
    const memory = { halfReadyAt: at(60).getTime(), hosts: { 'i-b5': 1 } };
    const from = { at: iso(400), what: 'the watch of the first hosts' };
    const look = (seconds: number) =>
      decideStragglers({
        launch,
        hosts: standing,
        instances: five.map(({ instanceId }) => aNewInstance(instanceId)),
        memory,
        now: at(seconds),
        from,
      });
    // Half of them took 50 s.
    expect(look(500).reason).toBe(
      'i-b5 will be replaced if not ready 2 min 30 s after the watch of the first hosts',
    );
    expect(look(551).replace).toEqual([
      { instanceId: 'i-b5', why: 'not in service, 2 min 30 s after the watch of the first hosts' },
    ]);
  });
});

describe('The record of one whose hosts went first', () => {
  const readiness = (more: object = {}) => aLook({ ready: true, at: iso(230), ...more });
  const good = deployment('ab', 'ab', FIRST, {
    firstWatch: { ...WATCHED, hosts: ['i-a1'] },
    readiness: readiness(),
  });

  it('names them, and what they met', () => {
    expect(recordOf(good, at(400)).first).toEqual({
      instances: ['i-a1'],
      beside: 2,
      exposure: '1 of 3 hosts in service: at most 33.4 % of the requests',
    });
    expect(recordOf(good, at(400)).reason).toContain('i-a1 went first, beside 2 old hosts, 1 of 3 hosts');
    expect(recordOf(launched(), at(400)).first).toBeUndefined();
  });

  it('has a span for them: until all were ready', () => {
    expect(phases(good)).toEqual({ agree: 10, 'bring up': 50, 'first hosts': 170 });
    expect(timelineOf(good, at(240)).spans.map(({ phase, from, to }) => [phase, from, to])).toEqual([
      ['Agree', 0, 10],
      ['Bring up', 10, 60],
      ['First hosts', 60, 200],
      ['All hosts', 200, 230],
      ['Shift', 230, 240],
    ]);
  });

  it('shows how long the others waited, and who did not', () => {
    const seen = { running: '20.1.ABAB', registered: '40.1.ABAB', inService: '50.1.ABAA' };
    const those = newHosts(recordOf({ ...good, readiness: readiness({ seen }) }, at(240)) as never);
    expect(those.map(({ wentFirst, bars }) => [wentFirst, bars.map(({ kind }) => kind)])).toEqual([
      [true, ['launch', 'boot', 'join', 'serve']],
      [undefined, ['launch', 'boot', 'reserve', 'join']],
    ]);
    expect(those[1]?.bars[2]).toEqual({ kind: 'reserve', from: 40, to: 200 });
  });

  it.each([
    ['New hosts are ready', { firstWatch: undefined, readiness: readiness({ ready: false }) }],
    ['Watch the first hosts', { firstWatch: undefined, readiness: readiness({ first: ['i-a1'] }) }],
    ['Watch the first hosts', { firstWatch: aLook(), readiness: readiness({ first: ['i-a1'] }) }],
    ['New hosts are ready', { readiness: readiness({ ready: false }) }],
    ['Take old hosts out of service', {}],
  ])('failed at %s', (state, changes) =>
    expect(failedState({ ...good, ...changes } as Deployment)).toBe(state),
  );

  it('failed at the shift where nobody goes first', () =>
    expect(failedState(launched({ readiness: readiness() }))).toBe('Take old hosts out of service'));
});
