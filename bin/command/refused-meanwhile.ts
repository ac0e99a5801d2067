/** What a hold has refused, and what starts it: nothing does so automatically. */

import { alsoRefused } from '../../lambdas/domain/core/errors.ts';
import { NEW_IMAGE_STARTS } from '../../lambdas/domain/core/input.ts';
import type { OnHold } from '../../lambdas/ports/ledger.ts';
import { orUnknown } from './attempt.ts';
import type { Task } from './command.ts';
import { bucketOf, type DeploymentRecord, newestRecords, readCurrent, versionOf } from './release-records.ts';
import { irekae } from './typed.ts';
import { ago, indented, section, table } from './wording.ts';

/** So many records are looked through. */
const RECORDS = 20;

/** What could not be determined is absent, and said. */
export async function refusedMeanwhile(
  task: Task,
  onHold: OnHold,
): Promise<{ readonly lines: readonly string[]; readonly facts: object }> {
  const { fleet, ports } = task;
  const unknown: string[] = [];
  const { artifact } = fleet;
  const [listed = [], current, newest] = await Promise.all([
    orUnknown(newestRecords(task, RECORDS), unknown),
    orUnknown(readCurrent(task), unknown),
    artifact === undefined ? undefined : orUnknown(ports.artifacts.find(bucketOf(task), artifact), unknown),
  ]);
  const records = listed.flatMap(({ record }) => record ?? []);
  const refused = refusedBy(onHold, records, current);
  const now = ports.clock.now();
  return {
    lines: [
      ...section(
        'Refused meanwhile, and not started by itself:',
        table(refused.map((each) => rowOf(each, now))),
      ),
      ...section('To start it:', indented(startAgain(fleet.name, refused, current, newest?.versionId))),
      ...section('Unknown:', indented([...new Set(unknown)])),
    ],
    facts: {
      refused: refused.map((record) => ({
        deployment: record.deployment,
        versionId: versionOf(record),
        startedBy: record.startedBy,
        at: record.finishedAt,
      })),
      unknown: unknown.length > 0 ? unknown : undefined,
    },
  };
}

/** What was deployed since, beside the hold or after it, has taken the place of what was refused before. */
export function refusedBy(
  { since }: OnHold,
  records: readonly DeploymentRecord[],
  current: DeploymentRecord | undefined,
): DeploymentRecord[] {
  const from = Math.max(since.getTime(), current ? Date.parse(current.finishedAt) : 0);
  return records.filter((record) => isOnHold(record) && Date.parse(record.finishedAt) >= from);
}

/** Whoever was refused by several gates has the name of the first. */
const isOnHold = ({ outcome, reason }: DeploymentRecord): boolean =>
  outcome === 'OnHold' || reason.includes(alsoRefused('OnHold'));

/** Commands, each once: of many uploads the newest is deployed. */
export function startAgain(
  fleet: string,
  refused: readonly DeploymentRecord[],
  current: DeploymentRecord | undefined,
  newest: string | undefined,
): string[] {
  const isRefused = refused.some((record) => newest !== undefined && versionOf(record) === newest);
  const again = refused.map((record) => {
    const { rolledBackTo, startedBy, why = 'as before the hold' } = record;
    const version = versionOf(record);
    if (rolledBackTo !== undefined) return ['rollback', fleet, '--to', rolledBackTo, '--reason', why];
    // What runs, on the new image: not an upload that somebody has left behind.
    if (startedBy === NEW_IMAGE_STARTS && current?.artifact)
      return ['deploy', fleet, '--version', current.artifact.versionId, '--redeploy'];
    if (version !== undefined && version !== newest && !isRefused)
      return ['deploy', fleet, '--version', version];
    return ['deploy', fleet];
  });
  return [...new Set(again.map((words) => irekae(...words, '--wait')))];
}

function rowOf(record: DeploymentRecord, now: Date): string[] {
  const { deployment, rolledBackTo, startedBy, finishedAt } = record;
  const what = rolledBackTo === undefined ? versionOf(record) : `back to ${rolledBackTo}`;
  return [deployment, what ?? '-', `by ${startedBy}`, ago(finishedAt, now)];
}
