/** What a deployment still owes when it ends: told wherever its ending is told. */

import type { Ports } from '../../ports/ports.ts';
import type { Deployment } from '../core/document.ts';
import { currentReleaseKey, deploymentRecordKey } from '../core/names.ts';
import { whyUntoldTwice } from '../core/untold.ts';
import { list } from '../core/words.ts';
import { owe } from '../lock/debts.ts';
import { type DeploymentRecord, withoutTimeline } from './record.ts';

/** Empty when nothing is owed. */
export function owedSentence({ putBack, removal, retirement }: Deployment): string {
  const owed = [putBack?.owed, removal?.owed, retirement?.owed].filter((each) => each !== undefined);
  return owed.length === 0
    ? ''
    : `Still owed, and made up for by the orphan watch or the next deployment: ${list(owed)}.`;
}

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

/** Keeps a record that could not be written. */
export async function oweRecord(
  deployment: Deployment,
  record: DeploymentRecord,
  isCurrent: boolean,
  ports: Pick<Ports, 'ledger' | 'clock'>,
): Promise<void> {
  await owe(deployment, [{ kind: 'record', record: JSON.stringify(record), isCurrent }], ports);
}
