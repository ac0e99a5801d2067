/** `irekae … --local`: the command as it is, on the modelled region that everybody gets who has no account. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type ExitCode, irekae } from '../../bin/command/irekae.ts';
import { fleetsFile } from '../../bin/fleets.ts';
import { DeploymentInput } from '../../lambdas/domain/input.ts';
import { connectLocally } from '../../simulator/local-region.ts';
import { synthesize } from '../synth.ts';
import { FLEET } from './desk.ts';

const templates = { staging: synthesize('staging'), production: synthesize('production') };

async function local(line: string): Promise<{ exitCode: ExitCode; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const exitCode = await irekae([...line.split(' '), '--local'], {
    fleetsFile,
    connect: async () => {
      throw new Error('nobody in AWS may be asked');
    },
    connectLocal: (environments, fleet) =>
      connectLocally(environments, fleet, { isVisible: false, templates }),
    print: (text) => out.push(text),
    complain: (text) => err.push(text),
  });
  return { exitCode, out: out.join('\n'), err: err.join('\n') };
}

describe('on the modelled region', () => {
  it('two releases were deployed, and the third is what a deployment brings', async () => {
    expect((await local(`history ${FLEET}`)).out).toMatch(
      /▶☐ .* Deployed .* release-2 .*\n +☐ .* Deployed .* release-1 /,
    );
    expect((await local(`status ${FLEET}`)).out).toMatch(/deployment +release-2\n/);
    const { out, exitCode } = await local(`deploy ${FLEET} --wait`);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^Local: a modelled region on a virtual clock; nothing in AWS is asked or changed\./);
    expect(out).toMatch(/about \d+ min \d+ s left, if it takes as long as the last 2 took/);
    expect(out).toMatch(/^Deployed reactio\/app\.tar\.gz version /m);
  });

  it('every run begins with the same world and goes the same way', async () => {
    const first = await local(`plan ${FLEET}`);
    expect(first).toMatchObject({ exitCode: 0, out: expect.stringMatching(/It would launch 2 instances/) });
    await local(`deploy ${FLEET} --wait`);
    expect(await local(`plan ${FLEET}`)).toEqual(first);
  });

  it('a deployment that nobody waits for ends with the world, and it is said', async () => {
    const { out, exitCode } = await local(`deploy ${FLEET}`);
    expect(exitCode).toBe(0);
    expect(out).toMatch(
      /This modelled world ends here, and the deployment with it: --wait shows the rest\.$/,
    );
  });

  it.each([
    ['watch', 0],
    ['cancel', 1],
    ['unlock', 0],
    ['adopt', 0],
  ])('%s works as anywhere else', async (command, exitCode) =>
    expect(await local(`${command} ${FLEET}`)).toMatchObject({ exitCode }),
  );

  it('the workers have no load balancer there either', async () =>
    expect(await local('deploy reactio-staging-worker --wait --json')).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/"outcome":"deployed"/),
    }));

  it('a fleet without a promotion says so, or is promoted to', async () => {
    const { exitCode, out, err } = await local(`promote ${FLEET} --wait`);
    const names = Object.values(templates.production.Resources).map(
      ({ Properties }) => Properties?.StateMachineName,
    );
    if (names.includes(`irekae-${FLEET}-promote`))
      expect(`${exitCode} ${out}`).toMatch(/^0 [\s\S]*Deployed reactio/);
    else
      expect(`${exitCode} ${err}`).toMatch(
        /^1 There is no state machine irekae-reactio-production-app-promote/,
      );
  });

  it('a rollback goes back to the first release, where deployments can be started so', async () => {
    const { exitCode, out, err } = await local(`rollback ${FLEET} --reason slow --wait`);
    if ('rollbackTo' in DeploymentInput.entries)
      expect(`${exitCode} ${out}`).toMatch(/^0 [\s\S]*Deployed reactio/);
    else expect(`${exitCode} ${err}`).toMatch(/^3 Refused: InvalidInput/);
  });

  it('gives the process its time back', async () => {
    await local(`status ${FLEET}`);
    expect(Math.abs(Date.now() - performance.timeOrigin - performance.now())).toBeLessThan(60_000);
  });
});

describe('npx irekae', () => {
  const PROJECT = join(import.meta.dirname, '..', '..');
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['bin/irekae.js', ...args], { cwd: PROJECT }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
        code,
        stdout,
        stderr,
      }),
    );

  it('prints its help, and refuses bad usage with 2', async () => {
    const [help, bad] = await Promise.all([run('--help'), run('deploi', FLEET)]);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: irekae COMMAND FLEET/) });
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringMatching(/did you mean deploy\?/) });
  }, 20_000);

  it('without credentials says so in a sentence', async () => {
    const { HOME: _, ...env } = process.env;
    const found = await promisify(execFile)(process.execPath, ['bin/irekae.js', 'status', FLEET], {
      cwd: PROJECT,
      env: {
        ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AWS_'))),
        HOME: '/nonexistent',
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    }).catch((error: { code: number; stderr: string }) => error);
    expect(found).toMatchObject({ code: 1, stderr: expect.stringMatching(/There are no AWS credentials: /) });
  }, 20_000);
});
