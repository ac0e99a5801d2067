/** What only looks: `irekae status`, `watch`, `history` and `plan`, beside real deployments. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { timelineKey } from '../../lambdas/domain/core/names.ts';
import { FLEET, type Said } from './desk.ts';
import { Theatre } from './theatre.ts';

let theatre: Theatre;
beforeEach(() => {
  theatre = new Theatre();
});
afterEach(() => theatre.close());

/** What a command says in the middle of a deployment, when the story enters a state. */
async function during(state: string, line: string, input: object = {}): Promise<Said> {
  let said: Promise<Said> | undefined;
  theatre.stage.whenEntering(state, () => {
    said = theatre.begin(line);
  });
  await theatre.stage.deploy(input, 'd1');
  if (!said) throw new Error(`The story never entered ${state}.`);
  return theatre.stage.clock.until(said);
}

const refused = async () => {
  throw new DeploymentError('ServiceRefused', 'AWS refused it: AccessDenied.');
};

describe('status', () => {
  const status = (...more: string[]) => theatre.run(['status', FLEET, ...more]);

  it('of a fleet that was never deployed says so', async () => {
    expect(await status()).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(new RegExp(`^${FLEET} was never deployed by irekae\\.\n`)),
    });
    expect(JSON.parse((await status('--json')).out)).toMatchObject({ outcome: 'never-deployed' });
  });

  it('says what runs, since when, by whom and why', async () => {
    const versionId = theatre.upload();
    await theatre.stage.deploy({ startedBy: 'CI', reason: 'release 7' }, 'd1');
    await theatre.stage.wait(3 * 86_400);
    const { out, exitCode } = await status();
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^reactio-production-app runs reactio\/app\.tar\.gz\n/);
    expect(out).toMatch(new RegExp(`version +${versionId}`));
    expect(out).toMatch(/since +2026-11-22 03:0\d:\d\d UTC, 3 days ago/);
    expect(out).toMatch(/deployment +d1\n +started by +CI \(as the start says\)\n +why +release 7$/m);
  });

  it('says what is deployed now, its act, and what it said last', async () => {
    const versionId = theatre.upload();
    const { out } = await during('Watch the new hosts', `status ${FLEET}`, { startedBy: 'CI' });
    expect(out).toMatch(/there is no record of what it runs\./);
    expect(out).toMatch(/Deploying now: d1\n/);
    expect(out).toMatch(
      new RegExp(
        `version +${versionId}\n +image +ami-[0-9a-f]+\n +act +Shift traffic\n +last message +Old hosts are drained: `,
      ),
    );
    expect(out).toMatch(/started by +CI/);
    expect(out).toContain(`irekae watch ${FLEET}`);
  });

  it('as JSON has all of it but the document', async () => {
    theatre.upload();
    const json = JSON.parse((await during('Watch the new hosts', `status ${FLEET} --json`)).out);
    expect(json).toMatchObject({
      outcome: 'deploying',
      result: {
        held: { phase: 'shift' },
        execution: { state: 'running' },
        said: expect.stringMatching(/^Old hosts are drained/),
        orphans: [],
      },
    });
    expect(json.result.held).not.toHaveProperty('document');
  });

  it('says when the newest upload is not what runs', async () => {
    theatre.upload();
    await theatre.stage.deploy({}, 'd1');
    expect((await status()).out).not.toContain('newest upload');
    const versionId = theatre.upload('newer');
    expect((await status()).out).toContain(
      `It does not run the newest upload: version ${versionId}, uploaded `,
    );
    theatre.stage.start({ versionId }, 'd2');
    await theatre.stage.wait(60);
    // On its way: nobody has to look why.
    expect((await status()).out).not.toContain('newest upload');
    await theatre.stage.settle();
  });

  it('says what waits', async () => {
    theatre.upload('older');
    theatre.stage.start({}, 'd1');
    await theatre.stage.wait(60);
    const versionId = theatre.upload('newer');
    theatre.stage.start({ versionId, upload: { eventId: 'e' } }, 'upload-event');
    await theatre.stage.wait(5);
    expect((await status()).out).toMatch(
      new RegExp(
        `Waiting: version ${versionId}, requested by upload-event, .* it will be deployed when the lock is free\\.`,
      ),
    );
    await theatre.stage.settle();
  });

  it('of one that stopped halfway says why, what is left, and how to let go', async () => {
    theatre.upload();
    theatre.stage.world.ec2.protect(theatre.stage.oldInstances[0] ?? '');
    await theatre.stage.deploy({}, 'd1');
    const { out } = await status();
    expect(out).toMatch(/it is not certain what it runs, since d1 ended as StoppedHalfway/);
    expect(out).toMatch(/d1 needs a human\n/);
    expect(out).toMatch(/needs a human +OldHostsNotTerminated/);
    // Told once.
    expect(out.match(/What holds them/g)).toHaveLength(1);
    expect(out).toMatch(/Old hosts, present when it began:\n +i-/);
    expect(out).toContain(`irekae unlock ${FLEET}`);
  });

  it('of one that was stopped says that the clean-up comes', async () => {
    theatre.close();
    theatre = new Theatre({ eventsLost: true });
    theatre.upload();
    theatre.stage.whenEntering('Watch the new hosts', () => theatre.stage.executions[0]?.stop());
    await theatre.stage.deploy({}, 'd1');
    const { out } = await status();
    expect(out).toMatch(/d1 has ended and still holds the lock\n/);
    expect(out).toMatch(/The clean-up undoes or finishes it within \d+ minutes/);
    expect(JSON.parse((await status('--json')).out)).toMatchObject({
      outcome: 'ended',
      result: { leftovers: { deployment: 'd1' } },
    });
  });

  it('names instances that orphaned:', async () => {
    theatre.upload();
    await theatre.stage.deploy({}, 'd1');
    const [first] = theatre.stage.world.view().instances.filter(({ state }) => state === 'running');
    Object.assign(theatre.stage.world.ec2.instance(first?.instanceId ?? '').facts.tags, {
      'irekae:deployment': 'd0',
    });
    const record = `irekae/${FLEET}/current.json`;
    const current = theatre.stage.world.s3.readRecord(theatre.stage.fleet.artifact.bucket, record) as object;
    theatre.stage.world.s3.writeRecord(theatre.stage.fleet.artifact.bucket, record, {
      ...current,
      newInstances: [],
    });
    await theatre.stage.wait(1_000);
    const { out } = await status();
    expect(out).toMatch(new RegExp(`Orphaned:\n(.*\n)? +${first?.instanceId} +launched by d0 +\\d+ min`));
  });

  it('says what could not be found out', async () => {
    theatre.upload();
    await theatre.stage.deploy({}, 'd1');
    const { records, ec2 } = theatre.ports;
    const said = await theatre.run(['status', FLEET], {
      ports: { records: { ...records, readRecord: refused }, ec2: { ...ec2, listByTag: refused } },
    });
    expect(said.exitCode).toBe(0);
    expect(said.out).toMatch(/Unknown:\n {2}AWS refused it/);
  });
});

describe('watch', () => {
  it('follows what somebody else started, from where it is, and ends as that does', async () => {
    theatre.upload();
    theatre.stage.start({}, 'd1');
    await theatre.stage.wait(120);
    const said = await theatre.run(`watch ${FLEET}`);
    expect(said.exitCode).toBe(0);
    expect(said.out).toMatch(
      /d1 of reactio-production-app began \(2026-11-22; times in UTC\)\n.*── Shift traffic ──/,
    );
    expect(said.out).toMatch(/^Deployed reactio/m);
    expect(theatre.started).toEqual(['d1']);
  });

  it('follows the deployment that a clean-up works for', async () => {
    theatre.upload();
    theatre.stage.whenEntering('Watch the new hosts', () => theatre.stage.executions[0]?.stop());
    await theatre.stage.deploy({}, 'd1');
    await theatre.stage.wait(10);
    const said = await theatre.run(`watch ${FLEET}`);
    expect(said).toMatchObject({ exitCode: 3, err: expect.stringMatching(/^Rolled back: Stopped: /) });
    expect(said.out).toMatch(/\[clean-up-\d\] ── Undo ──/);
  });

  it('says when nothing runs, and how the last one ended', async () => {
    expect((await theatre.run(`watch ${FLEET}`)).out).toMatch(/is running: it was never deployed\.$/);
    theatre.upload();
    await theatre.stage.deploy({}, 'd1');
    const said = await theatre.run(`watch ${FLEET}`);
    expect(said).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/The last one, d1, ended as Deployed, 2026-11-22 03:0/),
    });
  });
});

describe('history', () => {
  const history = (...more: string[]) => theatre.run(['history', FLEET, ...more]);
  const bucket = () => theatre.stage.fleet.artifact.bucket;

  it('of a fleet that was never deployed is empty', async () => {
    expect(await history()).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/has no release records/),
    });
  });

  it('lists the newest first, with how each ended, and marks what runs', async () => {
    const versionId = theatre.upload();
    await theatre.stage.deploy({ startedBy: 'CI', reason: 'release 1' }, 'd1');
    theatre.upload();
    theatre.breakLastHost();
    await theatre.stage.deploy({ startedBy: 'hanako' }, 'd2');
    const rows = (await history()).out.split('\n');
    expect(rows[0]).toMatch(/ended +result +took +version +deployment +by +why$/);
    expect(rows[1]).toMatch(/^ {3}☐ {2}2026-11-22 .* UTC {2}RolledBack +\d+ min .* {2}d2 +hanako$/);
    expect(rows[2]).toMatch(new RegExp(`^ {2}▶☐ .* Deployed +7 min .* +${versionId} +d1 +CI +release 1$`));
    expect(rows).toContain('▶ is what the fleet runs now.');
    const { deployments } = JSON.parse((await history('--json', '--limit', '1')).out).result;
    expect(deployments).toEqual([expect.objectContaining({ deployment: 'd2', outcome: 'RolledBack' })]);
  });

  it('names the page that shows a deployment, where there is one', async () => {
    theatre.upload();
    await theatre.stage.deploy({}, 'd1');
    theatre.stage.world.s3.put(bucket(), timelineKey(FLEET, 'd1'), '<html>');
    const { out } = await history();
    expect(out).toMatch(/▶☐ /);
    expect(out).toContain(`the newest:  npx --no -- irekae page ${FLEET} d1`);
    const { deployments } = JSON.parse((await history('--json')).out).result;
    expect(deployments[0]).toMatchObject({
      timeline: `s3://${bucket()}/irekae/${FLEET}/deployments/d1.html`,
      runsNow: true,
    });
  });

  it('goes on past a record that somebody has broken', async () => {
    theatre.upload();
    await theatre.stage.deploy({}, 'd1');
    theatre.stage.world.s3.put(bucket(), `irekae/${FLEET}/deployments/d2.json`, 'not JSON');
    theatre.stage.world.s3.writeRecord(bucket(), `irekae/${FLEET}/deployments/d3.json`, { by: 'others' });
    const { out, exitCode } = await history();
    expect(exitCode).toBe(0);
    expect(out.match(/cannot be read/g)).toHaveLength(2);
    expect(out).toMatch(/Deployed .* d1/);
  });
});

describe('plan', () => {
  it('shows what would be done as a person reads it, and changes nothing', async () => {
    const versionId = theatre.upload();
    const { at: _, ...before } = theatre.stage.world.view();
    const { out, exitCode } = await theatre.run(`plan ${FLEET}`);
    expect(exitCode).toBe(0);
    expect(out).toMatch(
      /^reactio-production-app would deploy s3:\/\/irekae-production-222222222222-ap-northeast-1\/reactio\/app\.tar\.gz\n/,
    );
    expect(out).toMatch(new RegExp(`version +${versionId}\n`));
    expect(out).toMatch(
      /It would launch 2 instances:\n {2}subnet-\w+\n {4}i-\w+ t4g\.small ami-\w+ → t4g\.small, or t4g\.medium/,
    );
    expect(out).toMatch(/and replace, and terminate, 2 hosts: i-/);
    expect(out).toMatch(/Done in 5 min 41 s at the earliest:/);
    expect(out.split('\n').at(-1)).toBe(
      `Nothing was changed. To do it:  npx --no -- irekae deploy ${FLEET} --wait`,
    );
    expect(theatre.stage.world.view()).toMatchObject(before);
    expect(theatre.stage.world.ledger.read(FLEET)).toBeUndefined();
  });

  it('is a difference to what runs, part by part and host by host', async () => {
    const first = theatre.upload();
    await theatre.stage.deploy({}, 'd1');
    const second = theatre.upload('newer');
    theatre.stage.publishImage('ami-00000000000000042');
    const { out } = await theatre.run(`plan ${FLEET}`);
    expect(out).toMatch(new RegExp(`replaces +d1\\n +version +${first} → ${second}\\n`));
    expect(out).toMatch(/image +ami-\w+ → ami-00000000000000042\n +runtime +\S+ version \S+ \(stays\)\n/);
    expect(out).toMatch(/hosts +2 \(stays\)\n/);
    expect(out.match(/^ {4}i-\w+ t4g\.small → t4g\.small, or t4g\.medium/gm)).toHaveLength(2);
    const { ec2 } = theatre.ports;
    const blind = await theatre.run(`plan ${FLEET}`, { ports: { ec2: { ...ec2, describe: refused } } });
    expect(blind.exitCode).toBe(0);
    expect(blind.out).toMatch(/Unknown:\n {2}AWS refused it/);
    expect(blind.out.match(/^ {4}i-\w+ → gone$/gm)).toHaveLength(2);
  });

  it('ends with 1 and the reason when it would be refused', async () => {
    theatre.upload();
    const said = await theatre.run(`plan ${FLEET} --ami ami-00000000000000001`);
    expect(said).toMatchObject({ exitCode: 1, err: expect.stringMatching(/^Refused: ImageNotFound: /) });
  });

  it('as JSON is the plan', async () => {
    theatre.upload();
    const json = JSON.parse((await theatre.run(`plan ${FLEET} --json`)).out);
    expect(json).toMatchObject({
      outcome: 'planned',
      result: { plan: { fleet: FLEET, replace: [expect.any(String), expect.any(String)] } },
    });
  });
});
