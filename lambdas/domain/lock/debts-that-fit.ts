/** Which debts a row of the ledger has room for: what later deployments and people rely on comes first. */
import type { Debt } from '../../ports/ledger.ts';
import { debtsFit } from '../core/ledger-refusals.ts';

/** A deployment owes one debt of a name. */
export const nameOf = (debt: Debt): string =>
  `${debt.deployment} ${debt.kind}${debt.kind === 'status' ? ` ${debt.status}` : ''}`;

/** The debts with one more. Owed before by the same deployment (or in its name, by its clean-up), it is one debt. */
export function joined(before: readonly Debt[], added: Debt): Debt[] {
  const isSame = (debt: Debt) => nameOf(debt) === nameOf(added);
  const same = before.find(isSame);
  return [...before.filter((debt) => !isSame(debt)), same ? union(same, added) : added];
}

function union(before: Debt, added: Debt): Debt {
  const both = (some: readonly string[], more: readonly string[]) => [...new Set([...some, ...more])];
  if (before.kind === 'status' && added.kind === 'status')
    return { ...added, hosts: both(before.hosts, added.hosts) };
  if (before.kind === 'retire' && added.kind === 'retire') {
    const instances = both(before.instances, added.instances);
    return { ...added, instances, hosts: both(before.hosts, added.hosts) };
  }
  return added;
}

export interface Fitting {
  readonly kept: readonly Debt[];
  /** What is not, or that part of it. */
  readonly lost: readonly Debt[];
}

/** All of it; if that is too much, records without what only the page shows; if it still is, the most important first. */
export function whatFits(
  debts: readonly Debt[],
  fits: (some: readonly Debt[]) => boolean = debtsFit,
): Fitting {
  if (fits(debts)) return { kept: debts, lost: [] };
  const short = debts.map(condensed);
  const [kept, lost]: [Debt[], Debt[]] = [[], []];
  for (const debt of [...short].sort((a, b) => rank(a) - rank(b))) {
    const part = largestPart(debt, (some) => fits([...kept, some]));
    if (part) kept.push(part);
    const rest = part ? without(debt, part) : debt;
    if (rest) lost.push(rest);
  }
  // The last record that says what runs counts: they stay in their order.
  const place = (debt: Debt) => short.findIndex((each) => nameOf(each) === nameOf(debt));
  return { kept: kept.sort((a, b) => place(a) - place(b)), lost };
}

/** What the fleet runs decides about the next deployment; a status lets Mackerel watch hosts that serve. */
function rank(debt: Debt): number {
  if (debt.kind === 'record') return debt.isCurrent ? 0 : 3;
  return debt.kind === 'status' ? 1 : 2;
}

function condensed(debt: Debt): Debt {
  if (debt.kind !== 'record') return debt;
  const { timeline: _, consoles: __, ...record } = JSON.parse(debt.record) as Record<string, unknown>;
  return { ...debt, record: JSON.stringify(record) };
}

/** Halved until it fits; a record is whole or nothing. */
function largestPart(debt: Debt, fits: (some: Debt) => boolean): Debt | undefined {
  if (fits(debt)) return debt;
  for (let size = sizeOf(debt) >> 1; size > 0; size >>= 1) {
    const part = between(debt, 0, size);
    if (fits(part)) return part;
  }
  return undefined;
}

const sizeOf = (debt: Debt): number => {
  if (debt.kind === 'record') return 0;
  return (debt.kind === 'status' ? debt.hosts : debt.instances).length;
};

/** Of a retirement, the hosts that were known are found by their instances when it is paid. */
function between(debt: Debt, from: number, to?: number): Debt {
  if (debt.kind === 'status') return { ...debt, hosts: debt.hosts.slice(from, to) };
  return debt.kind === 'retire' ? { ...debt, instances: debt.instances.slice(from, to), hosts: [] } : debt;
}

const without = (debt: Debt, part: Debt): Debt | undefined =>
  sizeOf(part) < sizeOf(debt) ? between(debt, sizeOf(part)) : undefined;
