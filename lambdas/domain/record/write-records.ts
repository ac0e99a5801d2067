/** Where records go: the artifact bucket, and a mark on Mackerel's graphs for those who look there first. */

import type { PendingRequest } from '../../ports/ledger.ts';
import type { Mackerel } from '../../ports/mackerel.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Records } from '../../ports/s3.ts';
import { machinesOf } from '../core/aws.ts';
import type { Fleet } from '../core/fleet.ts';
import { timelineKey, waitedName } from '../core/names.ts';
import type { DeploymentRecord } from './record.ts';
import { timelinePage } from './timeline/page.ts';

/**
 * The page beside the record. A deployment that changed nothing has none; and one whose page cannot be drawn, or not be
 * written, ends as it would have ended.
 */
export async function writeTimeline(
  records: Pick<Records, 'writePage'>,
  fleet: Fleet,
  record: DeploymentRecord,
): Promise<void> {
  if (!record.timeline) return;
  const key = timelineKey(fleet.name, record.deployment);
  // Whatever it stumbles over, also what is no failure of the list: at the end of a deployment that went well it would
  // call a human for the sake of a picture.
  await records.writePage(fleet.artifact.bucket, key, drawn(record)).catch(() => {});
}

const UNDRAWN =
  '<!doctype html><html lang="en"><title>No timeline</title><p>The timeline of this deployment could not be drawn. Its record stands beside this page, under the same name with .json.</p></html>';

/** Whatever a drawing stumbles over is a bug of the drawing, and no reason to fail a deployment that went well: it says so. */
function drawn(record: DeploymentRecord): string {
  try {
    return timelinePage(record);
  } catch {
    return UNDRAWN;
  }
}

/** From start to end, with the result. */
export async function annotateDeployment(
  mackerel: Mackerel,
  fleet: Fleet,
  record: DeploymentRecord,
): Promise<void> {
  const { service, role } = fleet.mackerel;
  await mackerel.annotate({
    service,
    role,
    title: `${record.outcome}: ${record.fleet}${record.artifact ? ` ${record.artifact.versionId}` : ''}`,
    description: `${record.reason}\nStarted by ${record.startedBy}${record.why ? `: ${record.why}` : ''}`,
    from: new Date(record.startedAt),
    to: new Date(record.finishedAt),
  });
}

/**
 * Starts what waits in the pending slot, and empties it. The execution is named after the request, so that it starts
 * once, whoever finds it there and however often.
 * @param executionArn of one of the fleet's executions: it tells account, Region and machine
 */
export async function startPending(
  fleet: string,
  executionArn: string,
  { ledger, executions }: Pick<Ports, 'ledger' | 'executions'>,
): Promise<PendingRequest | undefined> {
  const row = await ledger.read(fleet);
  if (!row?.pending || row.held) return undefined;
  const { id, input } = row.pending;
  await executions.start(machinesOf(executionArn, fleet).deploy, waitedName(id), input);
  await ledger.clearPending(fleet, id);
  return row.pending;
}
