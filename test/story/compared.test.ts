/** Old against new, played: where it is judged, and what becomes of the deployment and of its record. */
import { afterEach, describe, expect, it } from 'vitest';
import { deploymentRecordKey } from '../../lambdas/domain/core/names.ts';
import { faultsTemplate } from '../../simulator/faults/kinds.ts';
import { Rules } from '../../simulator/rules.ts';
import { compareErrors } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';

const template = faultsTemplate();
let stage: Stage | undefined;
afterEach(() => stage?.close());

async function play(times: number, changes: Parameters<Stage['configure']>[0]) {
  const on = new Stage({ template, fleet: 'faults-app', seed: 3 });
  stage = on;
  compareErrors(times)(on);
  on.configure(changes);
  const rules = new Rules(on.world, on.fleet, 'the-deployment');
  const entered: string[] = [];
  on.onEvent = ({ kind, state }) => kind === 'entered' && entered.push(state);
  on.upload();
  const result = await on.deploy({}, 'the-deployment');
  rules.ended(result);
  const key = deploymentRecordKey(on.fleet.name, 'the-deployment');
  const { compared } = Object(on.world.s3.readRecord(on.fleet.artifact.bucket, key));
  return { entered, result, compared, violations: rules.violations };
}

describe('A release with three times the errors', () => {
  it.each([
    ['beside the first host', { first: { hosts: 1, watchSeconds: 20 } }],
    ['while both fleets serve side by side', { sideBySideSeconds: 1_200 }],
  ])('is undone %s, before an old host left', async (_where, changes) => {
    const { entered, result, compared, violations } = await play(3, changes);
    expect(violations).toEqual([]);
    expect(result).toMatchObject({
      endedIn: 'RolledBack',
      cause: expect.stringContaining('WorseThanBefore'),
    });
    expect(entered).not.toContain('Take old hosts out of service');
    expect(compared[0]).toMatchObject({ metric: 'custom.nginx.5xx', times: expect.closeTo(3, 0) });
  });
});

describe('A release with as many as before', () => {
  it('is deployed, and both sides are in its record', async () => {
    const { result, compared, violations } = await play(1, {});
    expect(violations).toEqual([]);
    expect(result.endedIn).toBe('Deployed');
    expect(compared.map(({ metric }: { metric: string }) => metric)).toEqual([
      'custom.nginx.5xx',
      'loadavg5',
      'cpu.user.percentage',
      'memory.used',
    ]);
    for (const { times } of compared) expect(times).toBeCloseTo(1, 0);
  });
});
