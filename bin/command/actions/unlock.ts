/**
 * `irekae unlock`: shows who holds a fleet's lock and what happened to it; releases the lock of a dead holder that left
 * the rest to a human, or starts the clean-up for any other.
 */

import { byHandName, COMMAND } from '../../../lambdas/domain/core/names.ts';
import { isPastNoReturn } from '../../../lambdas/domain/core/steps.ts';
import { deadSince, isChange } from '../../../lambdas/domain/lock/dead-holders.ts';
import { startPending } from '../../../lambdas/domain/lock/pending.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import { orElse } from '../attempt.ts';
import { byHandLines } from '../by-hand.ts';
import { type Command, executionArn, machineArn, type Task } from '../command.ts';
import { cancelledBy, type Held, heldFacts, startOf } from '../holder.ts';
import { findLeftovers, type Leftovers, leftoversLines } from '../leftovers.ts';
import { flag, YES } from '../options.ts';
import { done, failed, notAgreed, type Outcome } from '../outcome.ts';
import { CLEAN_UP_MINUTES, decideUnlock, type UnlockDecision } from '../unlocking.ts';
import { type Detail, details, executionWords, momentAgo, waiting } from '../wording.ts';

export const unlock: Command = {
  name: 'unlock',
  summary: 'show who holds the lock, and release it if its holder is dead',
  description: [
    'Shows who holds the fleet’s lock, whether it is running, and what still exists of it. Releases the lock when the',
    'holder has ended and left the rest to a human (StoppedHalfway, RollbackFailed), and starts the version that is',
    'waiting, if any. No host is touched. Where the clean-up can undo or finish the rest, it offers to start that.',
    'Refuses while the holder is running, or while a function of it may be.',
    'Exit codes: 0 the lock is free, or the clean-up was started; 1 not possible, or not confirmed; 2 bad usage.',
  ],
  options: [
    YES,
    flag(
      'abandon',
      'release the lock although the clean-up could undo or finish: what was left stays as it is',
    ),
  ],
  run: unlockFleet,
};

async function unlockFleet(task: Task): Promise<Outcome> {
  const look = await lookAtTheLock(task);
  const { decision, row } = look;
  const leftovers = row?.held && (await findLeftovers(task, row.held));
  task.show(lockLines(task, look, leftovers));
  const facts = lockFacts(look, leftovers);
  if (decision.verdict === 'free') return done('free', [], facts);
  if (decision.verdict === 'refuse') return failed('refused', [], facts);
  if (!(await task.agrees(question(decision, task.fleet.name))))
    return notAgreed(task.options.abandon ? 'unlock --abandon' : 'unlock', task.fleet.name, facts);
  // A person may have taken long to answer.
  const again = await lookAtTheLock(task);
  if (hasChanged(look, again)) return changedMeanwhile(facts);
  const outcome = await act(task, again);
  return { ...outcome, facts: outcome.facts ?? facts };
}

async function lookAtTheLock({ ports, fleet, options }: Task) {
  const row = await ports.ledger.read(fleet.name);
  const state = row?.held ? await ports.executions.status(row.held.holder) : ({ state: 'unknown' } as const);
  const now = ports.clock.now();
  return { row, state, now, decision: decideUnlock(row, state, now, options) };
}
type Look = Awaited<ReturnType<typeof lookAtTheLock>>;

const hasChanged = (before: Look, now: Look): boolean =>
  before.decision.verdict !== now.decision.verdict ||
  before.row?.held?.holder !== now.row?.held?.holder ||
  before.row?.generation !== now.row?.generation;

const CHANGED = 'The lock has changed meanwhile: nothing was done. Run the command again.';
const changedMeanwhile = (facts: object): Outcome => failed('changed', [CHANGED], facts);

// ── Acting ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function act(task: Task, { row, state, decision, now }: Look): Promise<Outcome> {
  if (!row?.held) return { ...(await startWhatWaits(task)), outcome: 'started' };
  if (decision.verdict === 'clean-up') return startCleanUp(task, row.held, now);
  return freeTheLock(task, row.held, deadSince(row.held, state, now) ?? now);
}

async function freeTheLock(task: Task, held: Held, diedAt: Date): Promise<Outcome> {
  const { ledger } = task.ports;
  const holder = executionArn(task, `unlocked-by-hand-${held.generation}`);
  const hold = await ledger.takeOver(task.fleet.name, held, holder, diedAt);
  if (!hold) return changedMeanwhile({});
  await ledger.release(task.fleet.name, hold);
  return startWhatWaits(task);
}

/** The lock is free now: a failed start is reported, and the clean-up repeats it. */
async function startWhatWaits(task: Task): Promise<Outcome> {
  const starting = startPending(task.fleet.name, executionArn(task, 'by-hand'), task.ports);
  const told = starting.then((pending) =>
    pending
      ? `Started what was waiting: ${waiting(pending)}.`
      : 'Nothing is waiting: upload, or start a deployment.',
  );
  const later = `The clean-up starts it within ${CLEAN_UP_MINUTES} minutes.`;
  const next = await orElse(
    told,
    ({ message }) => `What is waiting could not be started: ${message} ${later}`,
  );
  return done('unlocked', [`The lock is free. ${next}`]);
}

async function startCleanUp(task: Task, held: Held, now: Date): Promise<Outcome> {
  const cleanUp = machineArn(task, 'clean-up');
  // A new name each time: a name can be started only once, however it ended.
  const name = byHandName(held.generation, now.getTime());
  await task.ports.executions.start(cleanUp, name, '{}');
  return done('clean-up-started', [
    'The clean-up was started; it releases the lock when it is done.',
    `To see how it ends:  ${COMMAND} watch ${task.fleet.name}`,
  ]);
}

// ── Saying ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function question({ verdict }: UnlockDecision, fleet: string): string {
  if (verdict === 'clean-up') return `Start the clean-up of ${fleet} now?`;
  return verdict === 'start' ? 'Start it now?' : `Unlock ${fleet}?`;
}

function lockLines(task: Task, look: Look, leftovers: Leftovers | undefined): string[] {
  const { fleet } = task;
  const { row, decision } = look;
  if (!row?.held) return [`${fleet.name}: ${decision.reason}`];
  return [
    `${fleet.name}: the lock is held.`,
    ...details(holderRows(row.held, look)),
    ...(leftovers ? ['', ...leftoversLines(leftovers), ...byHandLines(task, row.held, leftovers)] : []),
    '',
    decision.reason,
    ...(decision.verdict === 'unlock' ? consequences(row) : []),
  ];
}

function holderRows(held: Held, { row, state, now }: Look): Detail[] {
  const { holder, phase, needsHuman } = held;
  const pending = row?.pending;
  const [since, ...start] = startOf(held, now);
  const ofExecution: Detail[] = [
    ['execution', executionWords(state, now)],
    ['phase', `${phase}${isPastNoReturn(phase) ? ' (past the point of no return)' : ''}`],
    since,
    ...start,
  ];
  return [
    ['holder', holder],
    ...(isChange(held, state) ? [since] : ofExecution),
    cancelledBy(held, now),
    ['needs a human', needsHuman],
    ['waiting', pending && `${waiting(pending)}, since ${momentAgo(pending.since, now)}`],
  ];
}

const consequences = (row: LedgerRow): string[] => [
  'Unlocking releases the lock and touches no host: what is listed above stays as it is. The next deployment replaces',
  'every host that carries the fleet’s tag and is in Mackerel under its role, old or new.',
  row.pending
    ? `That is the one that is waiting, ${waiting(row.pending)}: it starts at once.`
    : 'None is waiting; the next upload starts it.',
];

const lockFacts = ({ row, state, decision }: Look, leftovers: Leftovers | undefined): object => ({
  reason: decision.reason,
  ...(row?.held && { held: heldFacts(row.held), execution: state }),
  waits: row?.pending && { versionId: row.pending.versionId, since: row.pending.since },
  leftovers,
});
