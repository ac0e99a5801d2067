/**
 * Agents that registered without their EC2 instance id: their configuration forbids them to ask for it, or the instance
 * metadata is more hops away than its answers go (a container). Who is ready could never be told; waiting does not help.
 */
import type { Instance } from '../../ports/ec2.ts';
import type { MackerelHost } from '../../ports/mackerel.ts';
import type { Launch } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { list, plain, secondsBetween } from '../core/words.ts';
import type { HostFacts } from './readiness.ts';

/** An agent asks three times, two seconds apart, and registers; one that is restarted registers better. */
const GRACE_SECONDS = 30;

/** A launch is known since its answer was heard: a try whose answer was lost may have made it so long before. */
const TRIES_SECONDS = 600;

export const hostName = ({ name, id }: Pick<MackerelHost, 'name' | 'id'>): string =>
  `${plain(name, 100)} (Mackerel host ${id})`;

/** Its private address proves it; an entry from before its launch is of whoever had the address then. */
const isProven = (host: MackerelHost, address: string | undefined, since: Date): boolean =>
  address !== undefined && host.createdAt >= since && (host.addresses ?? []).includes(address);

/** The entry of this instance's agent that does not say so. */
export const namelessOf = (
  { address, launchedAt }: Instance,
  hosts: readonly MackerelHost[],
): MackerelHost | undefined => hosts.find((host) => isProven(host, address, launchedAt));

/** Is this entry without an instance id one of these instances, which a deployment has launched and EC2 may have forgotten? */
export const isNamelessOf = (
  host: MackerelHost,
  { at, instances, replaced = [] }: Launch,
  ids: readonly string[],
): boolean =>
  [...instances, ...replaced].some(
    ({ instanceId, address }) =>
      ids.includes(instanceId) && isProven(host, address, new Date(Date.parse(at) - TRIES_SECONDS * 1_000)),
  );

/** In the role since these were launched, and nothing tells whose: never touched, but named. Empty: none. */
function namelessSentence(instances: readonly Instance[], hosts: readonly MackerelHost[]): string {
  const since = Math.min(...instances.map(({ launchedAt }) => launchedAt.getTime()));
  const found = hosts.filter(
    (host) =>
      host.instanceId === undefined &&
      host.createdAt.getTime() >= since &&
      !instances.some(({ address, launchedAt }) => isProven(host, address, launchedAt)),
  );
  return found.length === 0
    ? ''
    : `since the launch Mackerel lists ${list(found.map(hostName), 2)} without an EC2 instance id: if that is the agent ` +
        `of a new host, ${CURE}, and retire the entry by hand`;
}

/**
 * @param most so many are borne: they may be replaced
 * @returns what a look says of entries whose nobody can tell
 * @throws NewHostsNotReady for more, because no waiting helps
 */
export function judgeNameless(
  { instances, hosts }: Pick<HostFacts, 'instances' | 'hosts'>,
  now: Date,
  most: number,
): string {
  if (hosts === 'not asked') return '';
  const named = new Set(hosts.map(({ instanceId }) => instanceId));
  const found = instances.flatMap((instance) => {
    const host = named.has(instance.instanceId) ? undefined : namelessOf(instance, hosts);
    const isOver = host && secondsBetween(host.createdAt, now) >= GRACE_SECONDS;
    return isOver ? [`${instance.instanceId} as ${hostName(host)}`] : [];
  });
  if (found.length <= most) return namelessSentence(instances, hosts);
  throw new DeploymentError(
    'NewHostsNotReady',
    `Registered in Mackerel without an EC2 instance id: ${list(found, 2)}. No waiting helps: ${CURE}; then deploy again.`,
  );
}

const CURE =
  'take cloud_platform out of mackerel-agent.conf, let the agent reach the instance metadata, and give ' +
  'metadataHopLimit: 2 in the fleets file if it runs in a container';
