/** `irekae cancel`: asks the deployment that holds the fleet's lock to undo itself. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { deadSince } from '../../../lambdas/domain/lock/lock.ts';
import type { ExecutionState } from '../../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import { type Command, callerName, type Outcome, type Task } from '../command.ts';
import { CLEAN_UP_MINUTES } from '../unlocking.ts';
import { momentAgo, waiting } from '../wording.ts';

type Held = NonNullable<LedgerRow['held']>;

export const cancel: Command = {
  name: 'cancel',
  summary: 'have the running deployment undo itself',
  description: [
    'Asks the deployment that holds the fleet’s lock to undo itself. It works until the first old host is',
    'terminated; from then on a deployment is only ever finished.',
    'Exit codes: 0 requested (or it undoes itself already), 1 not possible, 2 bad usage.',
  ],
  options: [{ name: 'reason', takes: 'TEXT', meaning: 'why; it stands in the error of the deployment' }],
  run: cancelDeployment,
};

async function cancelDeployment(task: Task): Promise<Outcome> {
  const { ledger, executions, clock } = task.ports;
  const row = await ledger.read(task.fleet.name);
  const { held } = row ?? {};
  if (!held) return nothingRuns(row, task);
  const state = await executions.status(held.holder);
  const settled = withoutRequest(held, state, clock.now(), task.fleet.name);
  if (settled) return { ...settled, facts: facts(held, row) };
  const { reason } = task.options;
  const by = `${callerName(task.caller)}${reason === undefined ? '' : ` (${reason})`}`;
  if (await ledger.requestCancel(task.fleet.name, held.holder, by))
    return requested(held, row, by, task.fleet.name);
  return await passedUs(task);
}

/** Where a request would find nobody, or is not needed anymore. */
function withoutRequest(held: Held, state: ExecutionState, now: Date, fleet: string): Outcome | undefined {
  const who = executionName(held.holder);
  if (deadSince(held, state, now)) {
    const next =
      held.needsHuman === undefined
        ? `The clean-up undoes or finishes what it left by itself, within ${CLEAN_UP_MINUTES} minutes.`
        : 'It left the rest to a human.';
    return {
      exitCode: 1,
      outcome: 'ended-already',
      lines: [
        `${who} has ended already: there is nobody left to ask. ${next}`,
        `See: irekae unlock ${fleet}`,
      ],
    };
  }
  if (held.phase === 'remove') return tooLate(held, fleet);
  if (held.phase === 'undo')
    return {
      exitCode: 0,
      outcome: 'undoing-already',
      lines: [`${who} undoes itself already: nothing to cancel. Wait until it has ended.`],
    };
  if (held.cancel)
    return {
      exitCode: 0,
      outcome: 'requested-already',
      lines: [
        `${held.cancel.by} asked for it already, ${momentAgo(held.cancel.at, now)}: ${who} undoes itself.`,
      ],
    };
  return undefined;
}

function requested(held: Held, row: LedgerRow | undefined, by: string, fleet: string): Outcome {
  const who = executionName(held.holder);
  const undone =
    held.phase === 'agree'
      ? 'It has changed nothing yet: it ends as Cancelled.'
      : 'The deployment undoes itself and ends as Cancelled: the old hosts serve, what it launched is removed.';
  return {
    exitCode: 0,
    outcome: 'requested',
    lines: [
      `Asked ${who} to undo itself (phase ${held.phase}), by ${by}.`,
      `This is seen within one look. ${undone}`,
      ...afterwards(row),
      `To see how it ends:  irekae watch ${fleet}`,
    ],
    facts: { ...facts(held, row), by },
  };
}

const tooLate = (held: Held, fleet: string): Outcome => ({
  exitCode: 1,
  outcome: 'too-late',
  lines: [
    `Too late: ${executionName(held.holder)} has passed the point of no return (phase remove) and is finished, not undone.`,
    'The new hosts were ready and watched before. To go back to the release before, which waits for its turn:',
    `  irekae rollback ${fleet} --reason TEXT --wait`,
  ],
});

function nothingRuns(row: LedgerRow | undefined, { fleet }: Task): Outcome {
  const waits = row?.pending
    ? [
        `What waits is started within ${CLEAN_UP_MINUTES} minutes; cancel it then. It is ${waiting(row.pending)}.`,
      ]
    : [];
  const never = row === undefined ? ' (it was never deployed)' : '';
  return {
    exitCode: 1,
    outcome: 'nothing-runs',
    lines: [`No deployment of ${fleet.name} runs${never}: nothing to cancel.`, ...waits],
    facts: { ...(row?.pending && { waits: row.pending.versionId }) },
  };
}

/** The request was refused: between our look and the request the deployment went on. */
async function passedUs(task: Task): Promise<Outcome> {
  const row = await task.ports.ledger.read(task.fleet.name);
  if (!row?.held) return nothingRuns(row, task);
  if (row.held.phase === 'remove')
    return { ...tooLate(row.held, task.fleet.name), facts: facts(row.held, row) };
  return {
    exitCode: 1,
    outcome: 'changed',
    lines: [
      `Another deployment holds the lock of ${task.fleet.name} by now: ${executionName(row.held.holder)}.`,
      'Nothing was requested. Run the command again if that one is meant.',
    ],
    facts: facts(row.held, row),
  };
}

const afterwards = (row: LedgerRow | undefined): string[] =>
  row?.pending ? [`Then what waits is deployed, ${waiting(row.pending)}; this does not cancel it.`] : [];

const facts = (held: Held, row: LedgerRow | undefined): object => ({
  execution: held.holder,
  phase: held.phase,
  startedBy: held.startedBy,
  ...(row?.pending && { waits: row.pending.versionId }),
});
