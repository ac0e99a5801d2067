import { describe, expect, it, vi } from 'vitest';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { terminateNewInstances } from '../../lambdas/terminate-new-instances.ts';
import { agreed, aLook, at, failedBy, iso, launched, OLD } from '../support/deployments.ts';
import {
  aHost,
  allWell,
  aNewInstance,
  anInstance,
  draining,
  inService,
  type Scene,
} from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { aRow, failing, type Methods, portsOn, withStates } from '../support/ports.ts';

const FAILED = launched({ failure: failedBy('NewHostsNotReady'), putBack: aLook({ ready: true }) });
/** The removal began at second 300, and somebody looked until its time was over. */
const removing = (changes: Partial<NonNullable<Deployment['removal']>> = {}, of: Deployment = FAILED) => ({
  ...of,
  removal: aLook({ since: iso(300), at: iso(1_260), ...changes }),
});
/** A run of the launch may act until second 360. */
const LAUNCHING: Methods = {
  ledger: { read: async () => aRow({ run: { id: 'run-1', until: at(360) } }), enter: async () => {} },
};
const look = (scene: Scene, deployment: Deployment = FAILED, seconds = 300, methods: Methods = {}) => {
  const ports = portsOn(scene, at(seconds), methods);
  return { ports, answer: terminateNewInstances.run(deployment, ports) };
};

/** The new hosts have left their load balancer. */
const LEFT = allWell({ members: { web: OLD.map(inService) } });
const ENDED = withStates(LEFT, { 'i-new1': 'terminated', 'i-new2': 'terminated' });
const TERMINATE = 'ec2.terminate ["i-new1","i-new2"]';
const RETIRE = 'mackerel.retire ["host of i-new1","host of i-new2"]';
const DEREGISTER = 'loadBalancers.deregister {"kind":"classic","name":"web"} ["i-new1","i-new2"]';

describe('Terminate new instances', () => {
  it('takes the new hosts out of the load balancer before it terminates them', async () => {
    const { ports, answer } = look(allWell());
    expect(await answer).toMatchObject({
      ready: false,
      reason: expect.stringContaining('deregistering new hosts from the load balancers'),
    });
    expect(ports.changes).toEqual([DEREGISTER]);
  });

  it('waits while requests run on them, but not longer than the fleet allows', async () => {
    const scene = allWell({ members: { web: [draining('i-new1')] } });
    const waiting = look(scene, removing(), 599);
    expect((await waiting.answer).reason).toBe(
      'deregistering new hosts from the load balancers: requests still run on i-new1 at web',
    );
    expect(waiting.ports.changes).toEqual([]);
    const cut = look(scene, removing(), 600);
    expect((await cut.answer).reason).toBe('EC2 terminates i-new1 and i-new2');
  });

  it('then terminates them', async () => {
    const { ports, answer } = look(LEFT);
    expect(await answer).toMatchObject({ ready: false, reason: 'EC2 terminates i-new1 and i-new2' });
    expect(ports.changes).toEqual([TERMINATE]);
  });

  it('waits until they have ended: Mackerel must not forget a living host', async () => {
    const { ports, answer } = look(
      withStates(LEFT, { 'i-new1': 'shutting-down', 'i-new2': 'terminated' }),
      removing(),
      320,
    );
    expect(await answer).toMatchObject({ ready: false, reason: 'i-new1 still shutting down' });
    expect(ports.changes).toEqual([]);
  });

  it('retires them last', async () => {
    const { ports, answer } = look(ENDED, removing(), 330);
    expect(await answer).toMatchObject({ ready: true, reason: '2 new instances removed' });
    expect(ports.changes).toEqual([RETIRE]);
  });

  it.each([
    ['deregisters', allWell(), [DEREGISTER]],
    ['terminates', LEFT, [TERMINATE]],
    ['retires', ENDED, [RETIRE]],
  ] as const)('has the same effect when a look that %s runs twice', async (_title, scene, changes) => {
    const [first, second] = [look(scene), look(scene)];
    expect(await second.answer).toEqual(await first.answer);
    expect([first.ports.changes, second.ports.changes]).toEqual([changes, changes]);
  });

  it('never touches an old host, whatever its tags say', async () => {
    const scene = { ...LEFT, instances: LEFT.instances.map(({ instanceId }) => aNewInstance(instanceId)) };
    const { ports, answer } = look(scene);
    await answer;
    expect(ports.changes).toEqual([TERMINATE]);
  });
});

describe('Terminate new instances, of which one failed', () => {
  const NOT_READY = failedBy('NewHostsNotReady', '1 of 2 ready; i-new2: not registered in Mackerel yet.');
  const of = (minutes = 0) =>
    launched({
      failure: NOT_READY,
      putBack: aLook({ ready: true }),
      fleet: aFleet({ keepFailedHostMinutes: minutes }),
    });
  const FAILED_LINE = 'irekae: FAILED: no space left';
  const saying = (text: string): Methods => ({ ec2: { consoleOutput: async () => text } });
  const SAVED = 'irekae/shop/consoles/deploy-2/i-new2.log';
  const EVIDENCE = [{ instanceId: 'i-new2', console: [FAILED_LINE], savedAs: SAVED }];
  const TAGGED = 'ec2.tag "i-new2" {"irekae:keep-until":"2026-03-01T09:35:00Z"}';
  const KEPT = { instanceId: 'i-new2', until: '2026-03-01T09:35:00Z' };

  it('reads its console before it is terminated, and no other’s', async () => {
    const { ports, answer } = look(LEFT, of(), 300, saying(`${FAILED_LINE}\n`));
    expect(await answer).toMatchObject({ ready: false, evidence: EVIDENCE });
    const acts = ports.calls.filter((call) => /consoleOutput|writeText|terminate/.test(call));
    expect(acts).toEqual([
      'ec2.consoleOutput "i-new2"',
      `records.writeText "artifacts" "${SAVED}" "${FAILED_LINE}\\n"`,
      TERMINATE,
    ]);
  });

  it('saves all of it, readable, where the record keeps only the end', async () => {
    const lines = Array.from({ length: 2_000 }, (_, nth) => `\u001b[32mline ${nth}\u001b[0m\r`);
    const saved: string[] = [];
    const { answer } = look(LEFT, of(), 300, {
      ...saying(lines.join('\n')),
      records: { writeText: async (_bucket, _key, text) => void saved.push(text) },
    });
    expect((await answer).evidence?.[0]?.console.length).toBeLessThan(500);
    expect(saved).toEqual([
      lines
        .map((_, nth) => `line ${nth}`)
        .join('\n\n')
        .concat('\n')
        .replaceAll('\n\n', '\n'),
    ]);
  });

  it.each(['ServiceUnavailable', 'ServiceRefused', 'a crash'] as const)(
    'goes on when it cannot be saved (%s), and does not say that it was',
    async (name) => {
      const crash = async () => Promise.reject(new TypeError('not a function'));
      const records = { writeText: name === 'a crash' ? crash : failing(name) };
      const { ports, answer } = look(LEFT, of(), 300, { ...saying(FAILED_LINE), records });
      expect((await answer).evidence).toEqual([{ instanceId: 'i-new2', console: [FAILED_LINE] }]);
      expect(ports.changes).toEqual([TERMINATE]);
    },
  );

  it('does not read again what it has read', async () => {
    const { ports, answer } = look(ENDED, { ...of(), removal: { ...aLook(), evidence: EVIDENCE } }, 330);
    expect(await answer).toMatchObject({ ready: true, evidence: EVIDENCE });
    expect(ports.calls.join()).not.toContain('consoleOutput');
  });

  it('asks again in every fifth look while EC2 has no output, and waits for none', async () => {
    const empty = [{ instanceId: 'i-new2', console: [] }];
    const afterLooks = (looks: number) =>
      look(
        withStates(LEFT, { 'i-new1': 'shutting-down', 'i-new2': 'shutting-down' }),
        { ...of(), removal: { ...aLook({ looks, since: iso(300) }), evidence: empty } },
        320,
        saying(FAILED_LINE),
      ).answer;
    expect(await afterLooks(4)).toMatchObject({ evidence: empty });
    expect(await afterLooks(5)).toMatchObject({ evidence: EVIDENCE });
  });

  it.each(['ServiceUnavailable', 'ServiceRefused'] as const)(
    'removes it all the same when EC2 does not show the console (%s)',
    async (name) => {
      const { ports, answer } = look(LEFT, of(), 300, { ec2: { consoleOutput: failing(name) } });
      expect(await answer).toMatchObject({ evidence: [{ instanceId: 'i-new2', console: [] }] });
      expect(ports.changes).toEqual([TERMINATE]);
    },
  );

  it('waits three seconds for a console, not longer', async () => {
    const silent: Methods = { ec2: { consoleOutput: () => new Promise(() => {}) } };
    vi.useFakeTimers();
    try {
      const { ports, answer } = look(LEFT, of(), 300, silent);
      await vi.advanceTimersByTimeAsync(3_000);
      expect(await answer).toMatchObject({ reason: 'EC2 terminates i-new1 and i-new2' });
      expect(ports.changes).toEqual([TERMINATE]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps what it has read when the rest of the look fails', async () => {
    const then: Methods = {
      ec2: { consoleOutput: async () => FAILED_LINE, terminate: failing('ServiceUnavailable') },
    };
    expect(await look(LEFT, of(), 300, then).answer).toMatchObject({
      reason: 'unknown: It did not answer.',
      evidence: EVIDENCE,
    });
  });

  it('keeps it for debugging where the fleet wants that: tagged before the others are terminated', async () => {
    const { ports, answer } = look(LEFT, of(30), 300, {
      ec2: { consoleOutput: async () => '', tag: async () => {} },
    });
    expect(await answer).toMatchObject({ ready: false, kept: KEPT });
    expect(ports.changes).toEqual([TAGGED, 'ec2.terminate ["i-new1"]']);
  });

  it('takes the kept one out of the load balancer and retires it in Mackerel', async () => {
    const consoles = saying('');
    const deployment = { ...of(30), removal: { ...aLook({ since: iso(300) }), kept: KEPT, evidence: [] } };
    const first = look(allWell(), deployment, 301, consoles);
    await first.answer;
    expect(first.ports.changes).toEqual([DEREGISTER]);
    const last = look(withStates(LEFT, { 'i-new1': 'terminated' }), deployment, 330, consoles);
    expect(await last.answer).toMatchObject({
      ready: true,
      reason:
        '1 new instance removed; i-new2 is kept for debugging until 2026-03-01T09:35:00Z ' +
        '(out of service, tag irekae:keep-until), then the orphan watch terminates it',
      kept: KEPT,
    });
    expect(last.ports.changes).toEqual([RETIRE]);
  });

  it('keeps the same one when the answer of the look that tagged it was lost', async () => {
    const instances = LEFT.instances.map((each) =>
      each.instanceId === 'i-new1' ? { ...each, tags: { ...each.tags, [TAG.keepUntil]: iso(2_000) } } : each,
    );
    const { ports, answer } = look({ ...LEFT, instances }, of(30), 310, {
      ec2: { consoleOutput: async () => '', tag: async () => {} },
    });
    expect(await answer).toMatchObject({ kept: { instanceId: 'i-new1', until: iso(2_000) } });
    expect(ports.changes).toContain('ec2.terminate ["i-new2"]');
  });

  it.each(['ServiceUnavailable', 'ServiceRefused'] as const)(
    'removes it when it cannot be tagged: nobody would ever remove it later (%s)',
    async (name) => {
      const { ports, answer } = look(LEFT, of(30), 300, {
        ec2: { consoleOutput: async () => '', tag: failing(name) },
      });
      expect(await answer).not.toHaveProperty('kept');
      expect(ports.changes.at(-1)).toBe(TERMINATE);
    },
  );

  it('keeps nobody after a deployment that was cancelled', async () => {
    const { ports, answer } = look(LEFT, { ...of(30), failure: failedBy('Cancelled', 'By Hanako.') });
    expect(await answer).not.toHaveProperty('kept');
    expect(ports.changes).toEqual([TERMINATE]);
  });
});

describe('Terminate new instances, when the launch did not answer', () => {
  const CUT_OFF = agreed({ failure: failedBy('ServiceUnavailable') });
  const EMPTY = allWell({ instances: OLD.map((id) => anInstance(id)), members: {} });

  it('makes sure that no launch is still in flight', async () => {
    expect(await look(EMPTY, CUT_OFF, 300, LAUNCHING).answer).toMatchObject({
      ready: false,
      reason: 'EC2 shows no more instances of this deployment; making sure that no launch is still in flight',
      nextLookInSeconds: 70,
    });
    expect(await look(EMPTY, removing({}, CUT_OFF), 370, LAUNCHING).answer).toMatchObject({
      ready: true,
      reason: 'nothing was launched',
    });
  });

  it('does not wait for one that was over before', async () =>
    expect(await look(EMPTY, CUT_OFF).answer).toMatchObject({ ready: true, reason: 'nothing was launched' }));

  it('has the time for that also under the shortest limits', async () => {
    const fleet = aFleet({ limits: { undoSeconds: 60, drainSeconds: 0 } });
    const { answer } = look(EMPTY, removing({}, { ...CUT_OFF, fleet }), 369, LAUNCHING);
    expect((await answer).ready).toBe(false);
  });

  it('finds by tag what was launched', async () => {
    const { ports, answer } = look(LEFT, CUT_OFF);
    expect(await answer).toMatchObject({ ready: false, memory: { 'i-new1': 0, 'i-new2': 0 } });
    expect(ports.changes).toEqual([TERMINATE]);
  });

  it('retires what it found, although an ended instance is not listed by its tag anymore', async () => {
    const untagged = { ...ENDED, instances: ENDED.instances.map((each) => ({ ...each, tags: {} })) };
    const { ports, answer } = look(
      untagged,
      removing({ memory: { 'i-new1': 0, 'i-new2': 0 } }, CUT_OFF),
      380,
    );
    expect(await answer).toMatchObject({ ready: true, reason: '2 new instances removed' });
    expect(ports.changes).toEqual([RETIRE]);
  });

  it('still waits for a launch in flight when what it found has ended', async () => {
    const { ports, answer } = look(ENDED, removing({ memory: { 'i-new1': 0 } }, CUT_OFF), 330, LAUNCHING);
    expect(await answer).toMatchObject({ ready: false, nextLookInSeconds: 40, memory: { 'i-new1': 0 } });
    expect(ports.changes).toEqual([]);
  });

  it('does not fail over an instance that EC2 lists by its tag and does not describe yet', async () => {
    const described = { ec2: { describe: async () => [] } };
    expect(await look(LEFT, CUT_OFF, 300, described).answer).toMatchObject({
      ready: false,
      reason: 'i-new1 and i-new2 still shutting down',
    });
  });

  it('removes more than the launch answered with, when EC2 shows more', async () => {
    const more = { ...LEFT, instances: [...LEFT.instances, aNewInstance('i-more')] };
    const { ports, answer } = look(more);
    await answer;
    expect(ports.changes).toEqual(['ec2.terminate ["i-new1","i-new2","i-more"]']);
  });

  it('leaves alone what another fleet’s deployment of the same name launched', async () => {
    const namesake = aNewInstance('i-blog', { clientToken: 'of-another-execution' });
    const { ports, answer } = look({ ...EMPTY, instances: [namesake] }, removing({}, CUT_OFF), 370);
    expect(await answer).toMatchObject({ ready: true, reason: 'nothing was launched' });
    expect(ports.changes).toEqual([]);
  });
});

describe('Terminate new instances, in trouble', () => {
  it('removes the others before it tells of one that it may not terminate', async () => {
    const oneUntagged = (scene: Scene) => ({
      ...scene,
      instances: scene.instances.map((each) =>
        each.instanceId === 'i-new2' ? anInstance('i-new2', { tags: {} }) : each,
      ),
    });
    const first = look(oneUntagged(LEFT));
    expect((await first.answer).reason).toBe('EC2 terminates i-new1');
    const last = look(oneUntagged(ENDED), removing(), 330);
    await expect(last.answer).rejects.toThrow(
      failure('TerminationRefused', 'i-new2 (it does not carry the tag irekae:fleet)'),
    );
    expect(last.ports.changes).toEqual(['mackerel.retire ["host of i-new1"]']);
  });

  it('says what EC2 refused, tries again, and fails at the deadline', async () => {
    const refusing: Methods = {
      ec2: { terminate: async () => ({ refused: [{ id: 'i-new2', reason: 'OperationNotPermitted' }] }) },
    };
    expect((await look(LEFT, removing(), 1_199, refusing).answer).reason).toBe(
      'EC2 terminates i-new1; not terminated: i-new2 (OperationNotPermitted)',
    );
    await expect(look(LEFT, removing(), 1_270, refusing).answer).rejects.toThrow(
      failure(
        'NewHostsNotRemoved',
        /^After 16 min 10 s: EC2 terminates.*not terminated: i-new2.* The old hosts serve; terminate the new ones, found by the tag irekae:deployment=deploy-2\.$/,
      ),
    );
  });

  it('tries again when Mackerel did not retire a host', async () => {
    const refusing: Methods = {
      mackerel: { retire: async () => ({ refused: [{ id: 'host of i-new1', reason: '500' }] }) },
    };
    expect(await look(ENDED, removing(), 330, refusing).answer).toMatchObject({
      ready: false,
      reason: 'Mackerel did not retire host of i-new1 (500)',
    });
  });

  it('asks Mackerel for nothing when no new host ever registered', async () => {
    const { ports, answer } = look({ ...ENDED, hosts: OLD.map((id) => aHost(id)) }, removing(), 330);
    expect((await answer).ready).toBe(true);
    expect(ports.changes).toEqual([]);
  });

  it.each<[string, Methods]>([
    ['EC2', { ec2: { listByToken: failing('ServiceUnavailable', 'No answer.') } }],
    ['a load balancer', { loadBalancers: { members: failing('ServiceUnavailable', 'No answer.') } }],
  ])(
    'takes silence of %s for unknown, forgets nothing, and fails at the deadline',
    async (_title, methods) => {
      const memory = { 'i-new1': 0, 'i-new2': 0 };
      expect(await look(ENDED, removing({ memory }), 330, methods).answer).toMatchObject({
        ready: false,
        reason: 'unknown: No answer.',
        memory,
      });
      await expect(look(ENDED, removing({ memory }), 1_270, methods).answer).rejects.toThrow(
        failure('NewHostsNotRemoved', 'unknown: No answer.'),
      );
    },
  );

  it('owes the retirement that Mackerel does not take, after it was asked for half a minute', async () => {
    const memory = { 'i-new1': 0, 'i-new2': 0 };
    const deaf: Methods = { mackerel: { hosts: failing('MackerelRefused', 'Forbidden') } };
    const first = await look(ENDED, removing({ memory }), 330, deaf).answer;
    expect(first).toMatchObject({ ready: false, untoldSince: iso(330), memory });
    expect(await look(ENDED, removing({ ...first }), 360, deaf).answer).toMatchObject({
      ready: true,
      reason: '2 new instances removed',
      owed: 'the retirement of 2 new instances in Mackerel (MackerelRefused: Forbidden)',
    });
    expect(await look(ENDED, removing({ memory }), 1_270, deaf).answer).toMatchObject({ ready: true });
  });

  it('finds an instance of a refused launch by its tag, although one answer of EC2 lacks it', async () => {
    const unanswered = agreed({ failure: failedBy('LaunchRefused') });
    const listByToken = vi.fn(async () => [aNewInstance('i-new1')]).mockResolvedValueOnce([]);
    const { answer } = look(LEFT, removing({}, unanswered), 330, { ec2: { listByToken } });
    expect(await answer).toMatchObject({ ready: false, reason: 'EC2 terminates i-new1' });
  });

  it('calls an instance ended that EC2 has not shown for a minute, not before', async () => {
    const scene = withStates(ENDED, { 'i-new1': 'gone' });
    const memory = { 'i-new1': at(310).getTime(), 'i-new2': 0 };
    expect((await look(scene, removing({ memory }), 369).answer).ready).toBe(false);
    expect((await look(scene, removing({ memory }), 370).answer).ready).toBe(true);
  });
});
