/**
 * State *Choose the candidate* of a promotion: the version that the source runs, or the one asked for; whether it is
 * proven there; and whether the destination has it already. Only reads.
 */

import { S3Client } from '@aws-sdk/client-s3';
import { artifactsAdapter } from '../clients/artifacts.ts';
import { liveCopies } from '../clients/copies.ts';
import { liveExecutions } from '../clients/executions.ts';
import { lambdaHandler, systemClock } from '../clients/handler.ts';
import { liveRecords } from '../clients/records.ts';
import { AWS_CLIENT_OPTIONS } from '../clients/wire/aws-options.ts';
import type { PinnedArtifact } from '../domain/core/artifact.ts';
import { assertThroughTheDoor } from '../domain/core/door.ts';
import { currentReleaseKey } from '../domain/core/names.ts';
import {
  assertVersionExists,
  candidateVersion,
  decidePromotion,
  type Histories,
  proveVersion,
} from '../domain/promotion/promoting.ts';
import type { Candidate, Promotion, PromotionPlan } from '../domain/promotion/promotion.ts';
import { findProofs } from '../domain/promotion/proof.ts';
import { parseHistory, type Ran } from '../domain/promotion/provenance.ts';
import { definePromotionStep } from '../domain/promotion/step.ts';
import { pin } from '../domain/release/pin.ts';
import { foundArtifact } from '../domain/release/release-choice.ts';
import type { Ports } from '../ports/ports.ts';
import type { Artifacts, ArtifactVersion } from '../ports/s3.ts';

/** So many releases back a version is looked for; the port lists so many versions at most. */
const MOST_RELEASES = 50;
const MOST_VERSIONS = 1_000;

export const chooseTheCandidate = definePromotionStep(
  'choose-the-candidate',
  [],
  async (
    promotion: Promotion,
    ports: Pick<Ports, 'artifacts' | 'records' | 'copies' | 'executions' | 'clock'>,
  ): Promise<Candidate> => {
    const { promotion: plan, input, fleet } = promotion;
    await assertThroughTheDoor('promote', promotion, ports);
    const { from, to, fed } = plan;
    const [histories, newestFirst] = await Promise.all([
      historiesOf(plan, ports),
      ports.artifacts.versions(from.bucket, from.key),
    ]);
    const source = fed.find((each) => each.fleet === fleet.name)?.from ?? '';
    const versionId = candidateVersion(source, input, histories);
    assertVersionExists(plan, versionId, newestFirst, MOST_VERSIONS);
    const proven = proveVersion(plan, input, versionId, { histories, newestFirst, now: ports.clock.now() });
    const { bucket, key } = from;
    const found = foundArtifact(bucket, key, versionId, await ports.artifacts.find(bucket, key, versionId));
    const artifact = await pinned(plan, found, histories, ports.artifacts);
    const newest = await ports.copies.look(to);
    const proofs = await findProofs(plan, artifact, newest, ports.records);
    return {
      ...decidePromotion(plan, artifact, proven, { newest, proofs, found, now: ports.clock.now() }),
      dryRun: input.dryRun ?? false,
      artifact,
      provenBy: { ...proven.provenBy },
      tested: { ...proven.tested },
    };
  },
);

/** What each source fleet ran, as the versions of its `current.json` tell. */
async function historiesOf(
  { from, fed }: PromotionPlan,
  { artifacts, records }: Pick<Ports, 'artifacts' | 'records'>,
): Promise<Histories> {
  const sources = [...new Set(fed.map((each) => each.from))];
  const histories = sources.map(async (source): Promise<[string, readonly Ran[]]> => {
    const key = currentReleaseKey(source);
    const versions = (await artifacts.versions(from.bucket, key)).slice(0, MOST_RELEASES);
    const ran = await Promise.all(versions.map((id) => records.readVersion(from.bucket, key, id)));
    return [source, parseHistory(ran)];
  });
  return new Map(await Promise.all(histories));
}

/** As it was deployed at the source; one that never was is read when nobody knows its digest. */
async function pinned(
  { from }: PromotionPlan,
  found: ArtifactVersion,
  histories: Histories,
  artifacts: Artifacts,
): Promise<PinnedArtifact> {
  const deployed = [...histories.values()].flat().map(({ artifact }) => artifact);
  const known = deployed.find(
    (artifact) => artifact?.key === found.key && artifact.versionId === found.versionId,
  );
  return known ?? pin(artifacts, from.bucket, found);
}

export const handler = lambdaHandler(chooseTheCandidate, () => ({
  // The source may be in another Region.
  artifacts: artifactsAdapter(new S3Client({ ...AWS_CLIENT_OPTIONS, followRegionRedirects: true })),
  records: liveRecords(),
  copies: liveCopies(),
  executions: liveExecutions(),
  clock: systemClock,
}));
