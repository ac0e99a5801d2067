/** The page beside a record. */
import type { Records } from '../../ports/s3.ts';
import type { Fleet } from '../core/fleet.ts';
import { timelineKey } from '../core/names.ts';
import { whyUntold } from '../core/untold.ts';
import type { DeploymentRecord } from './record.ts';
import { timelinePage } from './timeline/page.ts';

/**
 * The page beside the record. A deployment that changed nothing has none; and one whose page cannot be drawn, or not be
 * written, ends as it would have ended.
 * @returns that it could not be written, in a sentence
 */
export async function writeTimeline(
  records: Pick<Records, 'writePage'>,
  fleet: Fleet,
  record: DeploymentRecord,
): Promise<readonly string[]> {
  if (!record.timeline) return [];
  const key = timelineKey(fleet.name, record.deployment);
  // Whatever it stumbles over, also what is no failure of the list: at the end of a deployment that went well it would
  // call a human for the sake of a picture.
  const why = await whyUntold(async () => {
    await records.writePage(fleet.artifact.bucket, key, drawn(record));
    return undefined;
  });
  return why ? [`Could not write the page: ${why}`] : [];
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
