/**
 * State *Take over the lock* of the clean-up: is the holder dead, can nothing of it be in flight anymore, and what has
 * to be done about what it left? Takes the lock over, so that nobody else does the same at the same time.
 */

import { liveExecutions } from './clients/executions.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import type { Deployment, TakeOver } from './domain/core/document.ts';
import { defineStep } from './domain/core/step.ts';
import { deadSince, decideCleanUp, goOnWith } from './domain/lock/dead-holders.ts';
import { anyInFlight, type InFlight, lookAtInFlight } from './domain/lock/in-flight.ts';
import { startPending, wantedBy } from './domain/lock/pending.ts';
import type { ExecutionState } from './ports/executions.ts';
import type { LedgerRow } from './ports/ledger.ts';
import type { Ports } from './ports/ports.ts';

type Held = NonNullable<LedgerRow['held']>;
type LockPorts = Pick<Ports, 'ledger' | 'executions' | 'clock'>;

/** A clean-up that waits looks again after this long at the latest: the newest events of a history may be missing yet. */
const MOST_WAIT_SECONDS = 5;

export const takeOverTheLock = defineStep(
  'take-over-the-lock',
  [],
  async (deployment: Deployment, ports: LockPorts): Promise<TakeOver> => {
    const { fleet, execution } = deployment;
    const row = await ports.ledger.read(fleet.name);
    // Taken over by this very execution before, and the answer was lost.
    if (row?.held?.holder === execution.id) return goOnWith(deployment, row.held, ports.clock.now());
    const state = row?.held
      ? await ports.executions.status(row.held.holder)
      : ({ state: 'unknown' } as const);
    const inFlight = row?.held && (await inFlightOf(row.held, state, ports));
    const decision = decideCleanUp(row, state, ports.clock.now(), inFlight);
    const { ready, verdict, reason, waitSeconds = 1 } = decision;
    const nextLookInSeconds = Math.max(1, Math.min(MOST_WAIT_SECONDS, Math.ceil(waitSeconds)));
    if (!row?.held) {
      const next = await startPending(fleet.name, execution.id, ports);
      const deploys = next ? `; ${wantedBy(next)} waited and is deployed now` : '';
      return { ready, verdict, reason: `${reason}${deploys}`, nextLookInSeconds };
    }
    if (verdict === 'nothing' || verdict === 'wait') return { ready, verdict, reason, nextLookInSeconds };
    if (verdict === 'human') {
      await ports.ledger.keepForHuman(fleet.name, row.held, reason);
      return { ready, verdict, reason, nextLookInSeconds };
    }
    const diedAt = deadSince(row.held, state, ports.clock.now()) ?? ports.clock.now();
    const hold = await ports.ledger.takeOver(fleet.name, row.held, execution.id, diedAt);
    if (!hold)
      return { ready: true, verdict: 'nothing', reason: 'somebody else takes care of it', nextLookInSeconds };
    return goOnWith(deployment, { ...row.held, ...hold }, ports.clock.now());
  },
);

/** The history is read only where it can say something: of a holder that has just died. */
async function inFlightOf(
  held: Held,
  state: ExecutionState,
  { executions, clock }: LockPorts,
): Promise<InFlight | undefined> {
  const now = clock.now();
  const dead = held.needsHuman === undefined ? deadSince(held, state, now) : undefined;
  if (!dead || now >= anyInFlight(dead).until) return undefined;
  return lookAtInFlight(held.holder, dead, { executions });
}

export const handler = lambdaHandler(takeOverTheLock, () => ({
  ledger: liveLedger(),
  executions: liveExecutions(),
  clock: systemClock,
}));
