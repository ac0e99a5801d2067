/**
 * State *Take the fleet lock*: one deployment per fleet. A start that finds the lock held leaves its request in the one
 * pending slot and ends as a success, or is superseded by a newer one that waits there; if the holder is dead, it sends
 * for the clean-up. A record that an earlier deployment owes is written first. A dry run needs no lock, nor does who only
 * tells the deployment that holds it to go on, or to undo itself.
 */

import { liveArtifacts } from './clients/artifacts.ts';
import { liveExecutions } from './clients/executions.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveRecords } from './clients/records.ts';
import type { Deployment, Lock } from './domain/core/document.ts';
import { assertThroughTheDoor } from './domain/core/door.ts';
import { DeploymentError } from './domain/core/errors.ts';
import type { Fleet } from './domain/core/fleet.ts';
import { startedBy } from './domain/core/input.ts';
import { defineStep } from './domain/core/step.ts';
import { payBeforeReading, recordPayer } from './domain/lock/debts.ts';
import { tellHolder, wordOf } from './domain/lock/told.ts';
import { waitForTurn } from './domain/lock/wait-for-turn.ts';
import { assertOwnKey } from './domain/release/release-choice.ts';
import type { Hold, LedgerRow } from './ports/ledger.ts';
import type { Ports } from './ports/ports.ts';

/** The lock may become free, or the slot be taken, between reading and writing: so often, and then it is asked again. */
const TRIES = 5;

type LockPorts = Pick<Ports, 'ledger' | 'executions' | 'artifacts' | 'records' | 'clock'>;

export const takeTheFleetLock = defineStep(
  'take-the-fleet-lock',
  [],
  async (deployment: Deployment, ports: LockPorts): Promise<Lock> => {
    const { fleet, input, execution } = deployment;
    assertOwnKey(fleet, input);
    await assertThroughTheDoor('deploy', deployment, ports);
    const nobody = { holder: execution.id, generation: 0 };
    const word = wordOf(input);
    if (word) return { ...nobody, ...(await tellHolder(word, deployment, ports)) };
    if (input.dryRun) return { ...nobody, verdict: 'not-needed', reason: 'a dry run changes nothing' };
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const claim = {
        holder: execution.id,
        startedBy: startedBy(input),
        ...(input.reason && { why: input.reason }),
      };
      // At once: what is owed delays nobody who owes nothing.
      const [hold, row] = await Promise.all([
        ports.ledger.take(fleet.name, claim),
        ports.ledger.read(fleet.name),
      ]);
      if (hold) {
        await payRecords(fleet, hold, row, ports);
        return {
          ...hold,
          verdict: 'taken',
          reason: `lock of ${fleet.name} taken, generation ${hold.generation}`,
        };
      }
      const waiting = row?.held && (await waitForTurn(deployment, row.held, row.pending, ports));
      if (waiting) return { ...nobody, ...waiting };
    }
    throw new DeploymentError(
      'ServiceUnavailable',
      `The lock of ${fleet.name} changed hands ${TRIES} times while this deployment tried to take it.`,
    );
  },
);

/** Nobody knows yet that the lock is held: who cannot go on lets go of it. */
async function payRecords(
  { name, artifact }: Fleet,
  hold: Hold,
  before: LedgerRow | undefined,
  ports: LockPorts,
): Promise<void> {
  try {
    // Read while another one still held the lock, it may lack what that one owes.
    const isOwn = before?.held === undefined || before.held.holder === hold.holder;
    const row = isOwn ? before : await ports.ledger.read(name);
    if (row) await payBeforeReading(row, recordPayer(ports, artifact.bucket), ports);
  } catch (error) {
    await ports.ledger.release(name, hold);
    throw error;
  }
}

export const handler = lambdaHandler(takeTheFleetLock, () => ({
  artifacts: liveArtifacts(),
  records: liveRecords(),
  ledger: liveLedger(),
  executions: liveExecutions(),
  clock: systemClock,
}));
