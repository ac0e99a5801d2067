/**
 * The shell examples with the real AWS CLI in front of moto: what `--query` makes of AWS's answers, and what the CLI says
 * when it fails, is not for this project's own stand-in to say. `npm run test:moto`; skips, loudly, without either.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MotoServer, motoIsInstalled, startMoto } from '../clients/moto-server.ts';
import { EXAMPLES } from './example-files.ts';

const cliIsInstalled = spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0;
if (!cliIsInstalled)
  console.warn('!!! SKIPPED: there is no AWS CLI; the shell examples are NOT run with it. !!!');

const BUCKET = 'irekae-staging-123456789012-ap-northeast-1';
const TO = `s3://${BUCKET}/reactio/app.tar.gz`;
const FLEET = 'reactio-staging-app';
const MACHINE = `arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae-${FLEET}`;
const RECORD = { outcome: 'RolledBack', reason: 'Stopped: in the phase shift.' };

// Each call of the CLI takes a second, on a busy machine more.
describe.skipIf(!cliIsInstalled || !motoIsInstalled())('With the real AWS CLI', { timeout: 180_000 }, () => {
  let moto: MotoServer;
  let folder: string;
  const env = () => ({
    PATH: process.env.PATH,
    HOME: folder,
    TMPDIR: folder,
    AWS_ENDPOINT_URL: moto.url,
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'y',
    AWS_REGION: 'ap-northeast-1',
    AWS_DEFAULT_REGION: 'ap-northeast-1',
    NO_PROXY: '127.0.0.1',
  });
  const run = (program: string, args: readonly string[]) =>
    promisify(execFile)(program, args, { env: env(), timeout: 150_000 }).then(
      ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
      ({ code, stdout, stderr }) => ({ code: code as number, out: String(stdout), err: String(stderr) }),
    );
  const script = (name: string, ...args: string[]) => run('bash', [join(EXAMPLES, 'shell', name), ...args]);
  const aws = async (...args: string[]) => {
    const { code, out, err } = await run('aws', args);
    expect(code, err).toBe(0);
    return out.trim();
  };

  beforeAll(async () => {
    moto = await startMoto([]);
    folder = mkdtempSync(join(tmpdir(), 'irekae-cli-'));
    writeFileSync(join(folder, 'app.tar.gz'), 'a tarball');
    const where = ['--create-bucket-configuration', 'LocationConstraint=ap-northeast-1'];
    await aws('s3api', 'create-bucket', '--bucket', BUCKET, ...where);
    await aws(
      's3api',
      'put-bucket-versioning',
      '--bucket',
      BUCKET,
      '--versioning-configuration',
      'Status=Enabled',
    );
    const definition = '{"StartAt":"Deployed","States":{"Deployed":{"Type":"Succeed"}}}';
    const role = ['--role-arn', 'arn:aws:iam::123456789012:role/machine', '--definition', definition];
    await aws('stepfunctions', 'create-state-machine', '--name', `irekae-${FLEET}`, ...role);
  });
  afterAll(async () => {
    await moto?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a tarball is uploaded once, with its checksum', async () => {
    const upload = () => script('upload.sh', join(folder, 'app.tar.gz'), TO);
    const [first, second] = [await upload(), await upload()];
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^[\w.-]+\n$/) });
    expect(second).toMatchObject({ code: 0, out: first.out });
    const versions = ['--bucket', BUCKET, '--query', 'length(Versions)'];
    expect(await aws('s3api', 'list-object-versions', ...versions)).toBe('1');
  });

  it('a deployment is started, followed, and its record read when it is stopped', async () => {
    writeFileSync(join(folder, 'record.json'), JSON.stringify(RECORD));
    const record = ['--key', `irekae/${FLEET}/deployments/ci-1.json`, '--body', join(folder, 'record.json')];
    await aws('s3api', 'put-object', '--bucket', BUCKET, ...record);
    const running = script(
      'deploy.sh',
      '--again',
      '--name',
      'ci-1',
      '--reason',
      'say "hi"',
      '--to',
      TO,
      FLEET,
    );
    const execution = `${MACHINE.replace(':stateMachine:', ':execution:')}:ci-1`;
    const list = ['--state-machine-arn', MACHINE, '--query', 'executions[].status', '--output', 'text'];
    for (let tries = 0; tries < 30; tries += 1) {
      if ((await aws('stepfunctions', 'list-executions', ...list)) === 'RUNNING') break;
      await sleep(500);
    }
    await aws('stepfunctions', 'stop-execution', '--execution-arn', execution);

    const { code, out, err } = await running;
    expect(err).toContain('following ci-1');
    expect(out).toBe(
      `${FLEET}: RolledBack: the execution was stopped (ABORTED); Stopped: in the phase shift.\n`,
    );
    expect(code).toBe(3);
    const input = ['--execution-arn', execution, '--query', 'input', '--output', 'text'];
    expect(JSON.parse(await aws('stepfunctions', 'describe-execution', ...input))).toMatchObject({
      reason: 'say "hi"',
      versionId: expect.any(String),
    });
  });

  it('the same name is followed, not started again', async () => {
    const { code, err } = await script('deploy.sh', '--again', '--name', 'ci-1', '--to', TO, FLEET);
    expect(err).toMatch(/nothing deploys version|following ci-1/);
    expect(code).toBe(3);
  });

  it.each([
    [['--to', `s3://${BUCKET}/nothing.tar.gz`, FLEET], 'nothing.tar.gz does not exist. Upload the tarball'],
    [['--version', 'v1', 'no-such-fleet'], 'has no state machine irekae-no-such-fleet in ap-northeast-1'],
  ])('%j is told in a sentence', async (args, message) => {
    const { code, err } = await script('deploy.sh', '--again', ...args);
    expect(err).toContain(message);
    expect(code).toBe(1);
  });
});
