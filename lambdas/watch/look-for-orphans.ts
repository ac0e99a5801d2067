/**
 * The orphan watch. Not a step of the story: a schedule starts it every five minutes, once for all fleets of an
 * environment, because status events get lost and people leave things half done. For each fleet it starts what waits
 * although the lock is free, sends the clean-up after a dead holder, makes up for what deployments could not tell
 * (Mackerel, records), and measures what nobody looks after: an alarm rings on what stays so for 15 minutes.
 * The only hosts that it changes are failed ones that were kept for debugging: once their time is over, it ends them,
 * and retires those that registered again.
 */

import { Logger } from '@aws-lambda-powertools/logger';
import * as v from 'valibot';
import { liveEc2 } from '../clients/ec2.ts';
import { liveExecutions } from '../clients/executions.ts';
import { systemClock } from '../clients/handler.ts';
import { liveLedger } from '../clients/ledger.ts';
import { liveMackerel } from '../clients/live-mackerel.ts';
import { liveRecords } from '../clients/records.ts';
import { DeploymentError } from '../domain/core/errors.ts';
import { list, printable } from '../domain/core/words.ts';
import { type FleetReport, lookForOrphans } from '../domain/lock/orphan-watch.ts';
import { metricFields } from '../domain/record/metrics.ts';

/** What the schedule hands over, the same each time. */
const Watched = v.object({
  bucket: v.string(),
  /** Where the key of Mackerel is: absent in the event of an earlier release, whose fleets owe nothing. */
  apiKeyParameter: v.optional(v.string(), ''),
  fleets: v.pipe(
    v.array(
      v.object({
        name: v.string(),
        /** ARN of the machine that deploys it. */
        machine: v.string(),
        /** Absent in the event of an earlier release: its leftovers are found once the stack is deployed. */
        launchTemplate: v.optional(v.string(), ''),
        mackerel: v.optional(v.object({ service: v.string(), role: v.string() })),
      }),
    ),
    v.minLength(1),
  ),
});

const logger = new Logger();

/**
 * Tells each fleet's report as one log line, out of which CloudWatch takes the metrics. A fleet that could not be looked at is not called free of orphans.
 * @throws ServiceUnavailable at the end, if any fleet was not looked at whole: the failed run is seen by its alarm.
 */
export function tell(reports: readonly FleetReport[], now: Date): void {
  for (const report of reports) {
    const { fleet, orphanSeconds, troubles } = report;
    for (const { name, message } of troubles) logger.error(message, { fleet, failure: name });
    if (troubles.length > 0 && orphanSeconds === 0) continue;
    const level = orphanSeconds > 0 ? 'warn' : 'info';
    logger[level](...lineOf(report, now));
  }
  const troubled = reports.filter(({ troubles }) => troubles.length > 0).map(({ fleet }) => fleet);
  if (troubled.length === 0) return;
  throw new DeploymentError(
    'ServiceUnavailable',
    `The orphan watch could not look at all of ${list(troubled)}; why is in the lines before. It looks again soon.`,
  );
}

/** What is said of a fleet, and the fields beside it. */
export const lineOf = (report: FleetReport, now: Date): [string, Readonly<Record<string, unknown>>] => [
  printable(report.reasons.join('; ')),
  metricFields(now, { fleet: report.fleet }, valuesOf(report)),
];

/** Where nothing is orphaned and no lock is held, there is nothing to tell: a metric costs by the hour in which it is told. */
const valuesOf = ({ orphanSeconds, lockSeconds }: FleetReport) => ({
  ...(orphanSeconds > 0 && { OrphanSeconds: orphanSeconds }),
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
    mackerel: liveMackerel(watched.output.apiKeyParameter),
    records: liveRecords(),
    clock: systemClock,
  };
  tell(await lookForOrphans(watched.output, ports), systemClock.now());
}
