import { describe, expect, it } from 'vitest';
import { takeOldHostsOutOfService } from '../../lambdas/take-old-hosts-out-of-service.ts';
import { aLook, anOldHost, aSnapshot, at, iso, launched, NEW, OLD } from '../support/deployments.ts';
import { aHost, allWell, draining, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { API, aFleet, WEB } from '../support/fleets.ts';
import { failing, type Methods, portsOn, withStates } from '../support/ports.ts';

const READY = launched({ readiness: aLook({ ready: true }) });
const take = (scene = allWell(), deployment = READY, methods: Methods = {}, seconds = 100) => {
  const ports = portsOn(scene, at(seconds), methods);
  return { ports, answer: takeOldHostsOutOfService.run(deployment, ports) };
};

const SHIFT = [
  'mackerel.setStatus ["host of i-old1","host of i-old2"] "maintenance"',
  'loadBalancers.deregister {"kind":"classic","name":"web"} ["i-old1","i-old2"]',
];
const ONE_LOST = allWell({
  members: { web: [...OLD.map(inService), inService('i-new1'), outOfService('i-new2')] },
});

describe('Take old hosts out of service', () => {
  it('stops Mackerel from paging first, then takes them out of the load balancer', async () => {
    const { ports, answer } = take();
    expect(await answer).toEqual({
      done: true,
      at: iso(100),
      reason: 'all 2 new hosts are ready; 2 old hosts taken out of service',
    });
    expect(ports.changes).toEqual(SHIFT);
  });

  it('has the same effect when it runs twice', async () => {
    const again = take(allWell({ members: { web: [...OLD.map(draining), ...NEW.map(inService)] } }));
    expect((await again.answer).done).toBe(true);
    expect(again.ports.changes).toEqual(SHIFT);
  });

  it('takes each host out only where it was at the start', async () => {
    const hosts = [anOldHost('i-old1', { memberOf: ['api'] }), anOldHost('i-old2', { memberOf: [] })];
    const scene = allWell({ members: { web: NEW.map(inService), api: [...NEW, 'i-old1'].map(inService) } });
    const fleet = aFleet({ loadBalancers: [WEB, API] });
    const { ports, answer } = take(scene, { ...READY, fleet, oldHosts: aSnapshot({ hosts }) });
    await answer;
    expect(ports.changes).toEqual([SHIFT[0], `loadBalancers.deregister ${JSON.stringify(API)} ["i-old1"]`]);
  });

  it('counts draining from the moment at which the old hosts have left', async () => {
    const ports = portsOn(allWell());
    let now = at(100);
    const slow = {
      ...ports,
      clock: { now: () => now, sleep: async () => {} },
      loadBalancers: {
        ...portsOn(allWell()).loadBalancers,
        members: ports.loadBalancers.members,
        deregister: async () => {
          now = at(140);
        },
      },
    };
    expect(await takeOldHostsOutOfService.run(READY, slow)).toMatchObject({ at: iso(140) });
  });
});

describe('Take old hosts out of service, when a new host is not ready in this very look', () => {
  it('sends the deployment back to waiting and touches nobody', async () => {
    const { ports, answer } = take(ONE_LOST);
    expect(await answer).toEqual({
      done: false,
      at: iso(100),
      reason: 'back to waiting: 1 of 2 ready; i-new2: not in service at web (checks fail)',
    });
    expect(ports.changes).toEqual([]);
  });

  it.each([
    ['Mackerel lists nobody', allWell({ hosts: [] })],
    ['the load balancer lists nobody but the old hosts', allWell({ members: { web: OLD.map(inService) } })],
    ['EC2 shows nobody', allWell({ instances: [] })],
    [
      'a new host went into maintenance',
      allWell({ hosts: [...allWell().hosts.slice(0, 3), aHost('i-new2', { status: 'maintenance' })] }),
    ],
  ])('touches nobody when %s', async (_title, scene) => {
    const { ports, answer } = take(scene);
    expect((await answer).done).toBe(false);
    expect(ports.changes).toEqual([]);
  });

  it('touches nobody for an empty launch', async () => {
    const { ports, answer } = take(allWell(), {
      ...READY,
      launch: { reason: '', at: iso(10), instances: [] },
    });
    expect((await answer).done).toBe(false);
    expect(ports.changes).toEqual([]);
  });

  it.each([
    ['absent', []],
    ['draining', [draining('i-old1')]],
  ])(
    'is undone when an old host is %s already: an earlier run was cut off while it acted',
    async (_title, listed) => {
      const members = { web: [...listed, inService('i-old2'), inService('i-new1'), outOfService('i-new2')] };
      const { ports, answer } = take(allWell({ members }));
      await expect(answer).rejects.toThrow(
        failure(
          'ReadinessLost',
          'i-old1 left the load balancers already, but the new hosts are not ready anymore: 1 of 2 ready; i-new2',
        ),
      );
      expect(ports.changes).toEqual([]);
    },
  );

  it('is undone past the deadline, when nobody may wait any longer', async () =>
    expect(take(ONE_LOST, READY, {}, 910).answer).rejects.toThrow(
      failure(
        'ReadinessLost',
        'The new hosts were ready and no longer are, 15 min after the launch: 1 of 2 ready',
      ),
    ));

  it.each([
    ['what both fleets serve side by side counts', { fleet: aFleet({ sideBySideSeconds: 600 }) }, 25],
    [
      'what a person took does not, and is told',
      { pauseBeforeShift: aLook({ since: iso(100), at: iso(700) }) },
      15,
      ', hooks and people not counted',
    ],
  ])('tells the time that has really passed: %s', async (_title, more, minutes, told = '') =>
    expect(take(ONE_LOST, { ...READY, ...more }, {}, 1_510).answer).rejects.toThrow(
      failure('ReadinessLost', `no longer are, ${minutes} min after the launch${told}: 1 of 2 ready`),
    ),
  );

  it('is undone at once when a new host died', async () =>
    expect(take(withStates(allWell(), { 'i-new1': 'stopping' })).answer).rejects.toThrow(
      failure('NewHostDied'),
    ));
});

describe('Take old hosts out of service, while somebody is silent', () => {
  it.each<[string, Methods]>([
    ['Mackerel', { mackerel: { hosts: failing('ServiceUnavailable') } }],
    ['EC2', { ec2: { describe: failing('ServiceUnavailable') } }],
    ['a load balancer', { loadBalancers: { members: failing('ServiceUnavailable') } }],
  ])('touches nobody when %s does not answer', async (_title, methods) => {
    const { ports, answer } = take(allWell(), READY, methods);
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
    expect(ports.changes).toEqual([]);
  });

  it('leaves the load balancers alone when Mackerel would page', async () => {
    const { ports, answer } = take(allWell(), READY, {
      mackerel: { setStatus: failing('ServiceUnavailable') },
    });
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
    expect(ports.changes).toEqual(SHIFT.slice(0, 1));
  });
});

describe('Take old hosts out of service, where monitors decide', () => {
  const monitors = [{ id: 'm1', name: 'errors', type: 'service', noticesAfterSeconds: 120 }];
  const alerts = [{ id: 'a1', status: 'WARNING', monitorId: 'm1', message: '', openedAt: at(90) }] as const;
  const deployment = { ...READY, oldHosts: aSnapshot({ monitors }) };

  it('keeps the old hosts in service over an alert of theirs', async () => {
    const { ports, answer } = take(allWell({ alerts }), deployment);
    await expect(answer).rejects.toThrow(failure('AlertDuringBake', 'WARNING of “errors” (service), since'));
    expect(ports.changes).toEqual([]);
  });

  it('does not look at alerts where none is named', async () =>
    expect((await take(allWell({ alerts })).answer).done).toBe(true));
});
