/** Can the fleet's subnets and load balancers work together at all? Asked before anything is launched. */

import type { Subnet } from '../../ports/ec2.ts';
import type { LoadBalancerSettings } from '../../ports/load-balancers.ts';
import { DeploymentError } from '../core/errors.ts';
import { type Fleet, loadBalancerName } from '../core/fleet.ts';
import { firstOf } from '../core/words.ts';

/**
 * @throws SubnetUnusable, LoadBalancerUnusable with all problems of their kind at once.
 */
export function checkNetwork(
  fleet: Fleet,
  subnets: readonly Subnet[],
  balancers: readonly LoadBalancerSettings[],
): void {
  const inSubnets = subnetProblems(fleet, subnets);
  if (inSubnets.length > 0)
    throw new DeploymentError('SubnetUnusable', sentence(fleet, 'subnets', inSubnets));
  const vpc = subnets[0]?.vpcId;
  const atBalancers = balancers.flatMap((settings) => balancerProblems(settings, vpc, subnets));
  if (atBalancers.length > 0) {
    throw new DeploymentError('LoadBalancerUnusable', sentence(fleet, 'loadBalancers', atBalancers));
  }
}

const sentence = (fleet: Fleet, field: string, found: readonly string[]) =>
  `${firstOf(found).join('; ')}. Correct ${field} of ${fleet.name} in the fleets file and run cdk deploy; nothing was changed.`;

/** One clause each; empty: the subnets will do. */
export function subnetProblems(fleet: Fleet, subnets: readonly Subnet[]): string[] {
  const known = new Map(subnets.map((subnet) => [subnet.subnetId, subnet]));
  const vpc = subnets[0]?.vpcId;
  return fleet.subnets.flatMap((id) => {
    const subnet = known.get(id);
    if (!subnet) return [`EC2 knows no subnet ${id} in this account and Region`];
    if (subnet.vpcId !== vpc)
      return [`${id} is in ${subnet.vpcId}, but ${subnets[0]?.subnetId} is in ${vpc}`];
    if (subnet.freeAddresses < fleet.instancesPerZone) {
      return [`${id} has ${subnet.freeAddresses} free addresses, ${fleet.instancesPerZone} are needed`];
    }
    return [];
  });
}

/** One clause each; empty: the load balancer can serve the subnets. */
export function balancerProblems(
  settings: LoadBalancerSettings,
  vpc: string | undefined,
  subnets: readonly Subnet[],
): string[] {
  const name = loadBalancerName(settings.ref);
  if (settings.vpcId !== vpc)
    return [`${name} is in ${settings.vpcId}, but the fleet's subnets are in ${vpc}`];
  if (settings.zones.length === 0) return [];
  return subnets
    .filter((subnet) => !settings.zones.includes(subnet.zone))
    .map((subnet) => `${name} does not serve ${subnet.zone}, the zone of ${subnet.subnetId}`);
}
