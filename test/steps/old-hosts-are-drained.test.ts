import { describe, expect, it } from 'vitest';
import { cutOffSentence } from '../../lambdas/domain/hosts/draining.ts';
import { oldHostsAreDrained } from '../../lambdas/old-hosts-are-drained.ts';
import type { Member } from '../../lambdas/ports/load-balancers.ts';
import { aLook, aSnapshot, at, iso, shifted } from '../support/deployments.ts';
import { allWell, draining, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { failing, type Methods, portsOn, portsWith } from '../support/ports.ts';

/** Shifted at second 100; the load balancer drains for 30 s. */
const SHIFTED = shifted({ drain: aLook({ since: iso(100) }) });
const look = (web: Member[], seconds: number, deployment = SHIFTED, methods: Methods = {}) =>
  oldHostsAreDrained.run(deployment, portsOn(allWell({ members: { web } }), at(seconds), methods));

describe('Old hosts are drained', () => {
  it('when no load balancer lists an old host', async () =>
    expect(await look([inService('i-new1')], 101)).toMatchObject({
      ready: true,
      reason: 'the old hosts are drained at all load balancers',
    }));

  it('not while requests run on one', async () =>
    expect(await look([draining('i-old1')], 101)).toMatchObject({
      ready: false,
      reason: 'requests still run on i-old1 at web',
    }));

  it.each([
    ['what the load balancer allows, and a little more', 45, {}],
    ['the fleet’s limit, where that is shorter', 20, { fleet: aFleet({ limits: { drainSeconds: 20 } }) }],
    [
      'a little, where draining is off',
      15,
      {
        oldHosts: aSnapshot({
          balancers: aSnapshot().balancers.map((each) => ({ ...each, drainSeconds: 0 })),
        }),
      },
    ],
  ])('or after %s', async (_title, limit, changes) => {
    const deployment = { ...SHIFTED, ...changes };
    expect((await look([draining('i-old1')], 100 + limit - 1, deployment)).ready).toBe(false);
    expect(await look([draining('i-old1')], 100 + limit, deployment)).toMatchObject({
      ready: true,
      reason: `requests still run on i-old1 at web; ${cutOffSentence(limit)}`,
    });
  });

  it('without asking anybody when there was no old host', async () => {
    const ports = portsWith({}, at(101));
    expect(
      await oldHostsAreDrained.run(shifted({ oldHosts: aSnapshot({ hosts: [] }) }), ports),
    ).toMatchObject({ ready: true });
    expect(ports.calls).toEqual([]);
  });
});

describe('Old hosts are drained, in trouble', () => {
  it.each([
    ['in service', inService('i-old1')],
    ['out of service, but registered', outOfService('i-old1')],
  ])(
    'gives the load balancer a minute to hear of the deregistration of a host that is %s',
    async (_title, member) => {
      expect(await look([member], 159)).toMatchObject({
        ready: false,
        reason: 'still registered: i-old1 at web',
        nextLookInSeconds: 1,
      });
      await expect(look([member], 160)).rejects.toThrow(
        failure(
          'DrainingStuck',
          '60 s after the deregistration still registered: i-old1 at web. Does something else register hosts there?',
        ),
      );
    },
  );

  it('takes silence for unknown: never for drained, and not for ever', async () => {
    const silent: Methods = { loadBalancers: { members: failing('ServiceUnavailable', 'No answer.') } };
    expect(await look([], 101, SHIFTED, silent)).toMatchObject({
      ready: false,
      reason: 'unknown: No answer.',
    });
    expect(await look([], 159, SHIFTED, silent)).toMatchObject({ ready: false });
    await expect(look([], 160, SHIFTED, silent)).rejects.toThrow(
      failure(
        'ServiceUnavailable',
        'Whether the old hosts are drained could not be seen for 60 s: unknown: No answer.',
      ),
    );
  });
});
