/** Finding the page of a deployment: drawn from its record, or while it runs from its execution. Only reads. */

import { executionName } from '../../../lambdas/domain/core/aws.ts';
import { parseDeployment } from '../../../lambdas/domain/core/document.ts';
import { isFailure } from '../../../lambdas/domain/core/errors.ts';
import { deploymentRecordKey } from '../../../lambdas/domain/core/names.ts';
import { titleOf } from '../../../lambdas/domain/core/steps.ts';
import type { DeploymentRecord } from '../../../lambdas/domain/record/record.ts';
import { runningPage } from '../../../lambdas/domain/record/running-page.ts';
import { timelinePage } from '../../../lambdas/domain/record/timeline/page.ts';
import { orUndefined } from '../attempt.ts';
import type { Task } from '../command.ts';
import { deploymentHeldFor, documentOf, type Held } from '../holder.ts';
import { bucketOf, newestRecords } from '../release-records.ts';
import { News } from './news.ts';

export interface FoundPage {
  readonly task: Task;
  readonly deployment: string;
  readonly isRunning: boolean;
  /** When its record was written, or it was last heard of. */
  readonly at: Date;
  /** `undefined`: it cannot be drawn. */
  draw(): Promise<string | undefined>;
}

/** Enough to get past starts that were refused and changed nothing. */
const RECORDS = 20;

/** Of this deployment; or of the one that runs, or of the newest that has a page. */
export async function findPage(task: Task, id: string | undefined): Promise<FoundPage | undefined> {
  // Who may not read the lock may yet read records.
  const row = await orUndefined(task.ports.ledger.read(task.fleet.name), 'ServiceRefused');
  const held = row?.held;
  const isHolders = held !== undefined && (id === undefined || id === deploymentHeldFor(held));
  if (isHolders && (await isGoingOn(task, held))) return ofRunning(task, held);
  const found = id === undefined ? await newestWithPage(task) : { id, at: new Date(0) };
  if (!found) return undefined;
  const record = await task.ports.records.readRecord(
    bucketOf(task),
    deploymentRecordKey(task.fleet.name, found.id),
  );
  if (record === undefined) return undefined;
  return { task, deployment: found.id, isRunning: false, at: found.at, draw: async () => drawn(record) };
}

const isGoingOn = async (task: Task, held: Held): Promise<boolean> =>
  (await orUndefined(task.ports.executions.status(held.holder)))?.state !== 'ended';

async function newestWithPage(task: Task) {
  const records = await newestRecords(task, RECORDS);
  const found = records.find(({ timeline }) => timeline !== undefined) ?? records[0];
  return found && { id: found.id, at: found.writtenAt };
}

/** A record of another version may lack what a drawing of this one needs. */
function drawn(record: unknown): string | undefined {
  try {
    return timelinePage(record as DeploymentRecord);
  } catch {
    return undefined;
  }
}

function ofRunning(task: Task, held: Held): FoundPage {
  const at = task.ports.clock.now();
  return {
    task,
    deployment: deploymentHeldFor(held),
    isRunning: true,
    at,
    draw: async () => {
      const deployment = (await liveDocument(task, held)) ?? documentOf(held);
      return deployment && runningPage(deployment, await lastMessage(task, held), at);
    },
  };
}

/** What its steps have answered so far, by its history; the ledger has what it was when the act began. */
async function liveDocument({ ports }: Task, { holder }: Held) {
  const document = await orUndefined(ports.executions.document(holder));
  try {
    return document === undefined ? undefined : parseDeployment(document, []);
  } catch (error) {
    if (!isFailure(error)) throw error;
    return undefined;
  }
}

async function lastMessage({ ports }: Task, { holder, phase }: Held): Promise<string> {
  const turns = (await orUndefined(ports.executions.recent(holder))) ?? [];
  const news = new News();
  news.of(holder, turns);
  return news.latest ?? `${executionName(holder)}: ${titleOf(phase)}.`;
}
