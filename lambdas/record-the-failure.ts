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
import { type Ending, holdOf, parseDeployment } from './domain/core/document.ts';
import type { FailureName } from './domain/core/errors.ts';
import { despiteBadInput, parseDocument } from './domain/core/parse-document.ts';
import type { Step } from './domain/core/step.ts';
import { ENDS } from './domain/core/story.ts';
import { endingOf } from './domain/record/ending.ts';
import { lostSentence, oweRecord, whyUnwritten } from './domain/record/owed.ts';
import { recordOf } from './domain/record/record.ts';
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
    // A refusal changed nothing that a record would have to tell later.
    const owed = why && ends !== 'refused' && (await oweRecord(deployment, record, needsHuman, why, ports));
    const unwritten = owed ? `Still owed: ${owed}.` : why && `The record could not be written: ${why}.`;
    const cause = sentences(ending.cause, unwritten);
    // Side by side: the page is there before anybody who is told of it can look.
    const lost = await Promise.all([
      writeTimeline(ports.records, fleet, record),
      tellEnding(deployment, { ...record, reason: cause }, ports),
    ]);
    return { ...ending, cause: sentences(cause, lostSentence(lost.flat())) };
  },
};

const sentences = (...each: readonly (string | undefined)[]) => each.filter(Boolean).join(' ');

export const handler = lambdaHandler(recordTheFailure, (apiKeyParameter) => ({
  records: liveRecords(),
  mackerel: liveMackerel(apiKeyParameter),
  ledger: liveLedger(),
  announcer: liveAnnouncer(),
  log: systemLog,
  clock: systemClock,
}));
