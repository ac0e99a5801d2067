/** First hosts first, and both fleets side by side, played: who joins when, and what becomes of it. */
import { afterEach, describe, expect, it } from 'vitest';
import { loadBalancerName } from '../../lambdas/domain/core/fleet.ts';
import { faultsTemplate } from '../../simulator/faults/kinds.ts';
import { Rules } from '../../simulator/rules.ts';
import { breakFirstHost } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';

const template = faultsTemplate();
let stage: Stage | undefined;
afterEach(() => stage?.close());

const FIRST = { hosts: 1, watchSeconds: 60 };

async function play(fleet: string, arrange: (on: Stage) => void, oldPerZone?: number) {
  const on = new Stage({ template, fleet, seed: 3, ...(oldPerZone !== undefined && { oldPerZone }) });
  stage = on;
  arrange(on);
  const rules = new Rules(on.world, on.fleet, 'the-deployment');
  const entered: string[] = [];
  /** How many new hosts the load balancers had, whenever a state was entered. */
  const joined = new Map<string, number>();
  on.onEvent = ({ kind, state }) => {
    if (kind !== 'entered' || joined.has(state)) return;
    entered.push(state);
    joined.set(state, newMembers(on));
  };
  on.upload();
  const result = await on.deploy({}, 'the-deployment');
  rules.ended(result);
  return { on, entered, joined, result, violations: rules.violations };
}

const newMembers = ({ world, fleet, oldInstances }: Stage) =>
  world
    .view()
    .loadBalancers.filter(({ name }) => fleet.loadBalancers.some((ref) => loadBalancerName(ref) === name))
    .flatMap(({ members }) => members.filter(({ instanceId }) => !oldInstances.includes(instanceId))).length;

describe('One host first', () => {
  it('joins alone, is watched, and then all others join before the shift', async () => {
    const { entered, joined, result, violations } = await play('faults-large', (on) =>
      on.configure({ first: FIRST }),
    );
    expect(violations).toEqual([]);
    expect(result.endedIn).toBe('Deployed');
    expect(joined.get('Watch the first hosts')).toBe(1);
    expect(joined.get('Take old hosts out of service')).toBe(4);
    expect(entered.indexOf('Watch the first hosts')).toBeLessThan(
      entered.indexOf('Take old hosts out of service'),
    );
  });

  it('breaks under traffic: undone, and no other host has joined', async () => {
    const { entered, result, violations } = await play('faults-large', (on) => {
      on.configure({ first: FIRST });
      on.whenEntering('Watch the first hosts', () => breakFirstHost(on));
    });
    expect(violations).toEqual([]);
    expect(result).toMatchObject({
      endedIn: 'RolledBack',
      cause: expect.stringMatching(/^ReadinessLost: The first hosts/),
    });
    expect(entered).not.toContain('Take old hosts out of service');
  });

  it('is not asked for where no old host serves', async () => {
    const { entered, result } = await play('faults-app', (on) => on.configure({ first: FIRST }), 0);
    expect(result.endedIn).toBe('Deployed');
    expect(entered).not.toContain('Watch the first hosts');
  });

  it('of workers means that all are watched beside the old ones', async () => {
    const { entered, result, violations } = await play('faults-worker', (on) =>
      on.configure({ first: FIRST }),
    );
    expect(violations).toEqual([]);
    expect(result.endedIn).toBe('Deployed');
    expect(entered).toContain('Watch the first hosts');
    expect(result.output).toMatchObject({
      first: { beside: 2, instances: [expect.any(String), expect.any(String)] },
    });
  });

  it('leaves a host that EC2 loses meanwhile to be replaced afterwards', async () => {
    const { on, entered, result, violations } = await play('faults-large', (each) => {
      each.configure({ first: FIRST });
      each.whenEntering('Watch the first hosts', () => {
        const last = each.world.ec2.known().findLast(({ id }) => !each.oldInstances.includes(id));
        each.world.ec2.kill(last?.id ?? '', 'Server.InternalError: Internal error');
      });
    });
    expect(violations).toEqual([]);
    expect(result.endedIn).toBe('Deployed');
    expect(entered).toContain('Replace the stragglers');
    expect(newMembers(on)).toBe(4);
  });
});

describe('Side by side', () => {
  const slowStart = (seconds: number) => (on: Stage) => {
    for (const ref of on.fleet.loadBalancers)
      Object.assign(on.world.loadBalancers.balancer(ref).settings, { slowStartSeconds: seconds });
  };
  const shiftedAfter = async (arrange: (on: Stage) => void) => {
    const { result } = await play('faults-target-group', arrange);
    expect(result.endedIn).toBe('Deployed');
    return (result.output as { phases: Record<string, number> }).phases['bring up'] ?? 0;
  };

  it('both fleets serve for as long as the slow start, or as the fleet says', async () => {
    const at = [
      await shiftedAfter(() => {}),
      await shiftedAfter(slowStart(40)),
      await shiftedAfter((on) => {
        slowStart(40)(on);
        on.configure({ sideBySideSeconds: 0 });
      }),
    ];
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(39);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeLessThan(44);
    expect(at[2]).toBe(at[0]);
  });
});
