/** `irekae status` without a fleet: all fleets of all environments in reach, each in a row. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type FleetFacts, fleetNow } from '../../bin/command/overview.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import type { CommandPorts } from '../../lambdas/ports/command.ts';
import type { FleetsFile } from '../../lib/fleet-config.ts';
import { ACCOUNT, CALLER, Desk, FLEET, worldFleets } from './desk.ts';

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});

const refused = async () => {
  throw new DeploymentError('ServiceRefused', 'AWS refused it: AccessDenied.');
};

/** The row of a fleet. */
const rowOf = (out: string, fleet: string) => out.split('\n').find((line) => line.startsWith(`  ${fleet} `));

describe('irekae status, without a fleet', () => {
  it('has a row for each fleet of each environment', async () => {
    desk.hold('bring-up');
    const { out, exitCode } = await desk.run('status');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^staging \(123456789012, ap-northeast-1\)\n {2}fleet +now +deployed +version\n/);
    expect(rowOf(out, FLEET)).toMatch(/ deploying: Bring up +- +\S/);
    expect(rowOf(out, 'reactio-staging-worker')).toMatch(/ never deployed +- +-$/);
    expect(out).toMatch(/4 fleets: 1 deploying, 3 never deployed\.\n.*irekae status reactio-production-app$/);
  });

  it('of an environment has only its fleets', async () => {
    const { out } = await desk.run('status staging');
    expect(out).toMatch(/2 fleets: 2 never deployed/);
    expect(out).not.toContain('production');
  });

  it('asks for a fleet or an environment when it is given something else', async () => {
    expect(await desk.run('status producton')).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/^producton: no such fleet or environment; did you mean production\?/),
    });
  });

  it('a fleet that cannot be read says so in its row, and the others are there', async () => {
    const { ledger } = desk.world.ports;
    const read: typeof ledger.read = (fleet) => (fleet === FLEET ? refused() : ledger.read(fleet));
    const said = await desk.run('status', { ports: { ledger: { ...ledger, read } } });
    expect(said.exitCode).toBe(0);
    expect(rowOf(said.out, FLEET)).toMatch(/ cannot be read +- +AWS refused it: AccessDenied\.$/);
    expect(said.out).toMatch(/4 fleets: 1 cannot be read, 3 never deployed/);
  });

  it('what is not known of one that can be read is said in its row, too', async () => {
    desk.hold('bring-up');
    const { records } = desk.world.ports;
    const said = await desk.run('status', { ports: { records: { ...records, readRecord: refused } } });
    expect(rowOf(said.out, FLEET)).toMatch(/ deploying: Bring up +- +AWS refused it: AccessDenied\.$/);
  });

  it('ends with 1 when none can be read', async () => {
    const { ledger } = desk.world.ports;
    const said = await desk.run('status --json', { ports: { ledger: { ...ledger, read: refused } } });
    expect(said.exitCode).toBe(1);
    expect(JSON.parse(said.out)).toMatchObject({ fleet: null, outcome: 'nothing-in-reach' });
  });

  const away: FleetsFile = {
    ...worldFleets,
    environments: worldFleets.environments.map((environment) =>
      environment.name === 'staging' ? { ...environment, account: '111111111111' } : environment,
    ),
  };

  it('names the environment that these credentials do not reach', async () => {
    const { out, exitCode } = await desk.run('status', { fleetsFile: away });
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^staging is not in reach: staging is in the account 111111111111 .* belong to 123/);
    expect(out).toMatch(/\n2 fleets: 2 never deployed/);
  });

  it('names the environment that AWS does not let us see', async () => {
    const ports = async () => desk.world.ports as unknown as CommandPorts;
    const { out, exitCode } = await desk.run('status', {
      connect: async ({ name }) => (name === 'staging' ? refused() : { caller: CALLER, ports }),
    });
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^staging is not in reach: AWS refused it: AccessDenied\.\n\nproduction/);
  });

  it('says what keeps all of them from being seen', async () => {
    const connect = async () => {
      throw Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' });
    };
    const said = await desk.run('status --json', { connect });
    expect(said.exitCode).toBe(1);
    expect(JSON.parse(said.out)).toMatchObject({
      outcome: 'nothing-in-reach',
      problem: { error: 'NoCredentials' },
    });
    const text = await desk.run('status', { connect });
    expect(text.err).toMatch(/^staging is not in reach: There are no AWS credentials: Could not load/);
  });

  it('tells machines all of it', async () => {
    const arn = desk.hold('shift');
    desk.pend('v9');
    const { out } = await desk.run('status --json', { fleetsFile: away });
    expect(JSON.parse(out)).toMatchObject({
      command: 'status',
      fleet: null,
      outcome: 'overview',
      result: {
        environments: [
          { environment: 'staging', notInReach: expect.stringContaining('111111111111') },
          {
            environment: 'production',
            account: ACCOUNT,
            fleets: [
              {
                fleet: FLEET,
                now: 'deploying',
                deploying: { deployment: arn.split(':').at(-1), phase: 'shift' },
                waits: { versionId: 'v9' },
              },
              { fleet: 'reactio-production-worker', now: 'never-deployed' },
            ],
          },
        ],
      },
    });
  });
});

describe('Fifty fleets', () => {
  const [template] = worldFleets.fleets;
  const many: FleetsFile = {
    environments: worldFleets.environments.filter(({ name }) => name === 'staging'),
    fleets: Array.from({ length: 50 }, (_, index) => ({
      ...(template as (typeof worldFleets.fleets)[number]),
      name: `fleet-${index + 1}`,
      mackerel: { service: 'many', role: `role-${index + 1}` },
      artifact: 'shared/app.tar.gz',
      loadBalancers: [],
    })),
  };

  it('are asked for side by side, ten at a time, with few requests', async () => {
    for (const { name } of many.fleets) {
      const hold = desk.world.ledger.take(name, {
        holder: `arn:aws:states:x:1:execution:m:${name}`,
        startedBy: 'CI',
      });
      if (hold) desk.world.ledger.release(name, hold);
    }
    let [now, most, calls] = [0, 0, 0];
    const counted = <T extends object>(port: T): T =>
      new Proxy(port, {
        get:
          (target, name) =>
          async (...args: unknown[]) => {
            calls += 1;
            now += 1;
            most = Math.max(most, now);
            await new Promise(setImmediate);
            now -= 1;
            return (Reflect.get(target, name) as (...args: unknown[]) => unknown).apply(target, args);
          },
      });
    const { ledger, records, artifacts, executions } = desk.world.ports;
    const said = await desk.run('status', {
      fleetsFile: many,
      ports: {
        ledger: counted(ledger),
        records: counted(records),
        artifacts: counted(artifacts),
        executions: counted(executions),
      },
    });
    expect(said.exitCode).toBe(0);
    expect(said.out).toMatch(/50 fleets: 50 idle/);
    // The lock and the record of each, and the one artifact that they share.
    expect(calls).toBe(101);
    // Each fleet's record is read beside the artifact.
    expect(most).toBeGreaterThan(5);
    expect(most).toBeLessThanOrEqual(20);
  });
});

describe('What goes on at a fleet', () => {
  const now = new Date('2026-11-22T03:00:00Z');
  const held = {
    holder: 'arn:aws:states:r:1:execution:m:d2',
    generation: 2,
    phase: 'shift',
    since: new Date('2026-11-22T02:58:00Z'),
    startedBy: 'CI',
  } as const;
  const row = { fleet: 'f', generation: 2 };
  const pending = { id: 'u', input: '{}', versionId: 'v3', since: now };
  const current = {
    deployment: 'd1',
    outcome: 'Deployed',
    finishedAt: '2026-11-20T03:00:00Z',
    artifact: { key: 'a', versionId: 'v1', sha256: 's' },
  } as FleetFacts['current'];
  const newest = { key: 'a', versionId: 'v2', sizeBytes: 1, uploadedAt: new Date('2026-11-22T02:50:00Z') };

  it.each<[string, Partial<FleetFacts>, string, string]>([
    ['its ledger cannot be read', { isUnreadable: true }, 'unreadable', 'cannot be read'],
    ['it was never deployed', {}, 'never-deployed', 'never deployed'],
    ['nothing', { row, current }, 'idle', 'idle'],
    ['a newer upload', { row, current, newest }, 'idle', 'idle; newer upload 10 min ago'],
    ['the newest upload runs', { row, current, newest: { ...newest, versionId: 'v1' } }, 'idle', 'idle'],
    [
      'the newest upload waits',
      { row: { ...row, pending: { ...pending, versionId: 'v2' } }, current, newest },
      'waiting',
      'about to start',
    ],
    [
      'the last one ended badly',
      { row, current: { ...current, outcome: 'StoppedHalfway' } as FleetFacts['current'] },
      'idle',
      'idle since StoppedHalfway',
    ],
    [
      'a deployment',
      { row: { ...row, held }, state: { state: 'running' } },
      'deploying',
      'deploying: Shift traffic',
    ],
    [
      'a deployment that may not be asked for',
      { row: { ...row, held } },
      'deploying',
      'deploying: Shift traffic',
    ],
    [
      'a deployment, and one that waits',
      { row: { ...row, held, pending }, state: { state: 'running' } },
      'deploying',
      'deploying: Shift traffic; another one waits',
    ],
    [
      'one that was stopped',
      { row: { ...row, held }, state: { state: 'ended', status: 'ABORTED', at: now } },
      'ended',
      'stopped in Shift traffic: the clean-up comes',
    ],
    [
      'one that needs a human',
      {
        row: { ...row, held: { ...held, needsHuman: 'x' } },
        state: { state: 'ended', status: 'FAILED', at: now },
      },
      'needs-human',
      'needs a human',
    ],
  ])('%s', (_, facts, expected, words) =>
    expect(fleetNow({ fleet: 'f', unknown: [], ...facts }, now)).toMatchObject({ now: expected, words }),
  );
});
