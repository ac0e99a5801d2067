/** What the ledger refuses, live and modelled alike, in the operator's words. */

import { gzipSync } from 'node:zlib';
import type { Debt, Hold, LedgerRow, PendingRequest, Phase, Run } from '../../ports/ledger.ts';
import { DeploymentError } from './errors.ts';
import { ACTS, PHASES } from './steps.ts';

/** Is entering this phase refused once somebody asked the holder to undo itself? */
export const isCancellable = (phase: Phase): boolean => ACTS[phase].cancel !== 'undoes already';

/** The phases in which nobody can ask for that anymore. */
export const TOO_LATE_TO_CANCEL = PHASES.filter((phase) => ACTS[phase].cancel === 'too late');

/** The phases in which nobody waits for a person: what undoes itself goes on with that. */
export const DEAF_TO_GO = PHASES.filter((phase) => ACTS[phase].cancel !== 'undoes');

/** Together they stay below the 400 KB of a DynamoDB item, even if nothing of the document could be compressed. */
export const MAX_DOCUMENT_BYTES = 300_000;
export const MAX_PENDING_INPUT_BYTES = 64_000;
/** Compressed: two lists of 500 hosts and a record of them have room. */
export const MAX_DEBT_BYTES = 32_000;

/** Who holds a lock, as far as a refusal tells. */
export type Holder = Pick<NonNullable<LedgerRow['held']>, 'holder' | 'generation'>;

export function lockLost(fleet: string, hold: Hold, now: Holder | undefined): DeploymentError {
  const who =
    now === undefined ? 'nobody holds it now' : `${now.holder} does, with generation ${now.generation}`;
  return new DeploymentError(
    'LockLost',
    `${hold.holder} (generation ${hold.generation}) no longer holds the lock of the fleet ${fleet}: ${who}. ` +
      'It must not touch the fleet again; look at what became of the fleet, not at this execution.',
  );
}

/** For a call that comes so late that its own execution has entered a later phase. */
export function tooLate(fleet: string, { holder }: Hold, phase: Phase, entered: Phase): DeploymentError {
  return new DeploymentError(
    'LockLost',
    `A call of ${holder} would enter the phase ${phase} of the fleet ${fleet}, which is in the phase ${entered} ` +
      'already. It comes late and changes nothing; look at what the execution does now.',
  );
}

/** For a step that Lambda runs twice: what the one run does must not meet what the other one does. */
export function otherRun(fleet: string, run: Run | undefined): DeploymentError {
  const until = run && ` and may act until ${run.until.toISOString()}`;
  return new DeploymentError(
    'ServiceUnavailable',
    `Another run of this step has begun on the fleet ${fleet}${until ?? ''}: this one waits for it.`,
  );
}

export function cancelled(
  fleet: string,
  phase: Phase,
  { by, at }: { by: string; at: Date },
): DeploymentError {
  return new DeploymentError(
    'Cancelled',
    `${by} cancelled the deployment of the fleet ${fleet} at ${at.toISOString()}, before the phase ${phase}. ` +
      'It undoes itself: wait until it has ended.',
  );
}

/** @throws InvalidInput when the holder's document is larger than a row can hold. */
export function assertDocumentFits(fleet: string, document: string): void {
  assertFits(`The document of the deployment of ${fleet}`, document, MAX_DOCUMENT_BYTES);
}

/** @throws InvalidInput when the input of a pending request is larger than a row can hold. */
export function assertRequestFits(fleet: string, { id, input }: PendingRequest): void {
  assertFits(`The input of ${id}, which waits for the fleet ${fleet},`, input, MAX_PENDING_INPUT_BYTES);
}

/** As the row keeps it, compressed. */
const debtBytes = (debts: readonly Debt[]): number => gzipSync(JSON.stringify(debts)).length;

export const debtsFit = (debts: readonly Debt[]): boolean => debtBytes(debts) <= MAX_DEBT_BYTES;

/** @throws InvalidInput when what is owed is larger than a row can hold: who owes keeps what fits. */
export function assertDebtsFit(fleet: string, debts: readonly Debt[]): void {
  const bytes = debtBytes(debts);
  if (bytes > MAX_DEBT_BYTES)
    throw new DeploymentError(
      'InvalidInput',
      `What is owed of ${fleet} has ${bytes} bytes; the ledger keeps at most ${MAX_DEBT_BYTES}.`,
    );
}

function assertFits(what: string, text: string, limit: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return;
  throw new DeploymentError(
    'InvalidInput',
    `${what} has ${bytes} bytes; the ledger keeps at most ${limit}. Start the deployment with less in its input.`,
  );
}
