import { describe, expect, it } from 'vitest';
import { snapshotOldHosts } from '../../lambdas/snapshot-old-hosts.ts';
import { writeThePlan } from '../../lambdas/write-the-plan.ts';
import { aDeployment, agreed, IMAGE, OLD, RELEASE } from '../support/deployments.ts';
import { aHost, aHostElsewhere, anInstance, inService, type Scene, someSettings } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { failing, type Methods, portsOn, portsWith } from '../support/ports.ts';

const SERVING: Scene = {
  instances: OLD.map((id) => anInstance(id)),
  hosts: OLD.map((id) => aHost(id)),
  members: { web: OLD.map(inService) },
  alerts: [],
};

function portsOf(scene: Scene = SERVING, { ec2, mackerel, loadBalancers }: Methods = {}) {
  return portsOn(scene, undefined, {
    ec2: {
      subnets: async (ids) =>
        ids.map((subnetId, n) => ({
          subnetId,
          vpcId: 'vpc-1',
          zone: `ap-northeast-1${'ac'[n]}`,
          freeAddresses: 9,
        })),
      ...ec2,
    },
    mackerel: { roles: async () => ['web', 'worker'], ...mackerel },
    loadBalancers: { settings: async () => someSettings(), ...loadBalancers },
  });
}
const snapshot = (ports = portsOf()) =>
  snapshotOldHosts.run(aDeployment({ image: IMAGE, release: RELEASE }), ports);

describe('Snapshot old hosts', () => {
  it('knows who serves, and what the load balancers’ settings mean', async () => {
    const ports = portsOf();
    expect(await snapshot(ports)).toMatchObject({
      reason: '2 old hosts of Shop:web, 2 in service',
      hosts: [{ instanceId: 'i-old1' }, { instanceId: 'i-old2' }],
      strangerCount: 0,
      balancers: [
        { name: 'web', intervalSeconds: 5, healthyThreshold: 2, drainSeconds: 30, joins: 'when-running' },
      ],
    });
    expect(ports.changes).toEqual([]);
  });

  it('keeps the list of strangers short, and counts all', async () => {
    const many = Array.from({ length: 60 }, (_, n) => aHostElsewhere(`db${n}`));
    const found = await snapshot(portsOf({ ...SERVING, hosts: [...SERVING.hosts, ...many] }));
    expect(found.strangers).toHaveLength(50);
    expect(found.strangerCount).toBe(60);
  });

  it('asks EC2 for no ids when Mackerel lists nobody', async () => {
    const ports = portsOf({ instances: [], hosts: [], members: {}, alerts: [] });
    expect(await snapshot(ports)).toMatchObject({
      hosts: [],
      reason: 'no old host of Shop:web: this is the first deployment',
    });
    expect(ports.calls.filter((call) => call.startsWith('ec2.describe'))).toEqual([]);
  });

  it.each([
    [
      'an unknown role',
      ['worker'],
      'Mackerel has no role web in the service Shop (it has worker). Create it there',
    ],
    ['an unknown service', undefined, 'Mackerel has no service Shop. Create it there'],
  ])('refuses %s before it believes an empty list of hosts', async (_title, roles, says) =>
    expect(snapshot(portsOf(SERVING, { mackerel: { roles: async () => roles } }))).rejects.toThrow(
      failure('MackerelRoleUnknown', says),
    ),
  );

  it.each<[string, Methods]>([
    ['Mackerel', { mackerel: { hosts: failing('ServiceUnavailable') } }],
    ['EC2', { ec2: { describe: failing('ServiceUnavailable') } }],
    ['a load balancer', { loadBalancers: { members: failing('ServiceUnavailable') } }],
  ])('takes no silence of %s for an empty fleet', async (_title, methods) =>
    expect(snapshot(portsOf(SERVING, methods))).rejects.toThrow(failure('ServiceUnavailable')),
  );
});

describe('Write the plan', () => {
  it('answers a dry run without asking anybody', async () => {
    const ports = portsWith({});
    expect(await writeThePlan.run(agreed({ input: { dryRun: true } }), ports)).toMatchObject({
      launch: [
        { subnet: 'subnet-a', instances: 1 },
        { subnet: 'subnet-c', instances: 1 },
      ],
      replace: OLD,
    });
    expect(ports.calls).toEqual([]);
  });
});
