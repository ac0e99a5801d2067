/**
 * What a deployment could not tell when it ended is owed: kept in the ledger, beyond the lock, and made up for by the
 * orphan watch, or by the next deployment before it reads what is owed. Only where nobody has changed it since.
 */
import type { Debt, LedgerRow } from '../../ports/ledger.ts';
import type { MackerelHost } from '../../ports/mackerel.ts';
import type { Ports } from '../../ports/ports.ts';
import { type Deployment, deploymentId } from '../core/document.ts';
import { DeploymentError, isFailure } from '../core/errors.ts';
import { currentReleaseKey, deploymentRecordKey } from '../core/names.ts';
import { whyOf } from '../core/untold.ts';
import { count, list } from '../core/words.ts';
import { hostsOfRole } from '../hosts/look-at-hosts.ts';
import { refusalsIn } from '../hosts/termination.ts';
import { joined, nameOf, whatFits } from './debts-that-fit.ts';

/** Another one may change what is owed between reading and writing: so often, and then it is asked again. */
const TRIES = 5;

type Kind = Debt['kind'];
/** A debt without what is the same for all of a deployment. */
export type NewDebt = { [K in Kind]: Omit<Extract<Debt, { kind: K }>, 'deployment' | 'since'> }[Kind];

/**
 * Owing the same twice owes it once; of more than the ledger has room for, what matters most is kept.
 * @returns a sentence about what could not be kept; empty: all is
 */
export async function owe(
  deployment: Deployment,
  debts: readonly NewDebt[],
  { ledger, clock }: Pick<Ports, 'ledger' | 'clock'>,
): Promise<string> {
  const own = { deployment: deploymentId(deployment), since: clock.now().toISOString() };
  let lost: readonly Debt[] = [];
  await change(deployment.fleet.name, { ledger }, (before) => {
    const fitting = whatFits(debts.map((debt): Debt => ({ ...debt, ...own })).reduce(joined, before));
    lost = fitting.lost;
    return fitting.kept;
  });
  return lost.length === 0
    ? ''
    : `the ledger has no room for all of it, and nobody makes up for ${list(lost.map(debtSentence))}: ${BY_HAND}`;
}

/** What to do about what nobody can be told, and nobody owes. */
export const BY_HAND = 'see "Something is still owed" in docs/runbook.md';

/** @param next what is to be owed, of what is owed now */
async function change(
  fleet: string,
  { ledger }: Pick<Ports, 'ledger'>,
  next: (before: readonly Debt[]) => readonly Debt[],
): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const { owed } = (await ledger.read(fleet)) ?? {};
    if (await ledger.owe(fleet, next(owed?.debts ?? []), owed?.version ?? 0)) return;
  }
  throw new DeploymentError(
    'ServiceUnavailable',
    `What is owed of ${fleet} changed ${TRIES} times while it was written down.`,
  );
}

// ── Paying ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** How a debt of each kind is paid, by whoever can. */
export type Payers = { readonly [K in Kind]?: (debt: Extract<Debt, { kind: K }>) => Promise<void> };

export const payersAt = ({ mackerel }: Pick<Ports, 'mackerel'>): Payers => ({
  status: async ({ service, role, hosts, status }) => {
    const found = await hostsOfRole({ service, role }, { mackerel });
    // Whom somebody has given another status since shall keep it.
    const left = found.filter((host) => hosts.includes(host.id) && host.status === 'maintenance');
    if (left.length > 0)
      await mackerel.setStatus(
        left.map(({ id }) => id),
        status,
      );
  },
  retire: async ({ service, role, instances, hosts }) => {
    const listed = await hostsOfRole({ service, role }, { mackerel });
    // Whom somebody has moved to another role since, or another instance reports as, shall stay.
    const isTheirs = ({ id, instanceId }: MackerelHost) =>
      instanceId === undefined ? hosts.includes(id) : instances.includes(instanceId);
    const left = listed.filter(isTheirs).map(({ id }) => id);
    const { refused } = left.length > 0 ? await mackerel.retire(left) : { refused: [] };
    const refusals = refused.length > 0 && refusalsIn(refused);
    if (refusals) throw new DeploymentError('MackerelRefused', `Mackerel did not retire ${refusals}.`);
  },
});

interface Recorded {
  readonly fleet: string;
  readonly deployment: string;
  readonly finishedAt: string;
  readonly timeline?: unknown;
}

/** @param bucket where the records are */
export const recordPayer = ({ records }: Pick<Ports, 'records'>, bucket: string): Payers => ({
  record: async ({ record, isCurrent }) => {
    const { timeline, ...release } = JSON.parse(record) as Recorded;
    const { fleet, deployment, finishedAt } = release;
    // What somebody has written since (a clean-up, the next deployment) is newer, and stays.
    const writeUnlessNewer = async (key: string, body: object) => {
      const { finishedAt: written = '' } = Object(await records.readRecord(bucket, key)) as Partial<Recorded>;
      if (written < finishedAt) await records.writeRecord(bucket, key, body);
    };
    await writeUnlessNewer(deploymentRecordKey(fleet, deployment), { ...release, timeline });
    if (isCurrent) await writeUnlessNewer(currentReleaseKey(fleet), release);
  },
});

export interface Payment {
  readonly paid: readonly Debt[];
  /** Those that somebody here could pay, and why they are not paid. */
  readonly unpaid: readonly { readonly debt: Debt; readonly why: string; readonly error: unknown }[];
}

/** Pays what it can, and takes it out of the ledger. @param owed as the ledger has it */
export async function payDebts(
  fleet: string,
  owed: readonly Debt[],
  payers: Payers,
  ports: Pick<Ports, 'ledger'>,
): Promise<Payment> {
  const paid: Debt[] = [];
  const unpaid: Payment['unpaid'][number][] = [];
  // Who does not answer is asked once: a step has no time for as many silences as there are debts.
  const silent = new Map<Debt['kind'] | 'Mackerel', unknown>();
  for (const debt of owed) {
    const service = debt.kind === 'record' ? debt.kind : 'Mackerel';
    const pay = payers[debt.kind] as ((owed: Debt) => Promise<void>) | undefined;
    if (!pay) continue;
    try {
      if (silent.has(service)) throw silent.get(service);
      await pay(debt);
      paid.push(debt);
    } catch (error) {
      if (isFailure(error, 'ServiceUnavailable')) silent.set(service, error);
      // A service or role that is not there anymore has no hosts to tell anything of.
      if (isFailure(error, 'MackerelRoleUnknown')) {
        paid.push(debt);
        continue;
      }
      unpaid.push({ debt, why: whyOf(error), error });
    }
  }
  const names = paid.map(nameOf);
  if (paid.length > 0)
    await change(fleet, ports, (now) => now.filter((debt) => !names.includes(nameOf(debt))));
  return { paid, unpaid };
}

/**
 * Before a deployment reads what is owed: a host that an undo left in `maintenance` tells no status to restore, an old
 * record not what runs.
 * @throws what keeps a debt from being paid
 */
export async function payBeforeReading(
  { fleet, owed }: LedgerRow,
  payers: Payers,
  { ledger }: Pick<Ports, 'ledger'>,
): Promise<void> {
  const { unpaid } = await payDebts(fleet, owed?.debts ?? [], payers, { ledger });
  const [first] = unpaid;
  if (!first) return;
  const { error, debt, why } = first;
  const name = isFailure(error) ? error.name : 'StepCrashed';
  throw new DeploymentError(
    name,
    `${debtSentence(debt)} is still owed, and must be made up for first: ${why}`,
  );
}

/** What the fleet runs, by a record that is not in its place yet. */
export function owedRecord(row: LedgerRow | undefined): unknown {
  const owed = row?.owed?.debts.findLast((debt) => debt.kind === 'record' && debt.isCurrent);
  return owed?.kind === 'record' ? JSON.parse(owed.record) : undefined;
}

/** `the status working of 2 hosts (of the deployment d-1)`. */
export function debtSentence(debt: Debt): string {
  return `${WHAT[debt.kind](debt as never)} (of the deployment ${debt.deployment})`;
}

const WHAT: { readonly [K in Kind]: (debt: Extract<Debt, { kind: K }>) => string } = {
  status: ({ status, hosts }) => `the status ${status} of ${count(hosts.length, 'Mackerel host')}`,
  retire: ({ instances }) =>
    `the retirement in Mackerel of ${count(instances.length, 'instance that ended', 'instances that ended')}`,
  record: () => 'the record',
};
