/** The environment's ledger: the stack tells each function that asks it the name of the table. */
import { DeploymentError } from '../domain/errors.ts';
import { liveLedger as ledgerOf } from './ledger.ts';
import type { Ledger } from './ports.ts';

/** Name of the variable; the stack sets it. */
export const LEDGER_TABLE_VARIABLE = 'IREKAE_LEDGER_TABLE';

export function liveLedger(): Ledger {
  const tableName = process.env[LEDGER_TABLE_VARIABLE];
  if (tableName) return ledgerOf(tableName);
  throw new DeploymentError(
    'ServiceRefused',
    `The ledger cannot be asked: the variable ${LEDGER_TABLE_VARIABLE} is not set. Deploy the stack again.`,
  );
}
