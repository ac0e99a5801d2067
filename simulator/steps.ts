/** Every step of the story by its name: the same functions that run in Lambda, to be given ports. */

import { askTheHook } from '../lambdas/ask-the-hook.ts';
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
import { startTheFollowers } from '../lambdas/start-the-followers.ts';
import { takeOldHostsOutOfService } from '../lambdas/take-old-hosts-out-of-service.ts';
import { takeOverTheLock } from '../lambdas/take-over-the-lock.ts';
import { takeTheFleetLock } from '../lambdas/take-the-fleet-lock.ts';
import { terminateNewInstances } from '../lambdas/terminate-new-instances.ts';
import { terminateOldInstances } from '../lambdas/terminate-old-instances.ts';
import { waitForAPerson } from '../lambdas/wait-for-a-person.ts';
import { watchTheFirstHosts } from '../lambdas/watch-the-first-hosts.ts';
import { watchTheNewHosts } from '../lambdas/watch-the-new-hosts.ts';
import { writeThePlan } from '../lambdas/write-the-plan.ts';

/** Of a deployment, a clean-up or a promotion. */
export type AnyStepName = StepName | PromotionStepName;

export type RunStep = (document: unknown, ports: Ports) => Promise<unknown>;

/** A missing one is a type error. */
export const STEP_FUNCTIONS: Readonly<Record<AnyStepName, RunStep>> = {
  'take-the-fleet-lock': takeTheFleetLock.run,
  'resolve-the-image': resolveTheImage.run,
  'resolve-the-release': resolveTheRelease.run,
  'snapshot-old-hosts': snapshotOldHosts.run,
  'write-the-plan': writeThePlan.run,
  'launch-new-instances': launchNewInstances.run,
  'new-hosts-are-ready': newHostsAreReady.run,
  'watch-the-first-hosts': watchTheFirstHosts.run,
  'replace-the-stragglers': replaceTheStragglers.run,
  'remove-the-stragglers': removeTheStragglers.run,
  'take-old-hosts-out-of-service': takeOldHostsOutOfService.run,
  'old-hosts-are-drained': oldHostsAreDrained.run,
  'watch-the-new-hosts': watchTheNewHosts.run,
  'ask-the-hook': askTheHook.run,
  'wait-for-a-person': waitForAPerson.run,
  'terminate-old-instances': terminateOldInstances.run,
  'start-the-followers': startTheFollowers.run,
  'retire-old-hosts-in-mackerel': retireOldHostsInMackerel.run,
  'record-the-release': recordTheRelease.run,
  'put-old-hosts-back': putOldHostsBack.run,
  'terminate-new-instances': terminateNewInstances.run,
  'record-the-failure': recordTheFailure.run,
  'release-the-fleet-lock': releaseTheFleetLock.run,
  'take-over-the-lock': takeOverTheLock.run,
  'choose-the-candidate': chooseTheCandidate.run,
  'write-the-proof': writeTheProof.run,
  'copy-the-artifact': copyTheArtifact.run,
  'give-up-the-promotion': giveUpThePromotion.run,
};
