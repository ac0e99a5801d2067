/** One deployment at a time, the newest artifact wins, and whoever dies is cleaned up after. */
import { afterEach, describe, expect, it } from 'vitest';
import { Rules } from '../../simulator/rules.ts';
import type { ExecutionResult } from '../../simulator/run-definition.ts';
import { Stage, type StageOptions } from '../../simulator/stage.ts';
import { some } from '../support/thorough.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

function setStage(options: Partial<StageOptions> = {}): Stage {
  stage = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 5, ...options });
  return stage;
}

/** As the upload rule starts it. */
const upload = (set: Stage, content: string) => {
  const versionId = set.upload(content);
  return set.start({ versionId, upload: { eventId: `event-${versionId}` } }, `upload-${versionId}`);
};

/** What the fleet runs in the end: the version in the tags of everything that lives. */
const running = ({ world, fleet }: Stage): (string | undefined)[] =>
  world
    .view()
    .instances.filter(({ state, tags }) => state === 'running' && tags['irekae:fleet'] === fleet.name)
    .map(({ tags }) => tags['irekae:artifact-version']);

const endings = async ({ executions }: Stage): Promise<string[]> =>
  (await Promise.all(executions.map(({ result }) => result))).map(({ endedIn }) => endedIn);

describe('newest wins', () => {
  it('deploys the newest of ten uploads in a second, each release at most once', async () => {
    const set = setStage();
    const versions: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      const versionId = set.upload(`release ${n}`);
      versions.push(versionId);
      // Events come out of order, and twice.
      set.start({ versionId, upload: { eventId: `e-${n}` } }, `upload-${n}`);
      set.start({ versionId, upload: { eventId: `e-${n}-again` } }, `upload-${n}-again`);
      await set.wait(0.1);
    }
    await set.settle();
    expect(running(set)).toEqual([versions.at(-1), versions.at(-1)]);
    const deployed = (await endings(set)).filter((ending) => ending === 'Deployed');
    expect(deployed.length).toBeLessThanOrEqual(2);
  });

  const WHILE = [
    'Resolve the image',
    'Snapshot old hosts',
    'Launch new instances',
    'New hosts are ready',
    'Take old hosts out of service',
    'Old hosts are drained',
    'Watch the new hosts',
    'Terminate old instances',
    'Retire old hosts in Mackerel',
    'Record the release',
    'Release the lock after the deployment',
  ];
  it.each(some(WHILE))('deploys an upload that comes during "%s" afterwards, by itself', async (state) => {
    const set = setStage();
    let newest = '';
    set.whenEntering(state, () => {
      newest = set.upload('newer');
      set.start({ versionId: newest, upload: { eventId: 'e-newer' } }, 'upload-newer');
    });
    upload(set, 'older');
    await set.settle();
    expect(running(set)).toEqual([newest, newest]);
    expect(set.world.ledger.read(set.fleet.name)).toMatchObject({ generation: expect.any(Number) });
    expect(set.world.ledger.read(set.fleet.name)?.held).toBeUndefined();
    expect(set.world.ledger.read(set.fleet.name)?.pending).toBeUndefined();
  });

  it.each([
    [
      'fails',
      (set: Stage) => {
        set.world.ec2.fate = ({ ordinal }) => ({ kind: ordinal < 2 ? 'never-registers' : 'healthy' });
      },
    ],
    [
      'is cancelled',
      (set: Stage): void =>
        set.whenEntering('Watch the new hosts', () => {
          const { ledger } = set.world;
          ledger.requestCancel(set.fleet.name, ledger.read(set.fleet.name)?.held?.holder ?? '', 'Hanako');
        }),
    ],
  ] as const)('starts what waits as soon as the deployment before it %s', async (_, arrange) => {
    const set = setStage();
    const moments = new Map<string, number>();
    set.onEvent = ({ kind, state, at }, execution) => {
      if (kind === 'entered' && /^Release the lock/.test(state))
        moments.set(`free ${execution}`, at.getTime());
      if (kind === 'entered' && state === 'Launch new instances')
        moments.set(`launch ${execution}`, at.getTime());
    };
    arrange(set);
    let newest = '';
    set.whenEntering('New hosts are ready', () => {
      if (newest) return;
      newest = set.upload('newer');
      set.start({ versionId: newest, upload: { eventId: 'e-newer' } }, 'upload-newer');
    });
    upload(set, 'older');
    await set.settle();
    expect(running(set)).toEqual([newest, newest]);
    const [freed] = [...moments].filter(([name]) => name.startsWith('free')).map(([, at]) => at);
    const [, launchedNext] = [...moments].filter(([name]) => name.startsWith('launch')).map(([, at]) => at);
    // Lock, image, release and snapshot take seconds; the orphan watch would come after minutes.
    expect(((launchedNext ?? Number.NaN) - (freed ?? Number.NaN)) / 1_000).toBeLessThan(20);
  });

  it('keeps the newer request when an older one arrives later', async () => {
    const set = setStage();
    const [older, newer] = ['older', 'newer'].map((content) => set.upload(content)) as [string, string];
    set.whenEntering('New hosts are ready', () => {
      set.start({ versionId: newer, upload: { eventId: 'e-2' } }, 'second');
    });
    set.whenEntering('Old hosts are drained', () => {
      set.start({ versionId: older, upload: { eventId: 'e-1' } }, 'late');
    });
    set.start({ versionId: older }, 'first');
    await set.settle();
    expect(running(set)).toEqual([newer, newer]);
    const late = await set.executions.find(({ name }) => name === 'late')?.result;
    expect(late).toMatchObject({
      status: 'SUCCEEDED',
      endedIn: 'Superseded by what waits',
      output: { verdict: 'superseded', reason: expect.stringContaining(`superseded by version ${newer}`) },
    });
  });

  it('lets a dry run pass while a deployment runs', async () => {
    const set = setStage();
    set.upload();
    let planned: Promise<ExecutionResult> | undefined;
    set.whenEntering('Watch the new hosts', () => {
      planned = set.start({ dryRun: true }, 'dry').result;
    });
    await set.deploy({});
    expect((await planned)?.endedIn).toBe('Planned');
  });
});

describe('cancel', () => {
  it.each([
    'Launch new instances',
    'New hosts are ready',
    'Take old hosts out of service',
    'Old hosts are drained',
    'Watch the new hosts',
  ])('undoes the deployment when it is asked for during "%s"', async (state) => {
    const set = setStage();
    set.upload();
    const rules = new Rules(set.world, set.fleet, 'd');
    set.whenEntering(state, () => {
      const holder = set.world.ledger.read(set.fleet.name)?.held?.holder ?? '';
      expect(set.world.ledger.requestCancel(set.fleet.name, holder, 'Hanako')).toBe(true);
    });
    const result = await set.deploy({}, 'd');
    rules.ended(result);
    expect({ endedIn: result.endedIn, error: result.error }).toEqual({
      endedIn: 'RolledBack',
      error: 'Cancelled',
    });
    expect(result.cause).toMatch(/Hanako cancelled/);
    expect(rules.violations).toEqual([]);
  });

  it('says that it is too late after the point of no return', async () => {
    const set = setStage();
    set.upload();
    let answer: boolean | undefined;
    set.whenEntering('Retire old hosts in Mackerel', () => {
      const holder = set.world.ledger.read(set.fleet.name)?.held?.holder ?? '';
      answer = set.world.ledger.requestCancel(set.fleet.name, holder, 'Hanako');
    });
    const result = await set.deploy({});
    expect({ answer, endedIn: result.endedIn }).toEqual({ answer: false, endedIn: 'Deployed' });
  });
});

const STATES = [
  'Take the fleet lock',
  'Resolve the image',
  'Resolve the release',
  'Snapshot old hosts',
  'Launch new instances',
  'New hosts are ready',
  'Take old hosts out of service',
  'Old hosts are drained',
  'Watch the new hosts',
  'Terminate old instances',
  'Retire old hosts in Mackerel',
  'Record the release',
  'Release the lock after the deployment',
];

describe.each([false, true])('an execution that is stopped (status events lost: %s)', (eventsLost) => {
  it.each(STATES)('on entering "%s" is undone or finished from outside', async (state) => {
    const set = setStage({ eventsLost });
    const versionId = set.upload();
    const rules = new Rules(set.world, set.fleet, 'd');
    set.whenEntering(state, () => set.executions[0]?.stop());
    const result = await set.clock.until(set.start({}, 'd').result);
    expect(result.status).toBe('ABORTED');
    // The function that was called goes on, and may take the lock.
    await set.wait(5);
    await set.settle();
    expect(rules.violations).toEqual([]);
    expect(set.world.ledger.read(set.fleet.name)?.held).toBeUndefined();
    const versions = running(set);
    expect(versions).toHaveLength(2);
    expect(versions.every((version) => version === versions[0])).toBe(true);
    const finished = STATES.indexOf(state) > STATES.indexOf('Terminate old instances');
    if (finished) expect(versions).toEqual([versionId, versionId]);
    // And the fleet can be deployed again.
    expect((await set.deploy({ redeploy: true }, 'again')).endedIn).toBe('Deployed');
  });
});
