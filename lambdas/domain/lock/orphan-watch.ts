/**
 * A look of the orphan watch at the fleets of an environment: starts what waits although the lock is free, sends the
 * clean-up after a dead holder, makes up for what is owed, ends kept instances whose time is over, and measures what
 * nobody looks after.
 */
import type { LedgerRow } from '../../ports/ledger.ts';
import type { Ports } from '../../ports/ports.ts';
import { machinesOf } from '../core/aws.ts';
import { TAG } from '../core/fleet.ts';
import { cleanUpName, currentReleaseKey } from '../core/names.ts';
import { secondsBetween } from '../core/words.ts';
import { type MackerelRole, removeExpiredKept, retireEndedKept } from '../hosts/kept.ts';
import { debtSentence, owedRecord, payDebts, payersAt, recordPayer } from './debts.ts';
import { accountedFor, judgeLock, lookAt, orphansAmong, orphansSentence, unaccountedFor } from './orphans.ts';
import { startPending } from './pending.ts';

export interface WatchedFleet {
  readonly name: string;
  /** ARN of the machine that deploys it. */
  readonly machine: string;
  /** Id of the launch template that its instances come from. */
  readonly launchTemplate: string;
  /** Absent in the event of an earlier release. */
  readonly mackerel?: MackerelRole | undefined;
}

export interface Watched {
  readonly bucket: string;
  readonly fleets: readonly WatchedFleet[];
}

type WatchPorts = Pick<Ports, 'ledger' | 'executions' | 'ec2' | 'mackerel' | 'records' | 'clock'>;

/** What a look at one fleet found. */
export interface FleetReport {
  readonly fleet: string;
  /** As far as it is known; 0: nothing is orphaned. */
  readonly orphanSeconds: number;
  /** For how long the lock has been held, by whomever; absent: it is free, or nobody knows. */
  readonly lockSeconds?: number;
  readonly reasons: readonly string[];
  /** Why not everything could be looked at. */
  readonly troubles: readonly Error[];
}

/** Looks at every fleet: the trouble of one never keeps the others from being looked at. */
export function lookForOrphans({ bucket, fleets }: Watched, ports: WatchPorts): Promise<FleetReport[]> {
  return Promise.all(fleets.map((fleet) => lookAtFleet(fleet, bucket, ports)));
}

interface Finding {
  readonly orphanSeconds: number;
  readonly reason: string;
}

async function lookAtFleet(fleet: WatchedFleet, bucket: string, ports: WatchPorts): Promise<FleetReport> {
  const findings: Finding[] = [];
  const troubles: Error[] = [];
  const note = (error: unknown) =>
    void troubles.push(error instanceof Error ? error : new Error(String(error)));
  // The row comes first: an instance of who holds the lock then is no orphan, whatever becomes of the lock meanwhile.
  const [row] = await Promise.allSettled([ports.ledger.read(fleet.name)]);
  if (row.status === 'rejected') note(row.reason);
  else {
    // Before the instances: an old record of what runs tells nothing of those that a record which is owed accounts for.
    const debts = await payOwed(fleet, bucket, row.value, ports).catch(note);
    if (debts) findings.push(debts);
    const looks = [lookAtLock(fleet, row.value, ports), lookAtInstances(fleet, bucket, row.value, ports)];
    for (const look of await Promise.allSettled(looks)) {
      if (look.status === 'rejected') note(look.reason);
      else findings.push(look.value);
    }
  }
  const held = row.status === 'fulfilled' ? row.value?.held : undefined;
  return {
    fleet: fleet.name,
    ...(held && { lockSeconds: Math.round(secondsBetween(held.since, ports.clock.now())) }),
    orphanSeconds: Math.max(0, ...findings.map(({ orphanSeconds }) => Math.round(orphanSeconds))),
    reasons: findings.map(({ reason }) => reason),
    troubles,
  };
}

/**
 * Who holds the lock pays before it reads, and owes what it cannot tell. A debt that cannot be paid is a sentence in the
 * log and nothing else: whoever wakes for it could only wait for Mackerel, too.
 */
async function payOwed(
  { name }: WatchedFleet,
  bucket: string,
  row: LedgerRow | undefined,
  ports: WatchPorts,
): Promise<Finding | undefined> {
  const debts = row?.owed?.debts ?? [];
  if (debts.length === 0 || (row?.held && row.held.needsHuman === undefined)) return undefined;
  const payers = { ...payersAt(ports), ...recordPayer(ports, bucket) };
  const { paid, unpaid } = await payDebts(name, debts, payers, ports);
  const told = [
    ...paid.map((debt) => `made up for ${debtSentence(debt)}`),
    ...unpaid.map(({ debt, why }) => `still owed: ${debtSentence(debt)}: ${why}`),
  ];
  return { orphanSeconds: 0, reason: told.join('; ') };
}

async function lookAtLock(
  { name, machine }: WatchedFleet,
  row: LedgerRow | undefined,
  ports: WatchPorts,
): Promise<Finding> {
  const now = ports.clock.now();
  const held = row?.held;
  const state = held ? await ports.executions.status(held.holder) : ({ state: 'unknown' } as const);
  const verdict = judgeLock(row, state, now);
  if (verdict.act === 'start-pending') await startPending(name, machine, ports);
  if (verdict.act === 'clean-up' && held)
    await ports.executions.start(machinesOf(machine, name).cleanUp, cleanUpName(held, lookAt(now)), '{}');
  return verdict;
}

async function lookAtInstances(
  fleet: WatchedFleet,
  bucket: string,
  row: LedgerRow | undefined,
  ports: WatchPorts,
): Promise<Finding> {
  const { name } = fleet;
  // The record before the instances: what it does not account for anymore was terminated before it was written.
  const record = owedRecord(row) ?? (await ports.records.readRecord(bucket, currentReleaseKey(name)));
  const tagged = await ports.ec2.listByTag(TAG.fleet, name);
  const accounted = accountedFor(name, record);
  // Somebody may have put the tag on a host that serves, meaning "keep this": what is accounted for is never ended here.
  const unaccounted = unaccountedFor(fleet, tagged, row?.held, accounted);
  const removed = await removeExpiredKept(fleet, unaccounted, ports);
  const retired = await retireEndedKept(fleet, unaccounted, ports);
  const orphans = orphansAmong(unaccounted, ports.clock.now());
  const told = [removed, retired, orphans.length > 0 ? orphansSentence(orphans) : undefined].filter(Boolean);
  return {
    orphanSeconds: Math.max(0, ...orphans.map(({ seconds }) => seconds)),
    reason: told.join('; ') || 'every instance is looked after',
  };
}
