/** What people and machines hear of whole deployments, and that nobody's deafness changes how one ends. */

import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { deploymentRecordKey } from '../../lambdas/domain/core/names.ts';
import { DeploymentEnded } from '../../lambdas/domain/record/news.ts';
import type { DeploymentRecord } from '../../lambdas/domain/record/record.ts';
import { API_KEY, Stage, type StageOptions } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

const FLEET = 'reactio-production-app';
let stage: Stage;
afterEach(() => stage.close());

function setStage(options: Partial<StageOptions> = {}) {
  stage = new Stage({ template: synthesize(), fleet: FLEET, seed: 7, ...options });
  stage.upload();
  return stage;
}

const newInstances = () =>
  stage.world
    .view()
    .instances.filter(({ instanceId }) => !stage.oldInstances.includes(instanceId))
    .map(({ instanceId }) => instanceId);
const breakANewHost = () => stage.world.ec2.breakApplication(newInstances()[0] ?? '');
const events = () => stage.world.announcer.events.map(({ detail }) => v.parse(DeploymentEnded, detail));
const subjects = () => stage.world.announcer.messages.map(({ subject }) => subject);
const recordOf = (deployment: string) =>
  stage.world.s3.readRecord(
    stage.fleet.artifact.bucket,
    deploymentRecordKey(FLEET, deployment),
  ) as DeploymentRecord;
const counted = () =>
  stage.world.announcer.lines.flatMap(({ fields }) =>
    fields.Deployments === undefined ? [] : [[fields.fleet, fields.result, fields.Deployments]],
  );

describe('A deployment that ends as Deployed', () => {
  it('is told once to people and once to machines, as its record says', async () => {
    const { endedIn, seconds } = await setStage().deploy({ startedBy: 'CI' }, 'release-7');
    expect(endedIn).toBe('Deployed');
    const record = recordOf('release-7');
    expect(events()).toEqual([
      expect.objectContaining({
        deployment: 'release-7',
        result: 'deployed',
        startedBy: 'CI',
        newHosts: 2,
        oldHosts: 2,
        phases: record.phases,
        endedAt: record.finishedAt,
      }),
    ]);
    expect(subjects()).toEqual([expect.stringMatching(`^Deployed: ${FLEET}, in \\d+ min`)]);
    expect(events()[0]?.seconds).toBeLessThanOrEqual(seconds);
    expect(counted()).toEqual([[FLEET, 'deployed', 1]]);
  });

  it('is on the graphs of its service, and on each of its hosts, in Mackerel', async () => {
    await setStage().deploy();
    const { mackerel } = stage.world;
    const { service, role } = stage.fleet.mackerel;
    const names = ['agree', 'bring-up', 'shift', 'drain', 'bake', 'terminate', 'retire', 'total'];
    expect(mackerel.serviceMetricNames(service)).toEqual([
      ...names.map((name) => `irekae.${role}.seconds.${name}`),
      `irekae.${role}.failures`,
    ]);
    const hosts = mackerel.live();
    expect(hosts.map(({ instanceId }) => instanceId).sort()).toEqual(newInstances().sort());
    for (const { id } of hosts)
      expect(mackerel.metadata(id, 'irekae')).toMatchObject({ fleet: FLEET, deployment: 'deployment-1' });
    expect(stage.world.announcer.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('is told without the API key', async () => {
    await setStage().deploy();
    expect(JSON.stringify(stage.world.announcer)).not.toContain(API_KEY);
    expect(JSON.stringify([events(), stage.world.announcer.messages])).not.toContain(API_KEY);
  });
});

describe('Other endings', () => {
  it('RolledBack is told with the first error and what it means now', async () => {
    setStage().whenEntering('Watch the new hosts', breakANewHost);
    await stage.deploy();
    expect(events()).toEqual([
      expect.objectContaining({ result: 'rolled-back', outcome: 'RolledBack', needsHuman: false }),
    ]);
    expect(events()[0]?.failure?.name).toBe('ReadinessLost');
    expect(subjects()).toEqual([`Rolled back: ${FLEET} (ReadinessLost); the old hosts are serving`]);
    expect(counted()).toEqual([[FLEET, 'rolled-back', 1]]);
    expect(stage.world.mackerel.servicePoints(stage.fleet.mackerel.service, 'irekae.app.failures')).toEqual([
      { at: expect.any(Date), value: 1 },
    ]);
  });

  it('a refusal is told, and leaves no mark in Mackerel', async () => {
    const { error } = await setStage({ oldPerZone: 2 }).deploy();
    expect(error).toBe('FleetWouldShrink');
    expect(subjects()).toEqual([`Not deployed: ${FLEET} (FleetWouldShrink); nothing was changed`]);
    expect(stage.world.mackerel.annotations()).toEqual([]);
    expect(stage.world.mackerel.serviceMetricNames(stage.fleet.mackerel.service)).toEqual([]);
  });

  it('one that was stopped is told by the clean-up that undid it', async () => {
    setStage().whenEntering('Watch the new hosts', () => stage.executions[0]?.stop());
    await stage.deploy();
    await stage.settle();
    expect(events()).toEqual([
      expect.objectContaining({
        deployment: 'deployment-1',
        result: 'rolled-back',
        cleanedUpBy: expect.stringContaining(`irekae-${FLEET}-clean-up:`),
      }),
    ]);
    expect(subjects()).toEqual([`Rolled back: ${FLEET} (Stopped); the old hosts are serving`]);
  });

  it('one that was stopped after the point of no return is told by the clean-up that finished it', async () => {
    setStage().whenEntering('Retire old hosts in Mackerel', () => stage.executions[0]?.stop());
    await stage.deploy();
    await stage.settle();
    expect(events().map(({ result, cleanedUpBy = '' }) => [result, /clean-up/.test(cleanedUpBy)])).toEqual([
      ['deployed', true],
    ]);
  });

  it.each<[string, object, string]>([
    ['a dry run', { dryRun: true }, 'Planned'],
    ['one that found nothing to do', {}, 'Already deployed'],
  ])('%s is not told', async (_, input, endedIn) => {
    setStage();
    if (endedIn === 'Already deployed') await stage.deploy();
    const before = events().length;
    expect((await stage.deploy(input)).endedIn).toBe(endedIn);
    expect(events()).toHaveLength(before);
  });
});

describe('Whoever does not listen', () => {
  const ALL = /^(announcer\.|mackerel\.(annotate|postServiceMetrics|setMetadata)$)/;

  it.each([
    ['refuses', new Error('no')],
    ['is not understood', new TypeError('undefined is not a function')],
  ])('changes nothing when it %s: the deployment ends as Deployed', async (_, trouble) => {
    setStage().world.intercept = async ({ service, action }, proceed) => {
      if (ALL.test(`${service}.${action}`)) throw trouble;
      return proceed();
    };
    stage.around = (_run, act) => act(stage.portsThrough(stage.world.intercept));
    const { endedIn } = await stage.deploy();
    expect(endedIn).toBe('Deployed');
    expect(events()).toEqual([]);
    const warned = stage.world.announcer.lines.filter(({ level }) => level === 'warn');
    expect(warned.map(({ sentence }) => sentence.split(':')[0])).toEqual(
      expect.arrayContaining(['Could not tell people', 'Could not tell machines']),
    );
  });

  it('takes 25 s of a deployment at most, when it never answers', async () => {
    setStage().around = (_run, act) =>
      act(
        stage.portsThrough(async ({ service, action }, proceed) =>
          ALL.test(`${service}.${action}`) ? new Promise(() => {}) : proceed(),
        ),
      );
    const silent = await stage.deploy();
    stage.close();
    const heard = await setStage().deploy();
    expect(silent.endedIn).toBe('Deployed');
    expect(silent.seconds - heard.seconds).toBeGreaterThan(20);
    expect(silent.seconds - heard.seconds).toBeLessThan(26);
  });
});
