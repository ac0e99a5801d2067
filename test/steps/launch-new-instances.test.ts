import { describe, expect, it } from 'vitest';
import type { Ec2, Instance, LaunchRequest } from '../../lambdas/clients/ports.ts';
import type { Deployment } from '../../lambdas/domain/deployment.ts';
import { DeploymentError } from '../../lambdas/domain/errors.ts';
import { TAG } from '../../lambdas/domain/fleet.ts';
import { launchNewInstances } from '../../lambdas/launch-new-instances.ts';
import { agreed, at, iso } from '../support/deployments.ts';
import { aNewInstance } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { portsWith } from '../support/ports.ts';

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

  readonly listByTag: Ec2['listByTag'] = async (key, value) =>
    [...this.byToken.values()].flat().filter(({ tags }) => tags[key] === value);

  get instances(): Instance[] {
    return [...this.byToken.values()].flat();
  }
}

const launch = (ec2: Partial<Ec2>, changes: Partial<Deployment> = {}) =>
  launchNewInstances.run(agreed(changes), portsWith({ ec2 }, at(10)));

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
    const ec2 = new TokenMemory();
    ec2.full.add('t4g.small subnet-a');
    const first = await launch(ec2, { fleet: TWO_TYPES });
    ec2.full.clear();
    expect(await launch(ec2, { fleet: TWO_TYPES })).toEqual(first);
    expect(ec2.instances).toHaveLength(2);
  });

  it('answers with all that it launched, also when EC2’s list by tag is behind', async () => {
    const ec2 = new TokenMemory();
    const fleet = { ...TWO_TYPES, instancesPerZone: 2 };
    const first = await launch(ec2, { fleet });
    const behind = { launch: ec2.launch, listByTag: async () => ec2.instances.slice(0, 1) };
    expect(await launch(behind, { fleet })).toEqual(first);
  });

  it('takes nothing for its own that another fleet’s deployment of the same name launched', async () => {
    const ec2 = new TokenMemory();
    const namesake = aNewInstance('i-blog', { tags: { [TAG.fleet]: 'blog', [TAG.deployment]: 'deploy-2' } });
    const { instances } = await launch(
      { launch: ec2.launch, listByTag: async () => [namesake] },
      { fleet: TWO_TYPES },
    );
    expect(instances.map(({ instanceId, instanceType }) => [instanceId, instanceType])).toEqual([
      ['i-00', 't4g.small'],
      ['i-10', 't4g.small'],
    ]);
  });
});

describe('Launch new instances, in trouble', () => {
  it('takes the second type where the first has no capacity', async () => {
    const ec2 = new TokenMemory();
    ec2.full.add('t4g.small subnet-a');
    const { instances } = await launch(ec2, { fleet: TWO_TYPES });
    expect(instances.map(({ instanceType }) => instanceType)).toEqual(['m7g.medium', 't4g.small']);
  });

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
