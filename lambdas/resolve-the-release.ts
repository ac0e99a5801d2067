/**
 * State *Resolve the release*: the artifact's version and checksum, those of the runtimes, whether this release is
 * wanted at all, and whether the fleet's gates let it through. Only reads.
 */

import { liveArtifacts } from './clients/artifacts.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveRecords } from './clients/records.ts';
import type { After, NoRelease, ResolvedRelease } from './domain/core/document.ts';
import { DeploymentError } from './domain/core/errors.ts';
import { currentReleaseKey, deploymentRecordKey, promotionKey } from './domain/core/names.ts';
import { defineStep } from './domain/core/step.ts';
import { askGates, type GateAnswer, type GateFacts, refuse } from './domain/release/gates.ts';
import { newestFiles, recordedFiles } from './domain/release/pinning.ts';
import {
  type CurrentRelease,
  decideRelease,
  nothingToRedeploy,
  parseCurrentRelease,
  previousDeployment,
  refuseForeignKey,
  releaseBefore,
} from './domain/release/release-choice.ts';
import { decideRollback, parseAnyRecord } from './domain/release/rollback.ts';
import type { Ports } from './ports/ports.ts';

type Resolving = After<'image'>;

export const resolveTheRelease = defineStep(
  'resolve-the-release',
  ['image'],
  async (
    deployment: Resolving,
    { artifacts, records, clock }: Pick<Ports, 'artifacts' | 'records' | 'clock'>,
  ): Promise<ResolvedRelease | NoRelease> => {
    const { fleet, input, image } = deployment;
    refuseForeignKey(fleet, input);
    const dryRun = input.dryRun ?? false;
    const isEarlier = input.rollbackTo !== undefined || input.newImage !== undefined;
    const [past, newest] = await Promise.all([
      readPast(deployment, artifacts, records),
      isEarlier ? undefined : newestFiles(fleet, input, artifacts),
    ]);
    const { current, target, ranBefore, leftBehind } = past;
    const nothing = input.newImage && nothingToRedeploy(fleet, image, current);
    if (nothing) return { verdict: 'nothing-to-redeploy', reason: nothing, dryRun };

    const files = newest ?? (await recordedFiles(fleet, earlierRelease(deployment, past), artifacts));
    const facts = { ...files, imageId: image.imageId, rollbackTo: image.rollbackTo, current };
    const { verdict, reason } = decideRelease(fleet, input, facts);
    const gates =
      verdict === 'deploy'
        ? await atTheGates(deployment, { ...facts, image, now: clock.now() }, records)
        : OPEN;
    if (!dryRun) refuse(gates.refusals);
    const previous = previousDeployment(fleet, facts, target, ranBefore);
    const before = releaseBefore(current);
    return {
      verdict,
      reason: [reason, ...gates.overridden].join(', '),
      dryRun,
      artifact: files.artifact,
      runtimes: files.runtimes,
      ...(before && { before }),
      ...(ranBefore && { ranBefore }),
      ...(previous && { previous }),
      ...(leftBehind && { leftBehind }),
      ...(gates.refusals.length > 0 && { refusals: [...gates.refusals] }),
    };
  },
);

interface Past {
  /** What the fleet runs, if that is known. */
  readonly current: CurrentRelease | undefined;
  /** What is gone back to. */
  readonly target: CurrentRelease | undefined;
  /** The last deployment that is known to have run: also when one has ended badly since. */
  readonly ranBefore: string | undefined;
  /** The newest version of the artifact when it was gone back, now or before what a new image is for. */
  readonly leftBehind: string | undefined;
}

async function readPast(
  { fleet, input, image }: Resolving,
  artifacts: Ports['artifacts'],
  records: Ports['records'],
): Promise<Past> {
  const { bucket, key } = fleet.artifact;
  const id = image.rollbackTo;
  const [last, record, newestFirst] = await Promise.all([
    records.readRecord(bucket, currentReleaseKey(fleet.name)),
    id === undefined ? undefined : records.readRecord(bucket, deploymentRecordKey(fleet.name, id)),
    // Not `find`: a newest upload that cannot be used must not be in the way of going back.
    id === undefined ? [] : artifacts.versions(bucket, key),
  ]);
  const current = parseCurrentRelease(last);
  return {
    current,
    target: id === undefined ? undefined : decideRollback(fleet, id, record, last),
    ranBefore: current ? current.deployment : parseAnyRecord(last)?.previous,
    leftBehind: newestFirst[0] ?? (input.newImage && current?.leftBehind),
  };
}

/** What a rollback goes back to, or what a new image is for. */
function earlierRelease({ input, execution }: Resolving, { current, target }: Past): CurrentRelease {
  const release = input.rollbackTo === undefined ? current : target;
  if (release) return release;
  throw new DeploymentError(
    'StepCrashed',
    `*Resolve the image* of ${execution.name} has not found the deployment to go back to. Steps are started by the ` +
      'state machine, not by hand.',
  );
}

const OPEN: GateAnswer = { refusals: [], overridden: [] };

async function atTheGates(
  { fleet, input }: Resolving,
  facts: Omit<GateFacts, 'promotion'>,
  records: Ports['records'],
): Promise<GateAnswer> {
  const key = promotionKey(fleet.name, facts.artifact.sha256);
  const promotion = fleet.wantsProvenance ? await records.readRecord(fleet.artifact.bucket, key) : undefined;
  return askGates(fleet, input, { ...facts, promotion });
}

export const handler = lambdaHandler(resolveTheRelease, () => ({
  artifacts: liveArtifacts(),
  records: liveRecords(),
  clock: systemClock,
}));
