/**
 * What a human does to a fleet that is left to one: the commands of the runbook, with the ids of this very deployment in
 * them. In the order that keeps something serving.
 */

import { loadBalancerName } from '../../lambdas/domain/core/fleet.ts';
import { isPastNoReturn } from '../../lambdas/domain/core/steps.ts';
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import type { Task } from './command.ts';
import type { Held } from './holder.ts';
import type { HostNow, Leftovers } from './leftovers.ts';
import { aws } from './typed.ts';
import { indented } from './wording.ts';

export function byHandLines(task: Task, { phase, needsHuman }: Held, { old, launched }: Leftovers): string[] {
  if (needsHuman === undefined) return [];
  const [oldOnes, newOnes] = [old.filter(isThere), launched.filter(isThere)];
  if (isPastNoReturn(phase))
    return oldOnes.length === 0
      ? []
      : ['', 'When the new hosts serve: to end the old ones that are left,', ...endLines(task, oldOnes)];
  const back = task.fleet.loadBalancers.flatMap((ref) => backLines(task, ref, oldOnes));
  if (back.length > 0) return ['', 'To put the old hosts back:', ...back];
  return newOnes.length === 0
    ? []
    : ['', 'When the old hosts serve: to end the new ones that are left,', ...endLines(task, newOnes)];
}

const isThere = ({ state }: HostNow): boolean =>
  state !== undefined && state !== 'terminated' && state !== 'shutting-down';

const idsOf = (hosts: readonly HostNow[]): string[] => hosts.map(({ instanceId }) => instanceId);

function backLines({ environment }: Task, ref: LoadBalancerRef, hosts: readonly HostNow[]): string[] {
  const name = loadBalancerName(ref);
  const ids = idsOf(hosts.filter(({ at }) => !at.some(({ balancer }) => balancer === name)));
  if (ids.length === 0) return [];
  const inRegion = aws(environment.region);
  return indented([
    ref.kind === 'classic'
      ? inRegion`elb register-instances-with-load-balancer --load-balancer-name ${ref.name} --instances ${ids}`
      : inRegion`elbv2 register-targets --target-group-arn ${ref.arn} --targets ${ids.map((id) => `Id=${id}`)}`,
  ]);
}

/** Out of the load balancers first. Termination protection may hold each: to take it off where there is none is harmless. */
function endLines({ environment, fleet }: Task, hosts: readonly HostNow[]): string[] {
  const inRegion = aws(environment.region);
  const leave = fleet.loadBalancers.flatMap((ref) => {
    const ids = idsOf(
      hosts.filter(({ at }) => at.some(({ balancer }) => balancer === loadBalancerName(ref))),
    );
    if (ids.length === 0) return [];
    return ref.kind === 'classic'
      ? inRegion`elb deregister-instances-from-load-balancer --load-balancer-name ${ref.name} --instances ${ids}`
      : inRegion`elbv2 deregister-targets --target-group-arn ${ref.arn} --targets ${ids.map((id) => `Id=${id}`)}`;
  });
  const free = idsOf(hosts).map(
    (id) => inRegion`ec2 modify-instance-attribute --instance-id ${id} --no-disable-api-termination`,
  );
  return indented([...leave, ...free, inRegion`ec2 terminate-instances --instance-ids ${idsOf(hosts)}`]);
}
