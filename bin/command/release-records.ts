/**
 * The fleet's release records, as far as the command reads them. Any version of irekae may have written them: a missing
 * field is not shown, and a record that cannot be read is reported as such.
 */
import * as v from 'valibot';
import {
  artifactBucketName,
  currentReleaseKey,
  deploymentRecordKey,
  deploymentsPrefix,
  timelineKey,
} from '../../lambdas/domain/core/names.ts';
import { orUndefined } from './attempt.ts';
import type { Task } from './command.ts';
import { sideBySide } from './side-by-side.ts';

const NAMED = v.array(v.object({ name: v.string(), why: v.string() }));

const DeploymentRecord = v.object({
  deployment: v.string(),
  outcome: v.string(),
  reason: v.optional(v.string(), ''),
  startedBy: v.optional(v.string(), ''),
  why: v.optional(v.string()),
  /** `null`: its image was the release. */
  artifact: v.nullish(v.object({ key: v.string(), versionId: v.string(), sha256: v.string() })),
  /** The version, where it was refused before its release was known. */
  askedFor: v.optional(v.string()),
  imageId: v.optional(v.string()),
  newInstances: v.optional(v.array(v.string()), []),
  oldInstances: v.optional(v.array(v.string()), []),
  startedAt: v.pipe(v.string(), v.isoTimestamp()),
  finishedAt: v.pipe(v.string(), v.isoTimestamp()),
  phases: v.optional(v.record(v.string(), v.number()), {}),
  override: v.optional(v.array(v.string())),
  rolledBackTo: v.optional(v.string()),
  atTheEnd: v.optional(
    v.object({
      unlisted: v.exactOptional(NAMED),
      fallen: v.exactOptional(NAMED),
      unwatched: v.exactOptional(NAMED),
      unasked: v.exactOptional(v.string()),
      notSeen: v.exactOptional(v.string()),
    }),
  ),
});
export type DeploymentRecord = v.InferOutput<typeof DeploymentRecord>;

/** Which version of the artifact it was about, if that was known. */
export const versionOf = (record: DeploymentRecord | undefined): string | undefined =>
  record?.artifact?.versionId ?? record?.askedFor;

export const bucketOf = ({ environment }: Task): string => artifactBucketName(environment);

/** Of one deployment; `undefined` when it left none, or one that cannot be read. */
export const readDeployment = (task: Task, id: string): Promise<DeploymentRecord | undefined> =>
  readRecord(task, deploymentRecordKey(task.fleet.name, id));

/** What the fleet runs now; `undefined` when it was never deployed, or that is unknown. */
export const readCurrent = (task: Task): Promise<DeploymentRecord | undefined> =>
  readRecord(task, currentReleaseKey(task.fleet.name));

const readRecord = async (task: Task, key: string): Promise<DeploymentRecord | undefined> =>
  parseRecord(await task.ports.records.readRecord(bucketOf(task), key));

export function parseRecord(record: unknown): DeploymentRecord | undefined {
  const found = v.safeParse(DeploymentRecord, record);
  return found.success ? found.output : undefined;
}

/** Where a deployment's timeline page is; `undefined` when there is none, or no permission to look. */
export async function pageOf(task: Task, id: string): Promise<string | undefined> {
  const key = timelineKey(task.fleet.name, id);
  const found = await orUndefined(task.ports.artifacts.list(bucketOf(task), key));
  return found?.some((each) => each.key === key) ? `s3://${bucketOf(task)}/${key}` : undefined;
}

/** A deployment in the list of records. */
export type Listed = Awaited<ReturnType<typeof readListed>>;

/** The newest, by when they were written; newest first. */
export async function newestRecords(task: Task, most: number): Promise<Listed[]> {
  const prefix = deploymentsPrefix(task.fleet.name);
  const stored = await task.ports.artifacts.list(bucketOf(task), prefix);
  const keys = new Set(stored.map(({ key }) => key));
  const newest = stored
    .filter(({ key }) => key.endsWith('.json'))
    .sort(newestFirst)
    .slice(0, most);
  return sideBySide(newest, (each) => readListed(task, each, keys));
}

type Stored = Awaited<ReturnType<Task['ports']['artifacts']['list']>>[number];

const newestFirst = (one: Stored, other: Stored): number =>
  other.writtenAt.getTime() - one.writtenAt.getTime() || (one.key < other.key ? 1 : -1);

async function readListed(task: Task, { key, writtenAt }: Stored, keys: ReadonlySet<string>) {
  const id = key.slice(key.lastIndexOf('/') + 1, -'.json'.length);
  const page = timelineKey(task.fleet.name, id);
  return {
    id,
    writtenAt,
    /** Absent when it cannot be read: one broken record must not hide the others. */
    record: await orUndefined(readRecord(task, key), 'InvalidInput'),
    /** Key of its timeline page, where there is one. */
    timeline: keys.has(page) ? page : undefined,
  };
}
