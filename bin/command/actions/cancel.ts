/** `irekae cancel`: asks the deployment that holds the fleet's lock to undo itself. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { TOO_LATE_TO_CANCEL } from '../../../lambdas/domain/core/ledger-refusals.ts';
import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { actOf } from '../../../lambdas/domain/core/steps.ts';
import { deadSince } from '../../../lambdas/domain/lock/dead-holders.ts';
import type { ExecutionState } from '../../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import { closedLines } from '../changing.ts';
import { type Command, callerName, type Task } from '../command.ts';
import { deploymentHeldFor, type Held, isHeldUp, isNew } from '../holder.ts';
import { option } from '../options.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { irekae } from '../typed.ts';
import { CLEAN_UP_MINUTES } from '../unlocking.ts';
import { momentAgo, waiting } from '../wording.ts';

export const cancel: Command = {
  name: 'cancel',
  summary: 'have the running deployment undo itself',
  description: [
    'Asks the deployment that holds the fleet’s lock to undo itself. This works until the first old host is',
    'terminated; from then on a deployment can only be finished.',
    'Exit codes: 0 requested (or it is already undoing itself), 1 not possible, 2 bad usage.',
  ],
  options: [option('reason', 'TEXT', 'why; shown in the deployment’s error')],
  run: cancelDeployment,
};

async function cancelDeployment(task: Task): Promise<Outcome> {
  const { ledger, executions, clock } = task.ports;
  const row = await ledger.read(task.fleet.name);
  const { held } = row ?? {};
  if (!held) return nothingRuns(row, task);
  const state = await executions.status(held.holder);
  const closed = closedLines(task, held, state);
  if (closed) return failed('closed', closed, facts(held, row));
  const settled = withoutRequest(held, state, clock.now(), task.fleet.name);
  if (settled) return { ...settled, facts: facts(held, row) };
  const { reason } = task.options;
  const by = `${callerName(task.caller)}${reason === undefined ? '' : ` (${reason})`}`;
  if (await ledger.requestCancel(task.fleet.name, held.holder, by)) return requested(task, held, row, by);
  return await passedUs(task);
}

/** Where a request would reach nobody, or is no longer needed. */
function withoutRequest(held: Held, state: ExecutionState, now: Date, fleet: string): Outcome | undefined {
  const who = executionName(held.holder);
  if (deadSince(held, state, now)) return endedAlready(held, fleet);
  if (TOO_LATE_TO_CANCEL.includes(held.phase)) return tooLate(held, fleet);
  if (actOf(held.phase)?.cancel === 'undoes already')
    return done('undoing-already', [
      `${who} is already undoing itself: nothing to cancel. Wait until it has ended.`,
    ]);
  if (!held.cancel) return undefined;
  const { by, at } = held.cancel;
  return done('requested-already', [
    `Already requested by ${by}, ${momentAgo(at, now)}: ${who} is undoing itself.`,
  ]);
}

function endedAlready(held: Held, fleet: string): Outcome {
  const next =
    held.needsHuman === undefined
      ? `The clean-up undoes or finishes what it left automatically, within ${CLEAN_UP_MINUTES} minutes.`
      : 'It left the rest to a human.';
  return failed('ended-already', [
    `${executionName(held.holder)} has already ended: there is nothing to cancel. ${next}`,
    `See:  ${COMMAND} unlock ${fleet}`,
  ]);
}

function requested(
  { fleet, isLocal, ports }: Task,
  held: Held,
  row: LedgerRow | undefined,
  by: string,
): Outcome {
  const undone =
    actOf(held.phase)?.leaves === 'release'
      ? 'It has changed nothing yet: it ends as Cancelled.'
      : 'It undoes itself and ends as Cancelled: the old hosts are in service, and what it launched is terminated.';
  const lines = [
    `Asked ${executionName(held.holder)} to undo itself (phase ${held.phase}), by ${by}.`,
    `It notices this at its next look. ${undone}`,
    ...(row?.pending
      ? [
          `What is waiting is ${isHeldUp(row, ports.clock.now()) ? 'refused next, as the fleet is on hold' : 'deployed next'}, ${waiting(row.pending)}; this does not cancel it.`,
        ]
      : []),
    isLocal
      ? 'The modelled world, and the deployment with it, end here.'
      : `To see how it ends:  ${COMMAND} watch ${fleet.name}`,
  ];
  return done('requested', lines, { ...facts(held, row), by });
}

const tooLate = (held: Held, fleet: string): Outcome =>
  failed('too-late', [
    `Too late: ${executionName(held.holder)} has passed the point of no return (phase ${held.phase}) and is being finished, not undone.`,
    'The new hosts were ready, and were watched. To roll back to the release before (this waits for its turn):',
    `  ${irekae('rollback', fleet, '--reason', `instead of ${deploymentHeldFor(held)}`, '--wait')}`,
  ]);

function nothingRuns(row: LedgerRow | undefined, { fleet }: Task): Outcome {
  const never = isNew(row) ? ' (it was never deployed)' : '';
  const lines = [`No deployment of ${fleet.name} is running${never}: nothing to cancel.`];
  if (row?.pending)
    lines.push(
      `What is waiting, ${waiting(row.pending)}, starts within ${CLEAN_UP_MINUTES} minutes; cancel it then.`,
    );
  return failed('nothing-runs', lines, { waits: row?.pending?.versionId });
}

/** The request was refused: the deployment moved on between our look and the request. */
async function passedUs(task: Task): Promise<Outcome> {
  const { name } = task.fleet;
  const row = await task.ports.ledger.read(name);
  if (!row?.held) return nothingRuns(row, task);
  if (TOO_LATE_TO_CANCEL.includes(row.held.phase))
    return { ...tooLate(row.held, name), facts: facts(row.held, row) };
  const lines = [
    `Another deployment now holds the lock of ${name}: ${executionName(row.held.holder)}.`,
    'Nothing was requested. Run the command again if you mean that one.',
  ];
  return failed('changed', lines, facts(row.held, row));
}

const facts = ({ holder, phase, startedBy }: Held, row: LedgerRow | undefined): object => ({
  execution: holder,
  phase,
  startedBy,
  waits: row?.pending?.versionId,
});
