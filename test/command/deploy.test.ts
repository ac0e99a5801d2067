/** `irekae deploy` beside real deployments: what is started, what is told on the way, and the exit codes of CI. */

import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { timelineKey } from '../../lambdas/domain/core/names.ts';
import { FLEET } from './desk.ts';
import { Theatre } from './theatre.ts';

const ESC = '\x1b';

let theatre: Theatre;
beforeEach(() => {
  theatre = new Theatre();
});
afterEach(() => theatre.close());

const deploy = (...more: string[]) => theatre.run(['deploy', FLEET, ...more]);

describe('deploy --wait', () => {
  it('ends with 0 when the newest upload is deployed, and tells every act on the way', async () => {
    const versionId = theatre.upload();
    const said = await deploy('--wait', '--reason', 'release 7');
    expect(said).toMatchObject({ exitCode: 0, err: '' });
    expect(said.out).toMatch(
      /^03:00:00 {2}by-hand-20261122T030000-[0-9a-f]{8} of reactio-production-app began \(2026-11-22; times in UTC\)\n03:00:0\d {2}── Agree ──\n/,
    );
    const acts = [...said.out.matchAll(/── (.*) ──/g)].map(([, act]) => act);
    expect(acts).toEqual(['Agree', 'Bring up', 'Shift traffic', 'Remove']);
    expect(said.out).toMatch(/── Bring up ──\n.*Launch new instances: 2 instances/);
    expect(said.out).toMatch(/New hosts are ready: all 2 new hosts are ready\n.*── Shift traffic ──/);
    expect(said.out).toMatch(
      new RegExp(
        `^Deployed reactio/app.tar.gz version ${versionId} on ami-0f1e2d3c4b5a69788 in 7 min \\d+ s: 2 new hosts in, 2 old hosts out\\.$`,
        'm',
      ),
    );
    expect(
      JSON.parse(
        theatre.stage.world.executions.describe(theatre.stage.executions[0]?.arn ?? '')?.input ?? '',
      ),
    ).toEqual({ reason: 'release 7', startedBy: 'Operator/hanako' });
  });

  it('says nothing twice, and nothing that only counts down', async () => {
    theatre.upload();
    const lines = (await deploy('--wait')).out.split('\n');
    expect(new Set(lines).size).toBe(lines.length);
    expect(lines.filter((line) => line.includes('watching for another'))).toHaveLength(1);
  });

  it('tells from the second deployment on how long it will take', async () => {
    theatre.upload();
    await deploy('--wait');
    theatre.upload();
    const { out } = await deploy('--wait');
    expect(out).toMatch(
      /── Bring up ── {2}about 7 min(?: \d+ s)? left, if it takes as long as the last one took/,
    );
    expect(out).toMatch(/── Remove ── {2}about \d+ s left/);
  });

  it('ends with 0 when there is nothing to do', async () => {
    theatre.upload();
    await deploy('--wait');
    const said = await deploy('--wait', '--json');
    expect(said.exitCode).toBe(0);
    expect(JSON.parse(said.out)).toMatchObject({ outcome: 'already-deployed' });
    expect((await deploy('--wait', '--redeploy')).out).toMatch(/^Deployed /m);
  });

  it('ends with 3 when it was rolled back, with the reason and where to read on', async () => {
    theatre.upload();
    theatre.breakLastHost();
    const { exitCode, out, err } = await deploy('--wait');
    expect(exitCode).toBe(3);
    expect(out).toMatch(/✖ New hosts are ready: NewHostsNotReady: Not ready .*\n.*── Undo ──/);
    expect(err).toMatch(/^Rolled back: NewHostsNotReady: .* Undone: /);
    expect(err).toMatch(/What to do: docs\/runbook\.md#newhostsnotready$/m);
  });

  it('ends with 3 when it was refused: nothing has changed', async () => {
    theatre.upload();
    const said = await deploy('--wait', '--ami', 'ami-00000000000000001');
    expect(said.exitCode).toBe(3);
    expect(said.err).toMatch(
      /^Refused: ImageNotFound: .*Nothing was changed\.\nWhat to do: docs\/runbook\.md#imagenotfound$/,
    );
  });

  it('ends with 4 when it stopped halfway and wants a human', async () => {
    theatre.upload();
    theatre.stage.world.ec2.protect(theatre.stage.oldInstances[0] ?? '');
    const said = await deploy('--wait');
    expect(said.exitCode).toBe(4);
    expect(said.err).toMatch(/^StoppedHalfway: OldHostsNotTerminated: /);
    expect(said.err).toContain(`irekae unlock ${FLEET}`);
    expect(said.err).toMatch(/runbook\.md#oldhostsnotterminated$/m);
  });

  it('ends with 5 when somebody cancels it', async () => {
    theatre.upload();
    theatre.stage.whenEntering('Watch the new hosts', () => {
      const held = theatre.stage.world.ledger.read(FLEET)?.held;
      theatre.stage.world.ledger.requestCancel(FLEET, held?.holder ?? '', 'jiro');
    });
    const said = await deploy('--wait', '--json');
    expect(said.exitCode).toBe(5);
    expect(JSON.parse(said.out)).toMatchObject({
      outcome: 'cancelled',
      problem: { error: 'Cancelled' },
      result: { reason: expect.stringContaining('jiro') },
    });
  });

  it('ends with 6 when it takes too long, and leaves it running', async () => {
    theatre.upload();
    const said = await deploy('--wait', '--timeout', '1');
    expect(said.exitCode).toBe(6);
    expect(said.err).toMatch(
      /has not ended within 60 s\.\nIt continues\. To follow it again: {2}npx --no -- irekae watch/,
    );
    await theatre.stage.settle();
    expect(
      theatre.stage.world.executions.describe(theatre.stage.executions[0]?.arn ?? '')?.output,
    ).toMatchObject({ outcome: 'Deployed' });
  });

  it('ends with 130 on Ctrl-C, leaves it running and says how to cancel', async () => {
    theatre.upload();
    const ctrlC = new AbortController();
    theatre.onPause = (count) => count === 5 && ctrlC.abort();
    const said = await theatre.run(['deploy', FLEET, '--wait'], { interrupted: ctrlC.signal });
    expect(said.exitCode).toBe(130);
    expect(said.err).toMatch(/^No longer following by-hand-.*\.\nIt continues/);
    expect(said.err).toContain(`irekae cancel ${FLEET}`);
    expect(theatre.stage.world.executions.running()).toHaveLength(1);
  });

  it('names the page that shows the deployment, where there is one', async () => {
    theatre.upload();
    const { bucket } = theatre.stage.fleet.artifact;
    theatre.stage.whenEntering('Record the release', () => {
      const key = timelineKey(FLEET, theatre.started[0] ?? '');
      theatre.stage.world.s3.put(bucket, key, '<html>');
    });
    const said = await deploy('--wait');
    expect(said.out).toMatch(
      /Its timeline page: {2}npx --no -- irekae page reactio-production-app by-hand-\S+$/,
    );
  });

  it('with --json prints one document, and the progress beside it', async () => {
    theatre.upload();
    const { out, err } = await deploy('--wait', '--json');
    expect(JSON.parse(out)).toMatchObject({
      command: 'deploy',
      fleet: FLEET,
      outcome: 'deployed',
      result: { output: { outcome: 'Deployed' } },
    });
    expect(err).toMatch(/── Remove ──/);
  });
});

describe('deploy --wait, stopped in the console', () => {
  it.each([
    ['Watch the new hosts', 3, /^Rolled back: Stopped: /],
    ['Retire old hosts in Mackerel', 0, /^Deployed reactio/m],
  ])('on entering "%s" follows the clean-up to its end: %i', async (state, exitCode, words) => {
    theatre.upload();
    theatre.stage.whenEntering(state, () => theatre.stage.executions[0]?.stop());
    const said = await deploy('--wait');
    expect(said.exitCode).toBe(exitCode);
    expect(`${said.err}${said.out}`).toMatch(words);
    expect(said.out).toMatch(/its execution was stopped\. The clean-up undoes it, or finishes it/);
  });

  it('before it changed anything says just that', async () => {
    theatre.upload();
    theatre.stage.whenEntering('Snapshot old hosts', () => theatre.stage.executions[0]?.stop());
    const said = await deploy('--wait');
    expect(said).toMatchObject({
      exitCode: 3,
      err: expect.stringMatching(/^Refused: Stopped: It was stopped before it changed anything\./),
    });
  });
});

describe('deploy while another deployment runs', () => {
  it('joins the one of the same version that its upload started', async () => {
    const versionId = theatre.upload();
    theatre.stage.start({ versionId, upload: { eventId: 'e' } }, 'upload-event');
    await theatre.stage.wait(60);
    const said = await deploy('--wait', '--version', versionId);
    expect(said.exitCode).toBe(0);
    expect(said.out).toMatch(/upload-event is already deploying this version: following it\.\n/);
    expect(theatre.started).toEqual(['upload-event']);
  });

  it('joins it also in its first moments, and without being told a version', async () => {
    const versionId = theatre.upload();
    theatre.stage.whenEntering('Resolve the image', () => {
      joined = theatre.begin(['deploy', FLEET, '--wait']);
    });
    let joined: ReturnType<Theatre['begin']> | undefined;
    await theatre.stage.deploy({ versionId, upload: { eventId: 'e' } }, 'upload-event');
    expect((await theatre.stage.clock.until(joined ?? Promise.reject(new Error('never run')))).exitCode).toBe(
      0,
    );
    expect(theatre.started).toEqual(['upload-event']);
  });

  it('waits for its turn, and is followed to the execution that deploys it then', async () => {
    theatre.upload('older');
    theatre.stage.start({}, 'first');
    await theatre.stage.wait(60);
    const versionId = theatre.upload('newer');
    const said = await deploy('--wait');
    expect(said.exitCode).toBe(0);
    expect(said.out).toMatch(
      /is waiting for its turn: reactio-production-app is held by irekae-reactio-production-app:first /,
    );
    expect(said.out).toMatch(/Its turn has come: waited-[0-9a-f]{24} is deploying it\.\n/);
    expect(said.out).toContain(`Deployed reactio/app.tar.gz version ${versionId}`);
  });

  it('says when a newer version waits already and supersedes it', async () => {
    const older = theatre.upload('older');
    theatre.stage.start({}, 'first');
    await theatre.stage.wait(60);
    theatre.upload('middle');
    const newest = theatre.upload('newest');
    theatre.stage.start({ versionId: newest, upload: { eventId: 'e' } }, 'upload-event');
    await theatre.stage.wait(10);
    const said = await deploy('--wait', '--redeploy', '--version', older);
    expect(said).toMatchObject({ exitCode: 0 });
    expect(said.out).toMatch(new RegExp(`^Superseded: .* superseded by version ${newest}`, 'm'));
  });

  it('does not join one that is being cancelled', async () => {
    const versionId = theatre.upload();
    theatre.stage.start({ versionId }, 'first');
    await theatre.stage.wait(60);
    theatre.stage.world.ledger.requestCancel(FLEET, theatre.stage.executions[0]?.arn ?? '', 'jiro');
    const said = await deploy('--wait');
    expect(said.out).toMatch(/waiting for its turn/);
    expect(said.exitCode).toBe(0);
    expect(theatre.started).toHaveLength(3);
  });

  it('without --wait says that it waits', async () => {
    theatre.upload();
    theatre.stage.start({}, 'first');
    await theatre.stage.wait(60);
    const { out } = await deploy();
    expect(out).toMatch(/^Started by-hand-/);
    expect(out).toContain(
      'first holds the fleet’s lock (phase bring-up): this deployment is waiting for its turn.',
    );
    await theatre.stage.settle();
  });
});

describe('deploy --override', () => {
  it('goes through the door, and follows what that has started', async () => {
    theatre.stage.configure({ wantsProvenance: true });
    const { bucket, key } = theatre.stage.artifact;
    theatre.stage.world.s3.put(bucket, key, 'nobody has promoted this');
    const said = await deploy('--wait', '--override', 'provenance', '--reason', 'the page is down');
    expect(said).toMatchObject({ exitCode: 0, out: expect.stringContaining('Deployed reactio/app.tar.gz') });
  });

  it('says who may not', async () => {
    theatre.upload();
    const start = async () => {
      throw new DeploymentError('ServiceRefused', 'AWS refused: AccessDeniedException');
    };
    const ports = { executions: { ...theatre.ports.executions, start } };
    const args = ['deploy', FLEET, '--override', 'freeze', '--reason', 'the page is down'];
    expect(await theatre.run(args, { ports })).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining(`You may not override: starting irekae-${FLEET}-override was refused.`),
    });
  });
});

describe('deploy --token', () => {
  it('starts once, however often it is run, and says how that ended', async () => {
    theatre.upload();
    const first = await deploy('--wait', '--token', '4711/1');
    const again = await deploy('--wait', '--token', '4711/1');
    expect([first.exitCode, again.exitCode]).toEqual([0, 0]);
    expect(again.out).toMatch(/^Deployed /m);
    expect(theatre.started).toEqual([expect.stringMatching(/^4711-1-[0-9a-f]{8}$/)]);
  });

  it('says so when somebody has started another input under that name', async () => {
    theatre.upload();
    const names: string[] = [];
    const { executions } = theatre.ports;
    const start = async (_arn: string, name = '') => {
      names.push(name);
      return undefined;
    };
    const describe = async () => ({
      state: { state: 'running' as const },
      startedAt: theatre.ports.clock.now(),
      input: '{"dryRun":true}',
    });
    const ports = { executions: { ...executions, start, describe } };
    expect(await theatre.run(['deploy', FLEET, '--token', '4711'], { ports })).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('Somebody has started 4711-'),
    });
    expect(names).toHaveLength(1);
  });

  it('starts again with another token, and for something else', async () => {
    const versionId = theatre.upload();
    await deploy('--token', 'a');
    await deploy('--token', 'b');
    await deploy('--token', 'b', '--version', versionId);
    await theatre.stage.settle();
    expect(new Set(theatre.started.filter((name) => /^[ab]-/.test(name))).size).toBe(3);
  });
});

describe('deploy refuses, before anything is started,', () => {
  it('what was never uploaded', async () => {
    expect(await deploy('--wait')).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(
        /^There is no s3:\/\/irekae-production-.*\/reactio\/app\.tar\.gz\. Nothing was started\./,
      ),
    });
    expect(theatre.started).toEqual([]);
  });

  it('a version that never existed', async () => {
    theatre.upload();
    const said = await deploy('--version', 'nobody-has-it', '--json');
    expect(said.exitCode).toBe(1);
    expect(JSON.parse(said.out)).toMatchObject({
      outcome: 'no-artifact',
      message: expect.stringMatching(/has no version nobody-has-it/),
    });
    expect(theatre.started).toEqual([]);
  });

  it('a fleet that was never put into AWS', async () => {
    theatre.upload();
    const ports = theatre.ports;
    const start = async () => {
      throw new DeploymentError('ServiceRefused', 'AWS refused to start it: StateMachineDoesNotExist: no.');
    };
    const said = await theatre.run(['deploy', FLEET], {
      ports: { executions: { ...ports.executions, start } },
    });
    expect(said).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/npx cdk deploy irekae-production-fleet-reactio-production-app$/),
    });
  });

  it.each([
    ['--version=a/b', '--version a/b: allowed: an S3 version id'],
    ['--ami=ami-1', '--ami ami-1: allowed: an image id such as ami-0123456789abcdef0'],
    ['--wait --timeout=0', '--timeout 0: allowed: a whole number from 1 to 1440'],
    ['--timeout=5', '--timeout: only with --wait'],
    ['--override=freeze', '--override: requires --reason, which is kept in the release record'],
    [
      '--override=frost --reason=x',
      '--override frost: allowed: one or more of freeze, hold, provenance, unlisted, alerting, image, separated by commas',
    ],
  ])('%s', async (options, problem) => {
    const said = await deploy(...options.split(' '));
    expect(said.exitCode).toBe(2);
    expect(said.err).toContain(problem);
    expect(theatre.started).toEqual([]);
  });
});

describe('deploy --wait-until shifted', () => {
  const inService = () => {
    const { instances } = theatre.stage.world.view();
    const old = instances.filter(({ instanceId }) => theatre.stage.oldInstances.includes(instanceId));
    return old.filter(({ state }) => state === 'running').length;
  };

  it('ends with 0 when all traffic is on the new hosts, and the old ones still run', async () => {
    theatre.upload();
    const said = await deploy('--wait-until', 'shifted', '--json');
    expect(said.exitCode).toBe(0);
    expect(JSON.parse(said.out)).toMatchObject({
      outcome: 'shifted',
      message: expect.stringMatching(
        /^All traffic of reactio-production-app is on the new hosts of by-hand-.* irekae watch .* irekae cancel /s,
      ),
      result: { deployment: expect.stringMatching(/^by-hand-/) },
    });
    expect(said.err).toMatch(/Old hosts are drained: the old hosts are drained at all load balancers/);
    expect(said.err).not.toMatch(/── Remove ──/);
    expect(inService()).toBe(2);
    await theatre.stage.settle();
    expect(inService()).toBe(0);
  });

  it('without permission to read the history ends once the lock tells of it', async () => {
    theatre.upload();
    const { executions } = theatre.ports;
    const recent = async () => {
      throw new DeploymentError('ServiceRefused', 'AWS refused: AccessDenied.');
    };
    const said = await theatre.run(['deploy', FLEET, '--wait-until', 'shifted'], {
      ports: { executions: { ...executions, recent } },
    });
    expect(said).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^All traffic of/m) });
    await theatre.stage.settle();
  });

  it('ends as the deployment does when that ends before', async () => {
    theatre.upload();
    theatre.breakLastHost();
    expect(await deploy('--wait-until', 'shifted')).toMatchObject({
      exitCode: 3,
      err: expect.stringMatching(/^Rolled back: /),
    });
  });

  it('is not what an undone one was: nobody who looks late is told so', async () => {
    theatre.upload();
    const running = theatre.stage.start({}, 'd1');
    const undoing = new Promise<void>((resolve) => {
      theatre.stage.whenEntering('Put old hosts back', resolve);
    });
    theatre.stage.whenEntering('Watch the new hosts', () => {
      const held = theatre.stage.world.ledger.read(FLEET)?.held;
      theatre.stage.world.ledger.requestCancel(FLEET, held?.holder ?? '', 'jiro');
    });
    await theatre.stage.clock.until(undoing);
    const said = await theatre.run(`watch ${FLEET} --wait-until shifted`);
    expect(said.exitCode).toBe(5);
    await theatre.stage.clock.until(running.result);
  });

  it('deployed is what --wait means, and takes a timeout too', async () => {
    theatre.upload();
    expect((await deploy('--wait-until', 'deployed', '--timeout', '60')).out).toMatch(/^Deployed /m);
    expect(await deploy('--timeout', '60')).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/^--timeout: only with --wait or --wait-until/),
    });
    expect(await deploy('--wait-until', 'shiftd')).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/^--wait-until shiftd: did you mean shifted\?/),
    });
  });
});

describe('deploy --wait goes on', () => {
  it('without what the caller may not read, and says so once', async () => {
    theatre.upload();
    const ports = theatre.ports;
    const refused = async () => {
      throw new DeploymentError('ServiceRefused', 'AWS refused: AccessDenied.');
    };
    const said = await theatre.run(['deploy', FLEET, '--wait'], {
      ports: {
        ledger: { ...ports.ledger, read: refused },
        executions: { ...ports.executions, recent: refused },
        artifacts: { ...ports.artifacts, find: refused, list: refused },
      },
    });
    expect(said.exitCode).toBe(0);
    expect(said.out.match(/You lack permission to read/g)).toHaveLength(2);
    expect(said.out).toMatch(/^Deployed /m);
  });

  it('when AWS does not answer for a while', async () => {
    theatre.upload();
    const ports = theatre.ports;
    let asked = 0;
    const describe = async (arn: string) => {
      asked += 1;
      if (asked > 3 && asked < 10)
        throw new DeploymentError('ServiceUnavailable', 'AWS could not describe it now.');
      return ports.executions.describe(arn);
    };
    const said = await theatre.run(['deploy', FLEET, '--wait'], {
      ports: { executions: { ...ports.executions, describe } },
    });
    expect(said.exitCode).toBe(0);
    expect(said.out.match(/could not describe it now\. Trying again\./g)).toHaveLength(1);
  });

  it('says that an execution which Step Functions does not know is lost', async () => {
    theatre.upload();
    const ports = theatre.ports;
    const describe = async () => undefined;
    const said = await theatre.run(['deploy', FLEET, '--wait'], {
      ports: { executions: { ...ports.executions, describe } },
    });
    expect(said).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(
        /Step Functions does not know this execution\.\nSee: {2}npx --no -- irekae status/,
      ),
    });
  });
});

describe('deploy --wait in a terminal', () => {
  it('redraws the acts, the time left and every host below the lines, and leaves only lines behind', async () => {
    theatre.upload();
    await deploy('--wait');
    theatre.upload();
    const drawn: string[] = [];
    const screen = { write: (text: string) => drawn.push(text), columns: () => 100, rows: () => 30 };
    const said = await theatre.run(['deploy', FLEET, '--wait'], { screen });
    expect(said.exitCode).toBe(0);
    const all = drawn.join('');
    expect(all).toMatch(/✔ Agree {3}▶ Bring up {3}· Shift traffic {3}· Remove {3}about \d+ min/);
    expect(all).toMatch(
      /NEW {2}i-[0-9a-f]{17} {2}ap-northeast-1a {2}running {2}working +in service at reactio-production/,
    );
    expect(all).toMatch(/OLD {2}i-[0-9a-f]{17}/);
    const rows = stripVTControlCharacters(all)
      .split(/[\r\n]+/)
      .filter((row) => /^(✔|NEW|OLD)/.test(row.trim()));
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThan(100);
    expect(screenAfter(all)).not.toMatch(/▶|NEW/);
    expect(drawn.at(-1)).toBe('\x1b[?25h');
  });
});

/** What stands on a terminal after all of this was written: only cursor up, carriage return and clear below are known. */
function screenAfter(written: string): string {
  let rows: string[] = [''];
  let at = 0;
  for (const [, codes = '', text = '', end = ''] of written.matchAll(SCREEN)) {
    const up = /\[(\d+)A/.exec(codes);
    if (up) at -= Number(up[1]);
    if (codes.endsWith('[J')) rows = rows.slice(0, at);
    rows[at] = `${rows[at] ?? ''}${text}`;
    if (end === '\n') at += 1;
  }
  return rows.join('\n');
}

/** A control sequence, or text up to the end of its line. */
const SCREEN = new RegExp(`(${ESC}\\[\\??\\d*[A-Za-z])|([^${ESC}\\r\\n]*)(\\r|\\n|(?=${ESC})|$)`, 'g');
