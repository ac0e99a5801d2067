/** What the records say of a fleet's earlier deployments. */

import type { Records } from '../../ports/s3.ts';
import type { Fleet } from '../core/fleet.ts';
import { currentReleaseKey, deploymentRecordKey } from '../core/names.ts';
import { decideRollback, decideTarget, type Target } from './rollback.ts';

export interface FoundTarget {
  /** The deployment whose release is gone back to. */
  readonly deployment: string;
  readonly release: Target;
}

/**
 * @param asked a deployment's id, or `previous`
 * @throws NothingToRollBackTo
 */
export async function findTarget(
  fleet: Fleet,
  asked: string,
  records: Pick<Records, 'readRecord'>,
): Promise<FoundTarget> {
  const { bucket } = fleet.artifact;
  const last = await records.readRecord(bucket, currentReleaseKey(fleet.name));
  const deployment = decideTarget(fleet, asked, last);
  const record = await records.readRecord(bucket, deploymentRecordKey(fleet.name, deployment));
  return { deployment, release: decideRollback(fleet, deployment, record, last) };
}
