/**
 * The news that a deployment ended: one set of facts, from which the event for machines, the message for people, the
 * metrics and the marks in Mackerel are made. Its schema is the contract with whoever listens; the reference table in
 * `docs/events.md` is generated from it.
 */

import * as v from 'valibot';
import { executionPage, machineIn } from '../core/aws.ts';
import type { Deployment } from '../core/document.ts';
import { deploymentRecordKey, isCleanUpMachine, timelineKey } from '../core/names.ts';
import { plain, secondsBetween } from '../core/words.ts';
import { Side } from '../hosts/compare.ts';
import { wordOf } from '../lock/told.ts';
import { explain } from './ending.ts';
import { headlineOf } from './headline.ts';
import { type MetricValues, phaseFields } from './metrics.ts';
import type { DeploymentRecord } from './record.ts';
import { toDoOf } from './to-do.ts';

export const EVENT_TYPE = 'Deployment ended';

/** How a deployment can end, in words for machines. The record's `outcome` says the same with a failure's name. */
export const RESULTS = [
  'deployed',
  'rolled-back',
  'cancelled',
  'refused',
  'stopped-halfway',
  'rollback-failed',
] as const;
export type Result = (typeof RESULTS)[number];

const FIELDS = {
  /** The version of this table. Fields may be added to it; nothing is taken away or gets another meaning. */
  version: v.literal('1'),
  /** The deployment's id. An event may come twice: this tells that it did. */
  deployment: v.string(),
  fleet: v.string(),
  environment: v.string(),
  /** How it ended. */
  result: v.picklist(RESULTS),
  /** `Deployed`, or the name that the execution failed under: see the runbook. */
  outcome: v.string(),
  /** The lock is kept until somebody has looked. */
  needsHuman: v.boolean(),
  /** How it ended, in a line of names: the subject of the mail. */
  headline: v.string(),
  /** In sentences: what was deployed, or what happened and what it means now. At most 2,000 characters. */
  reason: v.string(),
  /** What is to be done although it was deployed: somebody else of the fleet serves, or a new host does not. */
  toDo: v.exactOptional(v.string()),
  /** The first error, which all the rest followed from. */
  failure: v.exactOptional(v.strictObject({ name: v.string(), sentence: v.string() })),
  /** Who or what started it. */
  startedBy: v.string(),
  /** Why, if whoever started it said so. */
  why: v.exactOptional(v.string()),
  /** What was to be deployed, if it came so far. */
  artifact: v.exactOptional(v.strictObject({ key: v.string(), versionId: v.string(), sha256: v.string() })),
  imageId: v.exactOptional(v.string()),
  /** How many instances it launched. Their ids are in the record. */
  newHosts: v.number(),
  /** How many it was to replace. */
  oldHosts: v.number(),
  /** Metrics of new and old hosts, where the fleet compares any: means per host. `atMost` only of what is judged. */
  compared: v.exactOptional(v.array(Side)),
  startedAt: v.string(),
  endedAt: v.string(),
  /** From the one to the other. */
  seconds: v.number(),
  /** Phase → seconds, as far as it came: `agree`, `bring up`, `shift`, `drain`, `bake`, `terminate`, `retire`; of an undo `put back`, `remove new`. */
  phases: v.record(v.string(), v.number()),
  /** ARN of the execution. */
  execution: v.string(),
  /** ARN of the clean-up's execution that undid or finished it, when its own died. */
  cleanedUpBy: v.exactOptional(v.string()),
  /** The execution in AWS's console. */
  console: v.string(),
  /** The release record: `s3://BUCKET/KEY`. */
  record: v.string(),
  /** The page that shows it, beside the record; none when nothing was changed. */
  timeline: v.exactOptional(v.string()),
} as const;

export const DeploymentEnded = v.strictObject(FIELDS);
export type DeploymentEnded = v.InferOutput<typeof DeploymentEnded>;

const REASON_LIMIT = 2_000;
const NAMED: Readonly<Record<string, Result>> = {
  Deployed: 'deployed',
  RolledBack: 'rolled-back',
  Cancelled: 'cancelled',
  StoppedHalfway: 'stopped-halfway',
  RollbackFailed: 'rollback-failed',
};

/** Any other name is that of the first error, and means that nothing was changed. */
export const resultOf = (outcome: string): Result => NAMED[outcome] ?? 'refused';

/**
 * Is this end news to anybody? Not that of a dry run, whose asker has the answer; nor that of a clean-up that could not
 * begin: it is tried again every few minutes, and the alarm for orphans rings once.
 */
export const isNews = ({ input, execution }: Deployment): boolean =>
  !input.dryRun && !wordOf(input) && !isCleanUpMachine(machineIn(execution.id));

export function newsOf(deployment: Deployment, record: DeploymentRecord): DeploymentEnded {
  const { fleet, lock, failure } = deployment;
  const result = resultOf(record.outcome);
  const toDo = plain(toDoOf(record.fleet, record.atTheEnd), REASON_LIMIT);
  const place = (key: string) => `s3://${fleet.artifact.bucket}/${key}`;
  const news: Omit<DeploymentEnded, 'headline'> = {
    version: '1',
    deployment: record.deployment,
    fleet: record.fleet,
    environment: record.environment,
    result,
    outcome: record.outcome,
    needsHuman: result === 'stopped-halfway' || result === 'rollback-failed',
    reason: plain(record.reason, REASON_LIMIT),
    ...(result !== 'deployed' && failure && { failure: firstError(failure) }),
    ...(toDo !== '' && { toDo }),
    startedBy: plain(record.startedBy),
    ...(record.why && { why: plain(record.why, 256) }),
    ...(record.artifact && { artifact: pinned(record.artifact) }),
    ...(record.imageId && { imageId: record.imageId }),
    newHosts: record.newInstances.length,
    oldHosts: record.oldInstances.length,
    ...(record.compared && { compared: [...record.compared] }),
    startedAt: record.startedAt,
    endedAt: record.finishedAt,
    seconds: Math.round(secondsBetween(record.startedAt, record.finishedAt)),
    phases: { ...record.phases },
    execution: record.execution,
    ...(lock && lock.holder !== record.execution && { cleanedUpBy: lock.holder }),
    console: executionPage(record.execution),
    record: place(deploymentRecordKey(fleet.name, record.deployment)),
    ...(result !== 'refused' && { timeline: place(timelineKey(fleet.name, record.deployment)) }),
  };
  return { ...news, headline: headlineOf(news) };
}

function firstError(failure: NonNullable<Deployment['failure']>): DeploymentEnded['failure'] & object {
  const { name, sentence } = explain(failure);
  return { name, sentence: plain(sentence, REASON_LIMIT) };
}

const pinned = ({ key, versionId, sha256 }: NonNullable<DeploymentRecord['artifact']>) => ({
  key,
  versionId,
  sha256,
});

/** The news as CloudWatch's metrics. Durations only of what launched something: a refusal takes a second. */
export function metricsOf({ newHosts, seconds, phases }: DeploymentEnded): MetricValues {
  const durations = newHosts > 0 ? { DeploymentSeconds: seconds, ...phaseFields(phases) } : {};
  return { Deployments: 1, ...durations };
}
