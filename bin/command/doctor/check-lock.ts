/** Is the fleet free for its next deployment? */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { judgeLock } from '../../../lambdas/domain/lock/orphans.ts';
import type { ExecutionState } from '../../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import { CLEAN_UP_MINUTES } from '../unlocking.ts';
import { momentAgo } from '../wording.ts';
import { given } from './answer.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { irekae } from './mending.ts';
import type { Check } from './subject.ts';

export const checkLock: Check = ({ row, holder, now }, { fleet: { name } }) =>
  given('lock', 'the lock', [row, holder], (found, state) => [
    lockFinding(name, found, state, now),
    ...waiting(name, found),
  ]);

function lockFinding(fleet: string, row: LedgerRow | undefined, state: ExecutionState, now: Date): Finding {
  const { held } = row ?? {};
  if (!held) return ok('lock', row ? 'the lock is free' : 'the lock is free; the fleet was never deployed');
  const who = `${executionName(held.holder)} (by ${held.startedBy}, ${momentAgo(held.since, now)})`;
  const mend = [irekae('unlock', fleet)];
  if (held.needsHuman !== undefined)
    return problem(
      'lock',
      `the lock waits for a human, and no deployment starts until then: ${held.needsHuman}`,
      {
        mend,
      },
    );
  if (judgeLock(row, state, now).act === 'clean-up')
    return warning(
      'lock',
      `the holder of the lock has ended without freeing it: ${who}; the clean-up comes by itself within ${CLEAN_UP_MINUTES} minutes`,
      { mend },
    );
  return ok('lock', `a deployment runs: ${who}, in the phase ${held.phase}`);
}

function waiting(fleet: string, row: LedgerRow | undefined): Finding[] {
  if (row?.pending === undefined || row.held) return [];
  return [
    warning(
      'waiting-version',
      `version ${row.pending.versionId} waits although the lock is free; it is started by itself within ${CLEAN_UP_MINUTES} minutes`,
      { mend: [irekae('unlock', fleet)] },
    ),
  ];
}

/** Does a deployment change the fleet at this moment? Then its hosts are its business. */
export function isBeingDeployed({ row, holder, now }: Facts): boolean {
  if (!row.known || !row.value?.held || !holder.known) return false;
  return row.value.held.needsHuman === undefined && judgeLock(row.value, holder.value, now).act === 'nothing';
}
