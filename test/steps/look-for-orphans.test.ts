/** The orphan watch through its ports: each fleet for itself, what it starts, and what it tells CloudWatch. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { launchTokens } from '../../lambdas/domain/core/names.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../lambdas/ports/ledger.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import { failure } from '../support/failures.ts';

// Loaded anew with this setting, the logger writes to the console that tests can watch, and not to one of its own.
vi.stubEnv('POWERTOOLS_DEV', 'true');
vi.resetModules();
const { handler, tell } = await import('../../lambdas/watch/look-for-orphans.ts');
const { lookForOrphans } = await import('../../lambdas/domain/lock/orphan-watch.ts');

const NOW = new Date('2026-11-22T10:07:00Z');
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);
const MACHINE = 'arn:aws:states:ap-northeast-1:222222222222:stateMachine:irekae-';
const watched = (...names: string[]) => ({
  bucket: 'artifacts',
  fleets: names.map((name) => ({ name, machine: `${MACHINE}${name}`, launchTemplate: 'lt-1' })),
});

/** What one fleet is like. */
interface Scene {
  readonly row?: LedgerRow | Error;
  readonly state?: ExecutionState | Error;
  readonly record?: unknown;
  readonly instances?: readonly Instance[] | Error;
  readonly start?: Error;
}

const answer = <T>(value: T | Error): T => {
  if (value instanceof Error) throw value;
  return value;
};

function world(scenes: Readonly<Record<string, Scene>>) {
  const starts: string[] = [];
  const cleared: string[] = [];
  const order: string[] = [];
  const of = (fleet: string): Scene => scenes[fleet] ?? {};
  const fleetIn = (text: string) => /irekae-(\w+)/.exec(text)?.[1] ?? '';
  const unexpected = () => {
    throw new Error('the watch calls nothing else');
  };
  const ports = {
    clock: { now: () => NOW, sleep: async () => {} },
    ledger: {
      read: async (fleet: string) => {
        order.push('row');
        return answer(of(fleet).row);
      },
      clearPending: async (fleet: string, id: string) => void cleared.push(`${fleet} ${id}`),
      take: unexpected,
      takeOver: unexpected,
      enter: unexpected,
      keepForHuman: unexpected,
      release: unexpected,
      owe: unexpected,
      pend: unexpected,
      requestCancel: unexpected,
      putOnHold: unexpected,
      liftHold: unexpected,
      awaitPerson: unexpected,
      letGoOn: unexpected,
    },
    executions: {
      describe: unexpected,
      recent: unexpected,
      document: unexpected,
      events: unexpected,
      status: async (arn: string) => answer(of(fleetIn(arn)).state ?? { state: 'running' as const }),
      start: async (machine: string, name: string | undefined, input: string) => {
        const { start } = of(fleetIn(machine));
        if (start) throw start;
        starts.push(`${machine.slice(MACHINE.length)} ${name} ${input}`);
        return 'an execution';
      },
    },
    mackerel: new Proxy({} as Ports['mackerel'], { get: () => unexpected }),
    records: {
      readRecord: async (bucket: string, key: string) => {
        order.push('record');
        expect(bucket).toBe('artifacts');
        return answer(of(/^irekae\/(\w+)\/current\.json$/.exec(key)?.[1] ?? '').record);
      },
      readVersion: unexpected,
      writeRecord: unexpected,
      writePage: unexpected,
      writeText: unexpected,
    },
    ec2: {
      listByTag: async (key: string, fleet: string) => {
        order.push('instances');
        expect(key).toBe(TAG.fleet);
        return answer(of(fleet).instances ?? []);
      },
      describe: unexpected,
      listByToken: unexpected,
      launch: unexpected,
      terminate: unexpected,
      tag: unexpected,
      consoleOutput: unexpected,
      findImage: unexpected,
      matchingImages: unexpected,
      templateVersion: unexpected,
      subnets: unexpected,
    },
  };
  return { ports, starts, cleared, order };
}

const heldRow = (changes: Partial<NonNullable<LedgerRow['held']>> = {}, fleet = 'shop'): LedgerRow => ({
  fleet,
  generation: 7,
  held: {
    holder: `arn:aws:states:ap-northeast-1:222222222222:execution:irekae-${fleet}:deploy-2`,
    generation: 7,
    phase: 'shift',
    since: ago(4_000),
    startedBy: 'an upload',
    ...changes,
  },
});
const PENDING = { id: 'deploy-3', input: '{"versionId":"v3"}', versionId: 'v3', since: ago(60) };
const DEAD: ExecutionState = { state: 'ended', status: 'ABORTED', at: ago(1_200) };
const leftover: Instance = {
  instanceId: 'i-left',
  state: 'running',
  launchedAt: ago(3_600),
  zone: 'a',
  imageId: 'ami-1',
  instanceType: 't4g.small',
  tags: { [TAG.fleet]: 'shop', [TAG.deployment]: 'deploy-1', [TAG.template]: 'lt-1' },
};
const unavailable = (message: string) => new DeploymentError('ServiceUnavailable', message);

describe('The orphan watch', () => {
  it('finds nothing where nothing is left, and changes nothing', async () => {
    const { ports, starts, cleared } = world({ shop: { row: { fleet: 'shop', generation: 7 } } });
    expect(await lookForOrphans(watched('shop'), ports)).toEqual([
      {
        fleet: 'shop',
        orphanSeconds: 0,
        reasons: ['the lock is free', 'every instance is looked after'],
        troubles: [],
      },
    ]);
    expect([starts, cleared]).toEqual([[], []]);
  });

  it('starts what waits although the lock is free, and takes it out of the slot', async () => {
    const { ports, starts, cleared } = world({
      shop: { row: { fleet: 'shop', generation: 7, pending: PENDING } },
    });
    const [report] = await lookForOrphans(watched('shop'), ports);
    expect(starts).toEqual([expect.stringMatching(/^shop waited-[0-9a-f]{24} \{"versionId":"v3"\}$/)]);
    expect(cleared).toEqual(['shop deploy-3']);
    expect(report?.orphanSeconds).toBe(0);
  });

  it('sends the clean-up after a dead holder, and measures for how long it has been dead', async () => {
    const { ports, starts } = world({ shop: { row: heldRow(), state: DEAD } });
    const [report] = await lookForOrphans(watched('shop'), ports);
    expect(starts).toEqual(['shop-clean-up after-holder-7-202611221005 {}']);
    expect(report?.orphanSeconds).toBe(1_200);
  });

  it('measures what a human must decide, and starts nothing there', async () => {
    const { ports, starts } = world({
      shop: { row: heldRow({ needsHuman: 'the undo failed' }), state: DEAD },
    });
    const [report] = await lookForOrphans(watched('shop'), ports);
    expect(starts).toEqual([]);
    expect(report?.orphanSeconds).toBe(1_200);
    expect(report?.reasons.join()).toContain('the undo failed');
  });

  it('knows for how long a lock has been held, by a living holder too', async () => {
    const { ports } = world({ shop: { row: heldRow(), state: { state: 'running' } } });
    expect(await lookForOrphans(watched('shop'), ports)).toEqual([
      expect.objectContaining({ orphanSeconds: 0, lockSeconds: 4_000 }),
    ]);
  });

  it('leaves a running deployment alone', async () => {
    const own = { ...leftover, clientToken: `${launchTokens(heldRow().held?.holder ?? '')}1` };
    const { ports, starts } = world({
      shop: { row: heldRow(), state: { state: 'running' }, instances: [own] },
    });
    const [report] = await lookForOrphans(watched('shop'), ports);
    expect([starts, report?.orphanSeconds]).toEqual([[], 0]);
  });

  it('names instances that nobody looks after, beside a deployment that runs', async () => {
    const { ports } = world({ shop: { row: heldRow(), instances: [leftover] } });
    const [report] = await lookForOrphans(watched('shop'), ports);
    expect(report?.orphanSeconds).toBe(3_600);
    expect(report?.reasons.join()).toContain('i-left (launched by deploy-1 1 h 0 min ago)');
  });

  it('believes the record of what the fleet runs on', async () => {
    const record = { outcome: 'Deployed', newInstances: ['i-left'], oldInstances: [] };
    const { ports } = world({ shop: { instances: [leftover], record } });
    expect((await lookForOrphans(watched('shop'), ports))[0]?.orphanSeconds).toBe(0);
  });

  it('asks for the row, then the record, then the instances: what happens in between makes no orphan', async () => {
    const { ports, order } = world({ shop: {} });
    await lookForOrphans(watched('shop'), ports);
    expect(order).toEqual(['row', 'record', 'instances']);
  });

  it.each<[string, Scene]>([
    ['ledger', { row: unavailable('no row') }],
    ['executions', { row: heldRow({}, 'blog'), state: unavailable('no state') }],
    ['clean-up', { row: heldRow({}, 'blog'), state: DEAD, start: unavailable('no start') }],
    ['records', { record: unavailable('no record') }],
    ['instances', { instances: unavailable('no instances') }],
  ])('looks at the other fleets when one fleet has trouble with its %s', async (_, blog) => {
    const { ports, starts } = world({ blog, shop: { row: heldRow(), state: DEAD } });
    const [first, second] = await lookForOrphans(watched('blog', 'shop'), ports);
    expect(first?.troubles).toHaveLength(1);
    expect(second?.troubles).toEqual([]);
    expect(starts).toContain('shop-clean-up after-holder-7-202611221005 {}');
  });

  it.each<[string, Scene]>([
    ['record', { record: unavailable('no record') }],
    ['instances', { instances: unavailable('no instances') }],
  ])('sends the clean-up although it could not read the fleet’s %s', async (_, trouble) => {
    const { ports, starts } = world({ shop: { row: heldRow(), state: DEAD, ...trouble } });
    const [report] = await lookForOrphans(watched('shop'), ports);
    expect(starts).toHaveLength(1);
    expect(report).toMatchObject({ orphanSeconds: 1_200, troubles: [failure('ServiceUnavailable')] });
  });

  it('leaves an instance that is kept for debugging, and ends it when its time is over', async () => {
    const kept = (until: Date): Instance => ({
      ...leftover,
      tags: { ...leftover.tags, [TAG.keepUntil]: until.toISOString() },
    });
    const row = { fleet: 'shop', generation: 7 };
    const still = world({ shop: { row, instances: [kept(new Date(NOW.getTime() + 60_000))] } });
    expect(await lookForOrphans(watched('shop'), still.ports)).toMatchObject([
      { orphanSeconds: 0, troubles: [] },
    ]);
    const over = world({ shop: { row, instances: [kept(ago(60))] } });
    const terminated: string[] = [];
    const ec2 = {
      ...over.ports.ec2,
      terminate: async (ids: readonly string[]) => {
        terminated.push(...ids);
        return { refused: [] };
      },
    };
    await lookForOrphans(watched('shop'), { ...over.ports, ec2 });
    expect(terminated).toEqual(['i-left']);
  });

  it('never ends a host that the fleet runs on, whatever somebody tagged it with', async () => {
    const tags = { ...leftover.tags, [TAG.keepUntil]: ago(60).toISOString() };
    const record = { outcome: 'Deployed', newInstances: ['i-left'], oldInstances: [] };
    const { ports } = world({
      shop: { row: { fleet: 'shop', generation: 7 }, record, instances: [{ ...leftover, tags }] },
    });
    // The scene's `terminate` throws: it would be told among the troubles.
    expect(await lookForOrphans(watched('shop'), ports)).toMatchObject([{ orphanSeconds: 0, troubles: [] }]);
  });

  it('names leftovers although it could not ask for the holder’s execution', async () => {
    const { ports } = world({
      shop: { row: heldRow(), state: unavailable('no state'), instances: [leftover] },
    });
    const [report] = await lookForOrphans(watched('shop'), ports);
    expect(report).toMatchObject({ orphanSeconds: 3_600, troubles: [failure('ServiceUnavailable')] });
  });

  it('judges no instance without the ledger’s row: the holder’s own would be orphans', async () => {
    const { ports, order } = world({ shop: { row: unavailable('no row'), instances: [leftover] } });
    const [report] = await lookForOrphans(watched('shop'), ports);
    expect(order).toEqual(['row']);
    expect(report?.orphanSeconds).toBe(0);
  });
});

describe('What the orphan watch tells', () => {
  const lines: Record<string, unknown>[] = [];
  beforeEach(() => {
    lines.length = 0;
    const take = (line: unknown) => void lines.push(JSON.parse(String(line)));
    for (const method of ['info', 'warn', 'error'] as const)
      vi.spyOn(console, method).mockImplementation(take);
    return () => vi.restoreAllMocks();
  });
  const report = {
    fleet: 'shop',
    orphanSeconds: 0,
    reasons: ['the lock is free', 'all is well'],
    troubles: [],
  };

  it('is one line for each fleet; where nothing is orphaned and nothing is held, no metric is told', () => {
    tell([report], NOW);
    expect(lines).toEqual([
      expect.objectContaining({ level: 'INFO', message: 'the lock is free; all is well', fleet: 'shop' }),
    ]);
    for (const metric of ['_aws', 'OrphanSeconds', 'LockAgeSeconds'])
      expect(lines[0]).not.toHaveProperty(metric);
  });

  it('tells the age of a lock that is held', () => {
    tell([{ ...report, lockSeconds: 45 }], NOW);
    expect(lines).toEqual([
      expect.objectContaining({
        // At the top of the line: this is where CloudWatch looks, and nowhere else.
        _aws: {
          Timestamp: NOW.getTime(),
          CloudWatchMetrics: [
            {
              Namespace: 'irekae',
              Dimensions: [['fleet']],
              Metrics: [{ Name: 'LockAgeSeconds', Unit: 'Seconds' }],
            },
          ],
        },
        fleet: 'shop',
        LockAgeSeconds: 45,
      }),
    ]);
    expect(lines[0]).not.toHaveProperty('OrphanSeconds');
  });

  it('warns of orphans', () => {
    tell([{ ...report, orphanSeconds: 1_200 }], NOW);
    expect(lines).toEqual([expect.objectContaining({ level: 'WARN', OrphanSeconds: 1_200 })]);
    expect(lines[0]?._aws).toMatchObject({
      CloudWatchMetrics: [{ Dimensions: [['fleet']], Metrics: [{ Name: 'OrphanSeconds', Unit: 'Seconds' }] }],
    });
  });

  it('is never that all is well when not all was looked at; the run fails, after the others were told', () => {
    const troubled = { ...report, fleet: 'blog', troubles: [unavailable('no record')] };
    expect(() => tell([troubled, report], NOW)).toThrow(
      failure('ServiceUnavailable', /look at all of blog;/),
    );
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'ERROR',
        fleet: 'blog',
        failure: 'ServiceUnavailable',
        message: 'no record',
      }),
      expect.objectContaining({ level: 'INFO', fleet: 'shop' }),
    ]);
    expect(lines[0]).not.toHaveProperty('OrphanSeconds');
  });

  it('is what is known to be orphaned, even when the rest could not be looked at', () => {
    const troubled = { ...report, orphanSeconds: 1_200, troubles: [unavailable('no record')] };
    expect(() => tell([troubled], NOW)).toThrow(failure('ServiceUnavailable'));
    expect(lines).toContainEqual(expect.objectContaining({ level: 'WARN', OrphanSeconds: 1_200 }));
  });

  it.each([[undefined], [{}], [{ bucket: 'b', fleets: [] }], [{ bucket: 'b', fleets: [{ name: 'shop' }] }]])(
    'is a failure when it was not started by its schedule: %j',
    async (event) => {
      await expect(handler(event)).rejects.toThrow(failure('StepCrashed', /by its schedule/));
    },
  );
});
