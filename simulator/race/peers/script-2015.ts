/** The script that irekae grew out of: launch, attach, wait for Mackerel and the ELB, terminate the old ones. */
import type { Arena } from '../arena.ts';
import type { Peer } from '../peer.ts';

const LOOK_SECONDS = 5;
const GIVES_UP_SECONDS = 900;

async function run(arena: Arena): Promise<void> {
  const { ports, balancer, stage } = arena;
  const { service, role } = stage.fleet.mackerel;
  const old = (await ports.mackerel.hosts(service, role)).flatMap(({ instanceId }) => instanceId ?? []);
  const launched = await arena.launch(ports, arena.size);
  for (const id of launched) await arena.untilRunning(id, (seconds) => arena.wait(seconds));
  await ports.loadBalancers.register(balancer, launched);
  const isReady = async () => {
    const hosts = await ports.mackerel.hosts(service, role);
    const members = await ports.loadBalancers.members(balancer, launched);
    const registered = launched.filter((id) => hosts.some(({ instanceId }) => instanceId === id));
    const inService = members.filter(({ state }) => state === 'in-service');
    return registered.length === arena.size && inService.length === arena.size;
  };
  if (!(await arena.waitUntil(isReady, { every: LOOK_SECONDS, atMost: GIVES_UP_SECONDS }))) return;
  await ports.ec2.terminate(old);
}

export const script2015: Peer = {
  name: 'the script of 2015',
  facts: [
    {
      what: 'Old hosts from Mackerel; new ones launched and attached to the ELB; when all are in Mackerel and in service, the old ones are terminated by their ids, without being taken out of the ELB.',
      known: 'published',
      source: 'papix.hatenablog.com, 2015-12-21',
    },
    {
      what: 'It attaches the hosts at the first moment that the ELB accepts them.',
      known: 'assumed',
      source: 'the post does not say when',
    },
    { what: 'It looks every 5 s.', known: 'assumed', source: 'the post does not say how often' },
    { what: 'It gives up after 15 minutes.', known: 'assumed', source: 'the post has no limit' },
  ],
  heals: false,
  run,
};
