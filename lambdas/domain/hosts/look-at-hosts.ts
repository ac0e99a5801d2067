/** One look at hosts: EC2, Mackerel and every load balancer asked at the same moment. Facts only, no judgement. */

import type { Instance } from '../../ports/ec2.ts';
import type { LoadBalancerSettings, Member, TargetPorts } from '../../ports/load-balancers.ts';
import type { MackerelHost } from '../../ports/mackerel.ts';
import type { Ports } from '../../ports/ports.ts';
import { groupBy } from '../core/collections.ts';
import type { Deployment, NewInstance, OldHost } from '../core/document.ts';
import { loadBalancerName } from '../core/fleet.ts';
import { launchTokens } from '../core/names.ts';
import { reserveOf } from './first-hosts.ts';
import type { HostFacts } from './readiness.ts';

type HostPorts = Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers'>;

/** Whether Mackerel shall be asked, given what EC2 and the load balancers said. */
export type Asks = (facts: Pick<HostFacts, 'instances' | 'members' | 'reserve'>) => boolean;

/**
 * What a decision about the new hosts needs. One call per 100 instances, one per load balancer, one to Mackerel.
 * @param asks without it, Mackerel is asked in any case and at the same moment as the others; a wait, which looks often,
 * knows better.
 */
export async function lookAtNewHosts(
  deployment: Deployment,
  launched: readonly NewInstance[],
  ports: HostPorts,
  asks?: Asks,
): Promise<HostFacts> {
  const { service, role, wantsFreshMetric } = deployment.fleet.mackerel;
  const ids = new Set(launched.map((instance) => instance.instanceId));
  const [instances, members, askedAtOnce] = await Promise.all([
    ports.ec2.describe([...ids]),
    membersByName(deployment, ports),
    asks ? undefined : ports.mackerel.hosts(service, role),
  ]);
  const seen = { instances, members, reserve: reserveOf(deployment) };
  if (asks && !asks(seen)) return { ...seen, hosts: 'not asked' };
  const hosts = askedAtOnce ?? (await ports.mackerel.hosts(service, role));
  if (!wantsFreshMetric) return { ...seen, hosts };
  const ours = hosts.filter((host) => host.instanceId !== undefined && ids.has(host.instanceId));
  return {
    ...seen,
    hosts,
    metrics: await ports.mackerel.latestMetric(ours.map((host) => host.id)),
  };
}

/**
 * All hosts of the fleet's role, by two answers of Mackerel: whom an answer lacks is acted on as if it were not there
 * (a stranger is left running, a new host is left unretired), and nobody would ask again (rule 4).
 */
export async function hostsOfRole(
  { service, role }: Pick<Deployment['fleet']['mackerel'], 'service' | 'role'>,
  { mackerel }: Pick<Ports, 'mackerel'>,
): Promise<readonly MackerelHost[]> {
  const answers = await Promise.all([mackerel.hosts(service, role), mackerel.hosts(service, role)]);
  return [...new Map(answers.flat().map((host) => [host.id, host])).values()];
}

/**
 * What this deployment has launched, by the tokens of its launches and two answers of EC2: an instance whose launch was
 * never answered is known by its token alone, and whom the last look does not list is left running (rule 4).
 */
export async function launchedByToken(
  { execution }: Pick<Deployment, 'execution'>,
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<readonly Instance[]> {
  const list = () => ec2.listByToken(launchTokens(execution.id));
  const answers = await Promise.all([list(), list()]);
  return [...new Map(answers.flat().map((instance) => [instance.instanceId, instance])).values()];
}

/** Everything registered at each load balancer of the fleet; with ids, of these only. */
export async function membersByName(
  { fleet }: Deployment,
  { loadBalancers }: Pick<Ports, 'loadBalancers'>,
  instanceIds?: readonly string[],
): Promise<ReadonlyMap<string, readonly Member[]>> {
  const entries = fleet.loadBalancers.map(
    async (ref) => [loadBalancerName(ref), await loadBalancers.members(ref, instanceIds)] as const,
  );
  return new Map(await Promise.all(entries));
}

/** The same by two answers, for those who act on an absence: whom one answer lacks would be cut off as if it had left (rule 4). */
export async function membersByTwoAnswers(
  deployment: Deployment,
  ports: Pick<Ports, 'loadBalancers'>,
  instanceIds?: readonly string[],
): Promise<ReadonlyMap<string, readonly Member[]>> {
  const [first, second] = await Promise.all([
    membersByName(deployment, ports, instanceIds),
    membersByName(deployment, ports, instanceIds),
  ]);
  const merged = (name: string) =>
    new Map(
      [...(first.get(name) ?? []), ...(second.get(name) ?? [])].map((each) => [
        `${each.instanceId} ${each.port}`,
        each,
      ]),
    );
  return new Map([...first.keys()].map((name) => [name, [...merged(name).values()]]));
}

/** A target on its group's own port is registered there again without naming it: the document has no room for all. */
export const withoutGroupsPort = (
  members: ReadonlyMap<string, readonly Member[]>,
  balancers: readonly LoadBalancerSettings[],
): ReadonlyMap<string, readonly Member[]> =>
  new Map(
    balancers.map(({ ref, port: own }) => {
      const name = loadBalancerName(ref);
      const listed = members.get(name) ?? [];
      const isMixed = (id: string) => listed.some((each) => each.instanceId === id && each.port !== own);
      return [
        name,
        listed.map(({ port, ...member }) =>
          port === undefined || !isMixed(member.instanceId) ? member : { ...member, port },
        ),
      ];
    }),
  );

/** By load balancer: the hosts that stood there when the deployment began. */
export function oldIdsByBalancer(hosts: readonly OldHost[]): ReadonlyMap<string, string[]> {
  const all = hosts.flatMap(({ instanceId, memberOf }) => memberOf.map((name) => ({ name, instanceId })));
  return new Map(
    [...groupBy(all, ({ name }) => name)].map(([name, some]) => [name, some.map((each) => each.instanceId)]),
  );
}

/** Under which ports these members are registered. */
export function portsOf(members: readonly Member[] = []): TargetPorts {
  const ports: Record<string, number[]> = {};
  for (const { instanceId, port } of members)
    if (port !== undefined) ports[instanceId] = [...(ports[instanceId] ?? []), port];
  return ports;
}

/**
 * Registers or deregisters ids by load balancer name; nothing is called for an empty list.
 * @param portsByName under which ports: to deregister, those of the members as they were seen
 */
export async function atEachBalancer(
  act: 'register' | 'deregister',
  { fleet }: Deployment,
  { loadBalancers }: Pick<Ports, 'loadBalancers'>,
  idsByName: ReadonlyMap<string, readonly string[]>,
  portsByName: (name: string) => TargetPorts = () => ({}),
): Promise<void> {
  await Promise.all(
    fleet.loadBalancers.map(async (ref) => {
      const name = loadBalancerName(ref);
      const ids = idsByName.get(name) ?? [];
      const all = portsByName(name);
      const ports = ids.flatMap((id) => (all[id] ? [[id, all[id]] as const] : []));
      if (ids.length === 0) return;
      if (ports.length === 0) await loadBalancers[act](ref, ids);
      else await loadBalancers[act](ref, ids, Object.fromEntries(ports));
    }),
  );
}
