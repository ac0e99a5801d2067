/** Where records go: the artifact bucket, and a mark on Mackerel's graphs for those who look there first. */
import { isFailure } from '../domain/errors.ts';
import type { Fleet } from '../domain/fleet.ts';
import type { DeploymentRecord } from '../domain/record.ts';
import type { Artifacts, Mackerel } from './ports.ts';

export async function writeRecord(
  artifacts: Artifacts,
  fleet: Fleet,
  key: string,
  record: DeploymentRecord,
): Promise<void> {
  await artifacts.writeRecord(fleet.artifact.bucket, key, record);
}

/** A graph without its mark is no reason to call a deployment failed: whatever Mackerel says, the record stands. */
export async function annotateDeployment(
  mackerel: Mackerel,
  fleet: Fleet,
  record: DeploymentRecord,
): Promise<void> {
  const { service, role } = fleet.mackerel;
  try {
    await mackerel.annotate({
      service,
      role,
      title: `${record.outcome}: ${record.fleet}${record.artifact ? ` ${record.artifact.versionId}` : ''}`,
      description: `${record.reason}\nStarted by ${record.startedBy}${record.why ? `: ${record.why}` : ''}`,
      from: new Date(record.startedAt),
      to: new Date(record.finishedAt),
    });
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
}
