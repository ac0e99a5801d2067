/** What a start does that finds the lock held: it leaves its request in the one pending slot, or is superseded. */

import type { LedgerRow, PendingRequest } from '../../ports/ledger.ts';
import type { Ports } from '../../ports/ports.ts';
import { releaseId } from '../core/artifact.ts';
import { machineAndName, machinesOf } from '../core/aws.ts';
import type { Deployment, Lock } from '../core/document.ts';
import { imageIsRelease } from '../core/fleet.ts';
import type { DeploymentInput } from '../core/input.ts';
import { cleanUpName, currentReleaseKey, followName, isFollowUp } from '../core/names.ts';
import { findTarget } from '../release/find-target.ts';
import { foundArtifact, isFreshUpload, parseCurrentRelease } from '../release/release-choice.ts';
import { deadSince, isChange } from './dead-holders.ts';
import { owedRecord } from './debts.ts';
import { markedWith, NEWEST_IMAGE, takesTheSlot, wantedBy } from './pending.ts';

type TurnPorts = Pick<Ports, 'ledger' | 'executions' | 'artifacts' | 'records' | 'clock'>;

/** @returns whether the request waits, in a sentence, or nothing when the ledger changed meanwhile. */
export async function waitForTurn(
  deployment: Deployment,
  held: NonNullable<LedgerRow['held']>,
  pending: PendingRequest | undefined,
  ports: TurnPorts,
): Promise<Pick<Lock, 'verdict' | 'reason'> | undefined> {
  const { fleet, execution } = deployment;
  const { bucket, key } = fleet.artifact;
  const asked = await requestOf(deployment, ports);
  const newestFirst = key === undefined ? [] : await ports.artifacts.versions(bucket, key);
  const request = markedWith(asked, newestFirst);
  const slot = takesTheSlot(
    pending,
    request,
    newestFirst,
    await follows(deployment, request, ports),
    imageIsRelease(fleet),
  );
  if (slot && !(await ports.ledger.pend(fleet.name, request, pending))) return undefined;
  const state = await ports.executions.status(held.holder);
  const since = held.since.toISOString();
  const who = isChange(held, state)
    ? `\`cdk deploy\` takes permissions from ${fleet.name} since ${since}, and nothing starts until it has deployed the fleet’s stack, too`
    : `${fleet.name} is held by ${machineAndName(held.holder)} since ${since}, in the phase ${held.phase} (started by ${held.startedBy}, as the start says)`;
  if (held.needsHuman === undefined && deadSince(held, state, ports.clock.now())) {
    await ports.executions.start(machinesOf(execution.id, fleet.name).cleanUp, cleanUpName(held), '{}');
  }
  const human = held.needsHuman === undefined ? '' : ', and needs a human: see docs/runbook.md';
  const told = (verdict: Lock['verdict'], what: string) => ({ verdict, reason: `${who}${human}; ${what}` });
  if (slot || !pending) return told('waiting', `${wantedBy(request)} is waiting and will be deployed next`);
  const first = wantedBy(pending);
  return first === wantedBy(request)
    ? told('waiting', `${first} is already waiting, requested by ${pending.id}`)
    : told('superseded', `superseded by ${first}, which is already waiting`);
}

/** Has the fleet that this one follows deployed that version, under the id that the execution is named after? */
async function follows(
  { fleet, execution }: Deployment,
  { versionId }: PendingRequest,
  { records, ledger }: TurnPorts,
): Promise<boolean> {
  const { after, artifact } = fleet;
  if (after === undefined || !isFollowUp(execution.name)) return false;
  const record = await records.readRecord(artifact.bucket, currentReleaseKey(after));
  // A record that could not be written is owed.
  const told = [record, owedRecord(await ledger.read(after))].map(parseCurrentRelease);
  return told.some(
    (each) => each && followName(each.deployment) === execution.name && releaseId(each) === versionId,
  );
}

/**
 * What waits is told and compared by the version that it would deploy. A rollback waits for the deployment that it means
 * now: `previous` means another one when the holder has ended.
 */
async function requestOf(
  deployment: Deployment,
  { artifacts, records, clock }: TurnPorts,
): Promise<PendingRequest> {
  const { fleet, input, execution } = deployment;
  const request = (versionId: string, as: DeploymentInput = input): PendingRequest => ({
    id: execution.name,
    input: JSON.stringify(as),
    versionId,
    since: clock.now(),
  });
  const { bucket, key } = fleet.artifact;
  if (input.rollbackTo !== undefined) {
    const { deployment: rollbackTo, release } = await findTarget(fleet, input.rollbackTo, records);
    return request(release.artifact?.versionId ?? release.imageId, { ...input, rollbackTo });
  }
  if (key === undefined) return request(input.amiId ?? NEWEST_IMAGE);
  const current = input.newImage && (await records.readRecord(bucket, currentReleaseKey(fleet.name)));
  const runs = parseCurrentRelease(current);
  if (runs?.artifact) return request(runs.artifact.versionId);
  const found = await artifacts.find(bucket, key, input.versionId);
  const isFresh = isFreshUpload(deployment, clock.now());
  return request(foundArtifact(bucket, key, input.versionId, found, isFresh).versionId);
}
