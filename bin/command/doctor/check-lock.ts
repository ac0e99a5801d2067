/** Is the fleet's lock free for the next deployment? */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { isChange } from '../../../lambdas/domain/lock/dead-holders.ts';
import { debtSentence } from '../../../lambdas/domain/lock/debts.ts';
import { judgeLock } from '../../../lambdas/domain/lock/orphans.ts';
import { holdAt, holdSentence } from '../../../lambdas/domain/release/hold.ts';
import type { ExecutionState } from '../../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import { closedByChange, opensAgain } from '../changing.ts';
import { isNew } from '../holder.ts';
import { irekae } from '../typed.ts';
import { CLEAN_UP_MINUTES } from '../unlocking.ts';
import { momentAgo } from '../wording.ts';
import { type Check, check, type Subject } from './check.ts';
import type { Facts } from './facts.ts';
import type { Finding } from './finding.ts';

const lock = check('lock');
const waitingVersion = check('waiting-version');
const stillOwed = check('owed');
const onHold = check('hold');

export const checkLock: Check = ({ row, holder, now }, { fleet }) =>
  lock.given('the lock', [row, holder], (found, state) => [
    lockFinding(fleet, found, state, now),
    ...waiting(fleet.name, found),
    ...owed(found),
    ...standing(fleet.name, found, now),
  ]);

function lockFinding(
  fleet: Subject['fleet'],
  row: LedgerRow | undefined,
  state: ExecutionState,
  now: Date,
): Finding {
  const { held } = row ?? {};
  if (!held)
    return lock.ok(!isNew(row) ? 'the lock is free' : 'the lock is free; the fleet was never deployed');
  if (isChange(held, state)) return lock.warning(closedByChange(held, now), opensAgain(fleet, held, now));
  const who = `${executionName(held.holder)} (by ${held.startedBy}, as the start says, ${momentAgo(held.since, now)})`;
  const mend = irekae('unlock', fleet.name);
  const { needsHuman } = held;
  if (needsHuman !== undefined)
    return lock.problem(
      `the lock is kept for a human, and no deployment starts until it is released: ${needsHuman}`,
      mend,
    );
  if (judgeLock(row, state, now).act === 'clean-up')
    return lock.warning(
      `the holder of the lock has ended without releasing it: ${who}; the clean-up starts automatically within ${CLEAN_UP_MINUTES} minutes`,
      mend,
    );
  return lock.ok(`a deployment is running: ${who}, in the phase ${held.phase}`);
}

function waiting(fleet: string, row: LedgerRow | undefined): Finding[] {
  if (row?.pending === undefined || row.held) return [];
  const { versionId } = row.pending;
  const told = `version ${versionId} is waiting although the lock is free; it starts automatically within ${CLEAN_UP_MINUTES} minutes`;
  return [waitingVersion.warning(told, irekae('unlock', fleet))];
}

/** What the orphan watch makes up for, as soon as it can. */
const owed = (row: LedgerRow | undefined): Finding[] =>
  (row?.owed?.debts ?? []).map((debt) =>
    stillOwed.warning(
      `still owed since ${debt.since}: ${debtSentence(debt)}`,
      `It is made up for by itself within ${CLEAN_UP_MINUTES} minutes, unless Mackerel or the bucket refuses: see "Something is still owed" in docs/runbook.md.`,
    ),
  );

/** Meant so, but easily forgotten. */
function standing(fleet: string, row: LedgerRow | undefined, now: Date): Finding[] {
  const hold = holdAt(row, now);
  return hold
    ? [onHold.warning(`no deployment starts: on hold: ${holdSentence(hold)}`, irekae('release', fleet))]
    : [];
}

/** Is a deployment changing the fleet right now? Then its hosts are left to it. */
export function isBeingDeployed({ row, holder, now }: Facts): boolean {
  if (!row.known || !row.value?.held || !holder.known) return false;
  const { held } = row.value;
  if (isChange(held, holder.value)) return false;
  return held.needsHuman === undefined && judgeLock(row.value, holder.value, now).act === 'nothing';
}
