import { describe, expect, it } from 'vitest';
import type { Fate } from '../../simulator/world/instance-life.ts';
import type { World } from '../../simulator/world/world.ts';
import { launchOne, named, request, smallWorld } from './small-world.ts';

/** State, stage and reason of the only instance, second by second. */
async function life(fate: Fate, seconds: readonly number[]) {
  const { world, ports, at } = smallWorld();
  world.ec2.fate = () => fate;
  const id = await launchOne(ports);
  return seconds.map((second) => {
    at(second);
    const { state, stage, stateReason } = view(world, id);
    return [second, state, stage, ...(stateReason === undefined ? [] : [stateReason])].join(' ');
  });
}

function view(world: World, id: string) {
  const seen = world.view().instances.find(({ instanceId }) => instanceId === id);
  if (seen === undefined) throw new Error(`the view lacks ${id}`);
  return seen;
}

describe('A launch template of its owner’s', () => {
  const own = (changes: object, count = 1) => {
    const small = smallWorld();
    small.world.ec2.addLaunchTemplate({ id: 'lt-own', version: '3', ...changes });
    const launch = () =>
      small.ports.ec2.launch({ ...request, count, launchTemplate: { id: 'lt-own', version: '3' } });
    return { ...small, launch };
  };

  it('says whether its instances are protected, and what a shutdown means', async () => {
    const { world, ports, launch, at } = own({ isTerminationProtected: true, shutdownBehavior: 'stop' });
    world.ec2.fate = () => ({ kind: 'shuts-down', consoleLine: 'no such key' });
    const [{ instanceId = '' } = {}] = await launch();
    at(5);
    expect((await ports.ec2.terminate([instanceId])).refused).toMatchObject([{ id: instanceId }]);
    at(200);
    expect(await ports.ec2.describe([instanceId])).toMatchObject([
      {
        state: 'stopped',
        tags: { 'aws:ec2launchtemplate:id': 'lt-own', 'aws:ec2launchtemplate:version': '3' },
      },
    ]);
  });

  it.each([
    ['network interfaces', { hasNetworkInterfaces: true }],
    ['instance requirements', { hasInstanceRequirements: true }],
    ['another zone', { zone: 'ap-northeast-1c' }],
  ])('with %s takes no request that says otherwise', async (_title, changes) => {
    await expect(own(changes).launch()).rejects.toMatchObject({ name: 'LaunchRefused' });
  });
});

describe('the life of an instance', () => {
  it('goes from pending to an application that serves', async () => {
    expect(await life({ kind: 'healthy' }, [0, 15, 20, 39, 40])).toEqual([
      '0 pending launching',
      '15 running booting',
      '20 running starting',
      '39 running starting',
      '40 running up',
    ]);
  });

  it('never comes up when it is fated to be unhealthy', async () => {
    expect(await life({ kind: 'never-healthy' }, [40, 3600])).toEqual([
      '40 running starting',
      '3600 running starting',
    ]);
  });

  it('takes a multiple of the time when it is slow', async () => {
    expect(await life({ kind: 'slow', factor: 3 }, [44, 45, 119, 120])).toEqual([
      '44 pending launching',
      '45 running booting',
      '119 running starting',
      '120 running up',
    ]);
  });

  it('shuts itself down when the boot script fails, and says so', async () => {
    const reason = 'Client.InstanceInitiatedShutdown: Instance initiated shutdown';
    expect(await life({ kind: 'shuts-down', consoleLine: 'no such key' }, [39, 40, 50])).toEqual([
      '39 running starting',
      `40 shutting-down shutting-down ${reason}`,
      `50 terminated gone ${reason}`,
    ]);
  });

  it('is lost at once when EC2 loses it', async () => {
    const stateReason = 'Server.InternalError: Internal error on launch';
    expect(await life({ kind: 'dies', afterSeconds: 7, stateReason }, [6, 7])).toEqual([
      '6 pending launching',
      `7 terminated gone ${stateReason}`,
    ]);
  });

  it('shows the console line once the boot script has failed, not before', async () => {
    const { world, ports, at } = smallWorld();
    world.ec2.fate = () => ({ kind: 'shuts-down', consoleLine: 'sha256 mismatch' });
    await launchOne(ports);
    at(39);
    expect(world.view().instances[0]).not.toHaveProperty('consoleLine');
    at(40);
    expect(world.view().instances[0]).toMatchObject({ consoleLine: 'sha256 mismatch' });
  });

  it('is told on its console, with the failed boot script’s words at the end', async () => {
    const { world, ports, at } = smallWorld();
    world.ec2.fate = () => ({ kind: 'shuts-down', consoleLine: 'sha256 mismatch' });
    const id = await launchOne(ports);
    const lines = async (seconds: number) => {
      at(seconds);
      return (await ports.ec2.consoleOutput(id)).split('\r\n');
    };
    expect(await lines(19)).toEqual(['']);
    expect(await lines(39)).not.toContain('sha256 mismatch');
    const booting = (await lines(39)).slice(0, -1);
    expect(booting).toHaveLength(3);
    const failed = await lines(60);
    expect(failed.slice(0, 4)).toEqual([...booting, 'sha256 mismatch']);
  });

  it('ends on the console without a failure when somebody terminates it first', async () => {
    const { world, ports, at } = smallWorld();
    world.ec2.fate = () => ({ kind: 'shuts-down', consoleLine: 'sha256 mismatch' });
    const id = await launchOne(ports);
    at(30);
    await ports.ec2.terminate([id]);
    at(45);
    const text = await ports.ec2.consoleOutput(id);
    expect(text).toContain('Linux version');
    expect(text).not.toContain('sha256 mismatch');
  });
});

describe('launching', () => {
  it('launches all that is asked for, pending, tagged, in the zone of the subnet', async () => {
    const { ports } = smallWorld();
    const launched = await ports.ec2.launch({ ...request, count: 3 });
    expect(launched).toHaveLength(3);
    for (const instance of launched) {
      expect(instance).toMatchObject({ state: 'pending', zone: 'ap-northeast-1a', tags: request.tags });
      expect(instance.instanceId).toMatch(/^i-[0-9a-f]{17}$/);
    }
  });

  it('launches nothing new for the same token and request', async () => {
    const { ports, at } = smallWorld();
    const first = await launchOne(ports);
    at(30);
    expect(await ports.ec2.launch(request)).toEqual([
      expect.objectContaining({ instanceId: first, state: 'running' }),
    ]);
  });

  it('answers a repeated token with the instances of then, even when they are gone', async () => {
    const { ports, at } = smallWorld();
    const first = await launchOne(ports);
    at(30);
    await ports.ec2.terminate([first]);
    at(60);
    expect(await ports.ec2.launch(request)).toEqual([
      expect.objectContaining({ instanceId: first, state: 'terminated' }),
    ]);
  });

  it('launches another set for the same token in another zone', async () => {
    const { ports } = smallWorld();
    expect(await launchOne(ports, { subnetId: 'subnet-c' })).not.toBe(await launchOne(ports));
  });

  it.each([
    ['the same token with other parameters', { count: 2 }, 'LaunchRefused', /IdempotentParameterMismatch/],
    ['an unknown image', { clientToken: 't2', imageId: 'ami-9' }, 'LaunchRefused', /InvalidAMIID.NotFound/],
    ['an unknown subnet', { subnetId: 'subnet-9' }, 'LaunchRefused', /InvalidSubnetID.NotFound/],
    [
      'an unknown launch template',
      { clientToken: 't2', launchTemplate: { id: 'lt-9', version: '1' } },
      'LaunchRefused',
      /InvalidLaunchTemplateId.NotFound/,
    ],
    [
      'an unknown version of a launch template',
      { clientToken: 't2', launchTemplate: { id: 'lt-1', version: '9' } },
      'LaunchRefused',
      /VersionNotFound/,
    ],
    [
      'more user data than EC2 takes',
      { clientToken: 't2', userData: 'x'.repeat(16_385) },
      'LaunchRefused',
      /InvalidParameterValue/,
    ],
    ['a token that is too long', { clientToken: 't'.repeat(65) }, 'LaunchRefused', /InvalidClientToken/],
    [
      'more hosts than the subnet has addresses',
      { clientToken: 't2', count: 251 },
      'LaunchRefused',
      /InsufficientFreeAddresses/,
    ],
    [
      'more hosts than EC2 has room for',
      { clientToken: 't2', instanceType: 'rare', count: 2 },
      'NoCapacity',
      /ap-northeast-1a/,
    ],
  ])('refuses %s and launches nothing', async (_, changes, name, words) => {
    const { world, ports } = smallWorld();
    world.ec2.setCapacity('rare', 'ap-northeast-1a', 1);
    await launchOne(ports);
    const failed = ports.ec2.launch({ ...request, ...changes });
    await expect(failed).rejects.toEqual(named(name));
    await expect(failed).rejects.toThrow(words);
    expect(world.view().instances).toHaveLength(1);
  });

  it('uses capacity and addresses up', async () => {
    const { world, ports } = smallWorld();
    world.ec2.setCapacity('t4g.small', 'ap-northeast-1a', 1);
    await launchOne(ports);
    await expect(launchOne(ports, { clientToken: 'next' })).rejects.toEqual(named('NoCapacity'));
    expect(await ports.ec2.subnets(['subnet-a', 'subnet-9', 'subnet-c'])).toEqual([
      { subnetId: 'subnet-a', vpcId: 'vpc-1', zone: 'ap-northeast-1a', freeAddresses: 250 },
      { subnetId: 'subnet-c', vpcId: 'vpc-1', zone: 'ap-northeast-1c', freeAddresses: 251 },
    ]);
  });
});

describe('looking', () => {
  it('does not show a new instance at first, by id or by tag', async () => {
    const { ports, at } = smallWorld();
    const id = await launchOne(ports);
    const look = async () => [
      (await ports.ec2.describe([id])).length,
      (await ports.ec2.listByTag('irekae:fleet', 'shop')).length,
    ];
    at(0.9);
    expect(await look()).toEqual([0, 0]);
    at(1);
    expect(await look()).toEqual([1, 1]);
  });

  it('describes a terminated instance for an hour, the tags for a minute, and never lists it', async () => {
    const { ports, at } = smallWorld();
    const id = await launchOne(ports);
    at(100);
    await ports.ec2.terminate([id]);
    const look = async () => [
      ...(await ports.ec2.describe([id])).map(({ state, tags }) => `${state} ${Object.keys(tags).length}`),
      (await ports.ec2.listByTag('irekae:fleet', 'shop')).length,
    ];
    expect(await look()).toEqual(['shutting-down 3', 1]);
    at(110);
    expect(await look()).toEqual(['terminated 3', 0]);
    at(170);
    expect(await look()).toEqual(['terminated 0', 0]);
    at(110 + 3599);
    expect(await look()).toEqual(['terminated 0', 0]);
    at(110 + 3600);
    expect(await look()).toEqual([0]);
  });

  it('lists by the value of the tag, to the letter', async () => {
    const { ports, at } = smallWorld();
    const id = await launchOne(ports);
    await launchOne(ports, { clientToken: 'other', tags: { 'irekae:fleet': 'shop-2' } });
    at(5);
    const listed = await ports.ec2.listByTag('irekae:fleet', 'shop');
    expect(listed.map(({ instanceId }) => instanceId)).toEqual([id]);
  });

  it('finds the available images that match, of deprecated ones the account’s own', async () => {
    const { world, ports } = smallWorld();
    const day = (n: number) => new Date(Date.UTC(2026, 1, n));
    const app = { tags: { app: 'shop' }, architecture: 'arm64' };
    world.ec2.addImage({ ...app, imageId: 'ami-old', name: 'shop-1', createdAt: day(1) });
    world.ec2.addImage({ ...app, imageId: 'ami-new', name: 'shop-2', createdAt: day(3) });
    world.ec2.addImage({
      ...app,
      imageId: 'ami-pending',
      name: 'shop-3',
      createdAt: day(4),
      state: 'pending',
    });
    world.ec2.addImage({
      ...app,
      imageId: 'ami-x86',
      name: 'shop-4',
      createdAt: day(5),
      architecture: 'x86_64',
    });
    world.ec2.addImage({
      ...app,
      imageId: 'ami-stranger',
      name: 'shop-5',
      createdAt: day(6),
      owner: '999999999999',
    });
    world.ec2.addImage({ ...app, imageId: 'ami-untagged', name: 'shop-6', createdAt: day(7), tags: {} });
    world.ec2.addImage({ ...app, imageId: 'ami-other', name: 'blog-1', createdAt: day(8) });
    const query = {
      from: 'search',
      owner: 'self',
      namePattern: 'shop-?',
      tags: { app: 'shop' },
      architecture: 'arm64',
    } as const;
    const found = await ports.ec2.matchingImages(query);
    expect(found.map(({ imageId }) => imageId)).toEqual(['ami-old', 'ami-new']);
    expect(await ports.ec2.matchingImages({ ...query, namePattern: 'shop.*' })).toEqual([]);
    expect(await ports.ec2.findImage('ami-9')).toBeUndefined();
    for (const id of ['ami-old', 'ami-stranger']) world.ec2.deprecateImage(id);
    expect(await ports.ec2.matchingImages(query)).toMatchObject([{ deprecatedAt: expect.any(Date) }, {}]);
    expect(await ports.ec2.matchingImages({ ...query, owner: '999999999999' })).toEqual([]);
  });
});

describe('tagging', () => {
  it('is refused for an instance that EC2 does not show', async () => {
    const { ports } = smallWorld();
    await expect(ports.ec2.tag('i-0123456789abcdef0', { a: 'b' })).rejects.toEqual(named('ServiceRefused'));
  });
});

describe('terminating', () => {
  it('may be repeated without starting the shutdown again', async () => {
    const { ports, at } = smallWorld();
    const id = await launchOne(ports);
    at(100);
    await ports.ec2.terminate([id]);
    at(105);
    expect(await ports.ec2.terminate([id, 'i-00000000000000000'])).toEqual({ refused: [] });
    at(110);
    expect(await ports.ec2.describe([id])).toMatchObject([
      { state: 'terminated', stateReason: 'Client.UserInitiatedShutdown: User initiated shutdown' },
    ]);
  });

  it('does nothing to an instance that EC2 does not show yet', async () => {
    const { ports, at } = smallWorld();
    const id = await launchOne(ports);
    expect(await ports.ec2.terminate([id])).toEqual({ refused: [] });
    at(30);
    expect(await ports.ec2.describe([id])).toMatchObject([{ state: 'running' }]);
  });

  it('spares a protected instance with EC2’s reason and terminates the rest', async () => {
    const { world, ports, at } = smallWorld();
    const [kept, gone] = [await launchOne(ports), await launchOne(ports, { clientToken: 'second' })];
    world.ec2.protect(kept);
    at(30);
    expect(await ports.ec2.terminate([kept, gone])).toEqual({
      refused: [{ id: kept, reason: expect.stringContaining('OperationNotPermitted') }],
    });
    expect((await ports.ec2.describe([kept, gone])).map(({ state }) => state)).toEqual([
      'running',
      'shutting-down',
    ]);
  });

  it('refuses what lacks the tag that the permissions ask for', async () => {
    const { world, ports, at } = smallWorld();
    world.ec2.requireTagToTerminate('irekae:fleet');
    const [own, foreign] = [
      await launchOne(ports),
      await launchOne(ports, { clientToken: 'second', tags: {} }),
    ];
    at(30);
    expect(await ports.ec2.terminate([own, foreign])).toEqual({
      refused: [{ id: foreign, reason: expect.stringContaining('UnauthorizedOperation') }],
    });
  });

  it('refuses an empty list', async () => {
    await expect(smallWorld().ports.ec2.terminate([])).rejects.toEqual(named('TerminationRefused'));
  });

  it('terminates a stopped instance', async () => {
    const { world, ports, at } = smallWorld();
    const id = await launchOne(ports);
    at(100);
    world.ec2.stop(id);
    at(110);
    expect(await ports.ec2.describe([id])).toMatchObject([{ state: 'stopped' }]);
    await ports.ec2.terminate([id]);
    at(120);
    expect(await ports.ec2.describe([id])).toMatchObject([{ state: 'terminated' }]);
  });
});

describe('the buckets of RunInstances', () => {
  const launch = async (
    { ports }: ReturnType<typeof smallWorld>,
    clientToken: string,
    count: number,
  ): Promise<number | string> => {
    try {
      return (await ports.ec2.launch({ ...request, clientToken, count })).length;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  it('hold five calls, refilled by two a second', async () => {
    const small = smallWorld();
    const answers = [];
    for (let nth = 0; nth < 6; nth += 1) answers.push(await launch(small, `t-${nth}`, 1));
    expect(answers).toEqual([1, 1, 1, 1, 1, expect.stringContaining('RequestLimitExceeded')]);
    small.at(1);
    expect([await launch(small, 'a', 1), await launch(small, 'b', 1)]).toEqual([1, 1]);
    expect(await launch(small, 'c', 1)).toContain('RequestLimitExceeded');
  });

  it('and a thousand instances, refilled by two a second; a repetition takes none', async () => {
    const small = smallWorld();
    const wide = { subnetId: 'subnet-a', vpcId: 'vpc-1', zone: 'ap-northeast-1a', addresses: 4_000 };
    small.world.ec2.addSubnet(wide);
    expect(await launch(small, 'most', 990)).toBe(990);
    expect(await launch(small, 'more', 20)).toContain('RequestLimitExceeded');
    small.at(5);
    expect([await launch(small, 'most', 990), await launch(small, 'more', 20)]).toEqual([990, 20]);
    expect(await launch(small, 'one', 1)).toContain('RequestLimitExceeded');
  });
});
