/** The state of each host of a running deployment, from EC2, the load balancers and Mackerel. */

import { actOf } from '../../../lambdas/domain/core/steps.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import type { MackerelHost } from '../../../lambdas/ports/mackerel.ts';
import { orUndefined } from '../attempt.ts';
import type { Task } from '../command.ts';
import { findLeftovers, type HostNow, placesWords } from '../leftovers.ts';
import { table } from '../wording.ts';

/** A fleet of hundreds does not fit a terminal: hosts that are not ready yet are shown first. */
const MOST = 12;

/** Lines for the live block; what is not permitted, or not answered, is left out. */
export async function hostRows(task: Task, held: LedgerRow['held']): Promise<string[]> {
  if (!held || actOf(held.phase)?.leaves === 'release') return [];
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

type ById = ReadonlyMap<string | undefined, MackerelHost>;

async function inMackerel({ ports, fleet: { mackerel } }: Task): Promise<ById | undefined> {
  const hosts = await orUndefined(ports.mackerel.hosts(mackerel.service, mackerel.role));
  return hosts && new Map(hosts.map((host) => [host.instanceId, host]));
}

function row(side: 'NEW' | 'OLD', { instanceId, zone, state, at }: HostNow, registered?: ById) {
  const host = registered?.get(instanceId);
  const mackerel = registered && (host?.status ?? 'not in Mackerel');
  return {
    cells: [side, instanceId, zone, state ?? '', mackerel ?? '', placesWords(at)],
    isGone: state === undefined || state === 'terminated',
    isSettled: host !== undefined && at.every(({ state: there }) => there === 'in-service'),
  };
}
