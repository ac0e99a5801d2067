/**
 * Whatever the execution input, the upload's event, an execution's name or a machine image says: nothing of it runs in
 * a shell, nothing outside the fleet is touched, and the deployment ends as a success or under a name of the closed list.
 */

import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import { renderBootScript } from '../../lambdas/domain/launch/boot-script.ts';
import type { LaunchRequest } from '../../lambdas/ports/ec2.ts';
import { recordTheFailure } from '../../lambdas/record-the-failure.ts';
import { takeTheFleetLock } from '../../lambdas/take-the-fleet-lock.ts';
import { matches, uploadRule } from '../../simulator/event-rule.ts';
import type { Stage } from '../../simulator/stage.ts';
import { aDeployment, failedBy } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { portsWith } from '../support/ports.ts';
import { some } from '../support/thorough.ts';
import { synthesize } from '../synth.ts';
import { addDatabase, stageOf, textsIn, UNPRINTABLE, watchOver } from './outsiders.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

const SHELL = `'; touch /tmp/pwned; $(reboot) \`reboot\` "\${HOME}" && exit 1 #`;
const HOSTILE: readonly [string, unknown][] = [
  ['shell metacharacters', SHELL],
  ['a line of its own', 'x\nreboot\r\n#'],
  ['control characters', '\u001b[2J\u0007\u009b31m\u202egnp'],
  ['NUL', 'a\0b'],
  ['half a character', '\ud800'],
  ['a very long text', 'x'.repeat(100_000)],
  ['an empty text', ''],
  ['a number', 1e21],
  ['a number as a text', '1'],
  ['a list', [SHELL]],
  ['null', null],
  ['a truth as a text', 'true'],
  ['an object', { toString: SHELL, valueOf: 1 }],
  ['prototype keys', JSON.parse('{"__proto__":{"redeploy":true},"constructor":{"prototype":1}}')],
  ['a path upwards', '../../etc/passwd'],
  ['everything', '*'],
];
const FIELDS = [
  'bucket',
  'key',
  'versionId',
  'amiId',
  'reason',
  'startedBy',
  'dryRun',
  'redeploy',
  'upload',
  '__proto__',
  'constructor',
  'fleet',
];

/** An input with this own key, `__proto__` too. */
const inputWith = (field: string, value: unknown): unknown =>
  JSON.parse(`{${JSON.stringify(field)}:${JSON.stringify(value)}}`);

interface Played {
  readonly endedIn: string;
  readonly error: string | undefined;
  readonly touched: readonly string[];
  readonly launches: readonly LaunchRequest[];
  /** Every text that the deployment told, or wrote down. */
  readonly told: readonly string[];
}

/** Deploys this input to the workers, which are soonest done, beside a database. */
async function play(
  input: unknown,
  name = 'the-deployment',
  arrange: (stage: Stage) => void = () => {},
): Promise<Played> {
  stage = stageOf({ fleet: 'reactio-production-worker' });
  const on = stage;
  on.upload();
  arrange(on);
  const launches: LaunchRequest[] = [];
  on.world.intercept = (call, proceed) => {
    if (call.action === 'launch') launches.push(call.args[0] as LaunchRequest);
    return proceed();
  };
  const said: unknown[] = [];
  on.onEvent = (event) => said.push(event);
  const touched = watchOver(on, Object.values(addDatabase(on)));
  const result = await on.deploy(input, name);
  const { bucket } = on.fleet.artifact;
  said.push({ ...result, output: null }, on.world.s3.readRecord(bucket, currentReleaseKey(on.fleet.name)));
  on.close();
  const { endedIn, error } = result;
  return { endedIn, error, touched, launches, told: textsIn(said) };
}

/** Bash's own reading of the first lines of a boot script: the values that it assigns. */
function assigned({ userData }: LaunchRequest): Record<string, string> {
  // A value may itself have an empty line.
  const head = userData.slice(0, userData.lastIndexOf('\n\n', userData.indexOf('\nset -euo pipefail\n')));
  const names = [...head.matchAll(/^([a-z_]+)='/gm)].map(([, name = '']) => name);
  const print = `\nprintf '%s\\0' ${names.map((name) => `"$${name}"`).join(' ')}`;
  // No command but the assignments: PATH is empty, and whatever is not found would be said.
  const { stdout, stderr } = spawnSync('/bin/bash', [], {
    input: head + print,
    encoding: 'utf8',
    env: { PATH: '' },
  });
  expect(stderr).toBe('');
  const values = stdout.split('\0');
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
}

function isBash({ userData }: LaunchRequest): void {
  const { status, stderr } = spawnSync('/bin/bash', ['-n'], { input: userData, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

const GOOD_ENDS = ['Deployed', 'Planned', 'Superseded', 'Already deployed', 'Nothing to redeploy'];

function harmless({ endedIn, error, touched, launches, told }: Played): void {
  expect(touched).toEqual([]);
  if (error === undefined) expect(GOOD_ENDS).toContain(endedIn);
  else
    expect({ endedIn, isNamed: error in FAILURES }).toEqual({
      endedIn: 'Nothing was changed',
      isNamed: true,
    });
  expect(told.filter((text) => UNPRINTABLE.test(text) || !text.isWellFormed())).toEqual([]);
  for (const launch of launches) isBash(launch);
}

describe('A forged execution input', () => {
  it.each(some(FIELDS))('does no harm in the field %s', { timeout: 60_000 }, async (field) => {
    for (const [, value] of HOSTILE) harmless(await play(inputWith(field, value)));
  });

  // The interpreter of the tests does not know inputs that are false to JavaScript.
  it.each(some(HOSTILE.filter(([, value]) => value)))(
    'does no harm in place of the whole input: %s',
    async (_title, value) => harmless(await play(value)),
  );

  it.each(['', null, 0, false])('is refused in place of the whole input: %j', async (input) => {
    const deployment = aDeployment({ input: input as never });
    await expect(takeTheFleetLock.run(deployment, portsWith({}))).rejects.toThrow(failure('InvalidInput'));
  });

  it('is text for people, and nothing else, where a text is allowed', async () => {
    const played = await play({ reason: SHELL, startedBy: `Hanako\n\u001b[2J${SHELL}` });
    harmless(played);
    expect(played.endedIn).toBe('Deployed');
    expect(played.launches).toHaveLength(2);
    for (const { userData, tags } of played.launches) {
      expect(userData).not.toContain('pwned');
      expect(JSON.stringify(tags)).not.toContain('pwned');
    }
    expect(played.told).toContain(`Hanako \uFFFD[2J${SHELL}`);
  });

  it('cannot ask for anything by way of a prototype', async () => {
    const { endedIn, error } = await play(inputWith('__proto__', { dryRun: true }));
    expect([endedIn, error]).toEqual(['Nothing was changed', 'InvalidInput']);
  });

  it('names the unknown field in one short line, however it is spelt', async () => {
    const { told } = await play(inputWith(`x\u001b[2J${'y'.repeat(10_000)}`, 1));
    const [cause] = told.filter((text) => text.startsWith('InvalidInput: '));
    expect(cause).toMatch(
      /^InvalidInput: One problem with the execution input: x\uFFFD\[2Jy{60,80}…: unknown/,
    );
    expect(cause?.length).toBeLessThan(500);
  });

  it('that is nested too deeply is refused, and its failure recorded, by name', async () => {
    const reason: unknown = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    const deployment = aDeployment({ input: { reason } as never });
    await expect(takeTheFleetLock.run(deployment, portsWith({}))).rejects.toThrow(
      failure('InvalidInput', 'reason: given something nested too deeply to be shown, allowed: a string'),
    );
    const ports = portsWith({ records: { writeRecord: async () => {} } });
    expect(
      await recordTheFailure.run(
        { document: { ...deployment, failure: failedBy('InvalidInput') }, ends: 'refused' },
        ports,
      ),
    ).toMatchObject({ error: 'InvalidInput' });
  });
});

describe('A tarball’s key with odd characters', () => {
  const KEYS = [
    'reactio/app.tar.gz\n',
    'reactio/app.tar.gz ',
    ' reactio/app.tar.gz',
    'REACTIO/app.tar.gz',
    'reactio//app.tar.gz',
    'x/../reactio/app.tar.gz',
    'reactio%2Fapp.tar.gz',
    'reactio/app.tar.gz?versionId=x',
    `reactio/app.tar.gz${SHELL}`,
    '"},"redeploy":true,{"key":"reactio/app.tar.gz',
    '<key>',
    '__proto__',
    '日本語/\u202egz.tar',
    '\u001b[2J',
  ];
  const { pattern } = uploadRule(synthesize(), 'reactio-production-app');
  const bucket = (pattern as { detail: { bucket: { name: string[] } } }).detail.bucket.name[0];
  const event = (key: string) => ({
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: { bucket: { name: bucket }, object: { key, 'version-id': 'v1' }, reason: 'PutObject' },
  });

  it('starts nothing: the rule asks for the fleet’s key to the letter', () => {
    expect(matches(pattern, event('reactio/app.tar.gz'))).toBe(true);
    expect(KEYS.filter((key) => matches(pattern, event(key)))).toEqual([]);
  });

  it.each(KEYS)('is refused if it comes all the same: %j', async (key) => {
    const played = await play({ key, upload: { eventId: 'e-1' } });
    harmless(played);
    expect([played.endedIn, played.error]).toEqual(['Nothing was changed', 'InvalidInput']);
    expect(played.launches).toEqual([]);
  });
});

describe('A hostile name of', () => {
  const AMI = 'ami-00000000000000abc';

  it.each(HOSTILE.flatMap(([title, value]) => (typeof value === 'string' ? [[title, value] as const] : [])))(
    'a machine image is told, and no more: %s',
    async (_title, name) => {
      const played = await play(
        { amiId: AMI, override: ['image'], reason: 'it is meant' },
        'the-deployment',
        ({ world }) => world.ec2.addImage({ imageId: AMI, name, tags: { [name]: name } }),
      );
      harmless(played);
      expect(played.endedIn).toBe('Deployed');
      expect(played.launches.map(({ imageId }) => imageId)).toEqual([AMI, AMI]);
      for (const { userData } of played.launches) expect(userData).not.toContain('pwned');
    },
  );

  it('an execution is one word to bash, and names the deployment', async () => {
    const name = `x'$(touch pwned)\`id\`;"\${HOME}"`;
    const played = await play({}, name);
    harmless(played);
    expect(played.endedIn).toBe('Deployed');
    expect(played.launches).toHaveLength(2);
    for (const launch of played.launches) expect(assigned(launch)).toMatchObject({ deployment: name });
  });
});

describe('The boot script', () => {
  const anything = fc
    .oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(SHELL, "'", "\\'", '\n', '$(id)', '-n'),
    )
    .filter((text) => !text.includes('\0') && text.isWellFormed());

  it('assigns exactly the values of its release, whatever they are, and runs none of them', () => {
    fc.assert(
      fc.property(
        fc.record({ fleet: anything, name: anything, key: anything, version: anything }),
        (given) => {
          const userData = renderBootScript({
            bucket: 'artifacts',
            fleet: given.fleet,
            deploymentId: given.name,
            artifact: { key: given.key, versionId: given.version, sha256: 'a'.repeat(64), sizeBytes: 1 },
            imageId: 'ami-0a1b2c3d4e5f60718',
            runtimes: [],
            startCommand: './start',
            startSeconds: 780,
            mackerelRole: 'Shop:web',
          });
          expect(assigned({ userData } as LaunchRequest)).toEqual({
            fleet: given.fleet,
            deployment: given.name,
            bucket: 'artifacts',
            release: `${given.key} version ${given.version}`,
            artifact_version: given.version,
            start_command: './start',
            mackerel_role: 'Shop:web',
          });
        },
      ),
      // Found by the seed -951706012.
      { numRuns: 100, examples: [[{ fleet: 'shop', name: 'deploy-1', key: 'app', version: '\n\n' }]] },
    );
  });
});
