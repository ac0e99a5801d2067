/** What a deployment still owes when it ends: told wherever its ending is told. */

import type { Ports } from '../../ports/ports.ts';
import type { Deployment } from '../core/document.ts';
import { currentReleaseKey, deploymentRecordKey } from '../core/names.ts';
import { whyUntoldTwice } from '../core/untold.ts';
import { list } from '../core/words.ts';
import { owing } from '../lock/owing.ts';
import { type DeploymentRecord, withoutTimeline } from './record.ts';

/** Empty when nothing is owed. */
export function owedSentence({ putBack, removal, retirement }: Deployment): string {
  const owed = [putBack?.owed, removal?.owed, retirement?.owed].filter((each) => each !== undefined);
  return owed.length === 0
    ? ''
    : `Still owed, and made up for by the orphan watch or the next deployment: ${list(owed)}.`;
}

/** What nobody was told, and nobody will be: a page, a mail, an event, a mark. Empty: everything was told. */
export const lostSentence = (lost: readonly string[]): string =>
  lost.length === 0 ? '' : `Lost, and not made up for: ${list(lost.map((each) => each.replace(/\.$/, '')))}.`;

/**
 * Writes the record, and once more; then, of one that tells what the fleet runs, that: last, because it is what later
 * deployments believe.
 * @returns why it could not; nothing: it is written
 */
export function whyUnwritten(
  record: DeploymentRecord,
  bucket: string,
  isCurrent: boolean,
  { records }: Pick<Ports, 'records'>,
): Promise<string | undefined> {
  return whyUntoldTwice(async () => {
    await records.writeRecord(bucket, deploymentRecordKey(record.fleet, record.deployment), record);
    if (isCurrent)
      await records.writeRecord(bucket, currentReleaseKey(record.fleet), withoutTimeline(record));
    return undefined;
  });
}

/** Keeps a record that could not be written. @returns what to say of it */
export function oweRecord(
  deployment: Deployment,
  record: DeploymentRecord,
  isCurrent: boolean,
  why: string,
  ports: Pick<Ports, 'ledger' | 'clock'>,
): Promise<string> {
  const debt = { kind: 'record', record: JSON.stringify(record), isCurrent } as const;
  return owing(deployment, [debt], `the record (${why})`, ports);
}
