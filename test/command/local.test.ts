/** `irekae … --local`: the command as it is, on the modelled region that everybody gets who has no account. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { irekae } from '../../bin/command/irekae.ts';
import type { CommandSetup } from '../../bin/command/office.ts';
import type { ExitCode } from '../../bin/command/outcome.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import type { CommandPorts, Connection, Scenario } from '../../lambdas/ports/command.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { connectLocally } from '../../simulator/local-region.ts';
import { some } from '../support/thorough.ts';
import { synthesize } from '../synth.ts';
import { Desk, FLEET } from './desk.ts';

const templates = { staging: synthesize('staging'), production: synthesize('production') };

async function local(line: string, region?: Connection, scenario?: string): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []];
  const exitCode = await irekae([...line.split(' '), '--local', ...(scenario ? [scenario] : [])], {
    fleetsFile,
    connect: async () => {
      throw new Error('nobody in AWS may be asked');
    },
    connectLocal: async (environments, fleet, scenario) => region ?? connectTo(environments, fleet, scenario),
    print: (text) => out.push(text),
    complain: (text) => err.push(text),
    page: { keep: async (name) => name },
  });
  return { exitCode, out: out.join('\n'), err: err.join('\n') };
}

type Said = { exitCode: ExitCode; out: string; err: string };

const connectTo: NonNullable<CommandSetup['connectLocal']> = (environments, fleet, scenario) =>
  connectLocally(environments, fleet, { isVisible: false, scenario, templates });

describe('on the modelled region', () => {
  /** Making one takes a second: the commands that change nothing of it share theirs. */
  describe('before anything is deployed', () => {
    let region: Connection;
    beforeAll(async () => {
      const environments = readFleets(fleetsFile);
      const fleet = environments.flatMap(({ fleets }) => fleets).find(({ name }) => name === FLEET);
      if (!fleet) throw new Error(`The fleets file has no ${FLEET}.`);
      const { close, ...shared } = await connectTo(environments, fleet, undefined);
      region = shared;
      return close;
    });

    it('two releases were deployed', async () => {
      expect((await local(`history ${FLEET}`, region)).out).toMatch(
        /▶☐ .* Deployed .* release-2 .*\n +☐ .* Deployed .* release-1 /,
      );
      expect((await local(`status ${FLEET}`, region)).out).toMatch(/deployment +release-2\n/);
    });

    it('the third release waits to be deployed, and it is said', async () =>
      expect((await local(`status ${FLEET}`, region)).out).toMatch(/does not run the newest upload/));

    it.each([
      ['watch', 0],
      ['cancel', 1],
      ['unlock', 0],
      ['adopt', 0],
    ])('%s works as anywhere else', async (command, exitCode) =>
      expect(await local(`${command} ${FLEET}`, region)).toMatchObject({ exitCode }),
    );

    it('a promotion is told without being done', async () =>
      expect(await local(`promote ${FLEET} --dry-run`, region)).toMatchObject({
        exitCode: 0,
        out: expect.stringMatching(/A promotion would do this: version \S+ /),
      }));
  });

  it('every run begins with the same world and goes the same way', async () => {
    const first = await local(`plan ${FLEET}`);
    expect(first).toMatchObject({ exitCode: 0, out: expect.stringMatching(/It would launch 2 instances/) });
    const { out, exitCode } = await local(`deploy ${FLEET} --wait`);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^Local: a modelled region on a virtual clock; nothing in AWS is read or changed\./);
    expect(out).toMatch(/about \d+ min \d+ s left, if it takes as long as the last 2 took/);
    expect(out).toMatch(/^Deployed reactio\/app\.tar\.gz version /m);
    expect(await local(`plan ${FLEET}`)).toEqual(first);
    expect(Date, 'the process has its real time back').not.toHaveProperty('isFake');
  });

  it('a deployment that nobody waits for ends with the world, and it is said', async () => {
    const { out, exitCode } = await local(`deploy reactio-staging-app`);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/The modelled world, and the deployment with it, end here: --wait shows the rest\.$/);
  });

  it('the workers have no load balancer there either', async () =>
    expect(await local('deploy reactio-staging-worker --wait --json')).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/"outcome":"deployed"/),
    }));

  it('a fleet is promoted to, and one that follows another waits for that', async () => {
    const { exitCode, out } = await local('promote reactio-production-worker --wait');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/reactio-production-worker follows reactio-production-app: waiting until/);
    expect(out).toMatch(/^Deployed reactio/m);
  });

  it('a rollback goes back to the first release', async () => {
    const { exitCode, out } = await local(`rollback ${FLEET} --reason slow --wait`);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^Deployed reactio.*\nThe fleet now runs the release of release-1\.$/m);
  });
});

describe('what may be going on there', () => {
  /** One after the other in one world: command line, exit code, and what is said. */
  type Lines = readonly (readonly [line: string, exitCode: number, words: RegExp])[];
  const PLAYED: Readonly<Record<Scenario, Lines>> = {
    running: [
      [`status ${FLEET}`, 0, /Deploying now: release-3\n(.*\n)+? +act +Shift traffic\n/],
      [`page ${FLEET}`, 0, /^The page of release-3 of .*, which is still running/m],
      ['status', 0, /4 fleets: 1 deploying, /],
      [`cancel ${FLEET}`, 0, /^Asked release-3 to undo itself \(phase shift\).*\n(.*\n)*.*end here\.$/m],
      [`watch ${FLEET}`, 5, /^Cancelled: /m],
    ],
    stuck: [
      [`status ${FLEET}`, 0, /release-3 has ended and still holds the lock/],
      [`watch ${FLEET}`, 3, /^Rolled back: Stopped: /m],
    ],
    halfway: [
      [`status ${FLEET}`, 0, /release-3 needs a human/],
      [`unlock ${FLEET} --yes`, 0, /^The lock is free\./m],
    ],
    strangers: [
      [`plan ${FLEET}`, 0, /It would leave alone:\n.*does not carry the tag/],
      [`adopt ${FLEET} --yes`, 0, /^2 hosts tagged: /m],
    ],
    paused: [
      [
        `status ${FLEET}`,
        0,
        /waits for +a person after the shift, until .* UTC\nTo let it go on: .* go .* --local paused\n(.*\n)To have it undone: /,
      ],
      [`go ${FLEET} --reason orders-come-in`, 0, /^release-3 goes on from after the shift: /m],
    ],
    'two-waiting': [
      [`status ${FLEET}`, 0, /Deploying now: release-3\n(.*\n)+Waiting: .* requested by release-5/],
    ],
    'on-hold': [
      [`status ${FLEET}`, 0, /ended as OnHold: .*\n(.*\n)+On hold, .*: the database is being moved \(by /],
      ['status', 0, /on hold by Operator\/hanako; newer upload .*\n(.*\n)+4 fleets: 1 on hold, /],
      [`plan ${FLEET}`, 1, /refused:\n +OnHold: .*\nTo lift the hold: .* release .*\n.* --override hold /],
      [`deploy ${FLEET} --wait`, 3, /^Refused: OnHold: .* is on hold: the database is being moved/m],
      [
        `release ${FLEET}`,
        0,
        /^Lifted: (.*\n)+Refused meanwhile.*\n.*\n +release-3 (.*\n)+ .* deploy .* --wait/m,
      ],
      [
        `hold ${FLEET} --reason the-next-move --until 2h`,
        0,
        /^reactio.* is on hold: the-next-move \(by you, /m,
      ],
      [
        `hold ${FLEET} --reason a-longer-one`,
        0,
        /^It takes the place of this one: the-next-move \(by you, /m,
      ],
      [`release ${FLEET}`, 0, /^Lifted: a-longer-one /m],
      [`deploy ${FLEET} --wait`, 0, /^Deployed /m],
    ],
  };

  it.each(some(Object.entries(PLAYED)))('%s', async (scenario, lines) => {
    const environments = readFleets(fleetsFile);
    const fleet = environments.flatMap(({ fleets }) => fleets).find(({ name }) => name === FLEET);
    const { close, ...region } = await connectTo(environments, fleet, scenario as Scenario);
    try {
      for (const [line, exitCode, words] of lines) {
        const said = await local(line, region, scenario);
        expect(said).toMatchObject({ exitCode });
        expect(said.out).toMatch(/^Local: a modelled region .*\n(.*\n)*?To try here: {2}/);
        expect(`${said.out}\n${said.err}`).toMatch(words);
      }
    } finally {
      close?.();
    }
  });

  it('of a fleet that is not watched, its old hosts still drain', async () =>
    expect((await local('cancel reactio-staging-app', undefined, 'running')).out).toMatch(
      /^Asked release-3 to undo itself \(phase shift\)/m,
    ));

  it('without a fleet is going on at one of them, and the others have a past', async () => {
    const { out } = await local('status', undefined, 'halfway');
    expect(out).toMatch(/^ {2}reactio-production-app +needs a human/m);
    expect(out).toMatch(/4 fleets: 1 needs a human, 3 idle\./);
  });

  it.each([
    [`--local running status ${FLEET}`, 0],
    [`status --local running ${FLEET}`, 0],
    [`status ${FLEET} --local=running`, 0],
    [`status --local ${FLEET}`, 0],
  ])('is read wherever it stands: %s', async (line, expected) => {
    const [exitCode, asked] = [await asks(line), scenarios.at(-1)];
    expect(exitCode).toBe(expected);
    expect(asked).toBe(line.includes('running') ? 'running' : undefined);
  });

  it.each([
    [`status ${FLEET} --local runing`, '--local runing: did you mean running?'],
    [
      `status ${FLEET} --local chaos`,
      '--local chaos: allowed: running, stuck, halfway, strangers, two-waiting, on-hold, paused',
    ],
    [`status ${FLEET} running`, 'running: unexpected, as a command takes one fleet'],
  ])('that is none is bad usage: %s', async (line, problem) => {
    const err: string[] = [];
    const exitCode = await irekae(line.split(' '), {
      fleetsFile,
      connect: async () => Promise.reject(new Error('nobody may be asked')),
      print: () => {},
      complain: (text) => err.push(text),
    });
    expect({ exitCode, problem: err[0] }).toEqual({ exitCode: 2, problem });
  });

  const scenarios: (string | undefined)[] = [];
  /** Without a world: only what it would be asked for. */
  const asks = (line: string) =>
    irekae(line.split(' '), {
      fleetsFile,
      connect: async () => Promise.reject(new Error('nobody in AWS may be asked')),
      connectLocal: async (environments, _, scenario) => {
        scenarios.push(scenario);
        const ports = new Desk().world.ports as unknown as CommandPorts;
        const { account = '' } = environments[0] ?? {};
        return { caller: { account, arn: `arn:aws:iam::${account}:user/you` }, ports: async () => ports };
      },
      print: () => {},
      complain: () => {},
    });
});

describe('npx --no -- irekae', () => {
  const PROJECT = join(import.meta.dirname, '..', '..');
  const IREKAE_FLEETS = join(PROJECT, 'examples/reactio/fleets.ts');
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['bin/irekae.js', ...args], {
      cwd: PROJECT,
      env: { ...process.env, IREKAE_FLEETS },
    }).then(
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
  });

  it('without credentials says so in a sentence', async () => {
    const { HOME: _, ...env } = process.env;
    const found = await promisify(execFile)(process.execPath, ['bin/irekae.js', 'status', FLEET], {
      cwd: PROJECT,
      env: {
        ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AWS_'))),
        HOME: '/nonexistent',
        IREKAE_FLEETS,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    }).catch((error: { code: number; stderr: string }) => error);
    expect(found).toMatchObject({ code: 1, stderr: expect.stringMatching(/There are no AWS credentials: /) });
  });
});
