/** Who is deployed after whom: which starts follow from a deployment, and that each follows once. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Deployment, holdOf } from '../../lambdas/domain/core/document.ts';
import { DeploymentError, type FailureName } from '../../lambdas/domain/core/errors.ts';
import { followUps } from '../../lambdas/domain/lock/following.ts';
import { releaseTheFleetLock } from '../../lambdas/release-the-fleet-lock.ts';
import { agreed, HOLD } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { aRow, failing, type Methods, portsWith } from '../support/ports.ts';
import { type ReleaseFlow, releaseFlow } from './release-flow.ts';

const LED = aFleet({ followers: ['jobs', 'mail'] });
const deployed = (changes: Partial<Deployment> = {}): Deployment =>
  agreed({ fleet: LED, record: { outcome: 'Deployed' }, ...changes });

describe('What follows from a deployment', () => {
  it('is a start of each follower with the version that was deployed', () =>
    expect(followUps(deployed({ input: { startedBy: 'CI', reason: 'release 12' } }))).toEqual(
      ['jobs', 'mail'].map((fleet) => ({
        fleet,
        name: 'after-deploy-2',
        input: { versionId: 'v2', startedBy: 'after shop: CI', reason: 'release 12' },
      })),
    ));

  it.each<[string, Partial<Deployment>]>([
    ['that was undone', { record: undefined }],
    ['that ended badly', { record: { outcome: 'StoppedHalfway' } }],
    [
      'that found its release running already',
      { record: undefined, release: { ...agreed().release, verdict: 'already-deployed' } as never },
    ],
    ['that replaced the hosts of one release by hosts of the same', { input: { redeploy: true } }],
    ['to a new image', { input: { newImage: { eventId: 'e-1' } } as never }],
    ['of a fleet that nobody follows', { fleet: aFleet() }],
  ])('is nothing of one %s', (_, changes) => {
    expect(followUps(deployed(changes))).toEqual([]);
  });

  it('is overridden as it was itself: it is one release', () => {
    const input = { reason: 'outage', override: ['freeze'] } as never;
    expect(followUps(deployed({ input }))[0]?.input).toMatchObject({
      override: ['freeze'],
      reason: 'outage',
    });
  });

  it('has a name and a starter that Step Functions and the input take, however long they were', () => {
    const execution = { ...agreed().execution, name: 'x'.repeat(80) };
    const [one] = followUps(deployed({ execution, input: { startedBy: 's'.repeat(128) } }));
    expect(one?.name).toMatch(/^after-[0-9a-f]{24}$/);
    expect(String(one?.input.startedBy).length).toBeLessThanOrEqual(128);
  });
});

describe('Release the lock', () => {
  const MACHINES = 'arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae';
  const release = (executions: Methods['executions'], document = deployed()) => {
    const held = { ...holdOf(document), phase: 'remove' as const };
    const ledger = { release: async () => {}, read: async () => aRow(held), enter: async () => {} };
    const ports = portsWith({ ledger, executions: executions ?? {} });
    return { ports, answer: releaseTheFleetLock.run(document, ports) };
  };

  it('starts those that follow, and then frees the fleet', async () => {
    const { answer, ports } = release({ start: async () => 'an execution' });
    expect(await answer).toEqual({ reason: 'the lock is free; jobs and mail follow' });
    expect(ports.calls.map((call) => call.split(' ').slice(0, 3).join(' '))).toEqual([
      'ledger.read "shop"',
      `ledger.enter "shop" ${JSON.stringify(HOLD)}`,
      `executions.start "${MACHINES}-jobs" "after-deploy-2"`,
      `executions.start "${MACHINES}-mail" "after-deploy-2"`,
      `ledger.release "shop" ${JSON.stringify(HOLD)}`,
      'ledger.read "shop"',
    ]);
  });

  it('of a clean-up that finished the deployment starts the same ones', async () => {
    const holder = HOLD.holder.replace('irekae-shop:', 'irekae-shop-clean-up:');
    const lock = { verdict: 'taken', reason: '', holder, generation: 8 } as const;
    const { answer, ports } = release({ start: async () => 'an execution' }, deployed({ lock }));
    await answer;
    expect(ports.calls[2]).toContain(`"${MACHINES}-jobs" "after-deploy-2"`);
  });

  it('keeps the lock when one cannot be started: the clean-up starts it', async () => {
    const { answer, ports } = release({ start: failing('ServiceUnavailable') });
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
    expect(ports.calls.some((call) => call.startsWith('ledger.release'))).toBe(false);
  });

  const finishing = () => {
    const holder = HOLD.holder.replace('irekae-shop:', 'irekae-shop-clean-up:');
    return deployed({ lock: { verdict: 'taken', reason: '', holder, generation: 8 } });
  };
  /** The machine of `jobs` is gone. */
  const refusingJobs = (name: FailureName) => async (machine: string) => {
    if (machine.endsWith('-jobs')) throw new DeploymentError(name, 'AWS refused: no such machine.');
    return 'an execution';
  };

  it('starts the others although one cannot be started', async () => {
    const { answer, ports } = release({ start: refusingJobs('ServiceRefused') });
    await expect(answer).rejects.toThrow(failure('ServiceRefused'));
    expect(ports.calls.slice(2).map((call) => call.split(' ')[1])).toEqual([
      `"${MACHINES}-jobs"`,
      `"${MACHINES}-mail"`,
    ]);
  });

  it('of a clean-up frees the fleet when a follower is refused again, and says what to do', async () => {
    const { answer, ports } = release({ start: refusingJobs('ServiceRefused') }, finishing());
    expect((await answer).reason).toBe(
      'the lock is free; mail follows; jobs does not follow, because starting it was refused twice: AWS refused: no ' +
        'such machine. If that fleet is still there, start irekae-jobs with {"versionId":"v2"}',
    );
    expect(ports.calls.some((call) => call.startsWith('ledger.release'))).toBe(true);
    expect(ports.lines).toEqual([expect.stringMatching(/^warn: jobs does not follow/)]);
  });

  it('says which image it is, where that is the release', async () => {
    const { fleet, release: resolved } = finishing();
    const document = {
      ...finishing(),
      fleet: { ...fleet, artifact: { bucket: 'artifacts' } },
      release: { ...resolved, artifact: null } as never,
    };
    const { answer } = release({ start: refusingJobs('ServiceRefused') }, document);
    expect((await answer).reason).toMatch(/start irekae-jobs with {"amiId":"ami-0abc"}$/);
  });

  it('of a clean-up keeps the lock while a start may still succeed', async () => {
    const { answer, ports } = release({ start: refusingJobs('ServiceUnavailable') }, finishing());
    await expect(answer).rejects.toThrow(failure('ServiceUnavailable'));
    expect(ports.calls.some((call) => call.startsWith('ledger.release'))).toBe(false);
  });
});

describe('On the modelled world', () => {
  let flow: ReleaseFlow | undefined;
  afterEach(() => flow?.close());
  const set = (): ReleaseFlow => {
    flow = releaseFlow();
    return flow;
  };
  const running = ({ worker }: ReleaseFlow) =>
    worker.world
      .view()
      .instances.filter(
        ({ state, tags }) => state === 'running' && tags['irekae:fleet'] === worker.fleet.name,
      )
      .map(({ tags }) => tags['irekae:artifact-version']);
  const endings = async ({ worker }: ReleaseFlow) =>
    Promise.all(worker.executions.map(async ({ name, result }) => `${name}: ${(await result).endedIn}`));

  it('the worker is deployed after the application, with the same version', async () => {
    const play = set();
    const versionId = play.app.upload('one');
    await play.settle();
    expect(running(play)).toEqual([versionId, versionId]);
    expect(await endings(play)).toEqual([expect.stringMatching(/^after-.*: Deployed$/)]);
    const [app] = play.app.executions;
    expect(play.worker.executions[0]?.name).toBe(`after-${app?.name}`);
  });

  it('an application that fails starts nobody', async () => {
    const play = set();
    play.app.world.ec2.fate = () => ({ kind: 'never-healthy' });
    play.app.upload('broken');
    await play.settle();
    expect((await play.app.executions[0]?.result)?.endedIn).toBe('RolledBack');
    expect(play.worker.executions).toEqual([]);
  });

  it('the worker follows to an older version', async () => {
    const play = set();
    const older = play.app.upload('one');
    await play.settle();
    play.app.upload('two');
    await play.settle();
    expect((await play.app.deploy({ versionId: older })).endedIn).toBe('Deployed');
    await play.settle();
    expect(running(play)).toEqual([older, older]);
  });

  it.each(['Record the release', 'Release the lock after the deployment'])(
    'the worker follows once although the application’s execution was stopped on entering "%s"',
    async (state) => {
      const play = set();
      play.app.whenEntering(state, () => play.app.executions[0]?.stop());
      const versionId = play.app.upload('one');
      await play.app.wait(10);
      await play.app.settle();
      await play.settle();
      expect(running(play)).toEqual([versionId, versionId]);
      expect(play.worker.executions.map(({ name }) => name)).toEqual([expect.stringMatching(/^after-/)]);
    },
  );

  it('the worker follows although it could not be started at first', async () => {
    const play = set();
    let refused = 0;
    play.app.around = ({ step }, act) => {
      if (step !== 'release-the-fleet-lock' || refused > 8) return act();
      refused += 1;
      return Promise.reject(Object.assign(new Error('no'), { name: 'ServiceUnavailable' }));
    };
    const versionId = play.app.upload('one');
    await play.app.wait(10);
    await play.app.settle();
    await play.settle();
    expect(refused).toBeGreaterThan(6);
    expect(running(play)).toEqual([versionId, versionId]);
    expect(play.app.world.ledger.read(play.app.fleet.name)?.held).toBeUndefined();
  });
});
