/**
 * State *Take over the lock* of the clean-up: is the holder dead, can nothing of it be in flight anymore, and what has
 * to be done about what it left? Takes the lock over, so that nobody else does the same at the same time.
 */
import { liveExecutions } from './clients/executions.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import type { Deployment, TakeOver } from './domain/core/document.ts';
import { defineStep } from './domain/core/step.ts';
import { deadSince, decideCleanUp, type WorkLeft, workLeftOf } from './domain/lock/lock.ts';
import { startPending } from './domain/record/write-records.ts';
import type { LedgerRow } from './ports/ledger.ts';
import type { Ports } from './ports/ports.ts';

type Registry = Pick<Ports, 'ledger' | 'executions' | 'clock'>;

/** A clean-up that waits for functions in flight looks again after this long at the latest. */
const MOST_WAIT_SECONDS = 60;

export const takeOverTheLock = defineStep(
  'take-over-the-lock',
  [],
  async (deployment: Deployment, ports: Registry): Promise<TakeOver> => {
    const { fleet, execution } = deployment;
    const row = await ports.ledger.read(fleet.name);
    // Taken over by this very execution before, and the answer was lost.
    if (row?.held?.holder === execution.id) return goOn(deployment, row.held, ports.clock.now());
    const state = row?.held
      ? await ports.executions.status(row.held.holder)
      : ({ state: 'unknown' } as const);
    const { ready, verdict, reason, waitSeconds = 1 } = decideCleanUp(row, state, ports.clock.now());
    const nextLookInSeconds = Math.max(1, Math.min(MOST_WAIT_SECONDS, Math.ceil(waitSeconds)));
    if (!row?.held) {
      const next = await startPending(fleet.name, execution.id, ports);
      const deploys = next ? `; version ${next.versionId}, which waited, is deployed now` : '';
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
    return goOn(deployment, { ...row.held, ...hold }, ports.clock.now());
  },
);

type Held = NonNullable<LedgerRow['held']>;

/** The dead deployment's document, with the clean-up's execution as the one that acts. */
function goOn(cleanUp: Deployment, held: Held, now: Date): TakeOver {
  const holder = cleanUp.execution.id;
  const verdict = workLeftOf(held);
  const stopped = `Its execution ended in the phase ${held.phase} without an ending of its own: somebody stopped it, or it ran out of time.`;
  // A holder that never left *Agree* wrote nothing down: the clean-up's own document is enough to let go of its lock.
  const document: Partial<Deployment> =
    held.document === undefined ? cleanUp : (JSON.parse(held.document) as Deployment);
  // The first error is what counts: an undo that was cut off goes on under its name.
  const failure = document.failure ?? { Error: 'Stopped', Cause: stopped };
  return {
    ready: true,
    verdict,
    reason: `${DOING[verdict]} in the phase ${held.phase}`,
    nextLookInSeconds: 1,
    document: {
      ...document,
      ...waitsAnew(document, now),
      lock: {
        verdict: 'taken',
        holder,
        generation: held.generation,
        reason: 'taken over from a dead holder',
      },
      ...(verdict === 'undo' && { failure }),
    },
  };
}

/** The dead holder's waits are over: those that go on keep what they remember, and have their whole time again. */
function waitsAnew({ termination, putBack, removal }: Partial<Deployment>, now: Date) {
  const since = now.toISOString();
  return {
    ...(termination && { termination: { ...termination, since } }),
    ...(putBack && { putBack: { ...putBack, since } }),
    ...(removal && { removal: { ...removal, since } }),
  };
}

/** Each goes on with "in the phase …". */
const DOING = {
  undo: 'undoing what a dead holder left',
  finish: 'finishing what a dead holder left',
  release: 'letting go of the lock of a holder that changed nothing: it died',
  human: 'a human has to decide about what a dead holder left',
} as const satisfies Readonly<Record<WorkLeft, string>>;

export const handler = lambdaHandler(takeOverTheLock, () => ({
  ledger: liveLedger(),
  executions: liveExecutions(),
  clock: systemClock,
}));
