/** How each host of a running deployment stands right now, asked of EC2, the load balancers and Mackerel. */

import { isFailure } from '../../../lambdas/domain/core/errors.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import type { MackerelHost } from '../../../lambdas/ports/mackerel.ts';
import type { Task } from '../command.ts';
import { findLeftovers, type HostNow } from '../leftovers.ts';
import { table } from '../wording.ts';

/** A fleet of hundreds does not fit a terminal: those that are not there yet are shown first. */
const MOST = 12;

/** Lines for the live block; what may not be asked, or does not answer, is left out. */
export async function hostRows(task: Task, held: LedgerRow['held']): Promise<string[]> {
  if (!held || held.phase === 'agree') return [];
  const [{ launched, old }, registered] = await Promise.all([findLeftovers(task, held), inMackerel(task)]);
  const rows = [
    ...launched.map((host) => row('NEW', host, registered)),
    ...old.map((host) => row('OLD', host, registered)),
  ].filter(({ isGone }) => !isGone);
  const shown = [...rows]
    .sort((one, other) => Number(one.isSettled) - Number(other.isSettled))
    .slice(0, MOST);
  const ordered = rows.filter((each) => shown.includes(each)).map(({ cells }) => cells);
  const rest = rows.length - ordered.length;
  return [...table(ordered), ...(rest > 0 ? [`  … and ${rest} more`] : [])];
}

async function inMackerel({ ports, fleet }: Task): Promise<ReadonlyMap<string, MackerelHost> | undefined> {
  try {
    const hosts = await ports.mackerel.hosts(fleet.mackerel.service, fleet.mackerel.role);
    return new Map(
      hosts.flatMap((host) => (host.instanceId === undefined ? [] : [[host.instanceId, host] as const])),
    );
  } catch (error) {
    if (!isFailure(error)) throw error;
    return undefined;
  }
}

function row(
  side: 'NEW' | 'OLD',
  { instanceId, zone, state, at }: HostNow,
  registered: ReadonlyMap<string, MackerelHost> | undefined,
): { readonly cells: readonly string[]; readonly isGone: boolean; readonly isSettled: boolean } {
  const host = registered?.get(instanceId);
  const mackerel = registered === undefined ? '' : (host?.status ?? 'not in Mackerel');
  const balancers = at
    .map(({ balancer, state: there }) => `${there.replaceAll('-', ' ')} at ${balancer}`)
    .join(', ');
  return {
    cells: [side, instanceId, zone, state ?? '', mackerel, balancers],
    isGone: state === undefined || state === 'terminated',
    isSettled: host !== undefined && at.every(({ state: there }) => there === 'in-service'),
  };
}
