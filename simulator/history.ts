/**
 * A past for a fleet on stage: releases deployed before the scenario begins, with their artifacts in the
 * bucket and their records beside them, as *Record the release* writes them. The last one is what runs.
 */

import { type PinnedArtifact, releaseName } from '../lambdas/domain/core/artifact.ts';
import type { Deployment } from '../lambdas/domain/core/document.ts';
import { currentReleaseKey, deploymentRecordKey, machineName } from '../lambdas/domain/core/names.ts';
import { recordOf } from '../lambdas/domain/record/record.ts';
import type { Image } from '../lambdas/ports/ec2.ts';
import { executionArn } from './run-definition.ts';
import { OLD_IMAGE, type Stage } from './stage.ts';

const DAY_MILLIS = 86_400_000;

/**
 * @param deployments their ids, the oldest first; each has an artifact and an image of its own, a fortnight apart
 * @param upload the artifact's version of each
 */
export function giveHistory(
  stage: Stage,
  deployments: readonly string[],
  upload = (name: string) =>
    stage.fleet.artifact.key === undefined ? '' : stage.upload(`the release of ${name}`),
): void {
  let previous: string | undefined;
  for (const [index, name] of deployments.entries()) {
    const daysAgo = 14 * (deployments.length - 1 - index) + 1;
    const at = new Date(stage.clock.now().getTime() - daysAgo * DAY_MILLIS);
    const deployment = deployed(stage, name, at, upload(name), previous);
    const record = recordOf(deployment, new Date(at.getTime() + 400_000));
    const { bucket } = stage.fleet.artifact;
    stage.world.s3.writeRecord(bucket, deploymentRecordKey(stage.fleet.name, name), record);
    stage.world.s3.writeRecord(bucket, currentReleaseKey(stage.fleet.name), record);
    previous = name;
  }
}

function deployed(
  stage: Stage,
  name: string,
  at: Date,
  versionId: string,
  previous: string | undefined,
): Deployment {
  const { fleet } = stage;
  const startedAt = at.toISOString();
  const { key } = fleet.artifact;
  const artifact = key === undefined ? null : pinned(stage, key, versionId);
  const runtimes = fleet.runtimes.map(({ key, directory }) => ({ ...pinned(stage, key), directory }));
  const image = builtBefore(stage, at);
  const reason = releaseName(artifact, image.imageId);
  return {
    fleet,
    execution: { id: executionArn(machineName(fleet.name, 'deploy'), name), name, startedAt },
    input: { startedBy: 'CI' },
    image: {
      imageId: image.imageId,
      name: image.name,
      createdAt: image.createdAt.toISOString(),
      reason: image.imageId,
    },
    release: { verdict: 'deploy', reason, dryRun: false, artifact, runtimes, ...(previous && { previous }) },
  };
}

/** The current release has the stage's image; each earlier release has one of its own day. */
function builtBefore(stage: Stage, at: Date): Image {
  const current = stage.world.ec2.findImage(OLD_IMAGE);
  if (current && current.createdAt <= at) return current;
  const builtAt = new Date(at.getTime() - DAY_MILLIS);
  const imageId = `ami-0${builtAt.toISOString().replaceAll(/\D/g, '').slice(0, 16)}`;
  return stage.world.ec2.findImage(imageId) ?? stage.addImage(imageId, builtAt);
}

function pinned({ world, fleet }: Stage, key: string, versionId?: string): PinnedArtifact {
  const found = world.s3.find(fleet.artifact.bucket, key, versionId);
  if (!found) throw new Error(`The stage has no ${key}.`);
  const sha256 = world.s3.digest(fleet.artifact.bucket, key, found.versionId);
  return { key, versionId: found.versionId, sizeBytes: found.sizeBytes, sha256 };
}
