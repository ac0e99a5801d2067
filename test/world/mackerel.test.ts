import { describe, expect, it } from 'vitest';
import { launchOne, oldHost, START, smallWorld } from './small-world.ts';

const later = (seconds: number) => new Date(START.getTime() + seconds * 1000);

describe('an agent', () => {
  it('registers its host at its moment, under the role of the fleet', async () => {
    const { ports, at } = smallWorld();
    const instanceId = await launchOne(ports);
    at(43.9);
    expect(await ports.mackerel.hosts('Shop', 'web')).toEqual([]);
    at(44);
    expect(await ports.mackerel.hosts('Shop', 'web')).toEqual([
      {
        id: expect.stringMatching(/^[1-9A-HJ-NP-Za-km-z]{11}$/),
        name: expect.stringMatching(/^ip-10-0-/),
        status: 'working',
        instanceId,
        createdAt: later(44),
      },
    ]);
  });

  it('registers at that moment even if nobody looked until much later', async () => {
    const { ports, at } = smallWorld();
    await launchOne(ports);
    at(5000);
    expect((await ports.mackerel.hosts('Shop', 'web'))[0]?.createdAt).toEqual(later(44));
  });

  it('does not register when its host was terminated before', async () => {
    const { ports, at } = smallWorld();
    const id = await launchOne(ports);
    at(43);
    await ports.ec2.terminate([id]);
    at(100);
    expect(await ports.mackerel.hosts('Shop', 'web')).toEqual([]);
  });

  it('never registers when that is its fate', async () => {
    const { world, ports, at } = smallWorld();
    world.ec2.fate = () => ({ kind: 'never-registers' });
    await launchOne(ports);
    at(5000);
    expect(await ports.mackerel.hosts('Shop', 'web')).toEqual([]);
    expect(world.view().instances[0]).toMatchObject({ stage: 'up', applicationUp: true });
  });

  it('belongs to no role when its instance belongs to no fleet', async () => {
    const { world, ports, at } = smallWorld();
    await launchOne(ports, { tags: {} });
    at(60);
    expect(await ports.mackerel.hosts('Shop', 'web')).toEqual([]);
    expect(world.view().hosts).toHaveLength(1);
  });

  it('posts its first metric a minute after it registered and one each minute until its host goes', async () => {
    const { ports, at } = smallWorld();
    const instanceId = await launchOne(ports);
    at(44);
    const [host] = await ports.mackerel.hosts('Shop', 'web');
    const latest = async (second: number) => {
      at(second);
      return (await ports.mackerel.latestMetric([host?.id ?? ''])).get(host?.id ?? '');
    };
    expect(await latest(103)).toBeUndefined();
    expect(await latest(104)).toEqual(later(104));
    expect(await latest(223)).toEqual(later(164));
    await ports.ec2.terminate([instanceId]);
    expect(await latest(900)).toEqual(later(164));
  });

  it('says poweroff when its host shuts down, if it was told to, and nothing when the host is lost', async () => {
    const { world, ports, at } = smallWorld();
    world.mackerel.agent = { onStart: 'standby', onStop: 'poweroff' };
    const gone = await launchOne(ports);
    const lost = await launchOne(ports, { clientToken: 'second' });
    at(100);
    await ports.ec2.terminate([gone]);
    world.ec2.kill(lost, 'Server.InternalError: Internal error');
    at(102);
    const statuses = new Map(
      (await ports.mackerel.hosts('Shop', 'web')).map((host) => [host.instanceId, host.status]),
    );
    expect(statuses).toEqual(
      new Map([
        [gone, 'poweroff'],
        [lost, 'standby'],
      ]),
    );
  });
});

it('a status that is set after the agent’s goodbye stays', async () => {
  const { world, ports, at } = smallWorld();
  world.mackerel.agent = { onStart: 'working', onStop: 'poweroff' };
  await ports.ec2.terminate([oldHost(world, [])]);
  at(5);
  const [host] = await ports.mackerel.hosts('Shop', 'web');
  expect(host?.status).toBe('poweroff');
  await ports.mackerel.setStatus([host?.id ?? ''], 'maintenance');
  at(60);
  expect((await ports.mackerel.hosts('Shop', 'web'))[0]?.status).toBe('maintenance');
});

it('an agent falls silent when its host is stopped, also if that is terminated later', async () => {
  const { world, ports, at } = smallWorld();
  const instanceId = await launchOne(ports);
  at(110);
  world.ec2.stop(instanceId);
  at(300);
  await ports.ec2.terminate([instanceId]);
  const [host] = await ports.mackerel.hosts('Shop', 'web');
  const id = host?.id ?? '';
  expect(await ports.mackerel.latestMetric([id])).toEqual(new Map([[id, later(104)]]));
});

describe('the connectivity monitor', () => {
  /** Ids of the hosts with an open alert, after an old host died at 30 s. */
  async function silent() {
    const { world, ports, at } = smallWorld();
    const instanceId = oldHost(world, []);
    const [host] = await ports.mackerel.hosts('Shop', 'web');
    const id = host?.id ?? '';
    at(30);
    world.ec2.kill(instanceId, 'Server.InternalError: Internal error');
    const alerts = async () =>
      (await ports.mackerel.openAlerts()).map(({ hostId, status }) => `${hostId} ${status}`);
    return { ports, at, id, alerts, critical: [`${id} CRITICAL`] };
  }

  it('raises an alert ten minutes after the last metric of a watched host', async () => {
    const { at, alerts, critical } = await silent();
    at(560);
    expect(await alerts()).toEqual([]);
    at(640);
    expect(await alerts()).toEqual(critical);
    at(3600);
    expect(await alerts()).toEqual(critical);
  });

  it.each(['maintenance', 'poweroff'] as const)(
    'does not watch a host in %s, until it is watched again',
    async (status) => {
      const { ports, at, id, alerts, critical } = await silent();
      at(60);
      await ports.mackerel.setStatus([id], status);
      at(3600);
      expect(await alerts()).toEqual([]);
      await ports.mackerel.setStatus([id], 'standby');
      expect(await alerts()).toEqual(critical);
      expect((await ports.mackerel.openAlerts())[0]?.openedAt).toEqual(later(3600));
    },
  );

  it('keeps an alert open when the host is put into maintenance too late, and closes it when it is retired', async () => {
    const { ports, at, id, alerts, critical } = await silent();
    at(700);
    await ports.mackerel.setStatus([id], 'maintenance');
    at(800);
    expect(await alerts()).toEqual(critical);
    await ports.mackerel.retire([id]);
    expect(await alerts()).toEqual([]);
  });

  it('says nothing about a host that was retired in time', async () => {
    const { ports, at, id, alerts } = await silent();
    await ports.mackerel.retire([id]);
    at(5000);
    expect(await alerts()).toEqual([]);
  });
});

describe('by the scenario’s hand', () => {
  it('an old host has the status that an operator gave it', async () => {
    const { world, ports } = smallWorld();
    const host = { subnetId: 'subnet-a', loadBalancers: [], service: 'Shop', role: 'web' };
    const instanceId = world.addRunningHost({ ...host, status: 'maintenance' });
    expect(await ports.mackerel.hosts('Shop', 'web')).toMatchObject([{ instanceId, status: 'maintenance' }]);
    expect(world.view().instances).toMatchObject([{ instanceId, tags: {} }]);
  });

  it('alerts open and close', async () => {
    const { world, ports, at } = smallWorld();
    oldHost(world, []);
    const [host] = await ports.mackerel.hosts('Shop', 'web');
    const hostId = host?.id ?? '';
    at(5);
    const id = world.mackerel.openAlert({ hostId, status: 'WARNING', message: 'loadavg5 is 4.2' });
    expect(await ports.mackerel.openAlerts()).toEqual([
      { id, hostId, status: 'WARNING', message: 'loadavg5 is 4.2', openedAt: later(5) },
    ]);
    world.mackerel.closeAlert(id);
    expect(await ports.mackerel.openAlerts()).toEqual([]);
  });

  it('the newest of two alerts of the same second comes first', async () => {
    const { world, ports } = smallWorld();
    for (const message of ['first', 'second']) world.mackerel.openAlert({ status: 'CRITICAL', message });
    expect((await ports.mackerel.openAlerts()).map(({ message }) => message)).toEqual(['second', 'first']);
  });

  it('keeps one mark for an annotation that is made twice', async () => {
    const { world, ports } = smallWorld();
    const mark = {
      service: 'Shop',
      role: 'web',
      title: 'Deployed',
      description: 'v2',
      from: START,
      to: later(90),
    };
    await ports.mackerel.annotate(mark);
    await ports.mackerel.annotate({ ...mark, to: later(99) });
    expect(world.mackerel.annotations()).toEqual([mark]);
  });
});
