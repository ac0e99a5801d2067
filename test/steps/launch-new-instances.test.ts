import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { launchKnown } from '../../lambdas/domain/hosts/removal.ts';
import { triesOf, writtenIn } from '../../lambdas/domain/launch/capacity.ts';
import { launchNewInstances } from '../../lambdas/launch-new-instances.ts';
import type { Ec2, Instance, LaunchRequest } from '../../lambdas/ports/ec2.ts';
import type { Ledger, Run } from '../../lambdas/ports/ledger.ts';
import { agreed, at, iso } from '../support/deployments.ts';
import { aNewInstance } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { aRow, portsWith } from '../support/ports.ts';

const TWO_TYPES = aFleet({ instanceTypes: ['t4g.small', 'm7g.medium'] });

/** EC2 as its idempotency is documented: the same token answers with the same instances. */
class TokenMemory {
  readonly requests: LaunchRequest[] = [];
  readonly byToken = new Map<string, Instance[]>();
  /** `type subnet` without capacity. */
  readonly full = new Set<string>();

  readonly launch: Ec2['launch'] = async (request) => {
    this.requests.push(request);
    const known = this.byToken.get(request.clientToken);
    if (known) return known;
    if (this.full.has(`${request.instanceType} ${request.subnetId}`))
      throw new DeploymentError('NoCapacity', 'No room.');
    const launched = Array.from({ length: request.count }, (_, n) =>
      aNewInstance(`i-${this.byToken.size}${n}`, {
        subnetId: request.subnetId,
        zone: request.subnetId.replace('subnet-', 'ap-northeast-1'),
        instanceType: request.instanceType,
        tags: request.tags,
      }),
    );
    this.byToken.set(request.clientToken, launched);
    return launched;
  };

  /** Addresses by subnet; default: plenty. */
  readonly free = new Map<string, number>();

  readonly subnets: Ec2['subnets'] = async (ids) =>
    ids.map((subnetId) => ({
      subnetId,
      vpcId: 'vpc-1',
      zone: subnetId.replace('subnet-', 'ap-northeast-1'),
      freeAddresses:
        (this.free.get(subnetId) ?? 100) -
        this.instances.filter((instance) => instance.subnetId === subnetId).length,
    }));

  get instances(): Instance[] {
    return [...this.byToken.values()].flat();
  }
}

/** The ledger's row, with what the launch wrote down. */
class Memory {
  readonly documents: string[] = [];
  readonly runs: (Run | undefined)[] = [];
  readonly read: Ledger['read'] = async () => {
    const document = this.documents.at(-1);
    return aRow(document === undefined ? {} : { phase: 'bring-up', document });
  };
  readonly enter: Ledger['enter'] = async (_fleet, _hold, _phase, document, under) => {
    this.documents.push(document);
    this.runs.push(under?.run);
  };
}

const launch = (
  ec2: Partial<Ec2>,
  changes: Partial<Deployment> = {},
  ledger: Partial<Ledger> = new Memory(),
) => launchNewInstances.run(agreed(changes), portsWith({ ec2, ledger }, at(10)));

/** What was asked for, in order: `t4g.small subnet-a`. */
const asked = (ec2: TokenMemory) => ec2.requests.map((each) => `${each.instanceType} ${each.subnetId}`);

describe('Launch new instances', () => {
  it('launches the fleet’s share in each zone and answers with ids alone', async () => {
    const ec2 = new TokenMemory();
    expect(await launch(ec2)).toEqual({
      reason: '2 instances of ami-0abc in ap-northeast-1a and ap-northeast-1c',
      at: iso(10),
      instances: [
        { instanceId: 'i-00', zone: 'ap-northeast-1a', instanceType: 't4g.small' },
        { instanceId: 'i-10', zone: 'ap-northeast-1c', instanceType: 't4g.small' },
      ],
    });
  });

  it('tags from birth, with the fleet’s own tags, but never lets those replace ours', async () => {
    const ec2 = new TokenMemory();
    await launch(ec2, { fleet: aFleet({ tags: { team: 'web', [TAG.fleet]: 'blog' } }) });
    expect(ec2.requests[0]).toMatchObject({
      imageId: 'ami-0abc',
      launchTemplate: { id: 'lt-1', version: '7' },
      tags: {
        Name: 'shop',
        team: 'web',
        [TAG.fleet]: 'shop',
        [TAG.deployment]: 'deploy-2',
        [TAG.artifactVersion]: 'v2',
      },
    });
  });

  it('hands over the pinned release, and no secret', async () => {
    const ec2 = new TokenMemory();
    await launch(ec2);
    expect(ec2.requests[0]?.userData).toContain('a'.repeat(64));
    expect(ec2.requests[0]?.userData).not.toContain('/shop/mackerel');
  });
});

describe('Launch new instances, run twice', () => {
  it('launches nothing twice', async () => {
    const ec2 = new TokenMemory();
    const [first, second] = [await launch(ec2), await launch(ec2)];
    expect(second).toEqual(first);
    expect(ec2.instances).toHaveLength(2);
  });

  it('uses the same tokens in every run, and others for another zone, type or execution', async () => {
    const ec2 = new TokenMemory();
    await launch(ec2);
    await launch(ec2);
    await launch(ec2, { fleet: aFleet({ instanceTypes: ['m7g.medium'] }) });
    const { execution } = agreed();
    await launch(ec2, { execution: { ...execution, id: `${execution.id}-other` } });
    const tokens = ec2.requests.map((request) => request.clientToken);
    expect(tokens.slice(2, 4)).toEqual(tokens.slice(0, 2));
    expect(new Set(tokens).size).toBe(6);
    for (const token of tokens) expect(token).toMatch(/^[\x21-\x7e]{1,64}$/);
  });

  it('stays with the type that it launched, although the preferred one has room again', async () => {
    const [ec2, ledger] = [new TokenMemory(), new Memory()];
    ec2.full.add('t4g.small subnet-a');
    const first = await launch(ec2, { fleet: TWO_TYPES }, ledger);
    ec2.full.clear();
    const second = await launch(ec2, { fleet: TWO_TYPES }, ledger);
    expect(second.instances).toEqual(first.instances);
    expect(ec2.instances).toHaveLength(2);
  });

  it('stays in the zone that it went to, although its own has room again and the other is full now', async () => {
    const [ec2, ledger] = [new TokenMemory(), new Memory()];
    ec2.full.add('t4g.small subnet-c');
    const fleet = aFleet({ spillOver: true });
    const first = await launch(ec2, { fleet }, ledger);
    ec2.full.clear();
    ec2.free.set('subnet-a', 0);
    expect((await launch(ec2, { fleet }, ledger)).instances).toEqual(first.instances);
    expect(ec2.instances).toHaveLength(2);
  });

  it('asks for a try again that it was cut off in, and for none that it had not written down', async () => {
    const [ec2, ledger] = [new TokenMemory(), new Memory()];
    ec2.full.add('t4g.small subnet-a');
    const cutOff = async (request: LaunchRequest) => {
      const answer = await ec2.launch(request);
      if (request.instanceType === 'm7g.medium') throw new DeploymentError('ServiceUnavailable', 'Lost.');
      return answer;
    };
    await expect(launch({ launch: cutOff }, { fleet: TWO_TYPES }, ledger)).rejects.toThrow(
      failure('ServiceUnavailable', 'Lost.'),
    );
    expect(ledger.documents.at(-1)).toContain('"launching":{"subnet-a":1}');
    ec2.full.clear();
    const { instances } = await launch(ec2, { fleet: TWO_TYPES }, ledger);
    expect(instances.map(({ instanceType }) => instanceType)).toEqual(['m7g.medium', 't4g.small']);
    expect(ec2.instances).toHaveLength(2);
  });

  it('acts alone until its time is over, and tells when it is over before that', async () => {
    const [ec2, ledger] = [new TokenMemory(), new Memory()];
    await launch(ec2, {}, ledger);
    const lost = async (): Promise<never> => {
      throw new DeploymentError('ServiceUnavailable', 'Lost.');
    };
    ledger.documents.push('{}');
    await expect(launch({ launch: lost }, {}, ledger)).rejects.toThrow('Lost.');
    const [first, done, second, over] = ledger.runs;
    const [one, two] = [first?.id, second?.id];
    expect([first, done]).toEqual([
      { id: one, until: at(70) },
      { id: one, until: at(10), isOver: true },
    ]);
    // Its call may take effect still.
    expect([second, over]).toEqual([
      { id: two, until: at(70) },
      { id: two, until: at(70), isOver: true },
    ]);
    expect(two).not.toBe(one);
  });

  it('has nothing under way when it fails by what EC2 has answered', async () => {
    const [ec2, ledger] = [new TokenMemory(), new Memory()];
    ec2.full.add('t4g.small subnet-c');
    await expect(launch(ec2, {}, ledger)).rejects.toThrow(failure('NoCapacity'));
    expect(ledger.runs.at(-1)).toMatchObject({ until: at(10), isOver: true });
  });

  it('launches and writes nothing while another run may be at work', async () => {
    const ec2 = new TokenMemory();
    const entered: string[] = [];
    const enter: Ledger['enter'] = async (_fleet, _hold, phase) => {
      entered.push(phase);
      throw new DeploymentError('ServiceUnavailable', 'Another run.');
    };
    await expect(launch(ec2, {}, { read: new Memory().read, enter })).rejects.toThrow('Another run.');
    expect([entered, ec2.requests]).toEqual([['bring-up'], []]);
  });

  it('begins anew under another holder: what an earlier deployment wrote down is not its own', async () => {
    const ec2 = new TokenMemory();
    const ledger = { read: async () => aRow({ document: '{"fleet":{}}' }), enter: async () => {} };
    await launch(ec2, { fleet: TWO_TYPES }, ledger);
    expect(asked(ec2)).toEqual(['t4g.small subnet-a', 't4g.small subnet-c']);
  });
});

describe('Launch new instances of a fleet of twelve subnets', () => {
  const TWELVE = aFleet({ subnets: Array.from('abcdefghijkl', (zone) => `subnet-${zone}`) });

  it('asks for four shares at a time, and writes down what it has before it asks for the next', async () => {
    const [ec2, ledger] = [new TokenMemory(), new Memory()];
    let asking = 0;
    let most = 0;
    const slow = async (request: LaunchRequest) => {
      asking += 1;
      most = Math.max(most, asking);
      await Promise.resolve();
      const answer = await ec2.launch(request);
      asking -= 1;
      return answer;
    };
    const { instances } = await launch({ launch: slow }, { fleet: TWELVE }, ledger);
    expect(instances.map(({ zone }) => zone.slice(-1)).join('')).toBe('abcdefghijkl');
    expect(most).toBe(4);
    const writtenDown = ledger.documents.slice(0, -1).map((each) => writtenIn(each).launched);
    expect(writtenDown.map((each) => Object.keys(each).length)).toEqual([0, 4, 8]);
  });

  it('writes down whom it launched when it is done, and answers with them when it runs again', async () => {
    const [ec2, ledger] = [new TokenMemory(), new Memory()];
    const answer = await launch(ec2, { fleet: TWELVE }, ledger);
    expect(launchKnown(agreed(), ledger.documents.at(-1))).toEqual(answer);
    expect(answer.instances).toHaveLength(12);
    // Without a method of EC2: nobody is asked.
    expect(await launch({}, { fleet: TWELVE }, ledger)).toEqual(answer);
  });

  it('does not ask again for what it launched before EC2 asked to slow down', async () => {
    const [ec2, ledger] = [new TokenMemory(), new Memory()];
    const crowded = async (request: LaunchRequest) => {
      if (['subnet-f', 'subnet-h'].includes(request.subnetId))
        throw new DeploymentError('ServiceUnavailable', 'RequestLimitExceeded');
      return ec2.launch(request);
    };
    await expect(launch({ launch: crowded }, { fleet: TWELVE }, ledger)).rejects.toThrow(
      failure('ServiceUnavailable', 'RequestLimitExceeded'),
    );
    expect(ec2.requests).toHaveLength(6);
    const { instances } = await launch(ec2, { fleet: TWELVE }, ledger);
    expect(instances).toHaveLength(12);
    expect(ec2.requests.map(({ subnetId }) => subnetId.slice(-1)).join('')).toBe('abcdegfhijkl');
  });

  it('begins nothing in the second half of its time: that is for the next run', async () => {
    const [ec2, ledger] = [new TokenMemory(), new Memory()];
    let now = at(0);
    const slow = async (request: LaunchRequest) => {
      now = at(31);
      return ec2.launch(request);
    };
    const run = (changes: Partial<Ec2>) =>
      launchNewInstances.run(agreed({ fleet: TWELVE }), {
        ...portsWith({ ec2: changes, ledger }),
        clock: { now: () => now, sleep: async () => {} },
      });
    await expect(run({ launch: slow })).rejects.toThrow(
      failure('ServiceUnavailable', 'subnet-e, subnet-f, subnet-g and subnet-h follow in another run'),
    );
    expect((await run({ launch: ec2.launch })).instances).toHaveLength(12);
    expect(ec2.requests).toHaveLength(12);
  });
});

describe('Launch new instances, where a zone has no capacity', () => {
  const THREE = ['subnet-a', 'subnet-c', 'subnet-d'];
  const spilling = (changes: Parameters<typeof aFleet>[0] = {}) =>
    aFleet({ instanceTypes: TWO_TYPES.instanceTypes, subnets: THREE, spillOver: true, ...changes });
  const full = (ec2: TokenMemory, ...subnets: string[]) => {
    for (const subnet of subnets)
      for (const type of TWO_TYPES.instanceTypes) ec2.full.add(`${type} ${subnet}`);
  };

  it('takes the second type, and says so', async () => {
    const ec2 = new TokenMemory();
    ec2.full.add('t4g.small subnet-a');
    const { instances, reason } = await launch(ec2, { fleet: TWO_TYPES });
    expect(instances.map(({ instanceType }) => instanceType)).toEqual(['m7g.medium', 't4g.small']);
    expect(reason).toBe(
      '2 instances of ami-0abc in ap-northeast-1a and ap-northeast-1c; ' +
        'm7g.medium in subnet-a: no capacity for t4g.small there',
    );
  });

  it('launches its whole share in the next zone, where the fleet allows it, and says so', async () => {
    const ec2 = new TokenMemory();
    full(ec2, 'subnet-c');
    const { instances, reason } = await launch(ec2, { fleet: spilling({ instancesPerZone: 2 }) });
    expect(instances.map(({ zone }) => zone.slice(-1)).join('')).toBe('aadddd');
    expect(reason).toBe(
      '6 instances of ami-0abc in ap-northeast-1a and ap-northeast-1d; ' +
        '2 instances for subnet-c launched in subnet-d (ap-northeast-1d) as t4g.small: ' +
        'no capacity for t4g.small and m7g.medium in the zone of subnet-c',
    );
  });

  it('never launches in another zone unless the fleet allows it', async () => {
    const ec2 = new TokenMemory();
    full(ec2, 'subnet-c');
    await expect(launch(ec2, { fleet: spilling({ spillOver: false }) })).rejects.toThrow(
      failure('NoCapacity', 'or allow the other zones with spillOver.'),
    );
    expect(new Set(asked(ec2)).size).toBe(4);
  });

  it('tries every type in every zone once, in the order of the plan, then gives up', async () => {
    const ec2 = new TokenMemory();
    full(ec2, ...THREE);
    await expect(launch(ec2, { fleet: spilling() })).rejects.toThrow(
      failure(
        'NoCapacity',
        'EC2 has no capacity in the zone of subnet-a for 1 instance of t4g.small and m7g.medium, and ' +
          'no other zone (of subnet-c and subnet-d) has both capacity and free addresses for it. Try again later',
      ),
    );
    expect(ec2.requests).toHaveLength(18);
    expect(new Set(ec2.requests.map(({ clientToken }) => clientToken)).size).toBe(18);
    const ofA = ec2.requests
      .filter((_, index) => index % 3 === 0)
      .map((each) => `${each.instanceType} in ${each.subnetId}`);
    expect(ofA).toEqual(
      triesOf(spilling(), 'subnet-a').map((each) => `${each.instanceType} in ${each.subnetId}`),
    );
  });

  it('passes a subnet without addresses for the whole share', async () => {
    const ec2 = new TokenMemory();
    full(ec2, 'subnet-c');
    ec2.free.set('subnet-d', 0);
    const { instances } = await launch(ec2, { fleet: spilling() });
    expect(instances.map(({ zone }) => zone.slice(-1)).join('')).toBe('aad');
  });

  it('gives up when the only zone with capacity has no addresses for a second share', async () => {
    const ec2 = new TokenMemory();
    full(ec2, 'subnet-a', 'subnet-c');
    ec2.free.set('subnet-d', 2);
    await expect(launch(ec2, { fleet: spilling() })).rejects.toThrow(
      failure('NoCapacity', 'no capacity in the zone of subnet-a'),
    );
    expect(ec2.instances.map(({ subnetId }) => subnetId)).toEqual(['subnet-d', 'subnet-d']);
  });

  it.each(['LaunchRefused', 'ServiceRefused'] as const)(
    'does not look for another zone when EC2 refuses for another reason (%s)',
    async (name) => {
      const asks: LaunchRequest[] = [];
      const refusing = async (request: LaunchRequest): Promise<Instance[]> => {
        asks.push(request);
        throw new DeploymentError(name, 'VcpuLimitExceeded');
      };
      await expect(launch({ launch: refusing }, { fleet: spilling() })).rejects.toThrow(failure(name));
      expect(asks).toHaveLength(3);
    },
  );

  it('tries nothing more once somebody has cancelled the deployment', async () => {
    const ec2 = new TokenMemory();
    full(ec2, 'subnet-c');
    const memory = new Memory();
    const enter: Ledger['enter'] = async (...entered) => {
      if (memory.documents.length > 0) throw new DeploymentError('Cancelled', 'Hanako cancelled it.');
      await memory.enter(...entered);
    };
    await expect(launch(ec2, { fleet: spilling() }, { read: memory.read, enter })).rejects.toThrow(
      failure('Cancelled'),
    );
    expect(ec2.requests).toHaveLength(3);
  });
});

describe('Launch new instances, in trouble', () => {
  it('says which zone has no room for any type', async () => {
    const ec2 = new TokenMemory();
    for (const type of TWO_TYPES.instanceTypes) ec2.full.add(`${type} subnet-c`);
    await expect(launch(ec2, { fleet: TWO_TYPES })).rejects.toThrow(
      failure(
        'NoCapacity',
        'EC2 has no capacity in the zone of subnet-c for 1 instance of t4g.small and m7g.medium. Try again later',
      ),
    );
  });

  it('waits for the other zones when one fails: the undo must not race a launch', async () => {
    let answered = false;
    const slow = async (request: LaunchRequest): Promise<Instance[]> => {
      if (request.subnetId === 'subnet-a') throw new DeploymentError('LaunchRefused', 'Not allowed.');
      await new Promise((resolve) => setTimeout(resolve, 20));
      answered = true;
      return [aNewInstance('i-slow')];
    };
    await expect(launch({ launch: slow })).rejects.toThrow(failure('LaunchRefused'));
    expect(answered).toBe(true);
  });

  it('asks again, rather than gives up, while the answer of one zone is unknown', async () => {
    const mixed = async ({ subnetId }: LaunchRequest): Promise<Instance[]> => {
      throw new DeploymentError(subnetId === 'subnet-a' ? 'LaunchRefused' : 'ServiceUnavailable', subnetId);
    };
    await expect(launch({ launch: mixed })).rejects.toThrow(failure('ServiceUnavailable', 'subnet-c'));
  });

  it.each([[[]], [[aNewInstance('i-1')]]])(
    'takes fewer instances than asked for (%#) for half an answer',
    async (half) =>
      expect(
        launch({ launch: async () => half }, { fleet: aFleet({ instancesPerZone: 2 }) }),
      ).rejects.toThrow(
        failure(
          'ServiceUnavailable',
          `EC2 was asked for 2 instances in subnet-a and answered with ${half.length}.`,
        ),
      ),
  );
});
