import { describe, expect, it } from 'vitest';
import type { Deployment, Look } from '../../lambdas/domain/core/document.ts';
import type { FailureName } from '../../lambdas/domain/core/errors.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import type { Ledger } from '../../lambdas/ports/ledger.ts';
import { terminateOldInstances } from '../../lambdas/terminate-old-instances.ts';
import { aLook, anOldHost, aSnapshot, at, baked, iso, NEW } from '../support/deployments.ts';
import { allWell, anInstance, inService, outOfService, type Scene } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aRow, failing, type Methods, portsOn, portsWith, withStates } from '../support/ports.ts';

/** The first look was at second 300; 600 s are allowed, and somebody looked until then. */
const terminating = (changes: Partial<Look> = {}) =>
  baked({ termination: aLook({ since: iso(300), at: iso(890), ...changes }) });
const BEGUN = { memory: { begun: 1 } };
const look = (scene: Scene, deployment: Deployment = baked(), seconds = 300, methods: Methods = {}) => {
  const ports = portsOn(scene, at(seconds), methods);
  return { ports, answer: terminateOldInstances.run(deployment, ports) };
};

const ALL = allWell({ members: { web: NEW.map(inService) } });
const LOST = allWell({ members: { web: [inService('i-new1'), outOfService('i-new2')] } });
const refusing = (...ids: string[]): Methods => ({
  ec2: { terminate: async () => ({ refused: ids.map((id) => ({ id, reason: 'OperationNotPermitted' })) }) },
});
/** The scene, with an old instance in another guise. */
const withOld = (instance: Partial<Instance>): Scene => ({
  ...ALL,
  instances: [anInstance('i-old1', instance), ...ALL.instances.slice(1)],
});

describe('Terminate old instances', () => {
  it('terminates them when every new host is ready in this very look', async () => {
    const { ports, answer } = look(ALL);
    expect(await answer).toMatchObject({
      ready: false,
      reason: 'EC2 terminates i-old1 and i-old2',
      memory: { begun: 1 },
    });
    expect(ports.changes).toEqual(['ec2.terminate ["i-old1","i-old2"]']);
  });

  it('terminates once more whom EC2’s answer still shows running: the second call is harmless', async () => {
    const { ports, answer } = look(ALL, terminating(BEGUN), 303);
    expect((await answer).ready).toBe(false);
    expect(ports.changes).toEqual(['ec2.terminate ["i-old1","i-old2"]']);
  });

  it('waits while they shut down, and asks for nothing more', async () => {
    const { ports, answer } = look(
      withStates(ALL, { 'i-old1': 'shutting-down', 'i-old2': 'terminated' }),
      terminating(),
      303,
    );
    expect(await answer).toMatchObject({ ready: false, reason: 'i-old1 is shutting down' });
    expect(ports.changes).toEqual([]);
  });

  it('is done when EC2 calls all of them terminated', async () =>
    expect(
      await look(withStates(ALL, { 'i-old1': 'terminated', 'i-old2': 'terminated' }), terminating(), 330)
        .answer,
    ).toMatchObject({
      ready: true,
      reason: '2 old instances terminated',
    }));

  it('asks nobody when there was no old host', async () => {
    const ports = portsWith({}, at(300));
    expect(
      await terminateOldInstances.run(baked({ oldHosts: aSnapshot({ hosts: [] }) }), ports),
    ).toMatchObject({ ready: true });
    expect(ports.calls).toEqual([]);
  });
});

describe('Terminate old instances, before the point of no return', () => {
  it.each([
    [
      'a new host is not in service',
      LOST,
      'ReadinessLost',
      /^Right before the termination the new hosts are not ready.*1 of 2 ready; i-new2/,
    ],
    [
      'a new host died',
      withStates(ALL, { 'i-new2': 'terminated' }),
      'ReadinessLost',
      /^Right before the termination .*i-new2 is terminated/,
    ],
    ['Mackerel lists nobody', allWell({ hosts: [] }), 'ReadinessLost', /not registered in Mackerel yet/],
    [
      'an old instance lost its tag',
      withOld({ tags: {} }),
      'TerminationRefused',
      /i-old1 \(it does not carry the tag irekae:fleet\)/,
    ],
    [
      'an old instance belongs to another fleet',
      withOld({ tags: { [TAG.fleet]: 'blog' } }),
      'TerminationRefused',
      /belongs to the fleet blog/,
    ],
  ] as const)('terminates nobody and can be undone when %s', async (_title, scene, name, says) => {
    const { ports, answer } = look(scene);
    await expect(answer).rejects.toThrow(failure(name, says));
    expect(ports.changes).toEqual([]);
  });

  it('can be undone when all old instances are refused before the first call', async () => {
    const untagged = {
      ...ALL,
      instances: ALL.instances.map((each) =>
        each.instanceId.startsWith('i-old') ? { ...each, tags: {} } : each,
      ),
    };
    await expect(look(untagged).answer).rejects.toThrow(failure('TerminationRefused'));
  });

  it('can be undone when EC2 refuses every one of them', async () =>
    expect(look(ALL, baked(), 300, refusing('i-old1', 'i-old2')).answer).rejects.toThrow(
      failure(
        'TerminationRefused',
        'Not terminated: i-old1 (OperationNotPermitted) and i-old2 (OperationNotPermitted).',
      ),
    ));

  it('never terminates the new hosts, whatever the snapshot says', async () => {
    const mixedUp = baked({ oldHosts: aSnapshot({ hosts: [anOldHost('i-new1')] }) });
    const { ports, answer } = look(ALL, mixedUp);
    await expect(answer).rejects.toThrow(
      failure('TerminationRefused', 'i-new1 (this deployment launched it)'),
    );
    expect(ports.changes).toEqual([]);
  });
});

describe('Terminate old instances, when another run of it sees it otherwise at the same moment', () => {
  const silent = (name: 'ServiceRefused' | 'ServiceUnavailable'): Methods => ({
    mackerel: { hosts: failing(name, 'No.') },
  });
  /** Each goes back: what it sees, in which of the moments. */
  const BACK: readonly (readonly [string, Scene, Deployment, number, Methods, FailureName])[] = [
    ['a new host is not in service', LOST, baked(), 300, {}, 'ReadinessLost'],
    ['all are refused', withOld({ tags: {} }), baked(), 300, {}, 'TerminationRefused'],
    ['Mackerel refuses to tell', ALL, baked(), 300, silent('ServiceRefused'), 'ReadinessLost'],
    ['its time is over', ALL, terminating(), 900, silent('ServiceUnavailable'), 'ReadinessLost'],
  ];
  const holding = (enter: Ledger['enter']) => ({
    ledger: { read: async () => aRow({ phase: 'shift' }), enter },
  });

  it.each(BACK)(
    'writes down that it goes back before it does, when %s',
    async (_, scene, document, seconds, methods, name) => {
      const entered: unknown[][] = [];
      const ledger = holding(async (...args) => void entered.push(args));
      await expect(look(scene, document, seconds, { ...methods, ...ledger }).answer).rejects.toThrow(
        failure(name),
      );
      const [, , phase, written, under] = entered[0] ?? [];
      expect([entered.length, phase, under]).toEqual([1, 'undo', { unless: 'remove' }]);
      expect(JSON.parse(String(written))).toMatchObject({
        failure: { Error: name, Cause: expect.any(String) },
      });
    },
  );

  it.each(BACK)(
    'leaves it to who has begun to terminate, when %s',
    async (_, scene, document, seconds, methods) => {
      const ledger = holding(failing('LockLost', 'It is in the phase remove already.'));
      await expect(look(scene, document, seconds, { ...methods, ...ledger }).answer).rejects.toThrow(
        failure('LockLost'),
      );
    },
  );

  it('goes nowhere while somebody is silent', async () => {
    const { ports, answer } = look(ALL, baked(), 300, {
      ...silent('ServiceUnavailable'),
      ...holding(failing('LockLost', 'Nobody asks.')),
    });
    expect(await answer).toMatchObject({ ready: false, reason: 'unknown: No.' });
    expect(ports.changes).toEqual([]);
  });
});

describe('Terminate old instances, after the point of no return', () => {
  it('goes on when EC2 refused only some, and says which', async () =>
    expect(await look(ALL, baked(), 300, refusing('i-old2')).answer).toMatchObject({
      ready: false,
      reason: 'EC2 terminates i-old1; not terminated: i-old2 (OperationNotPermitted)',
    }));

  it.each([
    ['EC2 shows that one is ending', LOST, {}, { 'i-old1': 'shutting-down' }],
    ['an earlier look called, though EC2’s answer is older than that', LOST, BEGUN, {}],
  ] as const)('waits for lost hosts instead of undoing when %s', async (_title, scene, changes, states) => {
    const { ports, answer } = look(withStates(scene, states), terminating(changes), 303);
    expect(await answer).toMatchObject({
      ready: false,
      reason: expect.stringContaining('so no old one is terminated: 1 of 2 ready'),
    });
    expect(ports.changes).toEqual([]);
  });

  it('calls a human at once when a new host died then', async () =>
    expect(
      look(withStates(ALL, { 'i-old1': 'terminated', 'i-new1': 'terminated' }), terminating(), 303).answer,
    ).rejects.toThrow(failure('NewHostDied')));

  it('remembers a call that was not answered: it may have been heard', async () => {
    const { answer } = look(ALL, baked(), 300, {
      ec2: { terminate: failing('ServiceUnavailable', 'No answer.') },
    });
    expect(await answer).toMatchObject({ ready: false, reason: 'unknown: No answer.', memory: { begun: 1 } });
  });

  it('calls a human at the deadline, with what is left', async () => {
    expect((await look(ALL, terminating(BEGUN), 899, refusing('i-old2')).answer).ready).toBe(false);
    await expect(
      look(withStates(ALL, { 'i-old1': 'terminated' }), terminating(BEGUN), 900, refusing('i-old2')).answer,
    ).rejects.toThrow(
      failure(
        'OldHostsNotTerminated',
        'After 10 min: not terminated: i-old2 (OperationNotPermitted). They are out of service. What holds them',
      ),
    );
  });
});

describe('Terminate old instances, when some have not ended in time', () => {
  const HALF = withStates(ALL, { 'i-old1': 'terminated' });
  const late = (methods: Methods = {}) => {
    const ec2 = { ...refusing('i-old2').ec2, ...methods.ec2 };
    return look(HALF, terminating(BEGUN), 900, { ...methods, ec2 });
  };
  const left = (...told: string[]) =>
    failure('OldHostsNotTerminated', ['see OldHostsNotTerminated in docs/runbook.md.', ...told].join(' '));

  it('retires those that did end, and says so', async () => {
    const { ports, answer } = late();
    await expect(answer).rejects.toThrow(left('i-old1 ended, and is retired in Mackerel.'));
    expect(ports.changes.at(-1)).toBe('mackerel.retire ["host of i-old1"]');
  });

  it('says whom Mackerel did not retire', async () => {
    const retire = async () => ({ refused: [{ id: 'host of i-old1', reason: 'busy' }] });
    await expect(late({ mackerel: { retire } }).answer).rejects.toThrow(
      left('i-old1 ended, and is retired in Mackerel, but for host of i-old1 (busy).'),
    );
  });

  it('calls the human under the same name when Mackerel does not answer', async () => {
    const { answer } = late({ mackerel: { retire: failing('ServiceUnavailable') } });
    await expect(answer).rejects.toThrow(left());
    await expect(answer).rejects.not.toThrow('retired');
  });

  it('retires nobody when nobody has ended', async () => {
    const { ports, answer } = look(ALL, terminating(BEGUN), 900, refusing('i-old1', 'i-old2'));
    await expect(answer).rejects.toThrow(left());
    expect(ports.changes.join()).not.toContain('mackerel');
  });
});

describe('Terminate old instances, when EC2 does not show one', () => {
  const halfSeen = withStates(ALL, { 'i-old1': 'gone', 'i-old2': 'terminated' });
  const missedSince = (seconds: number) => ({ memory: { begun: 1, 'i-old1': at(seconds).getTime() } });

  it('does not call it gone, and remembers since when', async () =>
    expect(await look(halfSeen, terminating(), 310).answer).toMatchObject({
      ready: false,
      reason: 'EC2 does not show i-old1',
      memory: { 'i-old1': at(310).getTime() },
    }));
  it('keeps counting across a failed look', async () => {
    const { answer } = look(halfSeen, terminating(missedSince(310)), 340, {
      ec2: { describe: failing('ServiceUnavailable') },
    });
    expect(await answer).toMatchObject({ ready: false, memory: missedSince(310).memory });
  });
  it('calls it ended after a minute of looks', async () => {
    expect((await look(halfSeen, terminating(missedSince(310)), 369).answer).ready).toBe(false);
    expect((await look(halfSeen, terminating(missedSince(310)), 370).answer).ready).toBe(true);
  });
  it('terminates it when it appears again', async () => {
    const { ports, answer } = look(
      withStates(ALL, { 'i-old2': 'terminated' }),
      terminating(missedSince(310)),
      369,
    );
    expect(await answer).toMatchObject({ ready: false, memory: { begun: 1 } });
    expect(ports.changes).toEqual(['ec2.terminate ["i-old1"]']);
  });
});
