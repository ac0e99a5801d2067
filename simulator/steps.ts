/** Every step of the story by its name: the same functions that run in Lambda, waiting for ports. */

import type { StepName } from '../lambdas/domain/core/steps.ts';
import type { PromotionStepName } from '../lambdas/domain/promotion/steps.ts';
import { launchNewInstances } from '../lambdas/launch-new-instances.ts';
import { newHostsAreReady } from '../lambdas/new-hosts-are-ready.ts';
import { oldHostsAreDrained } from '../lambdas/old-hosts-are-drained.ts';
import type { Ports } from '../lambdas/ports/ports.ts';
import { chooseTheCandidate } from '../lambdas/promotion/choose-the-candidate.ts';
import { copyTheArtifact } from '../lambdas/promotion/copy-the-artifact.ts';
import { giveUpThePromotion } from '../lambdas/promotion/give-up-the-promotion.ts';
import { writeTheProof } from '../lambdas/promotion/write-the-proof.ts';
import { putOldHostsBack } from '../lambdas/put-old-hosts-back.ts';
import { recordTheFailure } from '../lambdas/record-the-failure.ts';
import { recordTheRelease } from '../lambdas/record-the-release.ts';
import { releaseTheFleetLock } from '../lambdas/release-the-fleet-lock.ts';
import { removeTheStragglers } from '../lambdas/remove-the-stragglers.ts';
import { replaceTheStragglers } from '../lambdas/replace-the-stragglers.ts';
import { resolveTheImage } from '../lambdas/resolve-the-image.ts';
import { resolveTheRelease } from '../lambdas/resolve-the-release.ts';
import { retireOldHostsInMackerel } from '../lambdas/retire-old-hosts-in-mackerel.ts';
import { snapshotOldHosts } from '../lambdas/snapshot-old-hosts.ts';
import { takeOldHostsOutOfService } from '../lambdas/take-old-hosts-out-of-service.ts';
import { takeOverTheLock } from '../lambdas/take-over-the-lock.ts';
import { takeTheFleetLock } from '../lambdas/take-the-fleet-lock.ts';
import { terminateNewInstances } from '../lambdas/terminate-new-instances.ts';
import { terminateOldInstances } from '../lambdas/terminate-old-instances.ts';
import { watchTheNewHosts } from '../lambdas/watch-the-new-hosts.ts';
import { writeThePlan } from '../lambdas/write-the-plan.ts';

/** Of a deployment, a clean-up or a promotion. */
export type AnyStepName = StepName | PromotionStepName;

export type RunStep = (document: unknown, ports: Ports) => Promise<unknown>;

const ALL = [
  takeTheFleetLock,
  resolveTheImage,
  resolveTheRelease,
  snapshotOldHosts,
  writeThePlan,
  launchNewInstances,
  newHostsAreReady,
  replaceTheStragglers,
  removeTheStragglers,
  takeOldHostsOutOfService,
  oldHostsAreDrained,
  watchTheNewHosts,
  terminateOldInstances,
  retireOldHostsInMackerel,
  recordTheRelease,
  putOldHostsBack,
  terminateNewInstances,
  recordTheFailure,
  releaseTheFleetLock,
  takeOverTheLock,
  chooseTheCandidate,
  writeTheProof,
  copyTheArtifact,
  giveUpThePromotion,
] satisfies readonly { readonly run: RunStep }[];

export const STEP_FUNCTIONS = Object.fromEntries(ALL.map((step) => [step.name, step.run])) as Record<
  AnyStepName,
  RunStep
>;
