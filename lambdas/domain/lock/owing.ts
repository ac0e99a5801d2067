/** What the waits of an undo do when Mackerel cannot be told: ask again for a short while, then owe it and go on. */
import type { Ports } from '../../ports/ports.ts';
import { groupBy } from '../core/collections.ts';
import type { Deployment, Untold } from '../core/document.ts';
import { isOutage } from '../core/untold.ts';
import type { Turn } from '../core/wait.ts';
import { count } from '../core/words.ts';
import { owe } from './debts.ts';

type OwingPorts = Pick<Ports, 'ledger' | 'clock'>;
type UntoldTurn = Pick<Turn<never, Untold>, 'now' | 'deadline' | 'keep'>;

/** Mackerel cannot be told: for a short while it is asked again. @returns is it owed by now? */
export async function oweStatuses(
  deployment: Deployment,
  ports: OwingPorts,
  turn: UntoldTurn,
  why: string,
): Promise<boolean> {
  if (isToTryAgain(deployment.putBack?.untoldSince, turn)) return false;
  const { fleet, oldHosts } = deployment;
  const { service, role } = fleet.mackerel;
  // Taken out of service, they are in `maintenance`: who was before has its status.
  const hosts = (oldHosts?.hosts ?? []).filter(({ status }) => status !== 'maintenance');
  const debts = [...groupBy(hosts, ({ status }) => status)].map(([status, some]) => ({
    kind: 'status' as const,
    status,
    service,
    role,
    hosts: some.flatMap(({ hostIds }) => hostIds),
  }));
  await owe(deployment, debts, ports);
  turn.keep({ owed: `the Mackerel status of ${count(hosts.length, 'old host')} (${why})` });
  return true;
}

/** As above. */
export async function oweRetirement(
  deployment: Deployment,
  ports: OwingPorts,
  turn: UntoldTurn,
  instances: readonly string[],
  why: string,
): Promise<boolean> {
  if (isToTryAgain(deployment.removal?.untoldSince, turn)) return false;
  const { service, role } = deployment.fleet.mackerel;
  await owe(deployment, [{ kind: 'retire', service, role, instances, hosts: [] }], ports);
  turn.keep({ owed: `the retirement of ${count(instances.length, 'new instance')} in Mackerel (${why})` });
  return true;
}

function isToTryAgain(earlier: string | undefined, { now, deadline, keep }: UntoldTurn): boolean {
  const untoldSince = earlier ?? now.toISOString();
  keep({ untoldSince });
  return !isOutage(untoldSince, now) && now < deadline;
}
