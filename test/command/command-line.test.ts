/** The command from its arguments to its exit code: help, bad usage, whose credentials, what comes from outside. */
import { beforeEach, describe, expect, it } from 'vitest';
import { irekae } from '../../bin/command/irekae.ts';
import { nearest } from '../../bin/command/nearest.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { Desk, FLEET, ROLE } from './desk.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});

/** A connection that must not be made. */
const connect = async () => {
  throw new Error('nobody may be asked');
};

describe('bad usage', () => {
  it.each([
    [
      'cancel',
      'fleet: missing, but required: one of reactio-staging-app, reactio-staging-worker, reactio-production-app, reactio-production-worker',
    ],
    [`cancle ${FLEET}`, 'cancle: no such command; did you mean cancel?'],
    [
      'cancel reactio-prodution-app',
      'reactio-prodution-app: no such fleet; did you mean reactio-production-app?',
    ],
    ['cancel staging', 'staging: no such fleet; did you mean reactio-staging-app or reactio-staging-worker?'],
    [
      'cancel x',
      'x: no such fleet; allowed: one of reactio-staging-app, reactio-staging-worker, reactio-production-app, reactio-production-worker',
    ],
    [`cancel ${FLEET} other`, 'other: unexpected, as a command takes one fleet'],
    [
      `cancel ${FLEET} --yse`,
      '--yse: no such option; allowed: one of --reason, --json, --local, --fleets, --help',
    ],
    [
      `cancel ${FLEET} --yes`,
      '--yes: no such option; allowed: one of --reason, --json, --local, --fleets, --help',
    ],
    [`unlock ${FLEET} --yes=no`, '--yes: given a value, but takes none'],
    [`cancel ${FLEET} --reason`, '--reason: needs a value, TEXT'],
    [`cancel ${FLEET} --reason --local`, '--reason: needs a value, TEXT'],
    [`cancel ${FLEET} --reason=${'x'.repeat(257)}`, '--reason: allowed: one line of at most 256 characters'],
    [`cancel ${FLEET} --reason=a\nb`, '--reason: allowed: one line of at most 256 characters'],
  ])('%s', async (line, problem) => {
    const said = await desk.run(line, { connect });
    const verb = /^(cancel|unlock)( |$)/.exec(line)?.[1];
    expect(said).toEqual({
      exitCode: 2,
      out: '',
      err: `${problem}\nSee:  npx --no -- irekae help${verb ? ` ${verb}` : ''}`,
      questions: [],
    });
  });

  it('is no command: that alone is told, and what was meant', async () => {
    expect((await desk.run('frobnicate', { connect })).err).toMatch(
      /^frobnicate: no such command; allowed: one of deploy, .*, doctor, init, check\nSee: {2}\S.* help$/,
    );
    expect((await desk.run('chekc', { connect })).err).toMatch(/^chekc: .*did you mean check\?\nSee: /);
    expect((await desk.run('help inti', { connect })).err).toMatch(/^inti: .*did you mean init\?\nSee: /);
  });

  it('is told all at once', async () => {
    const { err } = await desk.run('cancle reactio-prodution-app more --frobnicate', { connect });
    expect(err.split('\n')).toEqual([
      'cancle: no such command; did you mean cancel?',
      'reactio-prodution-app: no such fleet; did you mean reactio-production-app?',
      'more: unexpected, as a command takes one fleet',
      expect.stringMatching(/^--frobnicate: no such option/),
      'See:  npx --no -- irekae help',
    ]);
  });

  it('is told as JSON to machines', async () => {
    const { exitCode, out } = await desk.run('cancel nobody --json', { connect });
    expect(exitCode).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'bad-usage',
      fleet: 'nobody',
      problem: { error: null, sentences: [expect.stringMatching(/^nobody: no such fleet/)] },
    });
  });

  it('of the fleets file is told as its list of problems', async () => {
    const err: string[] = [];
    const exitCode = await irekae(['cancel', FLEET], {
      fleetsFile: { environments: [], fleets: [] },
      connect,
      print: () => {},
      complain: (line) => err.push(line),
    });
    expect(exitCode).toBe(2);
    expect(err[0]).toMatch(/^The fleets file has 2 problems:/);
  });
});

describe('help', () => {
  it('lists the commands', async () => {
    const said = await desk.run('--help', { connect });
    expect(said.exitCode).toBe(0);
    expect(said.out).toMatch(/^Usage: irekae COMMAND FLEET \[options\]/);
    for (const command of ['cancel', 'unlock', 'adopt'])
      expect(said.out).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it('is what one gets for nothing, as bad usage', async () => {
    const err: string[] = [];
    const setup = { fleetsFile: {}, connect, print: () => {}, complain: (line: string) => err.push(line) };
    expect(
      await irekae([], {
        ...setup,
        fleetsFile: (await import('../../examples/reactio/fleets.ts')).fleetsFile,
      }),
    ).toBe(2);
    expect(err[0]).toMatch(/^Usage/);
  });

  it('of a command names its options, its refusals and its exit codes, whatever else is given', async () => {
    const { out, exitCode } = await desk.run('unlock nobody -h', { connect });
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^Usage: irekae unlock FLEET/);
    for (const words of ['-y, --yes', '--abandon', '--json', 'Refuses while', 'Exit codes: 0 '])
      expect(out).toContain(words);
  });
});

describe('credentials', () => {
  it('of another account are refused before anything is asked', async () => {
    desk.hold('bring-up');
    const caller = { account: '999999999999', arn: 'arn:aws:iam::999999999999:user/hanako' };
    const said = await desk.run(`cancel ${FLEET}`, {
      connect: async () => ({ caller, ports: connect }),
    });
    expect(said.exitCode).toBe(1);
    expect(said.err).toMatch(
      /is in the account 123456789012 \(production\), but the credentials belong to 999999999999 \(hanako\)\./,
    );
    expect(desk.held()?.cancel).toBeUndefined();
  });

  it('that are missing are told in a sentence', async () => {
    const said = await desk.run(`cancel ${FLEET}`, {
      connect: async () => {
        throw Object.assign(new Error('Could not load credentials from any providers'), {
          name: 'CredentialsProviderError',
        });
      },
    });
    expect(said).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^There are no AWS credentials: Could/),
    });
  });

  it('that may not do it are named', async () => {
    const read = async () => {
      throw new DeploymentError('ServiceRefused', 'AWS refused to read the row.');
    };
    const said = await desk.run(`cancel ${FLEET}`, {
      ports: { ledger: { ...desk.world.ports.ledger, read } },
    });
    expect(said).toMatchObject({
      exitCode: 1,
      err: 'AWS refused to read the row.\nYou are Operator/hanako.',
    });
  });
});

it('a bug is called one, with its stack', async () => {
  const { exitCode, err } = await desk.run(`cancel ${FLEET}`, { connect });
  expect(exitCode).toBe(1);
  expect(err).toMatch(
    /^The command crashed, which is a bug in irekae: .*\nError: nobody may be asked\n +at /s,
  );
});

it('names from outside cannot write to the terminal what they like', async () => {
  desk.world.mackerel.addHost({ name: 'evil\u001b[2J\rhost', roles: [ROLE] });
  const { out } = await desk.run(`adopt ${FLEET}`);
  expect(out).toContain('evil�[2J host');
  expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
});

describe('the nearest names', () => {
  const names = ['shop-staging-app', 'shop-production-app', 'shop-production-worker', 'blog'];
  it.each([
    ['shop-stagin-app', ['shop-staging-app']],
    ['SHOP-PRODUCTION-APP', ['shop-production-app']],
    ['production', ['shop-production-app', 'shop-production-worker']],
    ['blgo', ['blog']],
    ['something-else', []],
    ['', []],
  ])('to %j are %j', (given, expected) => expect(nearest(given, names)).toEqual(expected));
});
