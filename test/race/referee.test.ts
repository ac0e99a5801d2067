/** The referee against hosts whose moments are known. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Referee } from '../../simulator/race/referee.ts';
import { Stage, TUNED } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

let stage: Stage;
let referee: Referee;
let startedAt: number;

beforeEach(() => {
  stage = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 3, balancers: TUNED });
  referee = new Referee(stage.world, balancer());
  startedAt = now();
});
afterEach(() => stage.close());

const balancer = () => {
  const [ref] = stage.fleet.loadBalancers;
  if (!ref) throw new Error('The fleet has no load balancer.');
  return ref;
};
const now = () => stage.clock.now().getTime();
const host = (index: number) => stage.oldInstances[index] ?? '';
const record = (broken: readonly string[] = [], updated = new Map<string, number>()) =>
  referee.record({
    startedAt,
    until: now(),
    size: 2,
    broken: new Set(broken),
    changes: [...updated.values()],
    isNew: (id, at) => (updated.get(id) ?? Number.POSITIVE_INFINITY) <= at,
  });

describe('The referee', () => {
  it('finds nothing where nothing happens', async () => {
    await stage.wait(600);
    expect(record()).toEqual({ leastInService: 2, missing: 0, cut: 0 });
  });

  it('counts a host as missing from the moment it is taken out', async () => {
    await stage.wait(10);
    stage.world.loadBalancers.deregister(balancer(), [host(0)]);
    await stage.wait(30);
    expect(record()).toEqual({ leastInService: 1, missing: 30, cut: 0 });
  });

  it('counts what was left of the drain when a host is ended in the middle of it', async () => {
    const { loadBalancers, ec2 } = stage.world;
    loadBalancers.deregister(balancer(), [host(0)]);
    const { drainsUntil = 0 } = loadBalancers.balancer(balancer()).registrations.get(host(0)) ?? {};
    expect(drainsUntil - now()).toBeGreaterThan(1_500);
    await stage.wait(1);
    ec2.terminate([host(0)]);
    const left = (drainsUntil - now()) / 1_000;
    await stage.wait(120);
    expect(record().cut).toBeCloseTo(left, 3);
  });

  it('counts what a host was still given after its end, until the balancer notices', async () => {
    const { loadBalancers, ec2 } = stage.world;
    const inFlight = loadBalancers.drainMillis(loadBalancers.balancer(balancer()), host(0), 0) / 1_000;
    ec2.terminate([host(0)]);
    await stage.wait(120);
    const { cut } = record();
    // Two checks of five seconds and a time-out, unless EC2 has ended it before.
    expect(cut - inFlight).toBeGreaterThan(5);
    expect(cut - inFlight).toBeLessThanOrEqual(15);
  });

  it('blames nobody for a host that the scenario broke, but misses it', async () => {
    stage.world.ec2.breakApplication(host(1));
    await stage.wait(60);
    expect(record([host(1)])).toEqual({ leastInService: 1, missing: 60, cut: 0 });
  });

  it('sees the traffic on the new release once all have it and serve', async () => {
    const updated = new Map([[host(0), now() + 5_000]]);
    await stage.wait(20);
    expect(record([], updated).trafficOnNew).toBeUndefined();
    updated.set(host(1), now());
    await stage.wait(20);
    expect(record([], updated).trafficOnNew).toBe(20);
  });
});
