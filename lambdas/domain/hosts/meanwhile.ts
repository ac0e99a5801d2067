/**
 * While a person or a hook is waited for, the new hosts that are there are watched as in the bake: whoever is waited for
 * decides about hosts that are still ready, and an alert does not wait for anybody.
 */
import type { Ports } from '../../ports/ports.ts';
import { countBy } from '../core/collections.ts';
import type { Deployment, NewInstance } from '../core/document.ts';
import { type Health, judgeHealth } from './bake.ts';
import { assertNoMonitorAlerts } from './monitors.ts';
import { seeNewHosts } from './watching.ts';

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
  const launched = { ...deployment, launch, oldHosts };
  const { hosts, alerts } = await seeNewHosts(launched, ports);
  const health = judgeHealth({ standings: hosts, alerts, badLooks });
  return { ...health, told: assertNoMonitorAlerts(launched, alerts, hosts) };
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

const typesOf = (instances: readonly Pick<NewInstance, 'instanceType'>[]): string =>
  [...countBy(instances, ({ instanceType }) => instanceType)].map(([type, n]) => `${n} × ${type}`).join(', ');
