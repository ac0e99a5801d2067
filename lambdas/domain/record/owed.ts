/** What a deployment still owes when it ends: told wherever its ending is told. */

import type { Ports } from '../../ports/ports.ts';
import type { Deployment } from '../core/document.ts';
import { whyUntold } from '../core/untold.ts';
import { list } from '../core/words.ts';
import { owe } from '../lock/debts.ts';
import type { DeploymentRecord } from './record.ts';

/** Empty when nothing is owed. */
export function owedSentence({ putBack, removal, retirement }: Deployment): string {
  const owed = [putBack?.owed, removal?.owed, retirement?.owed].filter((each) => each !== undefined);
  return owed.length === 0
    ? ''
    : `Still owed, and made up for by the orphan watch or the next deployment: ${list(owed)}.`;
}

/** Writes, and once more. @returns why it could not; nothing: it is written */
export async function whyUnwritten(write: () => Promise<void>): Promise<string | undefined> {
  const writing = async () => void (await write());
  return (await whyUntold(writing)) && whyUntold(writing);
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
