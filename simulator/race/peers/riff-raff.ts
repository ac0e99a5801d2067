/** The Guardian's Riff-Raff, deployment type `autoscaling`: doubles the group, waits, culls what it had tagged. */
import type { Arena } from '../arena.ts';
import { Group } from '../group.ts';
import type { Peer } from '../peer.ts';

const POLL_SECONDS = 30;
const GRACE = { healthcheck: 20, warmup: 1, termination: 10 } as const;
const SECONDS_TO_WAIT = 900;

async function run(arena: Arena, group = new Group(arena)): Promise<void> {
  const { ports, stage, size } = arena;
  await isStable(arena, size);
  for (const id of stage.oldInstances) await ports.ec2.tag(id, { Magenta: 'Terminate' });
  await group.launch(size);
  await arena.wait(GRACE.healthcheck);
  if (!(await isStable(arena, 2 * size))) return;
  await arena.wait(GRACE.warmup);
  if (!(await isStable(arena, 2 * size))) return;
  // One call after the other, each of which the group carries out by itself.
  for (const id of stage.oldInstances) {
    await ports.loadBalancers.deregister(arena.balancer, [id]);
    void group.terminate([id]);
  }
  await arena.wait(GRACE.termination);
  await isStable(arena, size);
}

/** As many members as the group is to have, and all in service. */
const isStable = (arena: Arena, desired: number): Promise<boolean> =>
  arena.waitUntil(
    async () => {
      const members = await arena.ports.loadBalancers.members(arena.balancer);
      const staying = members.filter(({ state }) => state !== 'draining');
      return staying.length === desired && staying.every(({ state }) => state === 'in-service');
    },
    { every: POLL_SECONDS, atMost: SECONDS_TO_WAIT },
  );

export const riffRaff: Peer = {
  name: 'Riff-Raff autoscaling',
  facts: [
    {
      what: 'Check that the group is stable, tag its instances, double it, wait until the ELB has twice as many members, all in service, twice; deregister and terminate the tagged ones. What it began stays when it fails or dies.',
      known: 'published',
      source: 'guardian/riff-raff: AutoScaling.scala, ASGTasks.scala, AWS.scala',
    },
    {
      what: 'It polls every 30 s for at most 15 minutes; graces of 20 s before the first, 1 s before the second look, 10 s after the culling.',
      known: 'published',
      source: 'guardian/riff-raff: tasks.scala, AutoScaling.scala (defaults)',
    },
    {
      what: 'Hosts that drain are not counted in its last look.',
      known: 'assumed',
      source: 'a classic ELB lists them until they have left, which would cost another 30 s',
    },
  ],
  heals: true,
  run,
};
