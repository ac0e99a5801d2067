/** Other ways in and back, on the modelled world: rollbacks, new images, freezes, and what waits meanwhile. */

import { afterEach, describe, expect, it } from 'vitest';
import type { FreezeWindow } from '../../lambdas/domain/core/fleet.ts';
import { currentReleaseKey, deploymentRecordKey, promotionKey } from '../../lambdas/domain/core/names.ts';
import type { DeploymentRecord } from '../../lambdas/domain/record/record.ts';
import { matches, newImageRule, transform } from '../../simulator/event-rule.ts';
import { giveHistory } from '../../simulator/history.ts';
import { putOnHold } from '../../simulator/scenarios.ts';
import { OLD_IMAGE, Stage } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

function setStage(fleet = 'reactio-production-worker', environment = 'production'): Stage {
  stage = new Stage({ template: synthesize(environment), fleet, seed: 11 });
  return stage;
}

const record = ({ world, fleet }: Stage, deployment: string): DeploymentRecord =>
  world.s3.readRecord(fleet.artifact.bucket, deploymentRecordKey(fleet.name, deployment)) as DeploymentRecord;
const current = ({ world, fleet }: Stage): DeploymentRecord =>
  world.s3.readRecord(fleet.artifact.bucket, currentReleaseKey(fleet.name)) as DeploymentRecord;

/** What the fleet's hosts were launched with. */
const running = ({ world, fleet }: Stage): readonly string[] =>
  world
    .view()
    .instances.filter(({ state, tags }) => state === 'running' && tags['irekae:fleet'] === fleet.name)
    .map(({ instanceId, tags }) => {
      const [instance] = world.ec2.describe([instanceId]);
      return `${tags['irekae:artifact-version']} on ${instance?.imageId}`;
    });
/** An upload that nobody promoted. */
const unproven = ({ world, artifact }: Stage) =>
  world.s3.put(artifact.bucket, artifact.key, 'from somewhere');
const twice = (what: string) => [what, what];

const NEW_IMAGE = 'ami-0a1b2c3d4e5f60718';
const NEWER_IMAGE = 'ami-0b1b2c3d4e5f60718';

describe('A rollback', () => {
  it('brings back artifact, runtimes and image of the release before, and then of the one before that', async () => {
    const set = setStage();
    const { bucket } = set.artifact;
    const [perl] = set.fleet.runtimes;
    const v1 = set.upload('one');
    await set.deploy({}, 'one');
    set.world.s3.put(bucket, perl?.key ?? '', 'another perl');
    const v2 = set.upload('two');
    await set.wait(60);
    set.publishImage(NEW_IMAGE);
    await set.deploy({}, 'two');
    set.upload('three');
    await set.deploy({}, 'three');
    expect(record(set, 'three')).toMatchObject({ previous: 'two', outcome: 'Deployed' });

    expect((await set.deploy({ rollbackTo: 'previous' }, 'back')).endedIn).toBe('Deployed');
    expect(running(set)).toEqual(twice(`${v2} on ${NEW_IMAGE}`));
    expect(current(set)).toMatchObject({ deployment: 'back', rolledBackTo: 'two', previous: 'one' });

    expect((await set.deploy({ rollbackTo: 'previous' }, 'back-again')).endedIn).toBe('Deployed');
    expect(running(set)).toEqual(twice(`${v1} on ${OLD_IMAGE}`));
    expect(current(set)).toMatchObject({ rolledBackTo: 'one', runtimes: record(set, 'one').runtimes });
    expect(current(set)).not.toHaveProperty('previous');
    expect(current(set).runtimes).not.toEqual(record(set, 'two').runtimes);

    expect(await set.deploy({ rollbackTo: 'previous' }, 'too-far')).toMatchObject({
      endedIn: 'Nothing was changed',
      error: 'NothingToRollBackTo',
    });
  });

  it('goes to another image when the one of then is gone', async () => {
    const set = setStage();
    giveHistory(set, ['one', 'two']);
    const input = { rollbackTo: 'one', amiId: OLD_IMAGE };
    expect((await set.deploy(input, 'back')).endedIn).toBe('Deployed');
    expect(running(set)).toEqual(twice(`${record(set, 'one').artifact?.versionId} on ${OLD_IMAGE}`));
  });

  it.each([
    ['that runs', 'two', /runs exactly this/],
    ['that was undone', 'undone', /ended as RolledBack and never ran/],
    ['that nobody knows', 'nobody', /has no deployment nobody on record; it runs/],
  ])('refuses a deployment %s, and frees the lock', async (_what, rollbackTo, says) => {
    const set = setStage();
    giveHistory(set, ['one', 'two']);
    const undone = { ...record(set, 'one'), deployment: 'undone', outcome: 'RolledBack' };
    set.world.s3.writeRecord(set.artifact.bucket, deploymentRecordKey(set.fleet.name, 'undone'), undone);
    const result = await set.deploy({ rollbackTo }, 'back');
    expect(result).toMatchObject({ error: 'NothingToRollBackTo', cause: expect.stringMatching(says) });
    expect(set.world.ledger.read(set.fleet.name)?.held).toBeUndefined();
  });

  it('that comes while an upload is deployed waits, keeps its version, and leaves what was uploaded before', async () => {
    const set = setStage();
    giveHistory(set, ['one', 'two']);
    const uploaded = (content: string) => {
      const versionId = set.upload(content);
      return { versionId, upload: { eventId: `of ${content}` } };
    };
    const bad = uploaded('bad');
    set.whenEntering('New hosts are ready', () => {
      const waits = uploaded('waits');
      set.start(waits, 'waits');
      setTimeout(() => set.start({ rollbackTo: 'previous', reason: 'it is bad' }, 'back'), 5_000);
      // The event of the upload comes again, behind the rollback.
      setTimeout(() => set.start(waits, 'late'), 10_000);
    });
    set.start(bad, 'bad');
    await set.settle();
    // `previous` of the moment at which it was asked for: two ran, so one.
    expect(running(set)).toEqual(
      twice(`${record(set, 'one').artifact?.versionId} on ${record(set, 'one').imageId}`),
    );
    expect(current(set)).toMatchObject({ rolledBackTo: 'one', why: 'it is bad' });
  });

  it('outlives the late event of the upload that it went back from', async () => {
    const set = setStage();
    giveHistory(set, ['one', 'two']);
    const versionId = set.upload('bad');
    await set.deploy({ versionId, upload: { eventId: 'e' } }, 'bad');
    const late = () => set.start({ versionId, upload: { eventId: 'e-again' } }, 'late');
    set.whenEntering('New hosts are ready', late);
    await set.deploy({ rollbackTo: 'previous' }, 'back');
    await set.settle();
    const waited = set.executions.find(({ name }) => name.startsWith('waited-'));
    expect((await waited?.result)?.endedIn).toBe('Superseded');
    expect(current(set)).toMatchObject({ deployment: 'back', rolledBackTo: 'two', leftBehind: versionId });
    // Whoever wants it after all says so.
    expect((await set.deploy({ versionId }, 'by-hand')).endedIn).toBe('Deployed');
  });

  it('that waits gives way to an upload that comes after it', async () => {
    const set = setStage();
    giveHistory(set, ['one', 'two']);
    let mended = '';
    set.whenEntering('New hosts are ready', () => {
      set.start({ rollbackTo: 'previous' }, 'back');
      setTimeout(() => {
        mended = set.upload('mended');
        set.start({ versionId: mended, upload: { eventId: 'e' } }, 'mended');
      }, 5_000);
    });
    set.upload('bad');
    set.start({}, 'bad');
    await set.settle();
    expect(running(set)).toEqual(twice(`${mended} on ${OLD_IMAGE}`));
  });
});

describe('A new machine image', () => {
  const staging = () => setStage('reactio-staging-worker', 'staging');
  /** Every event of AWS goes through the rule of the synthesized template. */
  function listen(set: Stage): readonly unknown[] {
    const rule = newImageRule(synthesize('staging'), set.fleet.name);
    const started: unknown[] = [];
    set.world.awsEvents.on((event) => {
      if (!matches(rule.pattern, event)) return;
      started.push(event);
      set.start(transform(rule.transformer, event), event.id);
    });
    return started;
  }

  it('redeploys what runs, although a newer artifact is there, once for all of its events', async () => {
    const set = staging();
    giveHistory(set, ['one']);
    set.upload('refused, perhaps');
    const started = listen(set);
    set.publishImage(NEW_IMAGE);
    set.world.awsEvents.imageTagged(NEW_IMAGE, ['stage'], { stage: 'released' });
    await set.settle();
    expect(started).toHaveLength(2);
    expect(running(set)).toEqual(twice(`${record(set, 'one').artifact?.versionId} on ${NEW_IMAGE}`));
    expect(current(set)).toMatchObject({ startedBy: 'a new machine image', previous: 'one' });
    const deployments = set.executions.filter(({ machineName }) => !machineName.endsWith('-clean-up'));
    const endings = await Promise.all(deployments.map(({ result }) => result));
    expect(endings.map(({ endedIn }) => endedIn).sort()).toEqual([
      'Deployed',
      'Nothing to redeploy',
      'Waiting for its turn',
    ]);
  });

  it.each<[string, (set: Stage) => void]>([
    ['a fleet that was never deployed', () => {}],
    ['an image of another kind', (set) => giveHistory(set, ['one'])],
  ])('is nothing to redeploy on for %s: a success, and nothing is changed', async (_what, arrange) => {
    const set = staging();
    arrange(set);
    listen(set);
    set.world.ec2.addImage({ imageId: NEW_IMAGE, name: 'blog-base-1' });
    set.world.awsEvents.imageAvailable(NEW_IMAGE);
    await set.settle();
    const [result] = await Promise.all(set.executions.map((each) => each.result));
    expect(result?.endedIn).toBe('Nothing to redeploy');
    expect(result?.output).toMatchObject({
      reason: expect.stringMatching(/nothing to redeploy on|runs on ami-\w+ since one/),
    });
    expect(set.world.ledger.read(set.fleet.name)?.held).toBeUndefined();
    expect(set.world.view().instances.map(({ instanceId }) => instanceId)).toEqual(set.oldInstances);
  });

  it('that its owner withdraws gives way to the active one before it', async () => {
    const set = staging();
    set.upload('one');
    await set.wait(60);
    set.publishImage(NEWER_IMAGE);
    await set.deploy({ amiId: NEWER_IMAGE }, 'one');
    set.world.ec2.deprecateImage(NEWER_IMAGE);
    set.upload('two');
    expect(await set.deploy({ dryRun: true }, 'planned')).toMatchObject({
      output: {
        advice: expect.arrayContaining([
          expect.stringContaining(`deprecated by their owner: ${NEWER_IMAGE}`),
        ]),
      },
    });
    expect(await set.deploy({}, 'two')).toMatchObject({
      output: { outcome: 'Deployed', imageId: OLD_IMAGE },
    });
    const back = await set.deploy({ rollbackTo: 'one' }, 'back');
    expect(back).toMatchObject({ output: { outcome: 'Deployed', imageId: NEWER_IMAGE } });
  });

  it('that is gone again lets an older one be found, which is refused unless it is asked for', async () => {
    const set = staging();
    set.upload('one');
    await set.wait(60);
    set.publishImage(NEWER_IMAGE);
    await set.deploy({ amiId: NEWER_IMAGE }, 'one');
    const upload = { versionId: set.upload('two'), upload: { eventId: 'e' } };
    set.world.ec2.removeImage(NEWER_IMAGE);
    expect(await set.deploy(upload, 'two')).toMatchObject({
      error: 'OlderImage',
      cause: expect.stringContaining(`is older than ${NEWER_IMAGE}`),
    });
    expect((await set.deploy({ amiId: OLD_IMAGE }, 'asked-for')).endedIn).toBe('Deployed');
  });
});

describe('A frozen fleet', () => {
  /** The stage is set on a Sunday at noon in Tokyo. */
  const WEEKEND: FreezeWindow = {
    kind: 'weekly',
    label: 'weekend',
    timeZone: 'Asia/Tokyo',
    days: ['sat', 'sun'],
    from: '00:00',
    to: '24:00',
  };

  it('refuses until the freeze ends, and not a moment longer', async () => {
    const set = setStage();
    set.configure({ freezes: [WEEKEND] });
    set.upload();
    const refused = await set.deploy({}, 'sunday');
    expect(refused).toMatchObject({ endedIn: 'Nothing was changed', error: 'Frozen' });
    expect(record(set, 'sunday')).toMatchObject({ outcome: 'Frozen' });
    await set.wait(12 * 3_600);
    expect((await set.deploy({}, 'monday')).endedIn).toBe('Deployed');
  });

  it('is planned for all the same, and the plan says it', async () => {
    const set = setStage();
    set.configure({ freezes: [WEEKEND], wantsProvenance: true });
    unproven(set);
    const { endedIn, output } = await set.deploy({ dryRun: true });
    expect(endedIn).toBe('Planned');
    expect(output).toMatchObject({
      refusals: [
        expect.stringMatching(/^NotProven: /),
        expect.stringMatching(/^Frozen: .* until Mon 2026-11-23 00:00/),
      ],
    });
  });

  it('is deployed for who insists, and the record says who, why and what', async () => {
    const set = setStage();
    set.configure({ freezes: [WEEKEND], wantsProvenance: true });
    unproven(set);
    const input = { override: ['freeze', 'provenance'], startedBy: 'Hanako', reason: 'it is down' };
    expect((await set.deploy(input, 'urgent')).endedIn).toBe('Deployed');
    expect(current(set)).toMatchObject({
      ...input,
      startedBy: 'Hanako',
      why: 'it is down',
      reason: expect.any(String),
    });
    expect(current(set).reason).toMatch(
      /although it was not promoted, although reactio-production-worker is frozen/,
    );
  });

  it('lets a deployment that began before go on', async () => {
    const set = setStage();
    const freeze = {
      kind: 'dated',
      label: 'soon',
      timeZone: 'UTC',
      from: '2026-11-22T03:01',
      to: '2026-11-22T09:00',
    } as const;
    set.configure({ freezes: [freeze] });
    set.upload();
    expect((await set.deploy({}, 'before')).endedIn).toBe('Deployed');
    expect((await set.deploy({ redeploy: true }, 'after')).error).toBe('Frozen');
  });
});

describe('A hold in the middle of a deployment', () => {
  it('stops nothing that has begun, refuses what waits, and starts nothing when it is lifted', async () => {
    const set = setStage();
    const { ledger } = set.world;
    const { name } = set.fleet;
    const first = set.upload('first');
    let newer = '';
    set.whenEntering('New hosts are ready', () => {
      putOnHold(set);
      newer = set.upload('newer');
      set.start({ versionId: newer, upload: { eventId: 'e-newer' } }, 'upload-newer');
    });
    expect((await set.deploy({ versionId: first }, 'before')).endedIn).toBe('Deployed');
    await set.settle();
    const waited = set.executions.find((each) => each.name.startsWith('waited-'));
    expect(await waited?.result).toMatchObject({ endedIn: 'Nothing was changed', error: 'OnHold' });
    expect(record(set, waited?.name ?? '')).toMatchObject({ outcome: 'OnHold', askedFor: newer });
    const { onHold, held, pending } = ledger.read(name) ?? {};
    if (onHold) ledger.liftHold(name, onHold);
    await set.settle();
    expect([held, pending, running(set)]).toEqual([undefined, undefined, twice(`${first} on ${OLD_IMAGE}`)]);
    expect((await set.deploy({ versionId: newer }, 'afterwards')).endedIn).toBe('Deployed');
  });
});

const testedRuntimes = ({ world, fleet: { artifact, runtimes } }: ReturnType<typeof setStage>) =>
  runtimes.map(({ key, directory }) => {
    const versionId = world.s3.find(artifact.bucket, key)?.versionId ?? '';
    return { directory, sha256: world.s3.digest(artifact.bucket, key, versionId) };
  });

describe('A fleet that wants provenance', () => {
  it('takes what was promoted to it, and refuses the next upload', async () => {
    const set = setStage();
    const { bucket, key } = set.artifact;
    set.configure({ wantsProvenance: true });
    const versionId = set.upload('promoted');
    const sha256 = set.world.s3.digest(bucket, key, versionId);
    const proof = {
      fleet: set.fleet.name,
      sha256,
      key,
      versionId,
      tested: { runtimes: testedRuntimes(set) },
      promotedAt: '2026-11-22T02:00:00Z',
      promotedBy: 'CI',
    };
    set.world.s3.writeRecord(bucket, promotionKey(set.fleet.name, sha256), proof);
    expect((await set.deploy({ versionId, upload: { eventId: 'e' } }, 'proven')).endedIn).toBe('Deployed');
    unproven(set);
    expect((await set.deploy({}, 'unproven')).error).toBe('NotProven');
  });
});
