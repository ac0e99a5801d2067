/**
 * While a person or a hook is waited for, the new hosts that are there are watched as in the bake: whoever is waited for
 * decides about hosts that are still ready, and an alert does not wait for anybody.
 */
import type { Ports } from '../../ports/ports.ts';
import type { Deployment } from '../core/document.ts';
import { type Health, judgeHealth } from './bake.ts';
import { lookAtNewHosts } from './look-at-hosts.ts';
import { assertNoMonitorAlerts } from './monitors.ts';
import { standings } from './readiness.ts';

/** After a look that found a host not ready, however seldom it looks by then. */
export const SECOND_LOOK_SECONDS = 15;

/** A sentence for what else was seen; empty for nothing. */
export interface Meanwhile extends Health {
  readonly told: string;
}

/** @throws AlertDuringBake, ReadinessLost as the bake does; nothing where nothing was launched yet */
export async function watchMeanwhile(
  deployment: Deployment,
  badLooks: number,
  ports: Pick<Ports, 'ec2' | 'mackerel' | 'loadBalancers'>,
): Promise<Meanwhile> {
  const { launch, oldHosts } = deployment;
  if (!launch || !oldHosts) return { badLooks: 0, told: '' };
  const [facts, alerts] = await Promise.all([
    lookAtNewHosts(deployment, launch.instances, ports),
    ports.mackerel.openAlerts(),
  ]);
  const hosts = standings(launch.instances, facts);
  const health = judgeHealth({ standings: hosts, alerts, badLooks });
  return { ...health, told: assertNoMonitorAlerts({ ...deployment, launch, oldHosts }, alerts, hosts) };
}

/** `4 hosts run instead of 2 meanwhile`: what waiting costs. */
export function doubledSentence({ launch, oldHosts }: Pick<Deployment, 'launch' | 'oldHosts'>): string {
  if (!launch || !oldHosts) return 'nothing was launched yet';
  const old = oldHosts.hosts.length;
  const all = old + launch.instances.length;
  return old === 0
    ? `${all} hosts run`
    : `${all} hosts run instead of ${old} meanwhile, each hour of which is ${launch.instances.length} instance-hours more (${typesOf(launch.instances)})`;
}

function typesOf(instances: readonly { readonly instanceType: string }[]): string {
  const counts = new Map<string, number>();
  for (const { instanceType } of instances) counts.set(instanceType, (counts.get(instanceType) ?? 0) + 1);
  return [...counts].map(([type, n]) => `${n} × ${type}`).join(', ');
}
