import { describe, expect, it } from 'vitest';
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import { launchOne, named, oldHost, smallWorld } from './small-world.ts';

const DEFAULT = {};
const TUNED = { intervalSeconds: 5, timeoutSeconds: 2, healthyThreshold: 2, unhealthyThreshold: 2 };

/** A world with a load balancer of each kind; registrations take 20 s at the classic one, 2 s at the target group. */
function balanced(settings: Partial<typeof TUNED & { drainSeconds: number; zones: string[] }> = {}) {
  const small = smallWorld();
  const shared = { vpcId: 'vpc-1', ...settings };
  const classic = small.world.loadBalancers.addClassic({ name: 'shop', ...shared });
  const group = small.world.loadBalancers.addTargetGroup({ name: 'shop-tg', ...shared });
  /** State of one host, with the load balancer's reason. */
  const stateOf = async (ref: LoadBalancerRef, id: string) => {
    const [member] = await small.ports.loadBalancers.members(ref, [id]);
    return member === undefined ? 'absent' : `${member.state}${member.reason && `: ${member.reason}`}`;
  };
  /** The first whole second from which the host is in service. */
  const inServiceFrom = async (ref: LoadBalancerRef, id: string, from: number) => {
    for (let second = from; second < 1000; second += 1) {
      small.at(second);
      if ((await stateOf(ref, id)) === 'in-service') return second;
    }
    return undefined;
  };
  return { ...small, classic, group, stateOf, inServiceFrom };
}

describe('a new host that is running at 30 s and up at 80 s', () => {
  /** When it is in service, if it is registered at this second. */
  async function inService(kind: 'classic' | 'group', settings: object, registeredAt: number) {
    const { world, ports, at, inServiceFrom, ...refs } = balanced(settings);
    world.ec2.fate = () => ({ kind: 'slow', factor: 2 });
    const id = await launchOne(ports);
    at(registeredAt);
    await ports.loadBalancers.register(refs[kind], [id]);
    return inServiceFrom(refs[kind], id, registeredAt);
  }

  it.each([
    // Checks from 50 s: fails at 50, passes at 80 before a second failure.
    ['classic', DEFAULT, 30, 80],
    // Checks from 60 s: fails at 60, passes at 90.
    ['classic', DEFAULT, 40, 90],
    ['classic', DEFAULT, 60, 80],
    ['classic', DEFAULT, 80, 100],
    // Checks from 50 s: six failures up to 75, passes at 80 and 85.
    ['classic', TUNED, 30, 85],
    ['classic', TUNED, 60, 80],
    ['classic', TUNED, 80, 100],
    // Checks from 32 s: fails at 32 and 62, then five passes from 92.
    ['group', DEFAULT, 30, 212],
    ['group', DEFAULT, 80, 82],
    ['group', TUNED, 30, 87],
    ['group', TUNED, 78, 80],
  ] as const)(
    'is in service at a %s with %o, registered at %d s, at %d s',
    async (kind, settings, registeredAt, expected) => {
      expect(await inService(kind, settings, registeredAt)).toBe(expected);
    },
  );
});

describe('a host that is registered before its application is up', () => {
  it('pays with ten checks of 30 s at a classic ELB with AWS’s defaults', async () => {
    const { world, ports, at, classic, inServiceFrom, stateOf } = balanced();
    world.ec2.fate = () => ({ kind: 'slow', factor: 3 });
    const id = await launchOne(ports);
    // Up at 120 s; checks from 65 s: fails at 65 and 95, then passes at 125 … 395.
    at(45);
    await ports.loadBalancers.register(classic, [id]);
    expect(await stateOf(classic, id)).toBe('out-of-service: Instance registration is still in progress.');
    at(101);
    expect(await stateOf(classic, id)).toMatch(
      /^out-of-service: Instance has failed at least the UnhealthyThreshold/,
    );
    at(200);
    expect(await stateOf(classic, id)).toMatch(
      /^out-of-service: Instance has not passed the configured HealthyThreshold/,
    );
    expect(await inServiceFrom(classic, id, 101)).toBe(395);
  });

  it('tells the same story in a target group’s words', async () => {
    const { ports, at, group, stateOf } = balanced(TUNED);
    const id = await launchOne(ports);
    at(15);
    await ports.loadBalancers.register(group, [id]);
    expect(await stateOf(group, id)).toMatch(/^out-of-service: Elb.RegistrationInProgress/);
    at(17);
    expect(await stateOf(group, id)).toMatch(/^out-of-service: Elb.InitialHealthChecking/);
    at(25);
    expect(await stateOf(group, id)).toMatch(/^out-of-service: Target.FailedHealthChecks/);
  });
});

describe('registering', () => {
  it('twice changes nothing', async () => {
    const { ports, at, classic, inServiceFrom } = balanced(TUNED);
    const id = await launchOne(ports);
    at(20);
    await ports.loadBalancers.register(classic, [id]);
    at(30);
    await ports.loadBalancers.register(classic, [id, id]);
    expect(await inServiceFrom(classic, id, 30)).toBe(40);
  });

  it('is refused while the instance is pending, for all that were named', async () => {
    const { world, ports, at, classic } = balanced();
    const old = oldHost(world, []);
    const id = await launchOne(ports);
    at(10);
    await expect(ports.loadBalancers.register(classic, [old, id])).rejects.toEqual(
      named('ServiceUnavailable'),
    );
    expect(await ports.loadBalancers.members(classic)).toEqual([]);
  });

  it('is refused for an instance of another VPC and for an unknown one', async () => {
    const { world, ports } = balanced();
    const elsewhere = world.loadBalancers.addClassic({ name: 'elsewhere', vpcId: 'vpc-2' });
    const old = oldHost(world, []);
    await expect(ports.loadBalancers.register(elsewhere, [old])).rejects.toThrow(/another VPC/);
    await expect(ports.loadBalancers.register(elsewhere, ['i-0'])).rejects.toEqual(
      named('ServiceUnavailable'),
    );
  });

  it('in a zone that is not enabled, or at a target group that no listener uses, never leads into service', async () => {
    const { world, ports, at, stateOf } = balanced();
    const zonal = world.loadBalancers.addClassic({
      name: 'zonal',
      vpcId: 'vpc-1',
      zones: ['ap-northeast-1c'],
    });
    const idle = world.loadBalancers.addTargetGroup({ name: 'idle', vpcId: 'vpc-1', attached: false });
    const id = await launchOne(ports);
    at(40);
    for (const ref of [zonal, idle]) await ports.loadBalancers.register(ref, [id]);
    at(4000);
    expect(await stateOf(zonal, id)).toMatch(/^unused: Instance is in the EC2 Availability Zone/);
    expect(await stateOf(idle, id)).toMatch(/^unused: Target.NotInUse/);
  });

  it('fails with LoadBalancerUnusable where there is no such load balancer', async () => {
    const { ports } = smallWorld();
    const nowhere: LoadBalancerRef = { kind: 'classic', name: 'nowhere' };
    for (const call of [
      ports.loadBalancers.settings(nowhere),
      ports.loadBalancers.members(nowhere),
      ports.loadBalancers.register(nowhere, []),
      ports.loadBalancers.deregister(nowhere, []),
    ]) {
      await expect(call).rejects.toEqual(named('LoadBalancerUnusable'));
    }
  });
});

describe('draining', () => {
  it.each([
    ['until the host is idle', 300, 8],
    ['no longer than the limit', 5, 5],
    ['not at all when it is off', 0, 0],
  ])('takes %s', async (_, drainSeconds, lasts) => {
    const { world, ports, at, classic, stateOf } = balanced({ drainSeconds });
    const id = oldHost(world, [classic]);
    expect(await stateOf(classic, id)).toBe('in-service');
    await ports.loadBalancers.deregister(classic, [id]);
    if (lasts > 0) {
      at(lasts - 0.001);
      expect(await stateOf(classic, id)).toBe('draining: Instance deregistration currently in progress.');
    }
    at(lasts);
    expect(await stateOf(classic, id)).toBe('absent');
    expect(await ports.loadBalancers.members(classic)).toEqual([]);
  });

  it('ends at once for a host that served nobody', async () => {
    const { world, ports, classic, stateOf } = balanced();
    const id = oldHost(world, []);
    await ports.loadBalancers.register(classic, [id]);
    await ports.loadBalancers.deregister(classic, [id, 'i-unknown']);
    expect(await stateOf(classic, id)).toBe('absent');
  });

  it('is not begun anew by a second call', async () => {
    const { world, ports, at, group, stateOf } = balanced();
    const id = oldHost(world, [group]);
    await ports.loadBalancers.deregister(group, [id]);
    at(7);
    await ports.loadBalancers.deregister(group, [id]);
    expect(await stateOf(group, id)).toMatch(/^draining: Target.DeregistrationInProgress/);
    at(8);
    expect(await stateOf(group, id)).toBe('absent');
  });

  it.each([4, 20])(
    'is undone by registering again after %d s: registration, then one passed check',
    async (again) => {
      const { world, ports, at, classic, inServiceFrom, stateOf } = balanced();
      const id = oldHost(world, [classic]);
      await ports.loadBalancers.deregister(classic, [id]);
      at(again);
      await ports.loadBalancers.register(classic, [id]);
      expect(await stateOf(classic, id)).toMatch(
        /^out-of-service: Instance registration is still in progress/,
      );
      expect(await inServiceFrom(classic, id, again)).toBe(again + 20);
    },
  );

  it('takes as long as the load balancer’s own idle time says', async () => {
    const { world, ports, at, stateOf } = balanced();
    const busy = world.loadBalancers.addClassic({ name: 'busy', vpcId: 'vpc-1', idleSeconds: [60, 60] });
    const id = oldHost(world, [busy]);
    await ports.loadBalancers.deregister(busy, [id]);
    at(59);
    expect(await stateOf(busy, id)).toMatch(/^draining/);
    at(60);
    expect(await stateOf(busy, id)).toBe('absent');
  });
});

describe('a member that goes wrong', () => {
  it('leaves service after the unhealthy threshold and returns after the healthy one', async () => {
    const { world, at, classic, stateOf } = balanced(TUNED);
    const id = oldHost(world, [classic]);
    at(100);
    world.ec2.breakApplication(id);
    at(103);
    expect(await stateOf(classic, id)).toBe('in-service');
    at(112);
    expect(await stateOf(classic, id)).toMatch(/^out-of-service: Instance has failed/);
    world.ec2.healApplication(id);
    at(122);
    expect(await stateOf(classic, id)).toBe('in-service');
  });

  it('vanishes once its instance is terminated, not before', async () => {
    const { world, ports, at, classic, stateOf } = balanced(TUNED);
    const id = oldHost(world, [classic]);
    at(100);
    await ports.ec2.terminate([id]);
    at(109.9);
    expect(await stateOf(classic, id)).toMatch(/^out-of-service/);
    at(110);
    expect(await stateOf(classic, id)).toBe('absent');
  });

  it('is out of service at once when its instance is stopped', async () => {
    const { world, at, classic, stateOf } = balanced();
    const id = oldHost(world, [classic]);
    world.ec2.stop(id);
    at(10);
    expect(await stateOf(classic, id)).toBe('out-of-service: Instance is in stopped state.');
  });
});

it('tells the settings that a deployment waits by', async () => {
  const { ports, classic, group } = balanced({ ...TUNED, drainSeconds: 20, zones: ['ap-northeast-1a'] });
  const settings = {
    vpcId: 'vpc-1',
    intervalSeconds: 5,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
    timeoutSeconds: 2,
    drainSeconds: 20,
  };
  expect(await ports.loadBalancers.settings(classic)).toEqual({
    ref: classic,
    zones: ['ap-northeast-1a'],
    ...settings,
  });
  expect(await ports.loadBalancers.settings(group)).toEqual({ ref: group, zones: [], ...settings });
});

it('answers for all members without ids and for the named ones with ids', async () => {
  const { world, ports, classic } = balanced();
  const ids = [oldHost(world, [classic]), oldHost(world, [classic])];
  const members = await ports.loadBalancers.members(classic);
  expect(members.map(({ instanceId }) => instanceId)).toEqual(ids);
  const [first = ''] = ids;
  expect(await ports.loadBalancers.members(classic, [first, first, 'i-unknown'])).toEqual([
    { instanceId: first, state: 'in-service', reason: '' },
  ]);
  expect(await ports.loadBalancers.members(classic, [])).toEqual([]);
});
