/** What is left when everything has come to rest: beside one whole fleet of one release, nothing should be. */
import type { InstanceView, WorldView } from '../world/view.ts';
import type { Arena, Release } from './arena.ts';

export interface Leftovers {
  /** The release that serves in the end. */
  readonly servesInTheEnd: Release | 'both';
  readonly left: {
    /** Instances that live beside the fleet that serves, or that do not serve. */
    readonly instances: number;
    readonly registrations: number;
    /** Entries in Mackerel of instances that are not the fleet's. */
    readonly mackerelHosts: number;
  };
}

/** @param agentsRetire the agents retire their hosts themselves: an entry of an ended instance does not count */
export function leftoversOf(
  arena: Arena,
  isNew: (host: string, at: number) => boolean,
  agentsRetire: boolean,
): Leftovers {
  const view = arena.stage.world.view();
  const alive = view.instances.filter(({ state }) => state !== 'terminated');
  const releaseOf = ({ instanceId }: InstanceView): Release =>
    isNew(instanceId, arena.now()) ? 'new' : 'old';
  const serving = alive.filter(servesIn(view));
  const of = (release: Release) => serving.filter((instance) => releaseOf(instance) === release);
  const release: Release = of('new').length > of('old').length ? 'new' : 'old';
  const kept = new Set(
    of(release)
      .slice(0, arena.size)
      .map(({ instanceId }) => instanceId),
  );
  const isLeft = (id: string | undefined) => id !== undefined && !kept.has(id);
  const members = view.loadBalancers.flatMap((balancer) => balancer.members);
  const isAlive = (id: string | undefined) => alive.some(({ instanceId }) => instanceId === id);
  const entries = view.hosts.filter(({ instanceId }) => !agentsRetire || isAlive(instanceId));
  return {
    servesInTheEnd: of('new').length > 0 && of('old').length > 0 ? 'both' : release,
    left: {
      instances: alive.filter(({ instanceId }) => isLeft(instanceId)).length,
      registrations: members.filter(({ instanceId }) => isLeft(instanceId)).length,
      mackerelHosts: entries.filter(({ instanceId }) => isLeft(instanceId)).length,
    },
  };
}

const servesIn = (view: WorldView) => {
  const inService = new Set(
    view.loadBalancers.flatMap(({ members }) =>
      members.filter(({ state }) => state === 'in-service').map(({ instanceId }) => instanceId),
    ),
  );
  return ({ instanceId, applicationUp }: InstanceView) => inService.has(instanceId) && applicationUp;
};
