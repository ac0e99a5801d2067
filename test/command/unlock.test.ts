/** `irekae unlock`: refuses while anybody may act, frees what a human must decide about, else sends the clean-up. */

import { beforeEach, describe, expect, it } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { TAKE_OVER_AFTER_SECONDS } from '../../lambdas/domain/core/steps.ts';
import { anOldHost, aSnapshot, baked } from '../support/deployments.ts';
import { aFleet } from '../support/fleets.ts';
import { BALANCER, Desk, FLEET, SUBNETS } from './desk.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});

/** Two old hosts, of which one is left; a new host serves. */
function stoppedHalfway(): { old: string[]; fresh: string; arn: string } {
  const old = [desk.host(), desk.host({ subnetId: SUBNETS[1] })];
  const fresh = desk.host({ tags: { 'irekae:deployment': 'deploy-2' } });
  // Of another fleet, whose execution has the same name.
  desk.host({ fleet: 'reactio-production-worker', tags: { 'irekae:deployment': 'deploy-2' } });
  desk.world.ec2.kill(old[0] ?? '', 'Client.UserInitiatedShutdown');
  const document = JSON.stringify(
    baked({
      fleet: aFleet({ name: FLEET, loadBalancers: [BALANCER] }),
      oldHosts: aSnapshot({ hosts: old.map((id) => anOldHost(id)) }),
      launch: { reason: '', at: '2026-11-22T02:00:00.000Z', instances: [] },
    }),
  );
  const arn = desk.hold('remove', { document });
  desk.callHuman('OldHostsNotTerminated: EC2 has not ended an old instance.');
  desk.pend('v9');
  desk.pass(60);
  desk.world.executions.end(arn, 'FAILED');
  return { old, fresh, arn };
}

describe('irekae unlock, while somebody may act', () => {
  it.each([
    ['shift', /It is running\. Wait until it has ended, or have it undone with cancel\./],
    ['remove', /It is running\. Wait until it has ended\.$/],
  ] as const)('refuses while the holder runs (phase %s)', async (phase, words) => {
    desk.hold(phase);
    const said = await desk.run(`unlock ${FLEET} --yes`);
    expect(said.exitCode).toBe(1);
    expect(said.out).toMatch(words);
    expect(desk.held()?.holder).toMatch(/:deploy-2$/);
  });

  it('refuses while a function of a dead holder may be in flight, and says for how long', async () => {
    stoppedHalfway();
    desk.pass(TAKE_OVER_AFTER_SECONDS - 10);
    const said = await desk.run(`unlock ${FLEET} --yes`);
    expect(said.exitCode).toBe(1);
    expect(said.out).toMatch(/a function of it may still be running for 10 s\. Try again then\.$/);
    expect(desk.held()).toBeDefined();
  });

  it('refuses while Step Functions does not know a young holder yet', async () => {
    desk.world.ledger.take(FLEET, { holder: 'arn:aws:states:r:1:execution:m:young', startedBy: 'CI' });
    const said = await desk.run(`unlock ${FLEET} --yes`);
    expect(said).toMatchObject({ exitCode: 1, out: expect.stringMatching(/it may be running/) });
    expect(desk.held()).toBeDefined();
  });
});

describe('irekae unlock, when a human must decide', () => {
  it('shows who holds the lock, what is left, and what unlocking would do', async () => {
    const { old, fresh, arn } = stoppedHalfway();
    desk.pass(600);
    const said = await desk.run(`unlock ${FLEET}`);
    expect(said.out.split('\n')).toEqual([
      `${FLEET}: the lock is held.`,
      `  holder         ${arn}`,
      '  execution      ended as FAILED, 2026-11-22 03:01:00 UTC, 10 min ago',
      '  phase          remove (past the point of no return)',
      '  since          2026-11-22 03:00:00 UTC, 11 min ago',
      '  started by     CI (as the start says)',
      '  why            release 7',
      '  needs a human  OldHostsNotTerminated: EC2 has not ended an old instance.',
      '  waiting        version v9, since 2026-11-22 03:00:00 UTC, 11 min ago',
      '',
      'New hosts, launched by deploy-2:',
      `  ${fresh}  ap-northeast-1a  running  in service at reactio-production`,
      'Old hosts, present when it began:',
      `  ${old[0]}  ap-northeast-1a  terminated`,
      `  ${old[1]}  ap-northeast-1c  running     in service at reactio-production`,
      '',
      'When the new hosts serve: to end the old ones that are left,',
      `  aws elb deregister-instances-from-load-balancer --load-balancer-name reactio-production --instances ${old[1]} --region ap-northeast-1`,
      `  aws ec2 modify-instance-attribute --instance-id ${old[1]} --no-disable-api-termination --region ap-northeast-1`,
      `  aws ec2 terminate-instances --instance-ids ${old[1]} --region ap-northeast-1`,
      '',
      'Its execution has ended and left the rest to a human: nothing else touches what it left.',
      'Unlocking releases the lock and touches no host: what is listed above stays as it is. The next deployment replaces',
      'every host that carries the fleet’s tag and is in Mackerel under its role, old or new.',
      'That is the one that is waiting, version v9: it starts at once.',
    ]);
    expect(said).toMatchObject({
      exitCode: 1,
      err: `Nothing was changed. To do it:  npx --no -- irekae unlock ${FLEET} --yes`,
    });
    expect(desk.held()).toBeDefined();
  });

  it('calls a waiting rollback a rollback', async () => {
    stoppedHalfway();
    desk.pendRollback('deploy-1', 'v1');
    desk.pass(600);
    expect((await desk.run(`unlock ${FLEET}`)).out).toMatch(
      /waiting +the rollback to deploy-1 \(version v1\), since/,
    );
  });

  it('frees the lock with --yes, and starts what waits, once', async () => {
    stoppedHalfway();
    desk.pass(600);
    const said = await desk.run(`unlock ${FLEET} --yes`);
    expect(said.out).toMatch(/The lock is free\. Started what was waiting: version v9\.$/);
    expect(said).toMatchObject({ exitCode: 0, err: '', questions: [] });
    expect(desk.world.ledger.read(FLEET)).toEqual({ fleet: FLEET, generation: 2 });
    expect(desk.started()).toEqual([expect.stringMatching(new RegExp(`^irekae-${FLEET}:waited-`))]);
  });

  it.each([true, false])('does what a person answers (%s)', async (answer) => {
    stoppedHalfway();
    desk.pass(600);
    const said = await desk.run(`unlock ${FLEET}`, { answer });
    expect(said).toMatchObject({ exitCode: answer ? 0 : 1, questions: [`Unlock ${FLEET}?`] });
    expect(desk.held() === undefined).toBe(answer);
  });

  it('touches nothing when somebody else took care of it before the answer came', async () => {
    stoppedHalfway();
    desk.pass(600);
    const answer = () => {
      const held = desk.held();
      if (held) desk.world.ledger.release(FLEET, held);
      desk.hold('bring-up', { name: 'deploy-3' });
      return true;
    };
    const said = await desk.run(`unlock ${FLEET}`, { answer });
    expect(said).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/The lock has changed meanwhile: nothing was done/),
    });
    expect(desk.held()?.holder).toMatch(/:deploy-3$/);
  });

  it('says so when what waits could not be started: the lock is free all the same', async () => {
    stoppedHalfway();
    desk.pass(600);
    const start = async () => {
      throw new DeploymentError('ServiceUnavailable', 'Step Functions is away.');
    };
    const executions = { ...desk.world.ports.executions, start };
    const said = await desk.run(`unlock ${FLEET} --yes`, { ports: { executions } });
    expect(said.out).toMatch(
      /What is waiting could not be started: Step Functions is away\. The clean-up starts it within 5 minutes\.$/,
    );
    expect(said.exitCode).toBe(0);
    expect(desk.world.ledger.read(FLEET)).toMatchObject({ pending: { versionId: 'v9' } });
    // And by hand, at once:
    const again = await desk.run(`unlock ${FLEET} --yes`);
    expect(again).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/Started what was waiting: version v9/),
    });
  });

  it('lets a person decide although EC2 and the load balancer cannot be asked', async () => {
    stoppedHalfway();
    desk.pass(600);
    const away = async () => {
      throw new DeploymentError('ServiceUnavailable', 'AWS is away.');
    };
    const { ec2, loadBalancers } = desk.world.ports;
    const said = await desk.run(`unlock ${FLEET} --yes`, {
      ports: {
        ec2: { ...ec2, describe: away, listByTag: away, listByToken: away },
        loadBalancers: { ...loadBalancers, members: away },
      },
    });
    expect(said.out).toMatch(/EC2 does not show it/);
    expect(said.out).toMatch(/Unknown:\n {2}AWS is away\./);
    expect(said.exitCode).toBe(0);
  });

  it('lists what carries the tag when the document cannot be read', async () => {
    const fresh = desk.host({ tags: { 'irekae:deployment': 'deploy-2' } });
    const arn = desk.hold('remove', { document: '{"fleet"' });
    desk.callHuman('why');
    desk.world.executions.end(arn, 'FAILED');
    desk.pass(600);
    const { out } = await desk.run(`unlock ${FLEET}`);
    expect(out).toContain(fresh);
    expect(out).toMatch(/document in the ledger cannot be read/);
  });
});

describe('irekae unlock, when the clean-up can do it', () => {
  const dead = () => {
    desk.world.executions.end(desk.hold('shift'), 'ABORTED');
    desk.pass(TAKE_OVER_AFTER_SECONDS + 1);
  };

  it('says so, and offers to start it', async () => {
    dead();
    const said = await desk.run(`unlock ${FLEET}`, { answer: false });
    expect(said.out).toMatch(
      /no human is needed: the clean-up starts automatically within 5 minutes to undo what it did, and releases the lock\.$/,
    );
    expect(said).toMatchObject({ exitCode: 1, questions: [`Start the clean-up of ${FLEET} now?`] });
    expect(desk.started()).toEqual([]);
  });

  it('starts it with --yes and leaves the lock to it', async () => {
    dead();
    const said = await desk.run(`unlock ${FLEET} --yes`);
    expect(said).toMatchObject({ exitCode: 0, out: expect.stringMatching(/The clean-up was started/) });
    expect(desk.started()).toEqual([`irekae-${FLEET}-clean-up:by-hand-1-1795316551000`]);
    expect(desk.held()?.holder).toMatch(/:deploy-2$/);
  });

  it('frees the lock with --abandon, and says what will not be done then', async () => {
    dead();
    const said = await desk.run(`unlock ${FLEET} --abandon`, { answer: true });
    expect(said.out).toMatch(/The clean-up could undo what it did; with --abandon, it never will\./);
    expect(said.out).toMatch(/The lock is free\. Nothing is waiting: upload, or start a deployment\.$/);
    expect(said).toMatchObject({ exitCode: 0, questions: [`Unlock ${FLEET}?`] });
    expect(desk.started()).toEqual([]);
  });

  it('does not abandon a holder that runs', async () => {
    desk.hold('shift');
    expect(await desk.run(`unlock ${FLEET} --abandon --yes`)).toMatchObject({ exitCode: 1 });
    expect(desk.held()).toBeDefined();
  });
});

describe('irekae unlock, when the lock is free', () => {
  it('has nothing to do', async () => {
    expect(await desk.run(`unlock ${FLEET}`)).toEqual({
      exitCode: 0,
      out: `${FLEET}: The lock is free: nothing to unlock.`,
      err: '',
      questions: [],
    });
  });

  it('tells machines why it refuses', async () => {
    desk.hold('shift');
    const { out, exitCode } = await desk.run(`unlock ${FLEET} --json`);
    expect(exitCode).toBe(1);
    const message = 'It is running. Wait until it has ended, or have it undone with cancel.';
    expect(JSON.parse(out)).toMatchObject({ message, problem: { error: null, sentences: [message] } });
  });

  it('tells machines everything, and asks them nothing', async () => {
    const { old, fresh } = stoppedHalfway();
    desk.pass(600);
    const said = await desk.run(`unlock ${FLEET} --json`, { answer: true });
    expect(said).toMatchObject({ exitCode: 1, err: '', questions: [] });
    const told = JSON.parse(said.out);
    expect(told).toMatchObject({
      outcome: 'not-confirmed',
      result: {
        held: { phase: 'remove', startedBy: 'CI' },
        execution: { state: 'ended', status: 'FAILED' },
        waits: { versionId: 'v9' },
        leftovers: {
          deployment: 'deploy-2',
          launched: [{ instanceId: fresh }],
          old: [{}, { instanceId: old[1] }],
        },
      },
    });
    expect(told.result.held).not.toHaveProperty('document');
  });
});
