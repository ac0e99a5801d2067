/** `irekae release`: lifts a fleet's hold, and says what was refused because of it. */

import { holdAt, holdSentence, whyOnHold } from '../../../lambdas/domain/release/hold.ts';
import type { LedgerRow, OnHold } from '../../../lambdas/ports/ledger.ts';
import type { Command, Task } from '../command.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { refusedMeanwhile } from '../refused-meanwhile.ts';

export const release: Command = {
  name: 'release',
  summary: 'lift the hold of the fleet, and list what it refused',
  description: [
    'Lifts the hold: deployments of the fleet start again. What was refused meanwhile is not started automatically; it is',
    'listed, with the commands that start it, also of a hold that has ended by itself.',
    'Exit codes: 0 not on hold (anymore); 1 not possible; 2 bad usage.',
  ],
  options: [],
  run: releaseFleet,
};

async function releaseFleet(task: Task): Promise<Outcome> {
  const { fleet, ports } = task;
  const row = await ports.ledger.read(fleet.name);
  const onHold = holdAt(row, ports.clock.now());
  if (!onHold) return notOnHold(task, row);
  if (!(await ports.ledger.liftHold(fleet.name, onHold))) return overtaken(task);
  return released(task, onHold, [`Lifted: ${whyOnHold(onHold)}. Deployments of ${fleet.name} start again.`]);
}

async function released(task: Task, lifted: OnHold, head: readonly string[]): Promise<Outcome> {
  const { lines, facts } = await refusedMeanwhile(task, lifted);
  return done('released', [...head, ...lines], { lifted, ...facts });
}

/** Of one that has ended by itself people come to see what it has left. */
async function notOnHold(task: Task, row: LedgerRow | undefined): Promise<Outcome> {
  const none = `${task.fleet.name} is not on hold: there is nothing to lift.`;
  if (!row?.onHold) return done('not-on-hold', [none]);
  const { lines, facts } = await refusedMeanwhile(task, row.onHold);
  const ended = `Its last hold has ended by itself: ${holdSentence(row.onHold)}.`;
  return done('not-on-hold', [none, ended, ...lines], facts);
}

/** Between our look and our write somebody has put it on hold anew: whoever lifts that knows why it stands. */
async function overtaken({ fleet, ports }: Task): Promise<Outcome> {
  const onHold = holdAt(await ports.ledger.read(fleet.name), ports.clock.now());
  if (!onHold) return done('released', [`${fleet.name} is not on hold anymore: somebody else was quicker.`]);
  const lines = [
    `Another hold stands by now: ${holdSentence(onHold)}.`,
    'Run the command again if you mean that one.',
  ];
  return failed('changed', lines, { onHold });
}
