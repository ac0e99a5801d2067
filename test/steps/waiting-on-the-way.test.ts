import { describe, expect, it } from 'vitest';
import { askTheHook } from '../../lambdas/ask-the-hook.ts';
import type { Point } from '../../lambdas/domain/core/points.ts';
import { waitForAPerson } from '../../lambdas/wait-for-a-person.ts';
import { aLook, aSnapshot, at, iso, shifted } from '../support/deployments.ts';
import { allWell, anAlert, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { aRow, portsOn } from '../support/ports.ts';

const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:smoke';
const ERRORS = { id: 'm1', name: 'errors', type: 'service', noticesAfterSeconds: 120 };
const fleet = aFleet({
  hooks: [{ at: 'after-shift', function: FUNCTION, timeoutMinutes: 10, onTimeout: 'undo' }],
  pauses: [{ at: 'after-shift', timeoutMinutes: 10, then: 'undo' }],
});
const deployment = (changes = {}) =>
  shifted({ fleet, oldHosts: aSnapshot({ monitors: [ERRORS] }), ...changes });
const LOST = allWell({ members: { web: [inService('i-new1'), outOfService('i-new2')] } });
const ofMonitor = (monitorId: string, seconds: number) =>
  ({ id: 'a1', status: 'WARNING', monitorId, value: 7, message: 'many', openedAt: at(seconds) }) as const;

const ask = (scene = allWell(), given = deployment(), seconds = 200) =>
  askTheHook.run({ document: given, state: 'Ask the hooks after the shift' }, portsOn(scene, at(seconds)));

/** Somebody is waited for already; with a word, that has been said. */
function wait(scene = allWell(), word?: Point, badLooks = 0) {
  const waits = { where: 'after-shift', until: at(700) };
  const row = aRow({
    phase: 'shift',
    waits,
    ...(word && { go: { where: word, by: 'Hanako', at: at(190) } }),
  });
  const ports = portsOn(scene, at(200), { ledger: { read: async () => row } });
  const pauseAfterShift = aLook({ since: iso(100), memory: { badLooks } });
  const document = deployment({ pauseAfterShift });
  return waitForAPerson.run({ document, state: 'Wait for a person after the shift' }, ports);
}

describe('Ask the hooks', () => {
  it('says which one is called, while all new hosts are ready', async () =>
    expect(await ask()).toMatchObject({
      ready: false,
      call: 0,
      event: { lifecycleStage: expect.any(String) },
    }));

  it('calls none while one is not ready, and looks twice', async () => {
    const answer = await ask(LOST);
    expect(answer).toMatchObject({
      ready: false,
      reason: expect.stringMatching(/i-new2.*; looking twice$/),
      memory: { badLooks: 1 },
    });
    expect(answer).not.toHaveProperty('call');
  });

  it('is not done with the last answer while one is not ready', async () => {
    const asked = {
      ...aLook({ since: iso(100), memory: { index: 0, begunAt: +at(100), calls: 1, dueAt: +at(100) } }),
      call: 0,
    };
    const answered = deployment({ hooksAfterShift: asked, hookAnswer: { hookStatus: 'SUCCEEDED' } });
    expect((await ask(LOST, answered)).ready).toBe(false);
    expect((await ask(allWell(), answered)).ready).toBe(true);
  });
});

describe('Wait for a person', () => {
  it('goes on when somebody has said so', async () =>
    expect(await wait(allWell(), 'after-shift')).toMatchObject({
      ready: true,
      decided: 'after the shift, Hanako let it go on',
    }));

  it('does not go on by a word for another point', async () =>
    expect((await wait(allWell(), 'before-shift')).ready).toBe(false));

  it('does not go on while a new host is not ready, and is undone by a second such look', async () => {
    expect(await wait(LOST, 'after-shift')).toMatchObject({ ready: false, memory: { badLooks: 1 } });
    await expect(wait(LOST, 'after-shift', 1)).rejects.toThrow(failure('ReadinessLost'));
  });
});

describe.each([
  ['a hook', ask],
  ['a person', wait],
])('While %s is waited for', (_, look) => {
  it('an alert on a new host undoes the deployment', async () =>
    expect(look({ ...allWell(), alerts: [anAlert('i-new1')] })).rejects.toThrow(failure('AlertDuringBake')));

  it('an alert of a monitor that decides does, too', async () =>
    expect(look({ ...allWell(), alerts: [ofMonitor('m1', 150)] })).rejects.toThrow(
      failure('AlertDuringBake', 'errors'),
    ));

  it('one of another monitor is told, and not obeyed', async () =>
    expect((await look({ ...allWell(), alerts: [ofMonitor('m2', 150)] })).reason).toMatch(
      /; not obeyed: WARNING many$/,
    ));
});
