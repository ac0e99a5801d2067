/**
 * Who is deployed after this deployment: the fleets that say `after` of it in the fleets file, with the version that was
 * deployed, and only when it was, or can no longer be undone. They follow a roll-back too: one tarball feeds them all, and half of an environment
 * left on the release that somebody went back from is the greater surprise. They do not follow where the release stays
 * (`redeploy`; a new image, unless that is the release): each fleet's hosts are its own affair.
 */
import { type Deployment, deploymentId } from '../core/document.ts';
import { imageIsRelease } from '../core/fleet.ts';
import { startedBy } from '../core/input.ts';
import { followName } from '../core/names.ts';
import { plain } from '../core/words.ts';

/** An execution of a follower's machine. */
export interface FollowUp {
  readonly fleet: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export function followUps(deployment: Deployment): FollowUp[] {
  const { fleet, input, release, image, record } = deployment;
  const wasDeployed =
    (Object(record) as { outcome?: unknown }).outcome === 'Deployed' || isBeyondUndoing(deployment);
  const { newImage } = input as { newImage?: unknown };
  const stays = input.redeploy === true || (newImage !== undefined && !imageIsRelease(fleet));
  if (!wasDeployed || release === undefined || image === undefined || stays) return [];
  const override = handedOn(input);
  return fleet.followers.map((follower) => ({
    fleet: follower,
    name: followName(deploymentId(deployment)),
    input: {
      ...(release.artifact ? { versionId: release.artifact.versionId } : { amiId: image.imageId }),
      startedBy: plain(`after ${fleet.name}: ${startedBy(input)}`, LONGEST_STARTER),
      ...(input.reason !== undefined && { reason: input.reason }),
      ...(override.length > 0 && { override }),
    },
  }));
}

/**
 * Of one release: what was overridden for the first fleet is for those that follow. But for alerts: nobody has looked at
 * those of another fleet, which has monitors and hosts of its own, and one may have opened because of this very release.
 */
const handedOn = ({ override }: Deployment['input']): readonly unknown[] =>
  [override ?? []].flat().filter((gate) => gate !== 'alerting');

/** An old host has been terminated, or may have been: whatever comes now, the fleet goes on with the new ones. */
const isBeyondUndoing = ({ termination, failure }: Deployment): boolean =>
  termination?.memory?.begun === 1 && failure === undefined;

/** As the input allows it. */
const LONGEST_STARTER = 128;

/**
 * Followers are owed from the removal on. A clean-up may have begun that anew, after the deployment had started them: it
 * goes back to what the deployment itself wrote down. (The clocks of functions and of Step Functions may differ.)
 */
export function owedSince(deployment: Deployment): Date {
  const { shift, termination, execution } = deployment;
  const since = isCleanUp(deployment) ? shift?.at : (termination?.since ?? shift?.at);
  return new Date(Date.parse(since ?? execution.startedAt) - 1_000);
}

/** Does this execution act for one that is dead? */
export const isCleanUp = ({ lock, execution }: Deployment): boolean => lock?.holder !== execution.id;
