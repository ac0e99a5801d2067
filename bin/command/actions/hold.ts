/** `irekae hold`: no deployment of a fleet starts until somebody lifts the hold, or until a time. */

import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { A_REASON, saysWhy } from '../../../lambdas/domain/core/reason.ts';
import { actOf } from '../../../lambdas/domain/core/steps.ts';
import { isChange } from '../../../lambdas/domain/lock/dead-holders.ts';
import { holdAt, holdSentence } from '../../../lambdas/domain/release/hold.ts';
import type { LedgerRow, OnHold } from '../../../lambdas/ports/ledger.ts';
import { type Command, callerName, type Task } from '../command.ts';
import { deploymentHeldFor, isHeldUp } from '../holder.ts';
import { option } from '../options.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { aTime, momentIn } from '../until.ts';
import { waiting } from '../wording.ts';

export const hold: Command = {
  name: 'hold',
  summary: 'let no deployment of the fleet start for now',
  description: [
    'Puts the fleet on hold: whatever starts a deployment of it (an upload, a promotion, a new image, the fleet that it',
    'follows, a person) is refused as OnHold and is told who, why and until when. Nothing starts it automatically',
    'afterwards: release lists what was refused. A deployment that is running goes on: cancel undoes it. What cannot wait',
    'is started with --override hold. A fleet has one hold: a new one takes the place of the one before.',
    'Exit codes: 0 on hold; 1 not possible; 2 bad usage.',
  ],
  options: [
    {
      ...option('reason', 'TEXT', 'why; told to whoever is refused', (value) =>
        saysWhy(value) ? undefined : A_REASON,
      ),
      isRequired: true,
    },
    option(
      'until',
      'TIME',
      'when it ends by itself: 2026-12-01T18:00+09:00, 2026-12-01T09:00Z, or 90m, 8h or 3d from now; on a terminal, a time without an offset is the local one; default: when it is lifted',
      aTime,
    ),
  ],
  run: putOnHold,
};

async function putOnHold(task: Task): Promise<Outcome> {
  const { fleet, caller, options, ports } = task;
  const since = ports.clock.now();
  const until = options.until === undefined ? undefined : momentIn(options.until, since, task.timeZone);
  if (typeof until === 'string')
    return failed('bad-time', [`--until ${options.until}: allowed: ${until}. Nothing was changed.`]);
  const onHold: OnHold = {
    reason: options.reason ?? '',
    by: callerName(caller),
    since,
    ...(until && { until }),
  };
  const before = (await ports.ledger.read(fleet.name))?.onHold;
  const isOurs = await ports.ledger.putOnHold(fleet.name, onHold, before);
  // Only now: whoever had passed the gate by then holds the lock.
  const row = await ports.ledger.read(fleet.name);
  if (!isOurs) return overtaken(task, row);
  return done('on-hold', linesOf(task, onHold, before, row), {
    onHold,
    replaced: holdAt({ ...(before && { onHold: before }) }, since),
    running: row?.held && deploymentHeldFor(row.held),
    waits: row?.pending?.versionId,
  });
}

function linesOf(
  { fleet, isLocal }: Task,
  onHold: OnHold,
  before: OnHold | undefined,
  row: LedgerRow | undefined,
): string[] {
  const replaced = before && holdAt({ onHold: before }, onHold.since);
  return [
    `${fleet.name} is on hold: ${holdSentence(onHold)}.`,
    ...(replaced ? [`It takes the place of this one: ${holdSentence(replaced)}.`] : []),
    'Whatever starts a deployment until then is refused, an upload too, and nothing starts it automatically afterwards.',
    ...runningLines(fleet.name, row),
    ...(row?.pending && isHeldUp(row, onHold.since)
      ? [`What is waiting, ${waiting(row.pending)}, is refused when its turn comes.`]
      : []),
    isLocal
      ? 'The modelled world, and the hold with it, end here.'
      : `To lift it:  ${COMMAND} release ${fleet.name}`,
  ];
}

function runningLines(fleet: string, row: LedgerRow | undefined): string[] {
  const { held } = row ?? {};
  if (!held || isChange(held, { state: 'unknown' })) return [];
  return [
    `${deploymentHeldFor(held)} holds the lock (phase ${held.phase}): a hold stops nothing that has begun.`,
    ...(actOf(held.phase)?.cancel === 'undoes' && !held.cancel
      ? [`To have it undone:  ${COMMAND} cancel ${fleet}`]
      : []),
  ];
}

/** Between our look and our write. */
function overtaken({ fleet, ports }: Task, row: LedgerRow | undefined): Outcome {
  const onHold = holdAt(row, ports.clock.now());
  const lines = [
    onHold
      ? `Somebody else was quicker: ${fleet.name} is on hold: ${holdSentence(onHold)}.`
      : `Somebody has just lifted the hold of ${fleet.name}.`,
    'Nothing was changed. Run the command again if yours is to take its place.',
  ];
  return failed('changed', lines, { onHold });
}
