import { describe, expect, it } from 'vitest';
import { watchTheFirstHosts } from '../../lambdas/watch-the-first-hosts.ts';
import { aLook, at, iso, launched, NEW, OLD } from '../support/deployments.ts';
import { allWell, anAlert, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { portsOn, withStates } from '../support/ports.ts';

/** The watch began at second 60 and lasts 120 s; the load balancer then needs 19 s to show its last second. */
const watching = (memory: Record<string, number> = { badLooks: 0 }) =>
  launched({
    fleet: aFleet({ first: { hosts: 1, watchSeconds: 120 } }),
    readiness: { ...aLook({ ready: true }), first: ['i-new1'] },
    firstWatch: aLook({ since: iso(60), memory }),
  });
const members = (...firsts: ReturnType<typeof inService>[]) => ({ web: [...OLD.map(inService), ...firsts] });
const WELL = allWell({ members: members(inService('i-new1')) });
const watch = (seconds: number, scene = WELL, deployment = watching()) => {
  const ports = portsOn(scene, at(seconds));
  return { ports, answer: watchTheFirstHosts.run(deployment, ports) };
};

describe('Watch the first hosts', () => {
  it('looks every ten seconds, changes nothing, and remembers who they are', async () => {
    const { ports, answer } = watch(70);
    expect(await answer).toMatchObject({
      ready: false,
      hosts: ['i-new1'],
      nextLookInSeconds: 10,
      reason:
        'all healthy; watching for another 110 s, then 19 s until web would show a host that broke in the last second of the watch',
    });
    expect(ports.changes).toEqual([]);
  });

  it('is over when the slowest signal would show what broke at its end', async () => {
    expect((await watch(198).answer).ready).toBe(false);
    expect(await watch(199).answer).toMatchObject({ ready: true, hosts: ['i-new1'] });
  });

  it('looks twice before it believes that the first one was lost', async () => {
    const lost = allWell({ members: members(outOfService('i-new1')) });
    expect((await watch(70, lost).answer).memory).toEqual({ badLooks: 1 });
    await expect(watch(80, lost, watching({ badLooks: 1 })).answer).rejects.toThrow(
      failure('ReadinessLost', 'The first hosts were ready and no longer are: 1 of 2 ready; i-new1'),
    );
  });

  it.each(NEW)('fails at once when an alert is open on %s', async (id) =>
    expect(watch(70, { ...WELL, alerts: [anAlert(id)] }).answer).rejects.toThrow(
      failure('AlertDuringBake', `CRITICAL on ${id}`),
    ),
  );

  it.each(NEW)('fails at once when %s died', async (id) =>
    expect(watch(70, withStates(WELL, { [id]: 'terminated' })).answer).rejects.toThrow(
      failure('NewHostDied', `1 new instance of 2 died: ${id}`),
    ),
  );

  it('fails when another host is no longer registered in Mackerel', async () => {
    const gone = { ...WELL, hosts: WELL.hosts.filter(({ instanceId }) => instanceId !== 'i-new2') };
    await expect(watch(80, gone, watching({ badLooks: 1 })).answer).rejects.toThrow(
      failure('ReadinessLost', 'i-new2: not registered in Mackerel yet'),
    );
  });
});
