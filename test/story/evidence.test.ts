/** What a failed deployment leaves to whoever looks for the reason: consoles in the record, and a host that was kept. */

import { afterEach, describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { deploymentRecordKey } from '../../lambdas/domain/core/names.ts';
import { removeExpiredKept } from '../../lambdas/domain/hosts/kept.ts';
import type { DeploymentRecord } from '../../lambdas/domain/record/record.ts';
import { Rules } from '../../simulator/rules.ts';
import { SCENARIOS, type ScenarioName } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

async function play(name: ScenarioName) {
  const { kind, arrange } = SCENARIOS[name];
  stage = new Stage({ template: synthesize(), fleet: `reactio-production-${kind}`, seed: 7 });
  stage.upload();
  arrange(stage);
  const result = await stage.deploy({}, 'd-1');
  const { bucket } = stage.fleet.artifact;
  const key = deploymentRecordKey(stage.fleet.name, 'd-1');
  const record = stage.world.s3.readRecord(bucket, key) as DeploymentRecord;
  return { stage, result, record };
}

describe('A boot script that failed', () => {
  it('is quoted in the error, and its console stands in the record', async () => {
    const { result, record } = await play('boot-fails');
    const line = 'irekae: FAILED: the SHA-256 of reactio/app.tar.gz is not the one that was pinned';
    expect(result.cause).toContain(`ends with "${line}".`);
    expect(Object.values(record.consoles ?? {}).flat()).toContain(`${line}.`);
  });
});

describe('An agent that registers without its instance id', () => {
  it('ends the wait within a minute, and leaves no entry behind', async () => {
    const { stage, result, record } = await play('nameless-agent');
    const began = Date.parse(record.startedAt);
    expect(result.cause).toMatch(/^NewHostsNotReady: Registered in Mackerel without an EC2 instance id: i-/);
    expect(stage.clock.now().getTime() - began).toBeLessThan(180_000);
    expect(
      stage.world.mackerel.live().filter(({ instanceId = '' }) => !stage.oldInstances.includes(instanceId)),
    ).toEqual([]);
  });

  it('in a container is named, and its entry is not touched', async () => {
    stage = new Stage({ template: synthesize(), fleet: 'reactio-production-worker', seed: 7 });
    stage.world.ec2.fate = () => ({ kind: 'nameless', inContainer: true });
    stage.upload();
    const result = await stage.deploy({}, 'd-1');
    const entries = stage.world.mackerel.live().filter(({ instanceId }) => instanceId === undefined);
    expect(entries).toHaveLength(2);
    for (const { id } of entries) expect(result.cause).toContain(`(Mackerel host ${id})`);
  });
});

describe('A host that is kept for debugging', () => {
  const keptOf = (on: Stage) =>
    on.world.view().instances.find(({ state, tags }) => TAG.keepUntil in tags && state !== 'terminated');

  it('runs, out of service and out of Mackerel, and the record says until when', async () => {
    const { stage, result, record } = await play('kept-for-debugging');
    const kept = keptOf(stage);
    expect(kept).toMatchObject({
      instanceId: record.kept?.instanceId,
      state: 'running',
      memberOf: [],
      hosts: [],
    });
    expect(result.cause).toContain(`${kept?.instanceId} is kept for debugging until ${record.kept?.until}`);
  });

  it('is left alone by the next deployment, which bends no rule', async () => {
    const { stage } = await play('kept-for-debugging');
    const kept = keptOf(stage);
    stage.world.ec2.fate = () => ({ kind: 'healthy' });
    const rules = new Rules(stage.world, stage.fleet, 'd-2');
    const next = await stage.deploy({}, 'd-2');
    rules.ended(next);
    expect(next.endedIn).toBe('Deployed');
    expect(rules.violations).toEqual([]);
    expect(keptOf(stage)?.instanceId).toBe(kept?.instanceId);
  });

  it('is removed when its time is over, not before', async () => {
    const { stage } = await play('kept-for-debugging');
    const watch = () => {
      const { fleet, world } = stage;
      const from = { name: fleet.name, launchTemplate: fleet.launchTemplate.id };
      return removeExpiredKept(from, world.ec2.listByTag(TAG.fleet, fleet.name), world.ports);
    };
    const rules = new Rules(stage.world, stage.fleet, 'none');
    await stage.wait(3_000);
    expect(await watch()).toBeUndefined();
    await stage.wait(700);
    expect(await watch()).toContain('kept for debugging, and that time is over');
    await stage.wait(120);
    expect(keptOf(stage)).toBeUndefined();
    expect(rules.violations).toEqual([]);
  });
});
