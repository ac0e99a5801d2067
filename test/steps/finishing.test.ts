/** The end of a good deployment: the old hosts leave Mackerel, the release is recorded. */
import { describe, expect, it } from 'vitest';
import type { Annotation } from '../../lambdas/ports/mackerel.ts';
import { recordTheRelease } from '../../lambdas/record-the-release.ts';
import { retireOldHostsInMackerel } from '../../lambdas/retire-old-hosts-in-mackerel.ts';
import { aLook, anOldHost, aSnapshot, at, baked, iso, NEW, OLD } from '../support/deployments.ts';
import { aHost, aHostElsewhere, allWell, aNewInstance, inService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aRow, failing, type Methods, methodsOn, portsWith } from '../support/ports.ts';

const TERMINATED = baked({ termination: aLook({ ready: true }) });
const RETIRED = { ...TERMINATED, retirement: { reason: '2 hosts retired in Mackerel', at: iso(330) } };

describe('Retire old hosts in Mackerel', () => {
  it('retires every Mackerel host of the old instances, those that registered twice included', async () => {
    const ports = portsWith({ mackerel: { hosts: async () => [], retire: async () => ({ refused: [] }) } });
    const oldHosts = aSnapshot({
      hosts: [anOldHost('i-old1', { hostIds: ['a', 'b'] }), anOldHost('i-old2', { hostIds: ['c'] })],
    });
    expect(await retireOldHostsInMackerel.run({ ...TERMINATED, oldHosts }, ports)).toEqual({
      reason: '3 hosts retired in Mackerel',
      at: iso(200),
    });
    expect(ports.changes).toEqual(['mackerel.retire ["a","b","c"]']);
  });

  it('retires also a host that an old instance’s agent registered since the snapshot, and nobody else’s', async () => {
    const hosts = [aHost('i-old1'), aHost('i-old1', { id: 'anew' }), aHost('i-new1'), aHostElsewhere('db')];
    const ports = portsWith({
      mackerel: { hosts: async () => hosts, retire: async () => ({ refused: [] }) },
    });
    expect(await retireOldHostsInMackerel.run(TERMINATED, ports)).toMatchObject({
      reason: '3 hosts retired in Mackerel',
    });
    expect(ports.changes).toEqual(['mackerel.retire ["host of i-old1","host of i-old2","anew"]']);
  });

  it('asks for nothing when there was no old host', async () => {
    const ports = portsWith({});
    const oldHosts = aSnapshot({ hosts: [] });
    expect(await retireOldHostsInMackerel.run({ ...TERMINATED, oldHosts }, ports)).toMatchObject({
      reason: 'no host to retire',
    });
    expect(ports.calls).toEqual([]);
  });

  it.each<[string, Methods['mackerel'], string]>([
    [
      'refused one',
      { retire: async () => ({ refused: [{ id: 'host of i-old2', reason: '403: not allowed' }] }) },
      'host of i-old2 (403: not allowed)',
    ],
    ['refuses the key', { hosts: failing('MackerelRefused', 'Forbidden') }, 'MackerelRefused: Forbidden'],
    ['is silent', { hosts: failing('ServiceUnavailable', 'No answer.') }, 'ServiceUnavailable: No answer'],
  ])('owes the retirement when Mackerel %s, and calls nobody', async (_title, mackerel, why) => {
    const owed: unknown[] = [];
    const ports = portsWith({
      mackerel: { hosts: async () => [], ...mackerel },
      ledger: { read: async () => aRow(), owe: async (...args) => owed.push(args) > 0 },
    });
    expect(await retireOldHostsInMackerel.run(TERMINATED, ports)).toMatchObject({
      owed: `the retirement of 2 old hosts in Mackerel (${why})`,
    });
    const hosts = ['host of i-old1', 'host of i-old2'];
    expect(owed).toEqual([
      [
        'shop',
        [expect.objectContaining({ kind: 'retire', instances: OLD, hosts, deployment: 'deploy-2' })],
        0,
      ],
    ]);
  });

  it('is asked again first when Mackerel is silent for a moment', async () => {
    const termination = aLook({ ready: true, at: iso(180) });
    const ports = portsWith({ mackerel: { hosts: failing('ServiceUnavailable', 'No answer.') } });
    await expect(retireOldHostsInMackerel.run({ ...TERMINATED, termination }, ports)).rejects.toThrow(
      failure('ServiceUnavailable', 'No answer.'),
    );
  });

  it('never runs before the termination', async () =>
    expect(retireOldHostsInMackerel.run(baked(), portsWith({}))).rejects.toThrow(
      failure('StepCrashed', 'wrote termination'),
    ));
});

/** The old hosts are gone. */
const AT_THE_END = allWell({
  instances: NEW.map((id) => aNewInstance(id)),
  members: { web: NEW.map(inService) },
});

const record = (methods: Methods = {}) => {
  const marks: Annotation[] = [];
  const ports = portsWith(
    {
      records: { writeRecord: async () => {}, writePage: async () => {} },
      announcer: { tellPeople: async () => {}, tellMachines: async () => {} },
      ...methodsOn(AT_THE_END),
      ...methods,
      mackerel: {
        hosts: async () => allWell().hosts,
        annotate: async (mark) => void marks.push(mark),
        postServiceMetrics: async () => {},
        setMetadata: async () => ({ refused: [] }),
        ...methods.mackerel,
      },
    },
    at(400),
  );
  return { ports, marks, answer: recordTheRelease.run(RETIRED, ports) };
};

describe('Record the release', () => {
  it('writes what happened first, and last what later deployments believe', async () => {
    const { ports, answer } = record();
    const written = await answer;
    expect(written).toMatchObject({ outcome: 'Deployed', deployment: 'deploy-2' });
    const json = JSON.stringify(written);
    expect(ports.calls).toEqual([
      ...[
        'ec2.listByTag "irekae:fleet" "shop"',
        expect.stringMatching(/^loadBalancers\.members .*"web"/),
        'mackerel.hosts "Shop" "web"',
      ],
      ...[
        'ec2.listByTag "irekae:fleet" "shop"',
        expect.stringMatching(/^loadBalancers\.members .*"web"/),
        'mackerel.hosts "Shop" "web"',
      ],
      expect.stringMatching(
        /^records\.writeRecord "artifacts" "irekae\/shop\/deployments\/deploy-2\.json" .*"timeline":/,
      ),
      `records.writeRecord "artifacts" "irekae/shop/current.json" ${json}`,
      expect.stringMatching(
        /^records\.writePage "artifacts" "irekae\/shop\/deployments\/deploy-2\.html" "<!doctype html>/,
      ),
      ...[
        /^mackerel\.annotate /,
        /^mackerel\.postServiceMetrics "Shop" /,
        /^mackerel\.setMetadata \["host of i-new1","host of i-new2"\] "irekae" \{"fleet":"shop"/,
        /^announcer\.tellPeople /,
        /^announcer\.tellMachines /,
      ].map((call) => expect.stringMatching(call)),
    ]);
  });

  it('leaves the timeline out of what the execution answers: it travels in no document', async () =>
    expect(await record().answer).not.toHaveProperty('timeline'));

  it.each(['ServiceUnavailable', 'ServiceRefused'] as const)(
    'does not mind a bucket that takes no page (%s)',
    async (name) => {
      const records = { writeRecord: async () => {}, writePage: failing(name) };
      expect(await record({ records }).answer).toMatchObject({ outcome: 'Deployed' });
    },
  );

  it('does not mind a page that breaks in a way that nobody foresaw', async () => {
    const writePage = async () => Promise.reject(new TypeError('not a function'));
    const records = { writeRecord: async () => {}, writePage };
    expect(await record({ records }).answer).toMatchObject({ outcome: 'Deployed' });
  });

  it('marks the role’s graphs with what, who and when', async () => {
    const { marks, answer } = record();
    await answer;
    expect(marks).toEqual([
      {
        service: 'Shop',
        role: 'web',
        title: 'Deployed: shop v2',
        description:
          'shop/app.tar.gz version v2; 2 old hosts of Shop:web, 2 in service\nStarted by (as the start says) StartExecution',
        from: at(0),
        to: at(400),
      },
    ]);
  });

  it('has the same effect when it runs twice', async () => {
    const [first, second] = [record(), record()];
    expect(await second.answer).toEqual(await first.answer);
    expect(second.ports.calls).toEqual(first.ports.calls);
  });

  it.each(['ServiceUnavailable', 'MackerelRefused', 'MackerelKeyUnreadable'] as const)(
    'does not mind a graph without its mark (%s)',
    async (name) =>
      expect(await record({ mackerel: { annotate: failing(name) } }).answer).toMatchObject({
        outcome: 'Deployed',
      }),
  );

  it('is owed when it cannot be written, and later deployments are not told an older one', async () => {
    const owed: unknown[] = [];
    const { answer } = record({
      records: { writeRecord: failing('ServiceRefused', 'Denied.') },
      ledger: { read: async () => aRow(), owe: async (...args) => owed.push(args) > 0 },
    });
    expect(await answer).toMatchObject({
      outcome: 'Deployed',
      reason: expect.stringContaining('still owed: the record (ServiceRefused: Denied)'),
    });
    expect(owed).toEqual([['shop', [expect.objectContaining({ kind: 'record', isCurrent: true })], 0]]);
  });
});
