/** Who may start is not who may override: CI, which may start a fleet's machines, tries to open a gate. */
import { afterEach, describe, expect, it } from 'vitest';
import { executionOf, machineArn } from '../../lambdas/domain/core/aws.ts';
import { judgeDoor } from '../../lambdas/domain/core/door.ts';
import { parseInput } from '../../lambdas/domain/core/input.ts';
import { doorTo, machineName } from '../../lambdas/domain/core/names.ts';
import { saysWhy } from '../../lambdas/domain/core/reason.ts';
import { ACCOUNT, REGION } from '../../simulator/run-definition.ts';
import type { Stage } from '../../simulator/stage.ts';
import { stageOf } from '../blast-radius/outsiders.ts';
import { type EnvironmentName, statementsOf, states } from '../examples/ci-roles.ts';
import { failure } from '../support/failures.ts';
import { allows } from '../support/iam.ts';

const FLEET = 'reactio-production-worker';
const PLACE = { partition: 'aws', region: REGION, account: ACCOUNT };
const machine = (kind: 'deploy' | 'override') => machineArn(PLACE, machineName(FLEET, kind));
const FREEZE = { override: ['freeze'], reason: 'the payment page is down' };

let stage: Stage | undefined;
afterEach(() => stage?.close());

/** Frozen at all times. */
function frozen(): Stage {
  stage = stageOf({ fleet: FLEET });
  const always = {
    kind: 'dated',
    label: 'always',
    from: '2020-01-01T00:00',
    to: '2090-01-01T00:00',
    timeZone: 'UTC',
  };
  stage.configure({ freezes: [always as never] });
  stage.upload();
  return stage;
}
const ends = async (on: Stage, input: unknown, name?: string) => {
  const { endedIn, error, cause } = await on.clock.until(on.start(input, name).result);
  return { endedIn, error, cause };
};

describe.each<EnvironmentName>(['staging', 'production'])('CI of %s', (environment) => {
  const ci = statementsOf(environment, 'CiRole');
  const app = `reactio-${environment}-app`;
  const start = (kind: 'deploy' | 'promote' | 'override' | 'promote-override') =>
    allows(ci, {
      action: 'states:StartExecution',
      resource: states(environment, `stateMachine:${machineName(app, kind)}`),
      context: {},
    });

  it('may start deployments', () => expect(start('deploy')).toBe(true));
  it.each(['deploy', 'promote'] as const)('may not start the door to: %s', (kind) =>
    expect(start(doorTo(kind))).toBe(false),
  );
});

describe('An override', () => {
  it('that came through the door counts, and is recorded', async () => {
    const on = frozen();
    expect(await on.deploy({})).toMatchObject({ endedIn: 'Nothing was changed', error: 'Frozen' });
    const { endedIn, output } = await on.deploy(FREEZE, 'urgent');
    expect(endedIn).toBe('Deployed');
    expect(output).toMatchObject({ override: ['freeze'], why: FREEZE.reason });
  });

  const FORGED: readonly [string, (on: Stage) => unknown][] = [
    ['alone', () => FREEZE],
    ['of a dry run', () => ({ ...FREEZE, dryRun: true })],
    [
      'with a door that has never been opened',
      () => ({ door: executionOf(machine('override'), 'none'), asked: FREEZE }),
    ],
    [
      'with a door of its own name',
      () => ({ door: executionOf(machine('override'), 'forged'), asked: FREEZE }),
    ],
    [
      'with the door of an earlier override',
      () => ({ door: executionOf(machine('override'), 'urgent'), asked: FREEZE }),
    ],
    ['with itself as the door', () => ({ door: executionOf(machine('deploy'), 'forged'), asked: FREEZE })],
    [
      'with the door of another account',
      () => ({
        door: executionOf(machine('override'), 'urgent').replace(ACCOUNT, '666666666666'),
        asked: FREEZE,
      }),
    ],
    ['with no door', () => ({ door: '', asked: FREEZE })],
    [
      'of a door in a door',
      () => ({ door: '', asked: { door: executionOf(machine('override'), 'urgent'), asked: FREEZE } }),
    ],
  ];
  it.each(FORGED)('in the input of the fleet’s own machine is refused: %s', async (_, forge) => {
    const on = frozen();
    expect((await on.deploy(FREEZE, 'urgent')).endedIn).toBe('Deployed');
    on.upload('another one');
    const before = on.world.view().instances.length;
    const { endedIn, error, cause } = await ends(on, forge(on), 'forged');
    expect({ endedIn, error }).toEqual({ endedIn: 'Nothing was changed', error: 'InvalidInput' });
    expect(cause).toMatch(
      /override: given \["freeze"\], allowed: nothing, unless .*-override starts|door: unknown field/,
    );
    expect(on.world.view().instances).toHaveLength(before);
  });

  it('says what to type instead', async () => {
    const { cause } = await ends(frozen(), FREEZE);
    expect(cause).toContain(`irekae deploy ${FLEET} --override freeze --reason '…'`);
  });

  it.each([
    ['its answer names this execution', 'e-1', 0, 'open'],
    ['its answer names another one', 'e-2', 0, 'shut'],
    ['it has not answered yet', undefined, 59, 'wait'],
    ['it has not answered in time', undefined, 60, 'shut'],
  ])('is judged by what Step Functions says of the door: %s', (_, started, seconds, verdict) => {
    const startedAt = new Date('2026-11-22T03:00:00Z');
    const door = {
      state: { state: 'running' },
      startedAt,
      ...(started !== undefined && { output: { ExecutionArn: started } }),
    } as const;
    const knock = { execution: { id: 'e-1', startedAt: startedAt.toISOString() } };
    expect(judgeDoor(knock, door, new Date(startedAt.getTime() + seconds * 1_000))).toBe(verdict);
  });

  it('that waits for its turn comes through the door again', async () => {
    const on = frozen();
    const first = on.override(FREEZE, 'first');
    on.whenEntering('Launch new instances', () => {
      on.upload('newer');
      on.override(FREEZE, 'second');
    });
    expect((await on.clock.until(first.result)).endedIn).toBe('Deployed');
    await on.settle();
    const waited = on.executions.filter(({ name }) => name.startsWith('waited-'));
    expect(waited.map(({ machineName }) => machineName)).toEqual([
      machineName(FLEET, 'override'),
      machineName(FLEET, 'deploy'),
    ]);
    expect((await on.clock.until(waited[1]?.result ?? Promise.reject())).endedIn).toBe('Deployed');
  });

  it('starts under another name when somebody has taken its own', async () => {
    const on = frozen();
    await ends(on, {}, 'urgent');
    const { endedIn, output } = await on.deploy(FREEZE, 'urgent');
    expect(endedIn).toBe('Deployed');
    expect(output).toMatchObject({ override: ['freeze'] });
  });
});

describe('The reason of an override', () => {
  it.each([
    '',
    '   ',
    '-',
    'x',
    'xxxx',
    'aaab',
    '1234',
    '!?…',
    '\u0000\u0007',
    '\u001b[2Jnow then',
    'a\u202ebcdef',
    '\u200b\u200b\u200b\u200b',
  ])('is words, and not %j', (reason) => {
    expect(saysWhy(reason)).toBe(false);
    expect(() => parseInput({ override: ['freeze'], reason })).toThrow(
      failure('InvalidInput', 'reason: given'),
    );
  });
  it.each(['outage', '決済が止まった', 'JIRA-12: the page is down'])('may be %j', (reason) =>
    expect(saysWhy(reason)).toBe(true),
  );
});

describe('A name that can be guessed', () => {
  /** While `first` deploys, an upload waits; somebody who may start executions knows what its turn will be called. */
  async function taken(forge: (on: Stage, id: string) => void): Promise<{ on: Stage; versionId: string }> {
    stage = stageOf({ fleet: FLEET });
    const on = stage;
    on.upload();
    let versionId = '';
    on.whenEntering('Launch new instances', () => {
      versionId = on.upload('newer');
      on.start({ versionId, upload: { eventId: 'e' } }, 'upload-2');
    });
    on.whenEntering('Terminate old instances', () => forge(on, 'upload-2'));
    await on.clock.until(on.start({}, 'first').result);
    await on.settle();
    return { on, versionId };
  }
  const runs = (on: Stage) =>
    on.world.s3.readRecord(on.fleet.artifact.bucket, `irekae/${FLEET}/current.json`);

  it.each([
    ['a dry run', { dryRun: true }],
    ['a refused input', { amiId: 'nonsense' }],
  ])('loses no upload when somebody has started it before: %s', async (_, input) => {
    const { waitedName } = await import('../../lambdas/domain/core/names.ts');
    const { on, versionId } = await taken((here, id) => here.start(input, waitedName(id)));
    expect(runs(on)).toMatchObject({ artifact: { versionId }, outcome: 'Deployed' });
  });
});
