import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { LaunchRequest } from '../../lambdas/ports/ec2.ts';
import { replaceTheStragglers } from '../../lambdas/replace-the-stragglers.ts';
import { aLook, ZONES } from '../support/deployments.ts';
import { aNewInstance } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { LAST, largeLaunch, STRAGGLER, TEN, toReplace } from '../support/large.ts';
import { failing, type Methods, portsWith } from '../support/ports.ts';

const SUBNETS = [
  { subnetId: 'subnet-a', vpcId: 'vpc-1', zone: ZONES[0], freeAddresses: 100 },
  { subnetId: 'subnet-c', vpcId: 'vpc-1', zone: ZONES[1], freeAddresses: 100 },
];

function run(document = toReplace(), ec2: Methods['ec2'] = {}) {
  const requests: LaunchRequest[] = [];
  const launch = async (request: LaunchRequest) => {
    requests.push(request);
    return Array.from({ length: request.count }, (_, index) =>
      aNewInstance(`i-in-${request.subnetId}-${index}`, { zone: ZONES[1] }),
    );
  };
  const ports = portsWith({ ec2: { subnets: async () => SUBNETS, launch, ...ec2 } });
  return { ports, requests, answer: replaceTheStragglers.run(document, ports) };
}

describe('Replace the stragglers', () => {
  it('launches one instead in the zone of the straggler, of its type, tagged from birth', async () => {
    const { requests, answer } = run();
    expect(await answer).toMatchObject({
      reason: '10 instances of ami-0abc; i-new10 replaced by i-in-subnet-c-0',
      replaced: [STRAGGLER],
    });
    expect(requests).toEqual([
      expect.objectContaining({
        count: 1,
        subnetId: 'subnet-c',
        instanceType: 't4g.small',
        imageId: 'ami-0abc',
        tags: expect.objectContaining({ [TAG.fleet]: 'shop', [TAG.deployment]: 'deploy-2' }),
      }),
    ]);
  });

  it('answers with the launch anew: the straggler is no new host anymore', async () => {
    const { instances } = await run().answer;
    expect(instances.map(({ instanceId }) => instanceId)).toEqual([
      ...TEN.filter((id) => id !== LAST),
      'i-in-subnet-c-0',
    ]);
  });

  it('terminates nothing', async () => {
    const { ports, answer } = run();
    await answer;
    expect(ports.calls.filter((call) => !/^ec2\.(subnets|launch)/.test(call))).toEqual([]);
  });

  it('asks for the same under the same token when it runs twice', async () => {
    const [first, second] = [run(), run()];
    await Promise.all([first.answer, second.answer]);
    expect(second.requests).toEqual(first.requests);
  });

  it('asks under other tokens for the stragglers of two zones', async () => {
    const stragglers = ['i-1', 'i-2'].map((instanceId) => ({ instanceId, why: 'late' }));
    const instances = Array.from({ length: 20 }, (_, index) => ({
      instanceId: `i-${index}`,
      zone: ZONES[index % 2] ?? '',
      instanceType: 't4g.small',
    }));
    const { requests, answer } = run(
      toReplace({
        fleet: aFleet({ instancesPerZone: 10, replaceStragglers: true }),
        launch: largeLaunch({ instances }),
        readiness: { ...aLook(), stragglers },
      }),
    );
    await answer;
    expect(new Set(requests.map(({ clientToken }) => clientToken)).size).toBe(2);
    expect(requests.map(({ subnetId }) => subnetId).sort()).toEqual(['subnet-a', 'subnet-c']);
  });

  it.each(['NoCapacity', 'LaunchRefused'] as const)(
    'waits on for the straggler when EC2 has none instead (%s)',
    async (name) => {
      const { answer } = run(toReplace(), { launch: failing(name, 'No room for it.') });
      expect(await answer).toMatchObject({
        instances: largeLaunch().instances,
        replaced: [],
        reason: expect.stringContaining('i-new10 not replaced; still waiting for it: No room for it'),
      });
    },
  );

  it.each<[string, Methods['ec2']]>([
    ['EC2 does not answer', { launch: failing('ServiceUnavailable') }],
    ['EC2 answers with fewer than it was asked for', { launch: async () => [] }],
    ['EC2 does not show the subnet of the zone', { subnets: async () => SUBNETS.slice(0, 1) }],
  ])('is asked for again when %s', async (_title, ec2) => {
    await expect(run(toReplace(), ec2).answer).rejects.toThrow(failure('ServiceUnavailable'));
  });

  it('launches nothing for a document that no look has written', async () => {
    const { ports, answer } = run(toReplace({ readiness: aLook() }));
    await expect(answer).rejects.toThrow(failure('StepCrashed'));
    expect(ports.changes).toEqual([]);
  });
});
