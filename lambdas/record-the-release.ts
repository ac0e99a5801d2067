/**
 * State *Record the release*: who serves now, what the fleet runs and how it got there, in the artifact bucket; then the
 * news of it. The next deployment reads the record to know whether it is wanted.
 */

import { liveAnnouncer } from './clients/announcer.ts';
import { lambdaHandler, systemClock, systemLog } from './clients/handler.ts';
import { liveLastLook } from './clients/last-look.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveMackerel } from './clients/live-mackerel.ts';
import { liveRecords } from './clients/records.ts';
import { defineStep } from './domain/core/step.ts';
import { assertTriedLongEnough } from './domain/core/untold.ts';
import { type LastLookPorts, lookAtTheEnd } from './domain/hosts/last-look.ts';
import { assertHoldsLock } from './domain/lock/fence.ts';
import { lostSentence, oweRecord, whyUnwritten } from './domain/record/owed.ts';
import { type DeploymentRecord, recordOf, withoutTimeline } from './domain/record/record.ts';
import { type NewsPorts, tellEnding } from './domain/record/telling.ts';
import { writeTimeline } from './domain/record/write-timeline.ts';
import type { Ports } from './ports/ports.ts';

type RecordPorts = Pick<Ports, 'ledger' | 'records'> & NewsPorts & LastLookPorts;

export const recordTheRelease = defineStep(
  'record-the-release',
  ['image', 'release', 'oldHosts', 'launch', 'retirement'],
  async (deployment, ports: RecordPorts): Promise<DeploymentRecord> => {
    // Side by side: the look changes nothing.
    const [{ seen, hosts }] = await Promise.all([
      lookAtTheEnd(deployment, ports),
      assertHoldsLock(deployment, ports),
    ]);
    const now = ports.clock.now();
    let record = recordOf(deployment, now, undefined, seen);
    const { fleet } = deployment;
    const why = await whyUnwritten(record, fleet.artifact.bucket, true, ports);
    if (why) {
      assertTriedLongEnough(deployment.retirement.at, now, why);
      const owed = await oweRecord(deployment, record, true, why, ports);
      record = { ...record, reason: `${record.reason}; still owed: ${owed}` };
    }
    // Side by side: the page is there before anybody who is told of it can look.
    const lost = await Promise.all([
      writeTimeline(ports.records, fleet, record),
      tellEnding(deployment, record, ports, hosts),
    ]);
    const reason = [record.reason, lostSentence(lost.flat())].filter(Boolean).join('; ');
    return withoutTimeline({ ...record, reason });
  },
);

export const handler = lambdaHandler(recordTheRelease, (apiKeyParameter) => ({
  ...liveLastLook(),
  records: liveRecords(),
  mackerel: liveMackerel(apiKeyParameter),
  ledger: liveLedger(),
  announcer: liveAnnouncer(),
  log: systemLog,
  clock: systemClock,
}));
