/** Is this version already being deployed? Then there is nothing to start, and that deployment is the one to follow. */
import { releaseId } from '../../../lambdas/domain/core/artifact.ts';
import { askedOf } from '../../../lambdas/domain/core/parse-document.ts';
import { actOf } from '../../../lambdas/domain/core/steps.ts';
import type { LedgerRow } from '../../../lambdas/ports/ledger.ts';
import type { Task } from '../command.ts';
import { documentOf } from '../holder.ts';
import { isCleanUpOf } from './look.ts';

/** The execution that is deploying this version right now, unless it is being undone. */
export async function runningDeploymentOf(
  task: Task,
  row?: LedgerRow,
  versionId?: string,
): Promise<string | undefined> {
  const { held } = row ?? {};
  if (!held || versionId === undefined) return undefined;
  if (
    actOf(held.phase)?.cancel === 'undoes already' ||
    held.cancel ||
    isCleanUpOf(task.fleet.name, held.holder)
  )
    return undefined;
  const described = await task.ports.executions.describe(held.holder);
  if (described?.state.state !== 'running') return undefined;
  const document = documentOf(held);
  const known = { artifact: document?.release?.artifact, imageId: document?.image?.imageId };
  const deploys = releaseId(known) ?? versionIn(described.input);
  const { ami } = task.options;
  const sameImage = ami === undefined || document?.image?.imageId === ami;
  return deploys === versionId && sameImage ? held.holder : undefined;
}

function versionIn(input: string | undefined): unknown {
  try {
    return (askedOf(JSON.parse(input ?? '{}')).asked as { versionId?: unknown }).versionId;
  } catch {
    return undefined;
  }
}
