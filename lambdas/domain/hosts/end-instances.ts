/** The acts by which new instances are removed: out of the load balancers, terminated, retired in Mackerel. */

import type { Ports } from '../../ports/ports.ts';
import type { Deployment } from '../core/document.ts';
import { list } from '../core/words.ts';
import { decideDraining } from './draining.ts';
import { atEachBalancer, hostsOfRole, membersByTwoAnswers } from './look-at-hosts.ts';

/**
 * Takes them out of every load balancer that lists them.
 * @param secondsPassed since the first look: after the fleet's drain limit, requests that still run are cut
 * @returns what is still waited for there, or nothing when they have been let go (or may be cut off).
 */
export async function leaveBalancers(
  deployment: Deployment,
  ports: Pick<Ports, 'loadBalancers'>,
  ids: readonly string[],
  secondsPassed: number,
): Promise<string | undefined> {
  const members = await membersByTwoAnswers(deployment, ports, ids);
  const serving = new Map(
    [...members].map(([name, listed]) => [
      name,
      listed.filter(({ state }) => state !== 'draining').map(({ instanceId }) => instanceId),
    ]),
  );
  await atEachBalancer('deregister', deployment, ports, serving);
  const { drained, reason } = decideDraining(members);
  if (drained || secondsPassed >= deployment.fleet.limits.drainSeconds) return undefined;
  return `new hosts leave the load balancers: ${reason}`;
}

/** @param ids what may be terminated, by `decideTermination` @returns what EC2 said, in a sentence. */
export async function terminateInstances(
  ids: readonly string[],
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<string> {
  const { refused } = await ec2.terminate(ids);
  const why = list(refused.map(({ id, reason }) => `${id} (${reason})`));
  return `EC2 terminates ${list(ids)}${refused.length > 0 ? `; refused: ${why}` : ''}`;
}

/**
 * Retires whatever hosts Mackerel has of these instances, which have ended.
 * @param known Mackerel ids of theirs from before: they are retired also when Mackerel does not list them now
 * @returns how many hosts, and what Mackerel refused.
 */
export async function retireHostsOf(
  deployment: Pick<Deployment, 'fleet'>,
  { mackerel }: Pick<Ports, 'mackerel'>,
  ids: readonly string[],
  known: readonly string[] = [],
): Promise<{ readonly retired: number; readonly refusals: string }> {
  const found = (await hostsOfRole(deployment, { mackerel }))
    .filter((host) => host.instanceId !== undefined && ids.includes(host.instanceId))
    .map((host) => host.id);
  const hostIds = [...new Set([...known, ...found])];
  const { refused } = hostIds.length > 0 ? await mackerel.retire(hostIds) : { refused: [] };
  return {
    retired: hostIds.length - refused.length,
    refusals: refused.length === 0 ? '' : list(refused.map(({ id, reason }) => `${id} (${reason})`)),
  };
}
