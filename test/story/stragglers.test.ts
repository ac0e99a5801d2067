/** A fleet of four, of which one new host stays behind, told by running the synthesized definition. */

import { afterEach, describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { deploymentRecordKey } from '../../lambdas/domain/core/names.ts';
import type { DeploymentRecord } from '../../lambdas/domain/record/record.ts';
import { Rules } from '../../simulator/rules.ts';
import { Stage } from '../../simulator/stage.ts';
import type { Fate } from '../../simulator/world/instance-life.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

const HEALTHY: Fate = { kind: 'healthy' };
const SLOW: Fate = { kind: 'slow', factor: 40 };

/** @param fates of the hosts in order of launch: the first four are the fleet, the fifth is launched instead of one. */
async function play(
  fates: readonly Fate[],
  { replaceStragglers = true, arrange = (_on: Stage): void => {} } = {},
) {
  const on = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 7, oldPerZone: 2 });
  stage = on;
  on.configure({ instancesPerZone: 2, replaceStragglers });
  on.world.ec2.fate = ({ ordinal }) => fates[ordinal] ?? HEALTHY;
  on.upload();
  arrange(on);
  const visited = new Set<string>();
  on.onEvent = ({ kind, state }) => kind === 'entered' && visited.add(state);
  const rules = new Rules(on.world, on.fleet, 'd-1');
  const result = await on.deploy({}, 'd-1');
  rules.ended(result);
  const { bucket } = on.fleet.artifact;
  const record = on.world.s3.readRecord(
    bucket,
    deploymentRecordKey(on.fleet.name, 'd-1'),
  ) as DeploymentRecord;
  const launched = on.world.view().instances.filter(({ tags }) => tags[TAG.deployment] === 'd-1');
  return { result, record, launched, visited, violations: rules.violations };
}

describe('A straggler', () => {
  it('is replaced by one in its zone; the record says which, and why', async () => {
    const { result, record, launched, violations } = await play([HEALTHY, HEALTHY, HEALTHY, SLOW]);
    const [straggler, other] = launched.slice(3);
    expect(result.endedIn).toBe('Deployed');
    expect(violations).toEqual([]);
    expect(launched).toHaveLength(5);
    expect(other?.zone).toBe(straggler?.zone);
    expect(straggler).toMatchObject({ state: 'terminated', hosts: [], memberOf: [] });
    expect(record.newInstances).toEqual(
      launched.filter((each) => each !== straggler).map(({ instanceId }) => instanceId),
    );
    expect(record.replaced).toEqual([
      { instanceId: straggler?.instanceId, why: expect.stringMatching(/, .+ after the launch$/) },
    ]);
    expect(record.reason).toContain(`1 straggler replaced: ${straggler?.instanceId} (`);
  });

  it('that serves is drained before it ends: no request is cut', async () => {
    const { result, launched, violations } = await play([HEALTHY, HEALTHY, { kind: 'never-registers' }]);
    expect(result.endedIn).toBe('Deployed');
    expect(launched).toHaveLength(5);
    expect(violations).toEqual([]);
  });

  it('is replaced when EC2 lost it', async () => {
    const dies: Fate = {
      kind: 'dies',
      afterSeconds: 20,
      stateReason: 'Server.InternalError: Internal error',
    };
    const { result, record, violations } = await play([HEALTHY, dies]);
    expect(result.endedIn).toBe('Deployed');
    expect(record.replaced).toMatchObject([{ why: 'terminated (Server.InternalError: Internal error)' }]);
    expect(violations).toEqual([]);
  });

  it('is replaced once: if the other one stays behind too, the deployment is undone', async () => {
    const { result, launched, violations } = await play([HEALTHY, HEALTHY, HEALTHY, SLOW, SLOW]);
    expect(result.endedIn).toBe('RolledBack');
    expect(result.cause).toMatch(/^NewHostsNotReady: .*3 of 4 ready/);
    expect(launched).toHaveLength(5);
    expect(violations).toEqual([]);
  });

  it('is waited for when EC2 has no room for another', async () => {
    const full = ({ world, fleet }: Stage) => {
      for (const { zone } of world.ec2.subnets(fleet.subnets))
        world.ec2.setCapacity(fleet.instanceTypes[0] ?? '', zone, 2);
    };
    const patient: Fate = { kind: 'slow', factor: 10 };
    const { result, record, launched, visited, violations } = await play(
      [HEALTHY, HEALTHY, HEALTHY, patient],
      { arrange: full },
    );
    expect(result.endedIn).toBe('Deployed');
    expect(visited).toContain('Replace the stragglers');
    expect(launched).toHaveLength(4);
    expect(record).not.toHaveProperty('replaced');
    expect(violations).toEqual([]);
  });

  it('fails the deployment of a fleet that does not want it replaced', async () => {
    const { result, launched } = await play([HEALTHY, HEALTHY, HEALTHY, SLOW], { replaceStragglers: false });
    expect(result.cause).toMatch(/^NewHostsNotReady: /);
    expect(launched).toHaveLength(4);
  });

  it('is not what two of four are', async () => {
    const { result, launched } = await play([HEALTHY, HEALTHY, SLOW, SLOW]);
    expect(result.cause).toMatch(/^NewHostsNotReady: /);
    expect(launched).toHaveLength(4);
  });

  it('is not what shut itself down: the release may be at fault', async () => {
    const shutsDown: Fate = { kind: 'shuts-down', consoleLine: 'irekae: FAILED: no space left' };
    const { result, launched } = await play([HEALTHY, HEALTHY, HEALTHY, shutsDown]);
    expect(result.cause).toMatch(/^NewHostDied: /);
    expect(launched).toHaveLength(4);
  });
});
