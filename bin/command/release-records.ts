/**
 * The fleet's release records, as far as the command reads them. They were written by any version of irekae: a field
 * that is missing is not shown, and a record that cannot be read is said to be so.
 */

import * as v from 'valibot';
import { isFailure } from '../../lambdas/domain/core/errors.ts';
import {
  artifactBucketName,
  currentReleaseKey,
  deploymentRecordKey,
  deploymentsPrefix,
  timelineKey,
} from '../../lambdas/domain/core/names.ts';
import type { Task } from './command.ts';

const DeploymentRecord = v.object({
  deployment: v.string(),
  outcome: v.string(),
  reason: v.optional(v.string(), ''),
  startedBy: v.optional(v.string(), ''),
  why: v.optional(v.string()),
  artifact: v.optional(v.object({ key: v.string(), versionId: v.string(), sha256: v.string() })),
  imageId: v.optional(v.string()),
  newInstances: v.optional(v.array(v.string()), []),
  oldInstances: v.optional(v.array(v.string()), []),
  startedAt: v.pipe(v.string(), v.isoTimestamp()),
  finishedAt: v.pipe(v.string(), v.isoTimestamp()),
  phases: v.optional(v.record(v.string(), v.number()), {}),
  override: v.optional(v.array(v.string())),
  rolledBackTo: v.optional(v.string()),
});
export type DeploymentRecord = v.InferOutput<typeof DeploymentRecord>;

export const bucketOf = ({ environment }: Task): string => artifactBucketName(environment);

/** Of one deployment; `undefined` when it left none, or none that can be read. */
export async function readDeployment(task: Task, id: string): Promise<DeploymentRecord | undefined> {
  return parseRecord(
    await task.ports.records.readRecord(bucketOf(task), deploymentRecordKey(task.fleet.name, id)),
  );
}

/** What the fleet runs now; `undefined` when it was never deployed, or nobody can tell. */
export async function readCurrent(task: Task): Promise<DeploymentRecord | undefined> {
  return parseRecord(await task.ports.records.readRecord(bucketOf(task), currentReleaseKey(task.fleet.name)));
}

export function parseRecord(record: unknown): DeploymentRecord | undefined {
  const found = v.safeParse(DeploymentRecord, record);
  return found.success ? found.output : undefined;
}

/** Where the page is that shows a deployment; `undefined` when it has none, or none that one may know of. */
export async function pageOf(task: Task, id: string): Promise<string | undefined> {
  const key = timelineKey(task.fleet.name, id);
  try {
    const found = await task.ports.artifacts.list(bucketOf(task), key);
    return found.some((each) => each.key === key) ? `s3://${bucketOf(task)}/${key}` : undefined;
  } catch (error) {
    if (!isFailure(error)) throw error;
    return undefined;
  }
}

/** A deployment in the list of records. */
export interface Listed {
  readonly id: string;
  readonly writtenAt: Date;
  /** Absent when the record cannot be read. */
  readonly record?: DeploymentRecord;
  /** Key of its timeline page, where there is one. */
  readonly timeline?: string;
}

/** Read at the same time. */
const AT_ONCE = 10;

/** The newest, by when they were written; newest first. */
export async function newestRecords(task: Task, most: number): Promise<Listed[]> {
  const { fleet, ports } = task;
  const bucket = bucketOf(task);
  const stored = await ports.artifacts.list(bucket, deploymentsPrefix(fleet.name));
  const keys = new Set(stored.map(({ key }) => key));
  const newest = stored
    .filter(({ key }) => key.endsWith('.json'))
    .sort(
      (one, other) => other.writtenAt.getTime() - one.writtenAt.getTime() || (one.key < other.key ? 1 : -1),
    )
    .slice(0, most);
  const listed: Listed[] = [];
  for (let from = 0; from < newest.length; from += AT_ONCE)
    listed.push(
      ...(await Promise.all(
        newest.slice(from, from + AT_ONCE).map(({ key, writtenAt }) => read(key, writtenAt)),
      )),
    );
  return listed;

  async function read(key: string, writtenAt: Date): Promise<Listed> {
    const id = key.slice(key.lastIndexOf('/') + 1, -'.json'.length);
    const page = timelineKey(fleet.name, id);
    const record = await readRecord(key);
    return { id, writtenAt, ...(record && { record }), ...(keys.has(page) && { timeline: page }) };
  }

  /** One that somebody has broken must not hide the others. */
  async function readRecord(key: string): Promise<DeploymentRecord | undefined> {
    try {
      return parseRecord(await ports.records.readRecord(bucket, key));
    } catch (error) {
      if (isFailure(error, 'InvalidInput')) return undefined;
      throw error;
    }
  }
}
