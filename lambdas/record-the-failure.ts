/**
 * States *Record the refusal*, *Record the failure*, *Record the failed undo* and *Record the halfway stop*: under
 * which name the execution fails, and why, for people and for the bucket. Never hides the first error. After the last
 * two the lock is kept for a human.
 */

import * as v from 'valibot';
import { liveAnnouncer } from './clients/announcer.ts';
import { lambdaHandler, systemClock, systemLog } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveRecords } from './clients/records.ts';
import { type Deployment, type Ending, holdOf, parseDeployment } from './domain/core/document.ts';
import type { FailureName } from './domain/core/errors.ts';
import { despiteBadInput, parseDocument } from './domain/core/parse-document.ts';
import type { Step } from './domain/core/step.ts';
import { ENDS } from './domain/core/story.ts';
import { whyUntold } from './domain/core/untold.ts';
import { endingOf } from './domain/record/ending.ts';
import { oweRecord, whyUnwritten } from './domain/record/owed.ts';
import { type DeploymentRecord, recordOf } from './domain/record/record.ts';
import { type NewsPorts, tellEnding } from './domain/record/telling.ts';
import { writeTimeline } from './domain/record/write-timeline.ts';
import type { Ports } from './ports/ports.ts';

/**
 * The endings after which hosts of this release may serve, or of the one before, or of both: the lock stays, and a
 * human decides.
 */
const NEEDS_HUMAN: readonly string[] = ['StoppedHalfway', 'RollbackFailed'] satisfies FailureName[];

/** The story knows how the deployment has ended: it says so beside the document. */
const Told = v.object({ document: v.unknown(), ends: v.picklist(ENDS) });

type RecordPorts = Pick<Ports, 'ledger' | 'records'> & NewsPorts;

export const recordTheFailure: Step<RecordPorts, Ending> = {
  name: 'record-the-failure',
  run: async (told, ports) => {
    const { document, ends } = parseDocument(Told, told, []);
    const deployment = despiteBadInput(document, (given) => parseDeployment(given, []));
    const ending = endingOf(deployment, ends);
    const record = recordOf(deployment, ports.clock.now(), ending);
    const { fleet } = deployment;
    // First, and not quietly: nobody may take this for leftovers that can be cleaned up; and who has lost the lock knows
    // nothing of the fleet anymore that would be worth a record.
    const needsHuman = NEEDS_HUMAN.includes(ending.error);
    if (needsHuman) await ports.ledger.keepForHuman(fleet.name, holdOf(deployment), ending.cause);
    // As current, too: else the next deployment of what ran before this one would be told that it runs already.
    const why = await whyUnwritten(record, fleet.artifact.bucket, needsHuman, ports);
    // A refusal changed nothing that a record would have to tell.
    const owed = why && ends !== 'refused' ? await oweThe(deployment, record, needsHuman, why, ports) : '';
    const whole = { ...ending, cause: [ending.cause, owed].filter(Boolean).join(' ') };
    // Side by side: the page is there before anybody who is told of it can look.
    await Promise.all([
      writeTimeline(ports.records, fleet, record),
      tellEnding(deployment, { ...record, reason: whole.cause }, ports),
    ]);
    return whole;
  },
};

/** Neither a record nor a debt that cannot be written may hide how the deployment ended. @returns what to say of it */
async function oweThe(
  deployment: Deployment,
  record: DeploymentRecord,
  isCurrent: boolean,
  why: string,
  ports: RecordPorts,
): Promise<string> {
  const lost = await whyUntold(async () => void (await oweRecord(deployment, record, isCurrent, ports)));
  return lost ? `The record could not be written: ${why}` : `Still owed: the record (${why}).`;
}

export const handler = lambdaHandler(recordTheFailure, (apiKeyParameter) => ({
  records: liveRecords(),
  mackerel: liveMackerel(apiKeyParameter),
  ledger: liveLedger(),
  announcer: liveAnnouncer(),
  log: systemLog,
  clock: systemClock,
}));
