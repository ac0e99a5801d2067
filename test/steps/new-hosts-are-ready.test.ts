import { describe, expect, it } from 'vitest';
import { newHostsAreReady } from '../../lambdas/new-hosts-are-ready.ts';
import { aLaunch, aLook, aSnapshot, at, iso, launched, NEW, OLD } from '../support/deployments.ts';
import { aHost, allWell, anAlert, inService, outOfService, type Scene } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet, WEB } from '../support/fleets.ts';
import { LAST, large, largeLaunch, TEN, tenHosts } from '../support/large.ts';
import { failing, type Methods, portsOn, portsWith, posting, withStates } from '../support/ports.ts';

const LOOKING = { readiness: aLook() };
const look = (scene: Scene, seconds = 60, changes = {}, methods: Methods = {}) => {
  const ports = portsOn(scene, at(seconds), methods);
  return { ports, answer: newHostsAreReady.run(launched({ ...LOOKING, ...changes }), ports) };
};
const BOOTING = allWell({ hosts: OLD.map((id) => aHost(id)), members: { web: OLD.map(inService) } });

describe('New hosts are ready', () => {
  it('when every one is registered in Mackerel and in service, in one look', async () => {
    const { ports, answer } = look(allWell());
    expect(await answer).toMatchObject({
      ready: true,
      reason: 'all 2 new hosts are ready',
      looks: 2,
      since: iso(20),
      at: iso(60),
    });
    expect(ports.changes).toEqual([]);
  });

  it('bothers nobody before EC2 can have started an instance', async () => {
    const ports = portsWith({}, at(11));
    expect(await newHostsAreReady.run(launched(), ports)).toMatchObject({
      ready: false,
      reason: 'EC2 is starting the new instances',
      nextLookInSeconds: 11,
    });
    expect(ports.calls).toEqual([]);
  });

  it('asks Mackerel in its last look, so that the sentence of the failure tells ready hosts from sick ones', async () => {
    const members = { web: [...OLD.map(inService), inService('i-new1'), outOfService('i-new2')] };
    const asked = { readiness: aLook({ memory: { mackerelAskedAt: at(999).getTime() } }) };
    await expect(look(allWell({ members }), 1000, asked).answer).rejects.toMatchObject({
      name: 'NewHostsNotReady',
      message: expect.stringMatching(/: 1 of 2 ready; i-new2: not in service at web/),
    });
  });

  it('says what it waits for, host by host', async () =>
    expect((await look({ ...BOOTING, hosts: [...BOOTING.hosts, aHost('i-new1')] }).answer).reason).toBe(
      '0 of 2 ready; i-new1: not registered at web yet; i-new2: not registered in Mackerel yet',
    ));

  it.each([
    [
      'running hosts at once where joining early is faster',
      'when-running',
      BOOTING,
      ['loadBalancers.register {"kind":"classic","name":"web"} ["i-new1","i-new2"]'],
    ],
    ['nobody yet where that would cost minutes', 'when-registered', BOOTING, []],
    [
      'registered hosts then',
      'when-registered',
      { ...BOOTING, hosts: allWell().hosts },
      ['loadBalancers.register {"kind":"classic","name":"web"} ["i-new1","i-new2"]'],
    ],
    [
      'nobody who is there already',
      'when-running',
      allWell({ members: { web: [...OLD.map(inService), ...NEW.map((id) => outOfService(id))] } }),
      [],
    ],
  ] as const)('registers %s', async (_title, joins, scene, changes) => {
    const balancers = aSnapshot().balancers.map((balancer) => ({ ...balancer, joins }));
    const { ports, answer } = look(scene, 60, { oldHosts: aSnapshot({ balancers }) });
    expect((await answer).ready).toBe(false);
    expect(ports.changes).toEqual(changes);
  });

  it('does the same when it runs twice', async () => {
    const [first, second] = [look(BOOTING), look(BOOTING)];
    expect(await second.answer).toEqual(await first.answer);
    expect(second.ports.changes).toEqual(first.ports.changes);
  });

  it('is never content with an empty launch', async () => {
    const { ports, answer } = look(allWell(), 60, { launch: aLaunch({ instances: [] }) });
    expect(await answer).toMatchObject({ ready: false, reason: 'no new host to look at' });
    expect(ports.changes).toEqual([]);
  });

  it.each([
    ['has posted a metric since its boot', 70, true],
    ['posted its last metric in a former life', 5, false],
  ])('where the fleet wants proof of a living agent, a host that %s', async (_title, seconds, ready) => {
    const methods: Methods = {
      mackerel: { latestMetric: async (ids) => new Map(ids.map((id) => [id, at(seconds)])) },
    };
    const { ports, answer } = look(
      allWell(),
      80,
      { fleet: aFleet({ mackerel: { wantsFreshMetric: true } }) },
      methods,
    );
    expect((await answer).ready).toBe(ready);
    expect(ports.calls).toContain('mackerel.latestMetric ["host of i-new1","host of i-new2"]');
  });
});

describe('New hosts are ready, where one goes first', () => {
  const FIRST = aFleet({ first: { hosts: 1, watchSeconds: 120 } });
  const WATCHED = { ...aLook({ ready: true, since: iso(60), at: iso(200) }), hosts: ['i-new1'] };
  const registered = (scene: Partial<Scene> = {}) =>
    allWell({ members: { web: OLD.map(inService) }, ...scene });
  const firstServes = registered({ members: { web: [...OLD, 'i-new1'].map(inService) } });

  it('lets that one join, and no other', async () => {
    const { ports, answer } = look(registered(), 60, { fleet: FIRST });
    expect(await answer).toMatchObject({ ready: false, nextLookInSeconds: 5 });
    expect(ports.changes).toEqual(['loadBalancers.register {"kind":"classic","name":"web"} ["i-new1"]']);
  });

  it('goes on to its watch once it serves and the others are registered, also in the very last look', async () => {
    const { ports, answer } = look(firstServes, 910, { fleet: FIRST });
    expect(await answer).toMatchObject({
      ready: true,
      first: ['i-new1'],
      reason:
        'the first host is ready; the other one is registered; watching i-new1 beside the old hosts before the others join',
    });
    expect(ports.changes).toEqual([]);
  });

  it('lets the others join after the watch, with its whole time and short pauses anew', async () => {
    const { ports, answer } = look(firstServes, 910, { fleet: FIRST, firstWatch: WATCHED });
    const found = await answer;
    expect(found).toMatchObject({ ready: false, since: iso(200) });
    expect(found).not.toHaveProperty('first');
    expect(ports.changes).toEqual(['loadBalancers.register {"kind":"classic","name":"web"} ["i-new2"]']);
    await expect(look(firstServes, 1100, { fleet: FIRST, firstWatch: WATCHED }).answer).rejects.toThrow(
      failure('NewHostsNotReady', 'Not ready 15 min after the watch of the first hosts: 1 of 2 ready'),
    );
    expect(await look(allWell(), 1100, { fleet: FIRST, firstWatch: WATCHED }).answer).toMatchObject({
      ready: true,
    });
  });

  it('hears of an alert on the first one meanwhile, and of none on another', async () => {
    const on = (instanceId: string) =>
      look({ ...firstServes, alerts: [anAlert(instanceId)] }, 210, { fleet: FIRST, firstWatch: WATCHED })
        .answer;
    await expect(on('i-new1')).rejects.toThrow(failure('AlertDuringBake', 'CRITICAL on i-new1'));
    expect((await on('i-new2')).ready).toBe(false);
  });

  it.each([
    [214, 0],
    [215, 1],
  ])('listens every ten seconds for that (second %i)', async (seconds, times) => {
    const readiness = aLook({ memory: { alertsAskedAt: at(205).getTime() } });
    const { ports, answer } = look(firstServes, seconds, { fleet: FIRST, firstWatch: WATCHED, readiness });
    await answer;
    expect(ports.calls.filter((call) => call.startsWith('mackerel.openAlerts'))).toHaveLength(times);
  });
});

describe('New hosts are ready, and serve beside the old ones', () => {
  const BESIDE = aFleet({ sideBySideSeconds: 30 });
  const since = (seconds: number) => ({
    fleet: BESIDE,
    readiness: aLook({ memory: { allReadyAt: at(seconds).getTime() } }),
  });

  it('for so long, whatever time is left', async () => {
    expect(await look(allWell(), 910, { fleet: BESIDE }).answer).toMatchObject({
      ready: false,
      reason: 'all 2 new hosts are ready; both fleets serve for another 30 s',
      nextLookInSeconds: 10,
    });
    expect((await look(allWell(), 939, since(910)).answer).ready).toBe(false);
    expect((await look(allWell(), 940, since(910)).answer).ready).toBe(true);
  });

  it('bears one bad look after the time is over, and not two', async () => {
    const BAD = allWell({ members: { web: [inService('i-new1'), outOfService('i-new2')] } });
    const found = await look(BAD, 915, since(910)).answer;
    expect(found.ready).toBe(false);
    expect(found.memory).not.toHaveProperty('allReadyAt');
    await expect(look(BAD, 916, { fleet: BESIDE }).answer).rejects.toThrow(failure('NewHostsNotReady'));
  });

  it('knows that one was lost, although nobody tells the alerts', async () => {
    const BAD = allWell({ members: { web: [inService('i-new1'), outOfService('i-new2')] } });
    const silent: Methods = { mackerel: { openAlerts: failing('ServiceUnavailable', 'No answer.') } };
    const found = await look(BAD, 80, since(60), silent).answer;
    expect(found.reason).toBe('unknown: No answer.');
    expect(found.memory).not.toHaveProperty('allReadyAt');
  });

  it('fails as unwatched, not as unready, where all were ready and nobody answers at the end', async () => {
    const silent: Methods = { mackerel: { openAlerts: failing('ServiceUnavailable', 'No answer.') } };
    const { answer } = look(allWell(), 941, since(930), silent);
    await expect(answer).rejects.toThrow(
      failure(
        'ServiceUnavailable',
        'The new hosts could not be watched to the end, and their time beside the old ones is over: unknown: No answer.',
      ),
    );
  });

  it.each([
    ['warm up first', 479, undefined],
    ['have been warm for five whole minutes', 480, 9],
  ])('are compared with the old ones once they %s', async (_, seconds, fresh) => {
    const compare = [{ metric: 'custom.nginx.5xx', atMostTimes: 2, from: 5 }];
    const compared = [{ metric: 'custom.nginx.5xx', old: 8, atMost: 16 }];
    const beside = { ...since(0), fleet: aFleet({ sideBySideSeconds: 900, compare }) };
    const posts = { mackerel: { metrics: posting(9) } };
    const { answer } = look(allWell(), seconds, { ...beside, oldHosts: aSnapshot({ compared }) }, posts);
    const [row] = (await answer).compared ?? [];
    expect(row?.new).toBe(fresh);
  });

  it('hears of an alert on any of them', async () =>
    expect(look(allWell({ alerts: [anAlert('i-new2')] }), 80, since(70)).answer).rejects.toThrow(
      failure('AlertDuringBake', 'on a new host while it served beside the old ones: CRITICAL on i-new2'),
    ));
});

describe('New hosts are ready, in trouble', () => {
  it('ends at once when a new instance died', async () =>
    expect(look(withStates(BOOTING, { 'i-new2': 'terminated' })).answer).rejects.toThrow(
      failure('NewHostDied', '1 new instance of 2 died: i-new2 is terminated (EC2 gives no reason)'),
    ));

  it('ends at once at a load balancer that will never check a new host', async () => {
    const unused = { instanceId: 'i-new1', state: 'unused', reason: 'Target.NotInUse' } as const;
    await expect(look(allWell({ members: { web: [unused] } })).answer).rejects.toThrow(
      failure(
        'LoadBalancerUnusable',
        'web will never check i-new1 (no listener uses the target group, or its zone is not enabled)',
      ),
    );
  });

  it('fails at the deadline, in the words of the last look', async () => {
    expect((await look(BOOTING, 909).answer).nextLookInSeconds).toBe(1);
    await expect(look(BOOTING, 910).answer).rejects.toThrow(
      failure(
        'NewHostsNotReady',
        'Not ready 15 min after the launch: 0 of 2 ready; i-new1 and i-new2: not registered in Mackerel yet. Look at',
      ),
    );
  });

  it.each([
    ['behind a load balancer', [WEB], 'the health check, and at'],
    [
      'of workers',
      [],
      'Look at mackerel-agent: is it in the image, is its API key valid, and may it reach Mackerel, and at',
    ],
  ])('says of a fleet %s where to look', async (_title, loadBalancers, says) => {
    const scene = loadBalancers.length > 0 ? BOOTING : { ...BOOTING, members: {} };
    const changes = { fleet: aFleet({ loadBalancers }) };
    await expect(look(scene, 910, changes).answer).rejects.toThrow(failure('NewHostsNotReady', says));
  });

  it('is ready also at the very deadline', async () =>
    expect((await look(allWell(), 910).answer).ready).toBe(true));

  const SILENT: [string, Methods][] = [
    ['Mackerel', { mackerel: { hosts: failing('ServiceUnavailable', 'No answer.') } }],
    ['EC2', { ec2: { describe: failing('ServiceUnavailable', 'No answer.') } }],
    ['a load balancer', { loadBalancers: { members: failing('ServiceUnavailable', 'No answer.') } }],
    ['a registration', { loadBalancers: { register: failing('ServiceUnavailable', 'No answer.') } }],
  ];
  it.each(SILENT)(
    'takes silence of %s for unknown and goes on waiting, until the deadline',
    async (_title, methods) => {
      expect(await look(BOOTING, 60, {}, methods).answer).toMatchObject({
        ready: false,
        reason: 'unknown: No answer.',
      });
      await expect(look(BOOTING, 910, {}, methods).answer).rejects.toThrow(
        failure('NewHostsNotReady', 'unknown: No answer.'),
      );
    },
  );

  it('does not wait for what will not pass', async () =>
    expect(look(BOOTING, 60, {}, { mackerel: { hosts: failing('MackerelRefused') } }).answer).rejects.toThrow(
      failure('MackerelRefused'),
    ));
});

describe('New hosts are ready, all but a straggler', () => {
  const HALF = { halfReadyAt: at(70).getTime() };
  const KNOWN = { ...HALF, [LAST]: at(190).getTime() };
  const looked = (scene: Scene, seconds: number, memory: Record<string, number>, changes = {}) => {
    const ports = portsOn(scene, at(seconds));
    const document = large({ readiness: aLook({ memory }), ...changes });
    return { ports, answer: newHostsAreReady.run(document, ports) };
  };

  it('says until when it is waited for', async () =>
    expect((await looked(tenHosts(), 100, HALF).answer).reason).toBe(
      `9 of 10 ready; ${LAST}: not in service at web (checks fail); ${LAST} will be replaced if not ready 3 min after the launch`,
    ));

  it('names it when two looks agree, and changes nothing itself', async () => {
    const first = await looked(tenHosts(), 190, HALF).answer;
    expect(first).not.toHaveProperty('stragglers');
    const { ports, answer } = looked(tenHosts(), 200, first.memory ?? {});
    expect(await answer).toMatchObject({
      ready: false,
      stragglers: [{ instanceId: LAST, why: 'not in service at web (checks fail), 3 min after the launch' }],
    });
    expect(ports.changes).toEqual([]);
  });

  it('does not count a look that did not ask Mackerel', async () => {
    const memory = { ...HALF, mackerelAskedAt: at(195).getTime() };
    expect(await looked(tenHosts(), 200, memory).answer).toMatchObject({ memory });
  });

  it('remembers what it knew when a look fails', async () => {
    const ports = portsOn(tenHosts(), at(200), { ec2: { describe: failing('ServiceUnavailable') } });
    const answer = newHostsAreReady.run(large({ readiness: aLook({ memory: KNOWN }) }), ports);
    expect((await answer).memory).toEqual(KNOWN);
  });

  const NOBODY: [string, Record<string, unknown>][] = [
    ['the fleet does not want that', { fleet: aFleet({ instancesPerZone: 5 }) }],
    ['one was replaced already', { launch: largeLaunch({ replaced: [] }) }],
    [
      'it was ready throughout its watch',
      {
        fleet: aFleet({
          instancesPerZone: 5,
          replaceStragglers: true,
          first: { hosts: 1, watchSeconds: 10 },
        }),
        firstWatch: { ...aLook({ ready: true, at: iso(80) }), hosts: [LAST] },
      },
    ],
    ['all were ready once', { shift: { done: false, reason: 'back to waiting', at: iso(90) } }],
  ];
  it.each(NOBODY)('names nobody when %s', async (_title, changes) =>
    expect(await looked(tenHosts(), 400, KNOWN, changes).answer).not.toHaveProperty('stragglers'),
  );

  const LOST = { state: 'terminated', stateReason: 'Server.InternalError: Internal error' } as const;
  const SHUT_DOWN = { ...LOST, stateReason: 'Client.InstanceInitiatedShutdown: Instance initiated shutdown' };

  it('goes on without one that EC2 lost, until the others are ready', async () => {
    const scene = { ...tenHosts({ instance: LOST }), hosts: TEN.slice(0, 4).map((id) => aHost(id)) };
    expect((await looked(scene, 60, {}).answer).reason).toContain(
      `${LAST}: terminated (Server.InternalError: Internal error)`,
    );
    const last = { ...HALF, [LAST]: at(80).getTime() };
    expect((await looked(tenHosts({ instance: LOST }), 90, last).answer).stragglers).toEqual([
      { instanceId: LAST, why: 'terminated (Server.InternalError: Internal error)' },
    ]);
  });

  it.each<[string, Scene, number, object]>([
    ['it shut itself down', tenHosts({ instance: SHUT_DOWN }), 60, {}],
    ['there is no time for another', tenHosts({ instance: LOST }), 860, {}],
    [
      'the fleet does not want it replaced',
      tenHosts({ instance: LOST }),
      60,
      { fleet: aFleet({ instancesPerZone: 5 }) },
    ],
  ])('ends at once when it died and %s', async (_title, scene, seconds, changes) =>
    expect(looked(scene, seconds, HALF, changes).answer).rejects.toThrow(failure('NewHostDied')),
  );
});

describe('New hosts are ready, and monitors decide', () => {
  const monitors = [{ id: 'm1', name: 'errors', type: 'service', noticesAfterSeconds: 120 }];
  const alerts = [
    { id: 'a1', status: 'CRITICAL', monitorId: 'm1', value: 3, message: '', openedAt: at(50) },
  ] as const;
  const oldHosts = aSnapshot({ monitors });
  const heard = (answer: { ports: { calls: readonly string[] } }) =>
    answer.ports.calls.filter((call) => call.startsWith('mackerel.openAlerts')).length;

  it('listens right before the first host joins, and joins nobody over an alert', async () => {
    const { ports, answer } = look({ ...BOOTING, alerts }, 60, { oldHosts });
    await expect(answer).rejects.toThrow(
      failure('AlreadyAlerting', 'CRITICAL of “errors” (service), value 3'),
    );
    expect(ports.changes).toEqual([]);
  });

  it('notes that it has listened, and whom somebody overrides', async () => {
    expect(await look(BOOTING, 60, { oldHosts }).answer).toMatchObject({ tolerated: [] });
    const input = { override: ['alerting'], reason: 'a hotfix' };
    expect(await look({ ...BOOTING, alerts }, 60, { oldHosts, input }).answer).toMatchObject({
      tolerated: ['m1'],
    });
  });

  it('does not listen before anybody could have traffic', async () => {
    const pending = look(
      withStates({ ...BOOTING, alerts }, { 'i-new1': 'pending', 'i-new2': 'pending' }),
      60,
      {
        oldHosts,
      },
    );
    expect(await pending.answer).not.toHaveProperty('tolerated');
    expect(heard(pending)).toBe(0);
  });

  it.each([
    ['every ten seconds from then on', 70, 'AlertDuringBake'],
    ['not more often', 69, undefined],
  ])('listens %s', async (_title, seconds, name) => {
    const memory = { alertsAskedAt: at(60).getTime() };
    const readiness = { ...aLook({ memory }), tolerated: [] };
    const { answer } = look({ ...BOOTING, alerts }, seconds, { oldHosts, readiness });
    if (name) await expect(answer).rejects.toMatchObject({ name });
    else expect(await answer).toMatchObject({ memory, tolerated: [] });
  });

  it('listens when it learns that a host joined before, whoever registered it', async () => {
    const { answer } = look(allWell(), 60, { oldHosts });
    expect(await answer).toMatchObject({ tolerated: [] });
  });

  it('listens at the first look where the fleet has no load balancer', async () => {
    const fleet = aFleet({ loadBalancers: [] });
    const { answer } = look({ ...BOOTING, alerts }, 60, { oldHosts, fleet });
    await expect(answer).rejects.toThrow(failure('AlreadyAlerting'));
  });

  it('asks nobody about alerts where no monitor is named', async () => {
    const quiet = look({ ...allWell(), alerts });
    await quiet.answer;
    expect(heard(quiet)).toBe(0);
  });
});
