/** `irekae release`: lifts a fleet's hold, and says what was refused because of it. */

import { holdAt, holdSentence, whyOnHold } from '../../../lambdas/domain/release/hold.ts';
import type { LedgerRow, OnHold } from '../../../lambdas/ports/ledger.ts';
import { orUnknown } from '../attempt.ts';
import type { Command, Task } from '../command.ts';
import { isNewer } from '../holder.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import {
  bucketOf,
  type DeploymentRecord,
  newestRecords,
  readCurrent,
  versionOf,
} from '../release-records.ts';
import { irekae } from '../typed.ts';
import { ago, indented, section, table } from '../wording.ts';

export const release: Command = {
  name: 'release',
  summary: 'lift the hold of the fleet, and list what it refused',
  description: [
    'Lifts the hold: deployments of the fleet start again. What was refused meanwhile is not started automatically; it is',
    'listed, with the command that deploys the newest upload.',
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
  const unknown: string[] = [];
  const refused = (await orUnknown(refusedSince(task, onHold), unknown)) ?? [];
  const newer = await orUnknown(newerUpload(task, row), unknown);
  const lines = [
    `Lifted: ${whyOnHold(onHold)}. Deployments of ${fleet.name} start again.`,
    ...section(
      'Refused meanwhile, and not started by itself:',
      table(refused.map((each) => rowOf(task, each))),
    ),
    ...section('To start it:', indented(commands(task, refused, newer !== undefined))),
    ...section('Unknown:', indented(unknown)),
  ];
  return done('released', lines, {
    lifted: onHold,
    refused: refused.map((record) => ({
      deployment: record.deployment,
      versionId: versionOf(record),
      startedBy: record.startedBy,
      at: record.finishedAt,
    })),
    newerUpload: newer,
    unknown: unknown.length > 0 ? unknown : undefined,
  });
}

function notOnHold({ fleet }: Task, row: LedgerRow | undefined): Outcome {
  const ended = row?.onHold && `, by itself: ${holdSentence(row.onHold)}`;
  return done('not-on-hold', [
    `${fleet.name} is not on hold: there is nothing to lift.`,
    ...(ended ? [`Its last hold has ended${ended}.`] : []),
  ]);
}

/** Between our look and our write somebody has put it on hold anew: whoever lifts that knows why it stands. */
async function overtaken({ fleet, ports }: Task): Promise<Outcome> {
  const onHold = holdAt(await ports.ledger.read(fleet.name), ports.clock.now());
  if (!onHold) return done('released', [`${fleet.name} is not on hold anymore: somebody else was quicker.`]);
  const lines = [
    `Another hold stands by now: ${holdSentence(onHold)}.`,
    'Nothing was lifted. Run the command again if you mean that one.',
  ];
  return failed('changed', lines, { onHold });
}

// ── What it refused ────────────────────────────────────────────────────────────────────────────────────────────────

/** So many records are looked through. */
const RECORDS = 20;

async function refusedSince(task: Task, { since }: OnHold): Promise<DeploymentRecord[]> {
  const listed = await newestRecords(task, RECORDS);
  return listed.flatMap(({ record }) =>
    record?.outcome === 'OnHold' && new Date(record.finishedAt) >= since ? [record] : [],
  );
}

async function newerUpload(task: Task, row: LedgerRow | undefined) {
  const { artifact } = task.fleet;
  if (artifact === undefined) return undefined;
  const newest = await task.ports.artifacts.find(bucketOf(task), artifact);
  return newest && isNewer(newest, await readCurrent(task), row) ? newest : undefined;
}

function rowOf({ ports }: Task, record: DeploymentRecord): string[] {
  const { deployment, rolledBackTo, startedBy, finishedAt } = record;
  const what = rolledBackTo === undefined ? versionOf(record) : `back to ${rolledBackTo}`;
  return [deployment, what ?? 'the newest', `by ${startedBy}`, ago(finishedAt, ports.clock.now())];
}

/** Each once: many uploads are one deployment, of the newest. */
function commands(
  { fleet: { name } }: Task,
  refused: readonly DeploymentRecord[],
  isBehind: boolean,
): string[] {
  const again = refused.map(({ rolledBackTo, why }) => {
    if (rolledBackTo !== undefined)
      return irekae(
        'rollback',
        name,
        '--to',
        rolledBackTo,
        '--reason',
        why ?? 'as before the hold',
        '--wait',
      );
    // Of the artifact that it runs: a new image, or new hosts, were wanted.
    return isBehind ? undefined : irekae('deploy', name, '--redeploy', '--wait');
  });
  const newest = isBehind ? irekae('deploy', name, '--wait') : undefined;
  return [...new Set([newest, ...again])].filter((command) => command !== undefined);
}
