/**
 * The orphan watch. Not a step of the story: a schedule starts it every five minutes, once for all fleets of an
 * environment, because status events get lost and people leave things half done. For each fleet it starts what waits
 * although the lock is free, sends the clean-up after a dead holder, and measures what nobody looks after: an alarm
 * rings on what stays so for 15 minutes. The only hosts that it changes are failed ones that were kept for debugging and
 * whose time is over: it ends them.
 */

import { Logger } from '@aws-lambda-powertools/logger';
import * as v from 'valibot';
import { liveEc2 } from '../clients/ec2.ts';
import { liveExecutions } from '../clients/executions.ts';
import { systemClock } from '../clients/handler.ts';
import { liveLedger } from '../clients/ledger.ts';
import { liveRecords } from '../clients/records.ts';
import { machinesOf } from '../domain/core/aws.ts';
import { DeploymentError } from '../domain/core/errors.ts';
import { TAG } from '../domain/core/fleet.ts';
import { cleanUpName, currentReleaseKey } from '../domain/core/names.ts';
import { list, secondsBetween } from '../domain/core/words.ts';
import { removeExpiredKept } from '../domain/hosts/kept.ts';
import {
  accountedFor,
  judgeLock,
  lookAt,
  orphansAmong,
  orphansSentence,
  unaccountedFor,
} from '../domain/lock/orphans.ts';
import { metricFields } from '../domain/record/metrics.ts';
import { startPending } from '../domain/record/write-records.ts';
import type { LedgerRow } from '../ports/ledger.ts';
import type { Ports } from '../ports/ports.ts';

/** What the schedule hands over, the same each time. */
const Watched = v.object({
  bucket: v.string(),
  fleets: v.pipe(
    v.array(
      v.object({
        name: v.string(),
        /** ARN of the machine that deploys it. */
        machine: v.string(),
      }),
    ),
    v.minLength(1),
  ),
});
type Watched = v.InferOutput<typeof Watched>;
type WatchedFleet = Watched['fleets'][number];

type Eyes = Pick<Ports, 'ledger' | 'executions' | 'ec2' | 'records' | 'clock'>;

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
export function lookForOrphans({ bucket, fleets }: Watched, ports: Eyes): Promise<FleetReport[]> {
  return Promise.all(fleets.map((fleet) => lookAtFleet(fleet, bucket, ports)));
}

interface Finding {
  readonly orphanSeconds: number;
  readonly reason: string;
}

async function lookAtFleet(fleet: WatchedFleet, bucket: string, ports: Eyes): Promise<FleetReport> {
  const findings: Finding[] = [];
  const troubles: Error[] = [];
  const note = ({ reason: error }: PromiseRejectedResult) =>
    troubles.push(error instanceof Error ? error : new Error(String(error)));
  // The row comes first: an instance of who holds the lock then is no orphan, whatever becomes of the lock meanwhile.
  const [row] = await Promise.allSettled([ports.ledger.read(fleet.name)]);
  if (row.status === 'rejected') note(row);
  else {
    const looks = [lookAtLock(fleet, row.value, ports), lookAtInstances(fleet, bucket, row.value, ports)];
    for (const look of await Promise.allSettled(looks)) {
      if (look.status === 'rejected') note(look);
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

async function lookAtLock(
  { name, machine }: WatchedFleet,
  row: LedgerRow | undefined,
  ports: Eyes,
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
  { name }: WatchedFleet,
  bucket: string,
  row: LedgerRow | undefined,
  ports: Eyes,
): Promise<Finding> {
  // The record before the instances: what it does not account for anymore was terminated before it was written.
  const record = await ports.records.readRecord(bucket, currentReleaseKey(name));
  const tagged = await ports.ec2.listByTag(TAG.fleet, name);
  const accounted = accountedFor(name, record);
  // Somebody may have put the tag on a host that serves, meaning "keep this": what is accounted for is never ended here.
  const unaccounted = unaccountedFor(tagged, row?.held, accounted);
  const removed = await removeExpiredKept(name, unaccounted, ports);
  const orphans = orphansAmong(tagged, row?.held, accounted, ports.clock.now());
  return orphans.length === 0
    ? { orphanSeconds: 0, reason: removed ?? 'every instance is looked after' }
    : { orphanSeconds: Math.max(...orphans.map(({ seconds }) => seconds)), reason: orphansSentence(orphans) };
}

const logger = new Logger();

/**
 * Tells each fleet's report as one log line, out of which CloudWatch takes the metrics. A fleet that could not be looked at is not called free of orphans.
 * @throws ServiceUnavailable at the end, if any fleet was not looked at whole: the failed run is seen by its alarm.
 */
export function tell(reports: readonly FleetReport[], now: Date): void {
  for (const report of reports) {
    const { fleet, orphanSeconds, reasons, troubles } = report;
    for (const { name, message } of troubles) logger.error(message, { fleet, failure: name });
    if (troubles.length > 0 && orphanSeconds === 0) continue;
    const level = orphanSeconds > 0 ? 'warn' : 'info';
    logger[level](reasons.join('; '), metricFields(now, { fleet }, valuesOf(report)));
  }
  const troubled = reports.filter(({ troubles }) => troubles.length > 0).map(({ fleet }) => fleet);
  if (troubled.length === 0) return;
  throw new DeploymentError(
    'ServiceUnavailable',
    `The orphan watch could not look at all of ${list(troubled)}; why is in the lines before. It looks again soon.`,
  );
}

/** A free lock has no age: a metric that is not told costs nothing. */
const valuesOf = ({ orphanSeconds, lockSeconds }: FleetReport) => ({
  OrphanSeconds: orphanSeconds,
  ...(lockSeconds !== undefined && { LockAgeSeconds: lockSeconds }),
});

/** @throws StepCrashed when it was not started by its schedule; ServiceUnavailable when a fleet could not be looked at. */
export async function handler(event: unknown): Promise<void> {
  const watched = v.safeParse(Watched, event);
  if (!watched.success) {
    throw new DeploymentError(
      'StepCrashed',
      'The document is not the one that the schedule hands over. The orphan watch is started by its schedule, not by hand.',
    );
  }
  const ports = {
    ledger: liveLedger(),
    executions: liveExecutions(),
    ec2: liveEc2(),
    records: liveRecords(),
    clock: systemClock,
  };
  tell(await lookForOrphans(watched.output, ports), systemClock.now());
}
