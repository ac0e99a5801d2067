/**
 * The fence: nothing is changed by an execution that does not hold the fleet's lock (anymore). A late step of a dead
 * execution, or one that somebody redrives, finds another holder or another generation in the ledger and stops here.
 */

import type { Entering, LedgerRow, Phase } from '../../ports/ledger.ts';
import type { Ports } from '../../ports/ports.ts';
import { type Deployment, holdOf } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { lockLost } from '../core/ledger-refusals.ts';

type Fenced = Pick<Ports, 'ledger'>;

/** @throws LockLost */
export async function assertHoldsLock(deployment: Deployment, { ledger }: Fenced): Promise<Held> {
  return (await rowOfHolder(deployment, { ledger })).held;
}

type Held = NonNullable<LedgerRow['held']>;

/** @returns the lock as the ledger has it; `undefined`: this deployment does not hold it */
export function heldBy(deployment: Deployment, row: LedgerRow | undefined): Held | undefined {
  const { holder, generation } = holdOf(deployment);
  const held = row?.held;
  return held?.holder === holder && held.generation === generation ? held : undefined;
}

async function rowOfHolder(deployment: Deployment, { ledger }: Fenced): Promise<LedgerRow & { held: Held }> {
  const row = await ledger.read(deployment.fleet.name);
  const held = heldBy(deployment, row);
  if (row && held) return { ...row, held };
  throw lockLost(deployment.fleet.name, holdOf(deployment), row?.held);
}

/**
 * @returns what the ledger says
 * @throws LockLost; Cancelled when somebody asked for it: seen within one look.
 */
export async function assertMayGoOn(
  deployment: Deployment,
  ports: Fenced,
): Promise<LedgerRow & { held: Held }> {
  const row = await rowOfHolder(deployment, ports);
  const { cancel } = row.held;
  if (cancel)
    throw new DeploymentError(
      'Cancelled',
      `${cancel.by} cancelled the deployment at ${cancel.at.toISOString()}.`,
    );
  return row;
}

/**
 * Says in the ledger that a phase begins, before its first call is made, with the document that a clean-up would work
 * from.
 * @throws LockLost; Cancelled for a phase that goes forward; ServiceUnavailable while another run may be at work.
 */
export async function enterPhase(
  phase: Phase,
  deployment: Deployment,
  { ledger }: Fenced,
  under?: Entering,
): Promise<void> {
  // What a hook answered may be of any size, and whoever cleans up has no use for it.
  const { hookAnswer: _, ...document } = deployment;
  await ledger.enter(deployment.fleet.name, holdOf(deployment), phase, JSON.stringify(document), under);
}
