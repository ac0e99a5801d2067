/**
 * State *Take the fleet lock*: one deployment per fleet. A start that finds the lock held leaves its request in the one
 * pending slot and ends as a success, or is superseded by a newer one that waits there; if the holder is dead, it sends
 * for the clean-up. A dry run needs no lock.
 */

import { liveArtifacts } from './clients/artifacts.ts';
import { liveExecutions } from './clients/executions.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveRecords } from './clients/records.ts';
import { machineAndName, machinesOf } from './domain/core/aws.ts';
import type { Deployment, Lock } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { type DeploymentInput, startedBy } from './domain/core/input.ts';
import { cleanUpName, currentReleaseKey } from './domain/core/names.ts';
import { defineStep } from './domain/core/step.ts';
import { deadSince, markedWith, takesTheSlot, wantedBy } from './domain/lock/lock.ts';
import { findTarget } from './domain/release/find-target.ts';
import { foundArtifact, parseCurrentRelease, refuseForeignKey } from './domain/release/release-choice.ts';
import type { LedgerRow, PendingRequest } from './ports/ledger.ts';
import type { Ports } from './ports/ports.ts';

/** The lock may become free, or the slot be taken, between reading and writing: so often, and then it is asked again. */
const TRIES = 5;

type Registry = Pick<Ports, 'ledger' | 'executions' | 'artifacts' | 'records' | 'clock'>;

export const takeTheFleetLock = defineStep(
  'take-the-fleet-lock',
  [],
  async (deployment: Deployment, ports: Registry): Promise<Lock> => {
    const { fleet, input, execution } = deployment;
    refuseForeignKey(fleet, input);
    const nobody = { holder: execution.id, generation: 0 };
    if (input.dryRun) return { ...nobody, verdict: 'not-needed', reason: 'a dry run changes nothing' };
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const claim = {
        holder: execution.id,
        startedBy: startedBy(input),
        ...(input.reason && { why: input.reason }),
      };
      const hold = await ports.ledger.take(fleet.name, claim);
      if (hold)
        return {
          ...hold,
          verdict: 'taken',
          reason: `taken, as holder number ${hold.generation} of ${fleet.name}`,
        };
      const row = await ports.ledger.read(fleet.name);
      const waiting = row?.held && (await waitFor(deployment, row.held, row.pending, ports));
      if (waiting) return { ...nobody, ...waiting };
    }
    throw new DeploymentError(
      'ServiceUnavailable',
      `The lock of ${fleet.name} changed hands ${TRIES} times while this deployment asked for it.`,
    );
  },
);

/** @returns whether the request waits, in a sentence, or nothing when the ledger changed meanwhile. */
async function waitFor(
  deployment: Deployment,
  held: NonNullable<LedgerRow['held']>,
  pending: PendingRequest | undefined,
  ports: Registry,
): Promise<Pick<Lock, 'verdict' | 'reason'> | undefined> {
  const { fleet, execution } = deployment;
  const { bucket, key } = fleet.artifact;
  const asked = await requestOf(deployment, ports);
  const newestFirst = await ports.artifacts.versions(bucket, key);
  const request = markedWith(asked, newestFirst);
  const who = `${fleet.name} is held by ${machineAndName(held.holder)} since ${held.since.toISOString()}, in the phase ${held.phase} (started by ${held.startedBy})`;
  const slot = takesTheSlot(pending, request, newestFirst);
  if (slot && !(await ports.ledger.pend(fleet.name, request, pending))) return undefined;
  const state = await ports.executions.status(held.holder);
  if (held.needsHuman === undefined && deadSince(held, state, ports.clock.now())) {
    await ports.executions.start(machinesOf(execution.id, fleet.name).cleanUp, cleanUpName(held), '{}');
  }
  const human = held.needsHuman === undefined ? '' : ', and needs a human: see docs/runbook.md';
  const told = (verdict: Lock['verdict'], what: string) => ({ verdict, reason: `${who}${human}; ${what}` });
  if (slot || !pending) return told('waiting', `${wantedBy(request)} waits and is deployed next`);
  const first = wantedBy(pending);
  return first === wantedBy(request)
    ? told('waiting', `${first} waits already, as ${pending.id} asked for it`)
    : told('superseded', `superseded by ${first}, which waits already`);
}

/**
 * What waits is told and compared by the version that it would deploy. A rollback waits for the deployment that it means
 * now: `previous` means another one when the holder has ended.
 */
async function requestOf(
  { fleet, input, execution }: Deployment,
  { artifacts, records, clock }: Registry,
): Promise<PendingRequest> {
  const request = (versionId: string, as: DeploymentInput = input): PendingRequest => ({
    id: execution.name,
    input: JSON.stringify(as),
    versionId,
    since: clock.now(),
  });
  const { bucket, key } = fleet.artifact;
  if (input.rollbackTo !== undefined) {
    const { deployment: rollbackTo, release } = await findTarget(fleet, input.rollbackTo, records);
    return request(release.artifact.versionId, { ...input, rollbackTo });
  }
  const current = input.newImage && (await records.readRecord(bucket, currentReleaseKey(fleet.name)));
  const runs = parseCurrentRelease(current);
  if (runs) return request(runs.artifact.versionId);
  const found = await artifacts.find(bucket, key, input.versionId);
  return request(foundArtifact(bucket, key, input.versionId, found).versionId);
}

export const handler = lambdaHandler(takeTheFleetLock, () => ({
  artifacts: liveArtifacts(),
  records: liveRecords(),
  ledger: liveLedger(),
  executions: liveExecutions(),
  clock: systemClock,
}));
