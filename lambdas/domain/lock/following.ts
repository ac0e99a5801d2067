/**
 * Who is deployed after this deployment: the fleets that say `after` of it in the fleets file, with the version that was
 * deployed, and only when it was. They follow a roll-back too: one tarball feeds them all, and half of an environment
 * left on the release that somebody went back from is the greater surprise. They do not follow where the artifact stays
 * (`redeploy`, a new image): each fleet's hosts are its own affair.
 */
import { createHash } from 'node:crypto';
import { type Deployment, deploymentId } from '../core/document.ts';
import { startedBy } from '../core/input.ts';
import { plain } from '../core/words.ts';

/** An execution of a follower's machine. */
export interface FollowUp {
  readonly fleet: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export function followUps(deployment: Deployment): FollowUp[] {
  const { fleet, input, release, record } = deployment;
  const wasDeployed = (Object(record) as { outcome?: unknown }).outcome === 'Deployed';
  const { override, newImage } = input as { override?: unknown; newImage?: unknown };
  const artifactStays = input.redeploy === true || newImage !== undefined;
  if (!wasDeployed || release === undefined || artifactStays) return [];
  return fleet.followers.map((follower) => ({
    fleet: follower,
    name: followName(deploymentId(deployment)),
    input: {
      versionId: release.artifact.versionId,
      startedBy: plain(`after ${fleet.name}: ${startedBy(input)}`, LONGEST_STARTER),
      ...(input.reason !== undefined && { reason: input.reason }),
      // Of one release: what was overridden for the first fleet is for those that follow.
      ...(override !== undefined && { override }),
    },
  }));
}

/** As the input allows it. */
const LONGEST_STARTER = 128;
/** Step Functions' limit. */
const LONGEST_NAME = 80;

const FOLLOWS = 'after-';

/** Was the deployment of this id started by the one that it follows? */
export const isFollowUp = (id: string): boolean => id.startsWith(FOLLOWS);

/** The same for the same deployment, so that each follower starts once, however often its lock is released. */
function followName(id: string): string {
  const name = `${FOLLOWS}${id}`;
  if (name.length <= LONGEST_NAME) return name;
  return `${FOLLOWS}${createHash('sha256').update(id).digest('hex').slice(0, 24)}`;
}
