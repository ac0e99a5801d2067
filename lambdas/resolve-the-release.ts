/**
 * State *Resolve the release*: the artifact's version and checksum, those of the runtimes, whether this release is
 * wanted at all, and whether the fleet's gates let it through. Only reads.
 */

import { liveArtifacts } from './clients/artifacts.ts';
import { lambdaHandler, systemClock } from './clients/handler.ts';
import { liveLedger } from './clients/ledger.ts';
import { liveRecords } from './clients/records.ts';
import type { After, NoRelease, ResolvedRelease } from './domain/core/document.ts';
import { assertGatesOpen } from './domain/core/errors.ts';
import { imageIsRelease } from './domain/core/fleet.ts';
import { defineStep } from './domain/core/step.ts';
import { askGatesAbout } from './domain/release/gates.ts';
import { holdAt } from './domain/release/hold.ts';
import { earlierRelease, readPast } from './domain/release/past.ts';
import { newestFiles, recordedFiles } from './domain/release/pinning.ts';
import {
  assertOwnKey,
  decideRelease,
  launchedFrom,
  nothingToRedeploy,
  previousDeployment,
  releaseBefore,
} from './domain/release/release-choice.ts';
import type { Ports } from './ports/ports.ts';

type Resolving = After<'image'>;

export const resolveTheRelease = defineStep(
  'resolve-the-release',
  ['image'],
  async (
    deployment: Resolving,
    ports: Pick<Ports, 'artifacts' | 'records' | 'ledger' | 'clock'>,
  ): Promise<ResolvedRelease | NoRelease> => {
    const { input, image } = deployment;
    const fleet = launchedFrom(deployment.fleet, image);
    assertOwnKey(fleet, input);
    const dryRun = input.dryRun ?? false;
    const isEarlier =
      input.rollbackTo !== undefined || (input.newImage !== undefined && !imageIsRelease(fleet));
    const [past, newest, row] = await Promise.all([
      readPast({ ...deployment, fleet }, ports),
      isEarlier ? undefined : newestFiles(deployment, ports),
      ports.ledger.read(fleet.name),
    ]);
    const { current, target, ranBefore, leftBehind, starts } = past;
    const nothing = input.newImage && nothingToRedeploy(fleet, image, current);
    if (nothing) return { verdict: 'nothing-to-redeploy', reason: nothing, dryRun };

    const files = newest ?? (await recordedFiles(fleet, earlierRelease(deployment, past), ports.artifacts));
    const facts = { ...files, imageId: image.imageId, rollbackTo: image.rollbackTo, current };
    const { verdict, reason } = decideRelease(fleet, input, facts);
    const now = ports.clock.now();
    const gates =
      verdict === 'deploy'
        ? await askGatesAbout(fleet, input, { ...facts, image, now, onHold: holdAt(row, now) }, ports.records)
        : { refusals: [], overridden: [] };
    if (!dryRun) assertGatesOpen(gates.refusals);
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
      ...(starts && { starts }),
      ...(gates.testedImage && { testedImage: gates.testedImage }),
      ...(gates.refusals.length > 0 && { refusals: [...gates.refusals] }),
    };
  },
);

export const handler = lambdaHandler(resolveTheRelease, () => ({
  artifacts: liveArtifacts(),
  records: liveRecords(),
  ledger: liveLedger(),
  clock: systemClock,
}));
