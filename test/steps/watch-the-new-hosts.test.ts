import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { compareNow } from '../../lambdas/domain/hosts/comparing.ts';
import type { Mackerel } from '../../lambdas/ports/mackerel.ts';
import { watchTheNewHosts } from '../../lambdas/watch-the-new-hosts.ts';
import { aLook, aSnapshot, at, iso, NEW, shifted } from '../support/deployments.ts';
import { allWell, anAlert, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { failing, type Methods, portsOn, posting, withStates } from '../support/ports.ts';

/** The bake began at second 200 and lasts 60 s; the load balancer then needs 19 s to show its last second. */
const baking = (memory: Record<string, number> = { badLooks: 0 }) =>
  shifted({ bake: aLook({ since: iso(200), memory }) });
const watch = (seconds: number, scene = allWell(), deployment = baking(), methods: Methods = {}) => {
  const ports = portsOn(scene, at(seconds), methods);
  return { ports, answer: watchTheNewHosts.run(deployment, ports) };
};
const LOST = allWell({ members: { web: [inService('i-new1'), outOfService('i-new2')] } });
const SILENT: Methods = { mackerel: { openAlerts: failing('ServiceUnavailable', 'No answer.') } };

describe('Watch the new hosts', () => {
  it('looks every ten seconds while all is well, and changes nothing', async () => {
    const { ports, answer } = watch(200, allWell(), shifted());
    expect(await answer).toMatchObject({
      ready: false,
      reason:
        'all healthy; watching for another 60 s, then 19 s until web would show a host that broke in the last second of the bake',
      nextLookInSeconds: 10,
    });
    expect(ports.changes).toEqual([]);
  });

  it('is over when the load balancer would show what broke at the end of the bake, not before', async () => {
    expect((await watch(278).answer).ready).toBe(false);
    expect(await watch(279).answer).toMatchObject({ ready: true, reason: 'stayed healthy throughout' });
  });

  it('is over at the first look where the fleet wants no bake', async () =>
    expect(
      await watch(200, allWell(), shifted({ fleet: aFleet({ limits: { bakeSeconds: 0 } }) })).answer,
    ).toMatchObject({ ready: true }));

  it('looks twice before it believes that a host was lost', async () => {
    expect(await watch(230, LOST).answer).toMatchObject({
      ready: false,
      nextLookInSeconds: 5,
      memory: { badLooks: 1 },
    });
    await expect(watch(235, LOST, baking({ badLooks: 1 })).answer).rejects.toThrow(failure('ReadinessLost'));
  });

  it('does not end well on a bad look', async () =>
    expect((await watch(279, LOST).answer).ready).toBe(false));
});

describe('Watch the new hosts, in trouble', () => {
  it('fails at once when an alert is open on a new host', async () =>
    expect(watch(210, allWell({ alerts: [anAlert('i-new2')] })).answer).rejects.toThrow(
      failure('AlertDuringBake', 'CRITICAL on i-new2: loadavg5 12 > 8'),
    ));
  it('fails at once when a new host died', async () =>
    expect(watch(210, withStates(allWell(), { 'i-new1': 'terminated' })).answer).rejects.toThrow(
      failure('NewHostDied'),
    ));

  it('believes a bad look also across a failed one', async () => {
    const { answer } = watch(235, LOST, baking({ badLooks: 1 }), SILENT);
    expect(await answer).toMatchObject({
      ready: false,
      reason: 'unknown: No answer.',
      memory: { badLooks: 1 },
      nextLookInSeconds: 5,
    });
  });

  it.each<[string, Methods]>([
    ['Mackerel’s alerts', SILENT],
    ['Mackerel’s hosts', { mackerel: { hosts: failing('ServiceUnavailable', 'No answer.') } }],
    ['EC2', { ec2: { describe: failing('ServiceUnavailable', 'No answer.') } }],
    ['a load balancer', { loadBalancers: { members: failing('ServiceUnavailable', 'No answer.') } }],
  ])(
    'takes silence of %s for no sign of health: goes on for five minutes, then fails',
    async (_title, methods) => {
      expect((await watch(279, allWell(), baking(), methods).answer).ready).toBe(false);
      expect((await watch(578, allWell(), baking(), methods).answer).ready).toBe(false);
      await expect(watch(579, allWell(), baking(), methods).answer).rejects.toThrow(
        failure(
          'ServiceUnavailable',
          'The new hosts could not be watched to the end, 5 min after the bake should have ended: unknown: No answer.',
        ),
      );
    },
  );

  it('is over when the silence ends well', async () => expect((await watch(400).answer).ready).toBe(true));

  it('believes no empty answer', async () =>
    expect(
      await watch(279, allWell({ hosts: [], members: { web: NEW.map(inService) } })).answer,
    ).toMatchObject({ ready: false }));
});

describe('Watch the new hosts, where monitors decide', () => {
  const monitors = [{ id: 'm1', name: 'errors', type: 'service', noticesAfterSeconds: 120 }];
  const deployment = { ...baking(), oldHosts: aSnapshot({ monitors }) };
  const alert = (monitorId: string) =>
    ({ id: 'a1', status: 'WARNING', monitorId, value: 7, message: 'load', openedAt: at(201) }) as const;

  it('fails at once when one of them alerts', async () =>
    expect(watch(210, allWell({ alerts: [alert('m1')] }), deployment).answer).rejects.toThrow(
      failure('AlertDuringBake', 'WARNING of “errors” (service), value 7, since'),
    ));

  it('tells what else alerts, and goes on', async () =>
    expect((await watch(210, allWell({ alerts: [alert('m2')] }), deployment).answer).reason).toMatch(
      /; not obeyed: WARNING load$/,
    ));

  it('lasts until the slowest of them would show the last second of the bake', async () => {
    expect((await watch(389, allWell(), deployment).answer).reason).toBe(
      'all healthy; another 1 s until the monitor “errors” would show a host that broke in the last second of the bake',
    );
    expect((await watch(390, allWell(), deployment).answer).ready).toBe(true);
  });
});

describe('Watch the new hosts, where metrics are compared', () => {
  const ERRORS = 'custom.nginx.5xx';
  const LOAD = { metric: 'loadavg5', old: 1 };
  const fleet = aFleet({ compare: [{ metric: ERRORS, atMostTimes: 2, from: 5 }] });
  const oldHosts = aSnapshot({ compared: [{ metric: ERRORS, old: 6, atMost: 12 }, LOAD] });
  const metrics = (value: number): Methods => ({ mackerel: { metrics: posting(value) } });
  const known = (memory: Record<string, number>, compared = oldHosts.compared): Partial<Deployment> => ({
    fleet,
    oldHosts,
    bake: { ...aLook({ since: iso(200), memory: { badLooks: 0, ...memory } }), compared },
  });
  const minute = (seconds: number) => Math.floor(+at(seconds) / 60_000);
  const asked = ({ calls }: { calls: readonly string[] }) =>
    calls.filter((call) => call.startsWith('mackerel.metrics'));

  it('asks for each of the new hosts and metrics, once for each minute that is over', async () => {
    const { ports, answer } = watch(760, allWell(), shifted(known({})), metrics(6));
    expect(await answer).toMatchObject({
      ready: false,
      reason: expect.stringMatching(/; no worse than the old hosts: custom.nginx.5xx 6 → 6$/),
      memory: { comparedUpTo: minute(760) - 2 },
      compared: [
        { metric: ERRORS, old: 6, new: 6, atMost: 12, minute: minute(760) - 2, worse: 0 },
        { ...LOAD, new: 6 },
      ],
    });
    expect(asked(ports)).toHaveLength(4);
    const again = watch(770, allWell(), shifted(known({ comparedUpTo: minute(770) - 2 })), metrics(99));
    expect(await again.answer).toMatchObject({ compared: oldHosts.compared });
    expect(asked(again.ports)).toEqual([]);
  });

  it('fails on the second bad verdict', async () => {
    const first = { metric: ERRORS, old: 6, new: 18, atMost: 12, minute: minute(760) - 6, worse: 1 };
    const { answer } = watch(760, allWell(), shifted(known({}, [first])), metrics(18));
    await expect(answer).rejects.toThrow(failure('WorseThanBefore', '3.0 times the old hosts’ 6'));
  });

  it('takes silence for unknown, and keeps what it knows', async () => {
    const silent: Methods = { mackerel: { metrics: failing('ServiceUnavailable', 'No answer.') } };
    expect(await watch(760, allWell(), shifted(known({ comparedUpTo: 1 })), silent).answer).toMatchObject({
      ready: false,
      reason: 'unknown: No answer.',
      memory: { comparedUpTo: 1 },
      compared: oldHosts.compared,
    });
  });

  it('believes a bad look although nobody tells the points', async () => {
    const silent: Methods = { mackerel: { metrics: failing('ServiceUnavailable', 'No answer.') } };
    expect((await watch(760, LOST, shifted(known({})), silent).answer).memory).toEqual({ badLooks: 1 });
    await expect(watch(770, LOST, shifted(known({ badLooks: 1 })), silent).answer).rejects.toThrow(
      failure('ReadinessLost'),
    );
  });

  it('gives up asking a slow Mackerel, before its own time is over', async () => {
    const names = Array.from({ length: 5 }, (_, n) => ({ metric: `custom.m${n}`, old: 6, atMost: 12 }));
    const ids = Array.from({ length: 10 }, (_, n) => `i-new${n}`);
    const on = portsOn(allWell(), at(760));
    let passed = 0;
    const mackerel: Mackerel = {
      ...on.mackerel,
      metrics: async () => {
        passed += 1;
        return [];
      },
    };
    // Sixteen requests are answered together: after 12 s.
    const clock = { ...on.clock, now: () => at(760 + 12 * Math.ceil(passed / 16)) };
    const asking = compareNow(
      shifted({ fleet, oldHosts: aSnapshot({ compared: names }) }) as Parameters<typeof compareNow>[0],
      { mackerel, clock },
      {
        now: at(760),
        since: at(200),
        hosts: ids.map((id) => ({ hostIds: [id] })),
        isBeside: false,
        before: undefined,
        askedUpTo: undefined,
      },
    );
    await expect(asking).rejects.toThrow(failure('ServiceUnavailable', 'Mackerel is slow: after 36 s'));
    expect(passed).toBe(48);
  });

  it('asks nobody where the old hosts have no such metric', async () => {
    const without = { ...known({}, []), oldHosts: aSnapshot() };
    const { ports, answer } = watch(279, allWell(), shifted(without));
    expect((await answer).ready).toBe(true);
    expect(asked(ports)).toEqual([]);
  });
});
