/**
 * What there is to see at one moment: the world's view, reduced to the fleet of a deployment, in the words of
 * the picture. Plain data, so that a picture can be tested without a world.
 */
import { type Fleet, loadBalancerName, TAG } from '../../lambdas/domain/core/fleet.ts';
import type { InstanceView, WorldView } from '../world/view.ts';

export interface HostScene {
  readonly instanceId: string;
  readonly side: 'OLD' | 'NEW';
  readonly zone: string;
  readonly life: 'pending' | 'booting' | 'starting' | 'up' | 'broken' | 'shutting down' | 'stopped' | 'gone';
  /** Since its launch; only for those that are on their way up. */
  readonly ageSeconds?: number;
  /** Its status in Mackerel; `–` when Mackerel has no such host (yet, or anymore). */
  readonly mackerel: string;
  /** At the load balancers, the worst of them; nothing for a fleet without. */
  readonly balancer?: 'in service' | 'joining' | 'unhealthy' | 'draining' | 'unused' | '–';
  readonly serves: boolean;
  /** An open alert, or a boot script's failure: what the operator must see. */
  readonly trouble?: string;
}

export interface BalancerScene {
  readonly name: string;
  readonly oldInService: number;
  readonly newInService: number;
}

export interface Scene {
  readonly zones: readonly string[];
  readonly balancers: readonly BalancerScene[];
  readonly hosts: readonly HostScene[];
}

const LIFE = {
  launching: 'pending',
  booting: 'booting',
  starting: 'starting',
  up: 'up',
  'shutting-down': 'shutting down',
  stopped: 'stopped',
  gone: 'gone',
} as const;

/** @param deployment its id: a host with this tag is new, any other host of the fleet is old */
export function sceneOf(view: WorldView, fleet: Fleet, deployment: string): Scene {
  const own = view.instances.filter(({ tags }) => tags[TAG.fleet] === fleet.name);
  const hosts = own.map((instance) => hostOf(instance, view, fleet, deployment));
  const sides = new Map(hosts.map(({ instanceId, side }) => [instanceId, side]));
  // Other fleets may share the world.
  const names = fleet.loadBalancers.map(loadBalancerName);
  const theirs = view.loadBalancers.filter(({ name }) => names.includes(name));
  const balancers = theirs.map(({ name, members }) => {
    const inService = members
      .filter(({ state }) => state === 'in-service')
      .map(({ instanceId }) => instanceId);
    const ofSide = (side: 'OLD' | 'NEW') => inService.filter((id) => sides.get(id) === side).length;
    return { name, oldInService: ofSide('OLD'), newInService: ofSide('NEW') };
  });
  const zones = new Set([...theirs.flatMap((each) => each.zones), ...own.map(({ zone }) => zone)]);
  return { zones: [...zones].sort(), balancers, hosts };
}

function hostOf(instance: InstanceView, view: WorldView, fleet: Fleet, deployment: string): HostScene {
  const { instanceId, zone, tags, stage, applicationUp, consoleLine } = instance;
  const side = tags[TAG.deployment] === deployment ? 'NEW' : 'OLD';
  const life = stage === 'up' && !applicationUp ? 'broken' : LIFE[stage];
  const status = instance.hosts[0]?.status;
  const balancer = fleet.loadBalancers.length === 0 ? undefined : standing(instance, view, fleet);
  const alert = view.openAlerts.find(({ hostId }) => instance.hosts.some(({ id }) => id === hostId));
  const trouble = consoleLine ?? alert?.message ?? (life === 'gone' ? undefined : ownDeath(instance));
  const isRising = side === 'NEW' && ['pending', 'booting', 'starting'].includes(life);
  return {
    instanceId,
    side,
    zone,
    life,
    ...(isRising && { ageSeconds: (view.at.getTime() - instance.launchedAt.getTime()) / 1000 }),
    mackerel: status ?? '–',
    ...(balancer !== undefined && { balancer }),
    serves: balancer === undefined ? life === 'up' && status === 'working' : balancer === 'in service',
    ...(trouble !== undefined && { trouble }),
  };
}

/** Nobody ordered it to end. */
function ownDeath({ stateReason }: InstanceView): string | undefined {
  return stateReason?.startsWith('Client.UserInitiated') ? undefined : stateReason;
}

/** Which state is shown when a host's states at several load balancers differ: the first of these. */
const WORST_FIRST = ['draining', 'unused', 'unhealthy', 'joining', '–', 'in service'] as const;

function standing(instance: InstanceView, view: WorldView, fleet: Fleet): (typeof WORST_FIRST)[number] {
  const standings = fleet.loadBalancers.map((ref) => {
    const balancer = view.loadBalancers.find(({ name }) => name === loadBalancerName(ref));
    const member = balancer?.members.find(({ instanceId }) => instanceId === instance.instanceId);
    if (member === undefined) return '–';
    if (member.state === 'in-service') return 'in service';
    if (member.state !== 'out-of-service') return member.state;
    // Both kinds of load balancer have words of their own for a registration that is under way.
    return /in progress/i.test(member.reason) ? 'joining' : 'unhealthy';
  });
  return WORST_FIRST.find((each) => standings.includes(each)) ?? '–';
}
