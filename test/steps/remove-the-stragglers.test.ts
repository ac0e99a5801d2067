import { describe, expect, it } from 'vitest';
import type { Deployment, Look } from '../../lambdas/domain/core/document.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { removeTheStragglers } from '../../lambdas/remove-the-stragglers.ts';
import { aLook, at, iso, launched } from '../support/deployments.ts';
import { aNewInstance, draining, outOfService, type Scene } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { LAST, largeLaunch, replaced, tenHosts, toReplace } from '../support/large.ts';
import { aRow, failing, type Methods, portsOn, withStates } from '../support/ports.ts';

/** The removal began at second 200. */
const removing = (changes: Partial<Look> = {}) =>
  replaced({ stragglers: aLook({ since: iso(200), memory: { [LAST]: 0 }, ...changes }) });
const CONSOLE: Methods['ec2'] = { consoleOutput: async () => 'irekae: waiting for the database\n' };
const look = (scene: Scene, document: Deployment = replaced(), seconds = 200, methods: Methods = {}) => {
  const ports = portsOn(scene, at(seconds), { ...methods, ec2: { ...CONSOLE, ...methods.ec2 } });
  return { ports, answer: removeTheStragglers.run(document, ports) };
};

const LISTED = tenHosts();
const LEFT = {
  ...LISTED,
  members: { web: (LISTED.members.web ?? []).filter(({ instanceId }) => instanceId !== LAST) },
};
const ENDED = withStates(LEFT, { [LAST]: 'terminated' });
const DEREGISTER = `loadBalancers.deregister {"kind":"classic","name":"web"} ["${LAST}"]`;
const TERMINATE = `ec2.terminate ["${LAST}"]`;
const RETIRE = `mackerel.retire ["host of ${LAST}"]`;

describe('Remove the stragglers', () => {
  it.each([
    ['takes them out of the load balancer first', LISTED, [DEREGISTER], 'still registered'],
    ['then terminates them', LEFT, [TERMINATE], `EC2 terminates ${LAST}`],
    ['waits until they have ended', withStates(LEFT, { [LAST]: 'shutting-down' }), [], 'still shutting down'],
    ['retires them in Mackerel last', ENDED, [RETIRE], '1 straggler removed'],
  ] as const)('%s', async (_title, scene, changes, reason) => {
    const { ports, answer } = look(scene);
    expect((await answer).reason).toContain(reason);
    expect((await answer).ready).toBe(scene === ENDED);
    expect(ports.changes).toEqual(changes);
    const again = look(scene);
    expect(await again.answer).toEqual(await answer);
    expect(again.ports.changes).toEqual(changes);
  });

  it('never touches a new host, nor an old one, whatever its tags say', async () => {
    const tagged = LEFT.instances.map(({ instanceId }) => aNewInstance(instanceId));
    const { ports, answer } = look({ ...LEFT, instances: [...tagged, aNewInstance('i-old1')] });
    await answer;
    expect(ports.changes).toEqual([TERMINATE]);
  });

  it('removes also what a launch that was given up for lost has launched all the same', async () => {
    const scene = { ...ENDED, instances: [...ENDED.instances, aNewInstance('i-doubled')] };
    const { ports, answer } = look(scene, removing(), 230);
    await answer;
    expect(ports.changes).toEqual(['ec2.terminate ["i-doubled"]']);
  });

  it('leaves alone what another fleet’s deployment of the same name has launched', async () => {
    const { ports, answer } = look({
      ...ENDED,
      instances: [...ENDED.instances, aNewInstance('i-theirs', { clientToken: 'of-another-execution' })],
    });
    expect(await answer).toMatchObject({ ready: true });
    expect(ports.changes).toEqual([RETIRE]);
  });

  it('lets requests end before it terminates, but not longer than the fleet allows', async () => {
    const scene = tenHosts({ member: draining(LAST) });
    expect((await look(scene, removing(), 499).answer).reason).toContain(`requests still run on ${LAST}`);
    expect((await look(scene, removing(), 500).answer).reason).toBe(`EC2 terminates ${LAST}`);
  });

  it('reads their consoles before, once', async () => {
    const { ports, answer } = look(LISTED);
    const savedAs = `irekae/shop/consoles/deploy-2/${LAST}.log`;
    const evidence = [{ instanceId: LAST, console: ['irekae: waiting for the database'], savedAs }];
    expect((await answer).evidence).toEqual(evidence);
    expect(ports.calls.filter((call) => call.includes('consoleOutput'))).toEqual([
      `ec2.consoleOutput "${LAST}"`,
    ]);
    const later = look(LEFT, replaced({ stragglers: { ...aLook({ since: iso(200) }), evidence } }), 210);
    expect((await later.answer).evidence).toEqual(evidence);
    expect(later.ports.calls.join()).not.toContain('consoleOutput');
  });

  it('has nothing to do when EC2 had none instead', async () => {
    const { ports, answer } = look(LISTED, toReplace({ launch: largeLaunch({ replaced: [] }) }));
    expect(await answer).toMatchObject({ ready: true, reason: 'no straggler was replaced' });
    expect(ports.changes).toEqual([]);
  });
});

describe('Remove the stragglers, in trouble', () => {
  it('refuses to touch one with the hand brake', async () => {
    const braked = withTags({ [TAG.fleet]: 'shop', [TAG.deployment]: 'deploy-2', [TAG.protect]: '' });
    const { ports, answer } = look(braked);
    await expect(answer).rejects.toThrow(failure('TerminationRefused', 'hand brake'));
    expect(ports.changes).toEqual([]);
  });

  it('is undone when somebody cancelled', async () => {
    const cancel = { by: 'Hanako', at: at(190) };
    const ledger = { read: async () => aRow({ phase: 'bring-up', cancel }) };
    const { ports, answer } = look(LISTED, replaced(), 200, { ledger });
    await expect(answer).rejects.toThrow(failure('Cancelled'));
    expect(ports.changes).toEqual([]);
  });

  it('takes silence for unknown, until the deadline', async () => {
    const silent: Methods = { ec2: { listByToken: failing('ServiceUnavailable', 'No answer.') } };
    expect(await look(LISTED, removing(), 300, silent).answer).toMatchObject({
      ready: false,
      reason: 'unknown: No answer.',
    });
    await expect(look(LISTED, removing(), 800, silent).answer).rejects.toThrow(
      failure('NewHostsNotRemoved', 'Stragglers were replaced, but 10 min later: unknown: No answer.'),
    );
  });

  it('waits on while Mackerel does not retire one', async () => {
    const refusing: Methods = {
      mackerel: { retire: async () => ({ refused: [{ id: `host of ${LAST}`, reason: 'busy' }] }) },
    };
    expect(await look(ENDED, removing(), 230, refusing).answer).toMatchObject({
      ready: false,
      reason: `Mackerel did not retire host of ${LAST} (busy)`,
    });
  });

  it('needs a launch: a document without one was written by nobody', async () =>
    expect(look(LISTED, launched()).answer).rejects.toThrow(failure('StepCrashed')));
});

function withTags(tags: Record<string, string>): Scene {
  const scene = tenHosts({ member: outOfService(LAST) });
  return {
    ...scene,
    instances: scene.instances.map((each) => (each.instanceId === LAST ? { ...each, tags } : each)),
  };
}
