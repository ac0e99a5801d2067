/**
 * What a step does that could not tell something: owes it, and goes on. The waits of an undo ask Mackerel again for a
 * short while before.
 */
import type { Ports } from '../../ports/ports.ts';
import { groupBy } from '../core/collections.ts';
import type { Deployment, Untold } from '../core/document.ts';
import { isFailure } from '../core/errors.ts';
import { isOutage, whyOf } from '../core/untold.ts';
import type { Turn } from '../core/wait.ts';
import { count } from '../core/words.ts';
import { BY_HAND, type NewDebt, owe } from './debts.ts';

type OwingPorts = Pick<Ports, 'ledger' | 'clock'>;
type UntoldTurn = Pick<Turn<never, Untold>, 'now' | 'deadline' | 'keep'>;

/**
 * Owes what could not be told. That nobody will make up for it is told, too, and is no reason to fail.
 * @param what could not be told, and why, for the ending
 * @returns the same, with what of it is not owed
 * @throws ServiceUnavailable: the ledger may take it later
 */
export async function owing(
  deployment: Deployment,
  debts: readonly NewDebt[],
  what: string,
  ports: OwingPorts,
): Promise<string> {
  // What is refused, or crashes, is tried once more: nobody would make up for what the ledger does not keep.
  const once = () => owe(deployment, debts, ports);
  try {
    const lost = await once().catch((error: unknown) => {
      if (isFailure(error, 'ServiceUnavailable')) throw error;
      return once();
    });
    return lost === '' ? what : `${what}; ${lost}`;
  } catch (error) {
    if (isFailure(error, 'ServiceUnavailable')) throw error;
    return `${what}; the ledger did not keep it, and nobody makes up for it (${whyOf(error)}): ${BY_HAND}`;
  }
}

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
  const what = `the Mackerel status of ${count(hosts.length, 'old host')} (${why})`;
  turn.keep({ owed: await owing(deployment, debts, what, ports) });
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
  const what = `the retirement of ${count(instances.length, 'new instance')} in Mackerel (${why})`;
  turn.keep({ owed: await owing(deployment, [retirementOf(deployment, instances)], what, ports) });
  return true;
}

export function retirementOf(
  { fleet }: Deployment,
  instances: readonly string[],
  hosts: readonly string[] = [],
): NewDebt {
  const { service, role } = fleet.mackerel;
  return { kind: 'retire', service, role, instances, hosts };
}

function isToTryAgain(earlier: string | undefined, { now, deadline, keep }: UntoldTurn): boolean {
  const untoldSince = earlier ?? now.toISOString();
  keep({ untoldSince });
  return !isOutage(untoldSince, now) && now < deadline;
}
