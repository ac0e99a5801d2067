/** In place, host after host: out of the ELB, the new release onto the same host, back into the ELB. */
import type { Arena } from '../arena.ts';
import type { Peer } from '../peer.ts';

const EVENT_SECONDS = 3_600;

async function run(arena: Arena): Promise<void> {
  const { ports, balancer, stage } = arena;
  for (const id of stage.oldInstances) {
    await ports.loadBalancers.deregister(balancer, [id]);
    await arena.wait(Math.max(0, arena.drainedAt(id) - arena.now()) / 1_000);
    await update(arena, id);
    await ports.loadBalancers.register(balancer, [id]);
    if (!(await arena.waitUntil(() => arena.areInService([id]), { atMost: EVENT_SECONDS }))) return;
  }
}

async function update(arena: Arena, id: string): Promise<void> {
  const { ec2 } = arena.stage.world;
  ec2.breakApplication(id);
  arena.updated.set(id, arena.now());
  await arena.wait(arena.installSeconds());
  if (!arena.releaseIsBad) ec2.healApplication(id);
}

export const inPlace: Peer = {
  name: 'in place, one at a time',
  facts: [
    {
      what: 'Deregister, wait until drained, install, register, wait until in service; the next host. It fails after an hour, and leaves the host as it is.',
      known: 'published',
      source:
        'CodeDeploy user guide, in-place deployments with a load balancer, OneAtATime (the default), limits',
    },
    {
      what: 'Installing takes as long as a new host’s boot script; nothing takes time between the steps.',
      known: 'assumed',
      source: 'AWS’s formula for blocking and allowing traffic is (threshold + 1) × interval each',
    },
  ],
  heals: false,
  run,
};
