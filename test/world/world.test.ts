import { describe, expect, it } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import type { WorldEvent } from '../../simulator/world/events.ts';
import { launchOne, named, oldHost, request, START, STEADY, smallWorld } from './small-world.ts';

const seconds = (moment: Date | undefined) => moment && (moment.getTime() - START.getTime()) / 1000;
const TUNED = {
  vpcId: 'vpc-1',
  intervalSeconds: 5,
  timeoutSeconds: 2,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
};

describe('events', () => {
  it('tell who changed what, after it changed', async () => {
    const { world, ports, at } = smallWorld();
    const ref = world.loadBalancers.addClassic({ name: 'shop', vpcId: 'vpc-1' });
    const events: WorldEvent[] = [];
    const membersSeen: number[] = [];
    const old = oldHost(world, [ref]);
    world.on((event) => {
      events.push(event);
      membersSeen.push(world.view().loadBalancers[0]?.members.length ?? 0);
    });
    const id = await launchOne(ports);
    at(20);
    await ports.loadBalancers.register(ref, [id, old]);
    await ports.loadBalancers.deregister(ref, [old]);
    await ports.ec2.terminate([old]);
    world.ec2.breakApplication(id);
    const told = events.map((event) => {
      const by =
        event.by === 'scenario' ? event.by : `${event.by.service}.${event.by.action} ${event.by.serial}`;
      return [seconds(event.at), event.kind, event.ids, event.changed, by];
    });
    expect(told).toEqual([
      [0, 'instances-launched', [id], [id], 'ec2.launch 1'],
      [20, 'instances-registered', [id, old], [id], 'loadBalancers.register 2'],
      [20, 'instances-deregistered', [old], [old], 'loadBalancers.deregister 3'],
      [20, 'instances-terminated', [old], [old], 'ec2.terminate 4'],
      [20, 'application-broken', [id], [id], 'scenario'],
    ]);
    expect(membersSeen).toEqual([1, 2, 2, 2, 2]);
  });

  it('name the right call even if a listener makes one of its own', async () => {
    const { world, ports, at } = smallWorld();
    const ref = world.loadBalancers.addClassic({ name: 'shop', vpcId: 'vpc-1' });
    const old = oldHost(world, [ref]);
    at(1);
    const told: unknown[] = [];
    world.s3.addBucket('log');
    world.s3.onObjectCreated(() => void ports.ec2.terminate([old]));
    world.on(({ kind, by }) => told.push([kind, by === 'scenario' ? by : by.action]));
    await ports.records.writeRecord('log', 'first', {});
    world.s3.put('log', 'second', '{}');
    world.ec2.breakApplication(old);
    expect(told).toEqual([
      ['object-created', 'writeRecord'],
      ['instances-terminated', 'terminate'],
      ['object-created', 'scenario'],
      ['instances-terminated', 'terminate'],
      ['application-broken', 'scenario'],
    ]);
  });

  it('are not told for a call that was refused', async () => {
    const { world, ports } = smallWorld();
    const events: WorldEvent[] = [];
    world.on((event) => events.push(event));
    await expect(launchOne(ports, { imageId: 'ami-9' })).rejects.toThrow();
    expect(events).toEqual([]);
  });
});

describe('calls', () => {
  it('are counted as the real adapters would make them', async () => {
    const { world, ports } = smallWorld();
    const ids = Array.from({ length: 101 }, (_, n) => `id-${n}`);
    const ref = world.loadBalancers.addClassic({ name: 'shop', vpcId: 'vpc-1' });
    await ports.ec2.describe(ids);
    await ports.ec2.describe([]);
    await ports.ec2.listByTag('irekae:fleet', 'shop');
    await ports.loadBalancers.members(ref);
    await ports.loadBalancers.settings(ref);
    await ports.mackerel.setStatus(ids, 'poweroff');
    await ports.mackerel.hosts('Shop', 'web');
    await ports.mackerel.openAlerts();
    await launchOne(ports, { imageId: 'ami-9' }).catch(() => undefined);
    expect(world.calls.byAction()).toEqual({
      'ec2.describe': 2,
      'ec2.listByTag': 1,
      'loadBalancers.members': 1,
      'loadBalancers.settings': 2,
      'mackerel.setStatus': 4,
      'mackerel.hosts': 1,
      'mackerel.openAlerts': 1,
      'ec2.launch': 1,
    });
    expect(world.calls.requests()).toBe(13);
    expect(world.calls.requests('ec2')).toBe(4);
    expect(world.calls.requests('ec2', 'describe')).toBe(2);
  });

  it('take effect in the middle of the modelled time when made from a distance', async () => {
    const { world } = smallWorld();
    const sleeps: number[] = [];
    const ports = world.distantPorts({
      millis: (_, requests) => 80 * requests,
      sleep: async (millis) => void sleeps.push(millis),
    });
    const sleepsBeforeTheLaunch: number[] = [];
    world.on(() => sleepsBeforeTheLaunch.push(...sleeps));
    await launchOne(ports);
    expect({ sleeps, sleepsBeforeTheLaunch }).toEqual({ sleeps: [40, 40], sleepsBeforeTheLaunch: [40] });
  });

  it('take more time for more requests, and no less when they fail', async () => {
    const { world } = smallWorld();
    const sleeps: number[] = [];
    const ports = world.distantPorts({
      millis: ({ service }, requests) => (service === 'ec2' ? 80 * requests : 30),
      sleep: async (millis) => void sleeps.push(millis),
    });
    await ports.ec2.describe(Array.from({ length: 250 }, (_, index) => `i-${index}`));
    await ports.mackerel.hosts('Shop', 'web');
    await expect(launchOne(ports, { imageId: 'ami-9' })).rejects.toThrow();
    expect(sleeps).toEqual([40, 200, 15, 15, 40, 40]);
  });
});

describe('an interceptor', () => {
  const lost = new DeploymentError('ServiceUnavailable', 'EC2 did not answer.');

  it('can lose a call before it takes effect', async () => {
    const { world, ports } = smallWorld();
    world.intercept = async () => {
      throw lost;
    };
    await expect(launchOne(ports)).rejects.toEqual(named('ServiceUnavailable'));
    expect(world.view().instances).toEqual([]);
  });

  it('can lose the answer after the effect, and the token finds the hosts again', async () => {
    const { world, ports, at } = smallWorld();
    world.intercept = async (call, proceed) => {
      await proceed();
      if (call.serial === 1) throw lost;
      return proceed();
    };
    await expect(launchOne(ports)).rejects.toEqual(named('ServiceUnavailable'));
    world.intercept = undefined;
    at(5);
    const found = await launchOne(ports);
    expect(world.view().instances.map(({ instanceId }) => instanceId)).toEqual([found]);
  });

  it('can answer something else', async () => {
    const { world, ports, at } = smallWorld();
    await launchOne(ports);
    at(60);
    world.intercept = async ({ service, action }, proceed) =>
      `${service}.${action}` === 'mackerel.hosts' ? [] : proceed();
    expect(await ports.mackerel.hosts('Shop', 'web')).toEqual([]);
    expect(await ports.ec2.listByTag('irekae:fleet', 'shop')).toHaveLength(1);
  });

  it('goes around the one before, who never sees what it keeps back', async () => {
    const { world, ports } = smallWorld();
    const seen: string[] = [];
    for (const name of ['first', 'second'])
      world.interceptToo(async ({ action }, proceed) => {
        seen.push(`${name}: ${action}`);
        return name === 'second' && action === 'hosts' ? [] : proceed();
      });
    await ports.mackerel.hosts('Shop', 'web');
    await ports.ec2.listByTag('irekae:fleet', 'shop');
    expect(seen).toEqual(['second: hosts', 'second: listByTag', 'first: listByTag']);
  });
});

describe('the view', () => {
  it('shows everything at this instant, the truth rather than what EC2 tells', async () => {
    const { world, ports, at } = smallWorld();
    const ref = world.loadBalancers.addClassic({ name: 'shop', ...TUNED });
    const old = oldHost(world, [ref]);
    const young = await launchOne(ports, { subnetId: 'subnet-c' });
    expect(world.view().instances.map(({ instanceId, stage }) => [instanceId, stage])).toEqual([
      [old, 'up'],
      [young, 'launching'],
    ]);
    at(50);
    await ports.loadBalancers.register(ref, [young]);
    const view = world.view();
    const hosts = view.hosts.map(({ id }) => id);
    expect(view.instances).toEqual([
      expect.objectContaining({
        instanceId: old,
        hosts: [expect.objectContaining({ id: hosts[0], status: 'working' })],
        memberOf: [{ loadBalancer: 'shop', state: 'in-service' }],
      }),
      expect.objectContaining({
        instanceId: young,
        zone: 'ap-northeast-1c',
        hosts: [expect.objectContaining({ id: hosts[1], roles: [{ service: 'Shop', role: 'web' }] })],
        memberOf: [{ loadBalancer: 'shop', state: 'out-of-service' }],
      }),
    ]);
    expect(view.loadBalancers).toMatchObject([{ name: 'shop', inService: 1, members: [{}, {}] }]);
  });

  it('can be written down and read again', async () => {
    const { world, ports, at } = smallWorld();
    await launchOne(ports);
    at(60);
    const view = world.view();
    expect(structuredClone(view)).toEqual(view);
  });
});

it('tells every moment at which something changes by itself', async () => {
  const { world, ports, at } = smallWorld();
  const ref = world.loadBalancers.addClassic({ name: 'shop', ...TUNED });
  const old = oldHost(world, [ref]);
  expect(world.nextChange()).toBeUndefined();
  const young = await launchOne(ports);
  const moments: unknown[] = [];
  for (let next = world.nextChange(); next !== undefined; next = world.nextChange()) {
    const second = seconds(next) ?? 0;
    at(second);
    const { stage, memberOf } = world.view().instances.find(({ instanceId }) => instanceId === young) ?? {};
    moments.push([second, stage, memberOf?.[0]?.state]);
    if (second === 15) await ports.loadBalancers.register(ref, [young]);
    if (second === 44) await ports.loadBalancers.deregister(ref, [old]);
    if (second === 52) await ports.ec2.terminate([old]);
  }
  // Registered at 15, checked from 35: fails at 35 (its time-out ends the wait at 37), passes at 40.
  expect(moments).toEqual([
    [1, 'launching', undefined],
    [15, 'booting', undefined],
    [20, 'starting', 'out-of-service'],
    [35, 'starting', 'out-of-service'],
    [37, 'starting', 'out-of-service'],
    [40, 'up', 'in-service'],
    [44, 'up', 'in-service'],
    [52, 'up', 'in-service'],
    [62, 'up', 'in-service'],
  ]);
});

describe('the lower bound', () => {
  it('is what the best possible decisions would have reached', async () => {
    const { world, ports } = smallWorld();
    const classic = world.loadBalancers.addClassic({ name: 'shop', ...TUNED });
    const old = oldHost(world, [classic]);
    const young = await launchOne(ports);
    const bound = world.lowerBound({
      newInstances: [young],
      oldInstances: [old],
      loadBalancers: [classic],
      bakeSeconds: 30,
    });
    // Up at 40 (running 15 + registration 20 = 35 is earlier), in Mackerel at 44; idle 8, the watch 30 + 2 × 5 + 2 + 5, shutdown 10.
    expect(
      bound.hosts.map((host) => [
        seconds(host.inService.shop),
        seconds(host.inMackerel),
        seconds(host.ready),
      ]),
    ).toEqual([[40, 44, 44]]);
    expect([bound.launched, bound.ready, bound.drained, bound.terminated].map(seconds)).toEqual([
      0, 44, 52, 109,
    ]);
  });

  it('is bound by the registration when that is the slowest', async () => {
    const { world, ports } = smallWorld({ timings: { ...STEADY, classicRegistration: [30, 30] } });
    const classic = world.loadBalancers.addClassic({ name: 'shop', ...TUNED });
    const young = await launchOne(ports);
    const [host] = world.lowerBound({
      newInstances: [young],
      oldInstances: [],
      loadBalancers: [classic],
      bakeSeconds: 0,
    }).hosts;
    expect(seconds(host?.ready)).toBe(45);
  });

  it('waits until the load balancer knows the instance', async () => {
    const { world, ports } = smallWorld({ timings: { ...STEADY, visibility: [25, 25] } });
    const classic = world.loadBalancers.addClassic({ name: 'shop', ...TUNED });
    const deployed = { oldInstances: [], loadBalancers: [classic], bakeSeconds: 0 };
    const bound = world.lowerBound({ ...deployed, newInstances: [await launchOne(ports)] });
    expect(seconds(bound.ready)).toBe(45);
  });

  it('is reached by whoever registers at the best moment, and never beaten', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const { world, ports, at } = smallWorld({ seed, timings: {} });
      const classic = world.loadBalancers.addClassic({ name: 'shop', ...TUNED });
      const young = await launchOne(ports);
      const deployed = { newInstances: [young], oldInstances: [], loadBalancers: [classic], bakeSeconds: 0 };
      const [earliest] = world.lowerBound(deployed).hosts;
      const running = seconds(earliest?.running) ?? 0;
      const inService = seconds(earliest?.inService.shop) ?? 0;
      const lag =
        world.loadBalancers.registrationMillis(world.loadBalancers.balancer(classic), young, 0) / 1000;
      at(Math.max(running, inService - lag));
      await ports.loadBalancers.register(classic, [young]);
      const isInService = () => world.view().loadBalancers[0]?.inService === 1;
      at(inService - 0.001);
      expect(isInService(), `seed ${seed}`).toBe(false);
      at(inService);
      expect(isInService(), `seed ${seed}`).toBe(true);
    }
  });

  it('has no end for a host that never gets ready', async () => {
    const { world, ports } = smallWorld();
    world.ec2.fate = () => ({ kind: 'never-registers' });
    const young = await launchOne(ports);
    const bound = world.lowerBound({
      newInstances: [young],
      oldInstances: [],
      loadBalancers: [],
      bakeSeconds: 0,
    });
    expect(bound.ready).toBeUndefined();
    expect(bound.terminated).toBeUndefined();
  });
});

describe('chance', () => {
  /** All that a fleet of four hosts draws. */
  async function draws(seed: number, fate: 'healthy' | 'never-healthy' = 'healthy') {
    const { world, ports, at } = smallWorld({ seed, timings: {} });
    const ref = world.loadBalancers.addClassic({ name: 'shop', vpcId: 'vpc-1' });
    world.ec2.fate = ({ ordinal }) => ({ kind: ordinal === 1 ? fate : 'healthy' });
    const launched = await ports.ec2.launch({ ...request, count: 4 });
    const ids = launched.map(({ instanceId }) => instanceId);
    at(600);
    const bound = world.lowerBound({
      newInstances: ids,
      oldInstances: ids,
      loadBalancers: [ref],
      bakeSeconds: 0,
    });
    return { ...bound, hostIds: world.view().hosts.map(({ id }) => id) };
  }

  it('is the same for the same seed and another for another', async () => {
    expect(await draws(7)).toEqual(await draws(7));
    expect(await draws(8)).not.toEqual(await draws(7));
  });

  it('of one host does not change with the fate of another', async () => {
    const [healthy, mixed] = [await draws(7), await draws(7, 'never-healthy')];
    const others = (bound: typeof healthy) => bound.hosts.filter((_, index) => index !== 1);
    expect(others(mixed)).toEqual(others(healthy));
    expect(mixed.hosts[1]?.applicationUp).toBeUndefined();
  });

  it('stays within the ranges', async () => {
    const { world, ports } = smallWorld({ timings: {} });
    for (const { instanceId } of await ports.ec2.launch({ ...request, count: 200 })) {
      const { launchedAt, runningAt, bootedAt, applicationUpAt, registersAt } =
        world.ec2.instance(instanceId).life;
      const spans = [
        runningAt - launchedAt,
        bootedAt - runningAt,
        applicationUpAt - bootedAt,
        registersAt - applicationUpAt,
      ];
      const ranges = [
        [15, 20],
        [5, 10],
        [10, 40],
        [4, 6],
      ] as const;
      spans.forEach((span, index) => {
        const [min, max] = ranges[index] ?? [0, 0];
        expect(span).toBeGreaterThanOrEqual(min * 1000);
        expect(span).toBeLessThanOrEqual(max * 1000);
      });
    }
  });
});

it('does not get slower in a long run', async () => {
  const { world, ports, at } = smallWorld({ timings: {} });
  const ref = world.loadBalancers.addClassic({ name: 'shop', ...TUNED });
  let old = [oldHost(world, [ref]), oldHost(world, [ref], 'subnet-c')];
  let second = 0;
  const pass = (span: number) => {
    second += span;
    at(second);
  };
  for (let round = 0; round < 1000; round += 1) {
    const young = [
      await launchOne(ports, { clientToken: `a${round}` }),
      await launchOne(ports, { clientToken: `c${round}`, subnetId: 'subnet-c' }),
    ];
    pass(30);
    await ports.loadBalancers.register(ref, young);
    for (let look = 0; look < 20; look += 1) {
      pass(5);
      await Promise.all([
        ports.ec2.describe(young),
        ports.loadBalancers.members(ref),
        ports.mackerel.hosts('Shop', 'web'),
      ]);
      await ports.ec2.listByTag('irekae:fleet', 'shop');
    }
    await ports.loadBalancers.deregister(ref, old);
    pass(30);
    await ports.ec2.terminate(old);
    pass(40);
    const hosts = await ports.mackerel.hosts('Shop', 'web');
    await ports.mackerel.retire(
      hosts.filter(({ instanceId }) => old.includes(instanceId ?? '')).map(({ id }) => id),
    );
    old = young;
  }
  // An hour of terminated instances at most, not all two thousand.
  expect(world.view().instances.length).toBeLessThan(60);
  expect(world.view().loadBalancers).toMatchObject([{ inService: 2, members: [{}, {}] }]);
  expect(world.view().hosts).toHaveLength(2);
});
