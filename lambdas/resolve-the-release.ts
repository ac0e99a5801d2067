/**
 * State *Resolve the release*: the artifact's version and checksum, those of the runtimes, whether this release is
 * wanted at all, and whether the fleet's gates let it through. Only reads.
 */
import { liveArtifacts } from './clients/artifacts.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { newestFiles, recordedFiles } from './clients/pinning.ts';
import type { Artifacts, Ports } from './clients/ports.ts';
import type { After, NoRelease, ResolvedRelease } from './domain/deployment.ts';
import { currentReleaseKey, deploymentRecordKey, promotionKey } from './domain/fleet.ts';
import { askGates, type GateAnswer, type GateFacts, refuse } from './domain/gates.ts';
import {
  type CurrentRelease,
  decideRelease,
  nothingToRedeploy,
  parseCurrentRelease,
  refuseForeignKey,
  releaseBefore,
} from './domain/release-choice.ts';
import { decideRollback, parseAnyRecord } from './domain/rollback.ts';
import { defineStep } from './domain/step.ts';

type Resolving = After<'image'>;

export const resolveTheRelease = defineStep(
  'resolve-the-release',
  ['image'],
  async (
    deployment: Resolving,
    { artifacts, clock }: Pick<Ports, 'artifacts' | 'clock'>,
  ): Promise<ResolvedRelease | NoRelease> => {
    const { fleet, input, image } = deployment;
    refuseForeignKey(fleet, input);
    const dryRun = input.dryRun ?? false;
    const { current, target, ranBefore } = await readPast(deployment, artifacts);
    const nothing = input.newImage && nothingToRedeploy(fleet, image, current);
    if (nothing) return { verdict: 'nothing-to-redeploy', reason: nothing, dryRun };

    const recorded = target ?? (input.newImage && current);
    const files = recorded
      ? await recordedFiles(fleet, recorded, artifacts)
      : await newestFiles(fleet, input, artifacts);
    const facts = { ...files, imageId: image.imageId, rollbackTo: image.rollbackTo, current };
    const { verdict, reason } = decideRelease(fleet, input, facts);
    const gates =
      verdict === 'deploy'
        ? await atTheGates(deployment, { ...facts, image, now: clock.now() }, artifacts)
        : OPEN;
    if (!dryRun) refuse(gates.refusals);
    const previous = releaseBefore(fleet, facts, target, ranBefore);
    return {
      verdict,
      reason: [reason, ...gates.overridden].join(', '),
      dryRun,
      artifact: files.artifact,
      runtimes: files.runtimes,
      ...(ranBefore && { ranBefore }),
      ...(previous && { previous }),
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
}

async function readPast({ fleet, image }: Resolving, artifacts: Artifacts): Promise<Past> {
  const read = (key: string) => artifacts.readRecord(fleet.artifact.bucket, key);
  const id = image.rollbackTo;
  const [last, record] = await Promise.all([
    read(currentReleaseKey(fleet.name)),
    id === undefined ? undefined : read(deploymentRecordKey(fleet.name, id)),
  ]);
  const current = parseCurrentRelease(last);
  return {
    current,
    target: id === undefined ? undefined : decideRollback(fleet, id, record, last),
    ranBefore: current ? current.deployment : parseAnyRecord(last)?.previous,
  };
}

const OPEN: GateAnswer = { refusals: [], overridden: [] };

async function atTheGates(
  { fleet, input }: Resolving,
  facts: Omit<GateFacts, 'promotion'>,
  artifacts: Artifacts,
): Promise<GateAnswer> {
  const key = promotionKey(fleet.name, facts.artifact.sha256);
  const promotion = fleet.wantsProvenance
    ? await artifacts.readRecord(fleet.artifact.bucket, key)
    : undefined;
  return askGates(fleet, input, { ...facts, promotion });
}

export const handler = lambdaHandler(resolveTheRelease, () => ({
  artifacts: liveArtifacts(),
  clock: systemClock,
}));
