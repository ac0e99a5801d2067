import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { putOldHostsBack } from '../../lambdas/put-old-hosts-back.ts';
import {
  aLook,
  anOldHost,
  aSnapshot,
  at,
  failedBy,
  iso,
  launched,
  NEW,
  OLD,
  shifted,
} from '../support/deployments.ts';
import { allWell, draining, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aRow, failing, type Methods, portsOn, portsWith, withStates } from '../support/ports.ts';

const FAILURE = { failure: failedBy('AlertDuringBake') };
const FAILED = shifted(FAILURE);
/** The undo began at second 300; 600 s are allowed, and somebody looked until then. */
const undoing = (changes: Partial<NonNullable<Deployment['putBack']>> = {}) =>
  shifted({ ...FAILURE, putBack: aLook({ since: iso(300), at: iso(890), ...changes }) });
const put = (scene = allWell(), deployment: Deployment = FAILED, seconds = 300, methods: Methods = {}) => {
  const ports = portsOn(scene, at(seconds), methods);
  return { ports, answer: putOldHostsBack.run(deployment, ports) };
};

const OUT = allWell({ members: { web: NEW.map(inService) } });
const REGISTER = 'loadBalancers.register {"kind":"classic","name":"web"} ["i-old1","i-old2"]';
const WORKING = 'mackerel.setStatus ["host of i-old1","host of i-old2"] "working"';

describe('Put old hosts back', () => {
  it('registers the old hosts first, then gives them their status back, and waits until they serve', async () => {
    const { ports, answer } = put(OUT);
    expect(await answer).toMatchObject({
      ready: false,
      reason: 'not in service again yet: i-old1 at web and i-old2 at web',
    });
    expect(ports.changes).toEqual([REGISTER, WORKING]);
  });

  it('asks nobody while the first new hosts were watched: the others were to join before any old one leaves', async () => {
    const watching = launched({
      ...FAILURE,
      readiness: aLook({ ready: true, first: ['i-new1'] } as object),
      firstWatch: aLook(),
    });
    const { ports, answer } = put(OUT, watching);
    expect(await answer).toMatchObject({
      ready: true,
      reason: 'the old hosts were never taken out of service',
    });
    expect(ports.changes).toEqual([]);
  });

  it('is done when they serve', async () =>
    expect(
      await put(allWell(), undoing({ memory: { restoredAt: at(300).getTime() } }), 320).answer,
    ).toMatchObject({
      ready: true,
      reason: 'the old hosts serve',
    }));

  it.each([
    ['was counted once and has answered', 1, true],
    ['was counted twice', 2, false],
    ['was not counted', undefined, false],
  ])('waits for calls that may be in flight, unless the shift %s', async (_title, runs, ready) => {
    const row = aRow({ phase: 'undo', ...(runs !== undefined && { shiftRuns: runs }) });
    const ledger = { read: async () => row, enter: async () => {} };
    const { answer } = put(allWell(), shifted(FAILURE), 115, { ledger });
    expect((await answer).ready).toBe(ready);
  });

  it('reads what was counted after it has written down that the undo begins', async () => {
    const asked: string[] = [];
    const ledger = {
      enter: async () => void asked.push('enter'),
      read: async () => {
        asked.push('read');
        return aRow({ phase: 'undo' });
      },
    };
    await put(allWell(), FAILED, 300, { ledger }).answer;
    expect(asked).toEqual(['enter', 'read']);
  });

  it('believes no single answer that says that they serve', async () => {
    let asked = 0;
    const members = async () => {
      asked += 1;
      return (asked === 1 ? OLD : []).map(inService);
    };
    const { ports, answer } = put(allWell(), undoing(), 320, { loadBalancers: { members } });
    expect((await answer).ready).toBe(false);
    expect(ports.changes).toContain(REGISTER);
  });

  it('registers again who is still draining', async () => {
    const { ports, answer } = put(allWell({ members: { web: OLD.map(draining) } }));
    expect((await answer).ready).toBe(false);
    expect(ports.changes).toEqual([REGISTER, WORKING]);
  });

  it('gives each host the status that it had', async () => {
    const hosts = [
      anOldHost('i-old1', { status: 'standby' }),
      anOldHost('i-old2', { status: 'maintenance' }),
    ];
    const { ports, answer } = put(allWell(), { ...FAILED, oldHosts: aSnapshot({ hosts }) });
    await answer;
    expect(ports.changes).toEqual([
      'mackerel.setStatus ["host of i-old1"] "standby"',
      'mackerel.setStatus ["host of i-old2"] "maintenance"',
    ]);
  });

  it('sets no status again that it has set', async () => {
    const { ports, answer } = put(OUT, undoing({ memory: { restoredAt: at(300).getTime() } }), 303);
    await answer;
    expect(ports.changes).toEqual([REGISTER]);
  });

  it('has the same effect when it runs twice', async () => {
    const [first, second] = [put(OUT), put(OUT)];
    expect(await second.answer).toEqual(await first.answer);
    expect(second.ports.changes).toEqual(first.ports.changes);
  });
});

describe('Put old hosts back, by what happened before', () => {
  it.each<[string, Deployment, string]>([
    ['the launch failed', launched(FAILURE), 'the old hosts were never taken out of service'],
    [
      'the new hosts were never ready',
      launched({ ...FAILURE, readiness: aLook() }),
      'the old hosts were never taken out of service',
    ],
    ['there was no old host', { ...FAILED, oldHosts: aSnapshot({ hosts: [] }) }, 'there was no old host'],
  ])('asks nobody when %s', async (_title, deployment, reason) => {
    const ports = portsWith({});
    expect(await putOldHostsBack.run(deployment, ports)).toMatchObject({ ready: true, reason });
    expect(ports.calls).toEqual([]);
  });

  it.each<[string, Deployment]>([
    ['was cut off before it answered', launched({ ...FAILURE, readiness: aLook({ ready: true }) })],
    [
      'was cut off while it acted, ran again, and sent the deployment back to waiting',
      launched({
        ...FAILURE,
        readiness: aLook({ ready: false }),
        shift: { done: false, reason: 'back to waiting', at: iso(90) },
      }),
    ],
  ])('puts back whoever left when the step that takes old hosts out %s', async (_title, deployment) => {
    const { ports, answer } = put(allWell({ members: { web: [inService('i-old2')] } }), deployment);
    expect((await answer).ready).toBe(false);
    expect(ports.changes).toEqual([
      'loadBalancers.register {"kind":"classic","name":"web"} ["i-old1"]',
      WORKING,
    ]);
  });
});

describe('Put old hosts back, in trouble', () => {
  it('goes on without an old host that ended by itself, and says so', async () =>
    expect(await put(withStates(allWell(), { 'i-old2': 'terminated' })).answer).toMatchObject({
      ready: true,
      reason: 'the old hosts serve; 1 old host terminated meanwhile, but not by this deployment',
    }));

  it('leaves the new hosts as they are when no old one is left', async () => {
    const { ports, answer } = put(
      withStates(allWell(), { 'i-old1': 'terminated', 'i-old2': 'shutting-down' }),
    );
    await expect(answer).rejects.toThrow(
      failure('OldHostsNotServing', 'The new hosts were left as they are: decide by hand'),
    );
    expect(ports.changes).toEqual([]);
  });

  it('fails at the deadline when an old host does not come back', async () => {
    const scene = allWell({ members: { web: [inService('i-old1'), outOfService('i-old2')] } });
    expect((await put(scene, undoing(), 899).answer).ready).toBe(false);
    await expect(put(scene, undoing(), 900).answer).rejects.toThrow(
      failure(
        'OldHostsNotServing',
        'After 10 min: not in service again yet: i-old2 at web. The new hosts were left as they are, so that something serves.',
      ),
    );
  });

  it.each<[string, Methods]>([
    ['EC2', { ec2: { describe: failing('ServiceUnavailable', 'No answer.') } }],
    ['a load balancer', { loadBalancers: { members: failing('ServiceUnavailable', 'No answer.') } }],
  ])('tries again while %s is silent, until the deadline', async (_title, methods) => {
    expect(await put(OUT, undoing(), 320, methods).answer).toMatchObject({
      ready: false,
      reason: 'unknown: No answer.',
    });
    await expect(put(OUT, undoing(), 900, methods).answer).rejects.toThrow(
      failure('OldHostsNotServing', 'unknown: No answer.'),
    );
  });

  it('owes the status that Mackerel does not take, after it was asked for half a minute', async () => {
    const deaf: Methods = { mackerel: { setStatus: failing('MackerelRefused', 'Forbidden') } };
    const first = await put(allWell(), undoing(), 400, deaf).answer;
    expect(first).toMatchObject({
      ready: false,
      reason: 'the old hosts serve; Mackerel is not told yet: MackerelRefused: Forbidden',
      untoldSince: iso(400),
    });
    const { ports, answer } = put(allWell(), undoing({ ...first }), 430, {
      ...deaf,
      ledger: { read: async () => aRow(), owe: async () => true },
    });
    expect(await answer).toMatchObject({
      ready: true,
      reason: 'the old hosts serve',
      owed: 'the Mackerel status of 2 old hosts (MackerelRefused: Forbidden)',
    });
    const debt = { kind: 'status', status: 'working', service: 'Shop', role: 'web' };
    expect(ports.calls.find((call) => call.startsWith('ledger.owe'))).toContain(
      JSON.stringify(debt).slice(0, -1),
    );
  });

  it('fails for no silence of Mackerel, at the deadline either', async () => {
    const methods: Methods = { mackerel: { setStatus: failing('ServiceUnavailable') } };
    expect(await put(allWell(), undoing(), 900, methods).answer).toMatchObject({
      ready: true,
      owed: expect.any(String),
    });
  });

  it('registers again whoever is not in service, whatever the load balancer calls it', async () => {
    const { ports, answer } = put(allWell({ members: { web: OLD.map((id) => outOfService(id)) } }));
    expect((await answer).ready).toBe(false);
    expect(ports.changes).toContain(REGISTER);
  });

  it('lets the old hosts serve also when Mackerel is silent', async () => {
    const { ports, answer } = put(OUT, FAILED, 300, {
      mackerel: { setStatus: failing('ServiceUnavailable') },
    });
    await answer;
    expect(ports.changes[0]).toBe(REGISTER);
  });
});
