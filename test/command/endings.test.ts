/** Every ending of a command, told to people and to machines: the same exit code, and one document with the same words. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Task } from '../../bin/command/command.ts';
import { waitSeconds } from '../../bin/command/follow/followed.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { retireByMistake } from '../../simulator/scenarios.ts';
import { CALLER, Desk, FLEET, type Said, type Visit } from './desk.ts';
import { Theatre } from './theatre.ts';

let theatre: Theatre | undefined;
afterEach(() => theatre?.close());

type Plot = (theatre: Theatre) => unknown;

interface Facts {
  readonly error?: string;
  readonly message?: unknown;
  readonly [found: string]: unknown;
}

interface Ending {
  readonly exitCode: number;
  readonly outcome: string;
  /** With `--json`: what it knows beyond. */
  readonly facts?: Facts;
  readonly line?: string;
  readonly plot?: Plot;
  readonly visit?: (theatre: Theatre) => Visit;
}

const cancelAt = (state: string) => (set: Theatre) =>
  set.stage.whenEntering(state, () => {
    const holder = set.stage.world.ledger.read(FLEET)?.held?.holder ?? '';
    set.stage.world.ledger.requestCancel(FLEET, holder, 'jiro');
  });

const protectOld: Plot = ({ stage }) => stage.world.ec2.protect(stage.oldInstances[0] ?? '');

/** The new hosts break in the bake, and EC2 does not end one of them. */
const failTheUndo: Plot = (set) => {
  cancelAt('Watch the new hosts')(set);
  set.stage.whenEntering('Terminate new instances', () => {
    const { instances } = set.stage.world.view();
    const born = instances.find(({ instanceId }) => !set.stage.oldInstances.includes(instanceId));
    set.stage.world.ec2.protect(born?.instanceId ?? '');
  });
};

const refuse = (message: string) => async () => {
  throw new DeploymentError('ServiceRefused', message);
};

/** Ten looks go well; from then on AWS, or what gives credentials, says this, whatever is asked. */
const blindAfterAWhile = (error: Error) => (set: Theatre) => {
  const { executions, ledger, records, artifacts } = set.ports;
  let looks = 0;
  const ending = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const method = (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target);
        return name === 'start' || looks < 10 ? method : () => Promise.reject(error);
      },
    });
  set.onPause = (count) => {
    looks = count;
  };
  return {
    ports: {
      executions: ending(executions),
      ledger: ending(ledger),
      records: ending(records),
      artifacts: ending(artifacts),
    },
  };
};

const EXPIRED = new DeploymentError('ServiceRefused', 'AWS refused to look: ExpiredTokenException: expired.');
const NO_MORE = Object.assign(new Error('The SSO session has expired'), { name: 'CredentialsProviderError' });

const PLAYED: Readonly<Record<string, Ending>> = {
  deployed: { exitCode: 0, outcome: 'deployed', facts: { output: { outcome: 'Deployed' } } },
  'already deployed': { exitCode: 0, outcome: 'already-deployed', plot: ({ stage }) => stage.deploy() },
  started: { line: 'deploy', exitCode: 0, outcome: 'started', facts: { deployment: expect.any(String) } },
  refused: {
    line: 'deploy --wait --ami ami-00000000000000001',
    exitCode: 3,
    outcome: 'refused',
    facts: { error: 'ImageNotFound' },
  },
  'rolled back': {
    exitCode: 3,
    outcome: 'rolled-back',
    facts: { error: 'RolledBack', reason: expect.stringMatching(/^NewHostsNotReady: /) },
    plot: (set) => set.breakLastHost(),
  },
  'stopped halfway': {
    exitCode: 4,
    outcome: 'needs-human',
    facts: { error: 'StoppedHalfway' },
    plot: protectOld,
  },
  'an undo that failed': {
    exitCode: 4,
    outcome: 'needs-human',
    facts: { error: 'RollbackFailed' },
    plot: failTheUndo,
  },
  'stopped by hand, and undone by its clean-up': {
    exitCode: 3,
    outcome: 'rolled-back',
    plot: ({ stage }) => stage.whenEntering('Watch the new hosts', () => stage.executions[0]?.stop()),
  },
  'stopped by hand, and finished by its clean-up': {
    exitCode: 0,
    outcome: 'deployed',
    plot: ({ stage }) =>
      stage.whenEntering('Retire old hosts in Mackerel', () => stage.executions[0]?.stop()),
  },
  cancelled: {
    exitCode: 5,
    outcome: 'cancelled',
    facts: { error: 'Cancelled' },
    plot: cancelAt('Watch the new hosts'),
  },
  'not ended in time': { line: 'deploy --wait --timeout 1', exitCode: 6, outcome: 'timed-out' },
  'credentials that end while it is followed': {
    exitCode: 6,
    outcome: 'not-followed',
    facts: {
      error: 'ExpiredCredentials',
      deployment: expect.any(String),
      message: expect.stringMatching(/have expired.*No longer following.*It continues.*irekae watch/s),
    },
    visit: blindAfterAWhile(EXPIRED),
  },
  'a session that ends while it is followed': {
    exitCode: 6,
    outcome: 'not-followed',
    facts: { error: 'NoCredentials', message: expect.stringContaining('It continues') },
    visit: blindAfterAWhile(NO_MORE),
  },
  'a permission that is withdrawn while it is followed': {
    exitCode: 6,
    outcome: 'not-followed',
    facts: { error: 'ServiceRefused', message: expect.stringContaining('It continues') },
    visit: blindAfterAWhile(new DeploymentError('ServiceRefused', 'AWS refused to look: AccessDenied.')),
  },
  'credentials that end when it has ended': {
    exitCode: 0,
    outcome: 'deployed',
    visit: ({ ports: { artifacts } }) => ({
      ports: {
        artifacts: new Proxy(artifacts, {
          get:
            (target, name) =>
            (bucket: string, key: string, ...more: unknown[]) =>
              key.endsWith('.html')
                ? Promise.reject(NO_MORE)
                : Reflect.get(target, name).call(target, bucket, key, ...more),
        }),
      },
    }),
  },
  'Ctrl-C': {
    exitCode: 130,
    outcome: 'interrupted',
    visit: (set) => {
      const ctrlC = new AbortController();
      set.onPause = (count) => count === 5 && ctrlC.abort();
      return { interrupted: ctrlC.signal };
    },
  },
  'a version that nobody has': {
    line: 'deploy --wait --version nobody-has-it',
    exitCode: 1,
    outcome: expect.any(String) as unknown as string,
  },
  'a plan': { line: 'plan', exitCode: 0, outcome: 'planned' },
  'a plan that would be refused': {
    line: 'plan',
    exitCode: 1,
    outcome: 'would-be-refused',
    plot: ({ stage }) => retireByMistake(stage),
  },
  'nothing to watch': { line: 'watch', exitCode: 0, outcome: 'nothing-runs' },
  'nothing to cancel': { line: 'cancel', exitCode: 1, outcome: 'nothing-runs' },
  'nothing to go back to': {
    line: 'rollback --reason slow',
    exitCode: 1,
    outcome: 'nothing-to-roll-back-to',
  },
  'a history': { line: 'history', exitCode: 0, outcome: 'history', plot: ({ stage }) => stage.deploy() },
  'no history': { line: 'history', exitCode: 0, outcome: 'never-deployed' },
  'a status': {
    line: 'status',
    exitCode: 0,
    outcome: 'idle',
    plot: ({ stage }) => stage.deploy(),
  },
  'a free lock': { line: 'unlock', exitCode: 0, outcome: 'free' },
};

async function play({ line = 'deploy --wait', plot, visit }: Ending, ...more: string[]): Promise<Said> {
  theatre?.close();
  theatre = new Theatre();
  theatre.upload();
  const set = theatre;
  await plot?.(set);
  const [command = '', ...options] = line.split(' ');
  return set.run([command, FLEET, ...options, ...more], visit?.(set) ?? {});
}

/** Where each stands in the document. */
function told({ error, message, ...result }: Facts = {}): object {
  return {
    ...(error !== undefined && { problem: { error } }),
    ...(message !== undefined && { message }),
    result,
  };
}

/** The same but for names that are drawn. */
const words = (text: string): string =>
  text.replaceAll(/by-hand-\S+/g, 'by-hand').replaceAll(/-[0-9a-f]{8}\b/g, '');

describe.each(Object.entries(PLAYED))('%s', (_, ending) => {
  it(`ends with ${ending.exitCode}, for people and for machines`, async () => {
    const [text, json] = [await play(ending), await play(ending, '--json')];
    expect({ exitCode: text.exitCode, said: text.out + text.err }).toMatchObject({
      exitCode: ending.exitCode,
    });
    const document = JSON.parse(json.out);
    const line = ending.line ?? 'deploy';
    expect(document).toMatchObject({
      command: line.split(' ')[0],
      fleet: FLEET,
      outcome: ending.outcome,
      exitCode: ending.exitCode,
      ...told(ending.facts),
    });
    // What people read at the end is what machines are told.
    const said = words(ending.exitCode === 0 ? text.out : text.err);
    expect(
      said.endsWith(words(document.message)) ||
        words(document.message).includes(said.split('\n').at(-1) ?? '?'),
    ).toBe(true);
  });
});

describe('A command that cannot even begin', () => {
  const CONNECTED = { caller: CALLER, ports: async () => new Desk().world.ports as never };

  it.each<[string, string, Visit, number, object]>([
    ['bad usage', `deploy ${FLEET} --wiat`, {}, 2, { command: 'deploy', fleet: FLEET, outcome: 'bad-usage' }],
    ['no such fleet', 'status nobody', {}, 2, { command: 'status', fleet: 'nobody', outcome: 'bad-usage' }],
    ['an option that took --json for its value', `cancel ${FLEET} --reason`, {}, 2, { outcome: 'bad-usage' }],
    ['no fleet', 'cancel', {}, 2, { command: 'cancel', fleet: null, outcome: 'bad-usage' }],
    ['nothing', '--local', {}, 2, { command: null, fleet: null, outcome: 'bad-usage' }],
    ['no such scenario', `status ${FLEET} --local runing`, {}, 2, { outcome: 'bad-usage' }],
    [
      'a deployment that is none',
      `page ${FLEET} not/a/name`,
      {},
      2,
      { command: 'page', outcome: 'bad-usage' },
    ],
    [
      'another account',
      `status ${FLEET}`,
      { connect: async () => ({ ...CONNECTED, caller: { ...CALLER, account: '999999999999' } }) },
      1,
      { outcome: 'wrong-account' },
    ],
    [
      'refused by AWS',
      `status ${FLEET}`,
      { connect: refuse('AWS refused it: AccessDenied.') },
      1,
      { outcome: 'failed', problem: { error: 'ServiceRefused' } },
    ],
    [
      'credentials that ended',
      `status ${FLEET}`,
      { connect: refuse('AWS refused it: ExpiredToken.') },
      1,
      { outcome: 'failed', problem: { error: 'ExpiredCredentials' } },
    ],
    [
      'a bug',
      `status ${FLEET}`,
      {
        connect: async () => {
          throw new TypeError('undefined is not a function');
        },
      },
      1,
      {
        outcome: 'failed',
        problem: { error: 'CommandCrashed' },
        message: expect.stringContaining('undefined is not a function'),
      },
    ],
  ])('%s: says so to machines, too', async (_, line, visit, exitCode, document) => {
    const desk = new Desk();
    expect(await desk.run(line, visit)).toMatchObject({ exitCode, out: '' });
    const json = await desk.run(`${line} --json`, visit);
    expect(json.exitCode).toBe(exitCode);
    expect(JSON.parse(json.out)).toMatchObject({
      exitCode,
      message: expect.stringMatching(/./),
      ...document,
    });
  });
});

describe('How long a command follows without --timeout', () => {
  const [fleet] = readFleets(fleetsFile).flatMap(({ fleets }) => fleets);
  const seconds = (changes: object, options = {}) =>
    waitSeconds({ fleet: { ...fleet, ...changes }, options } as unknown as Task);

  it('counts the replacement of stragglers, twice, and not where there is none', () => {
    const [without, more] = [seconds({ replaceStragglers: false }), seconds({ replaceStragglers: true })];
    expect(more - without).toBeGreaterThanOrEqual(2 * (fleet?.limits.drainSeconds ?? Number.NaN));
  });

  it('is what --timeout says, in minutes', () => expect(seconds({}, { timeout: '7' })).toBe(420));
});
