/** Are the old hosts drained? A load balancer that drains reports its hosts as in service: ask for `draining`. */
import type { Member } from '../../ports/load-balancers.ts';
import { DeploymentError } from '../core/errors.ts';
import { DEREGISTRATION_SECONDS } from '../core/steps.ts';
import { list, span } from '../core/words.ts';

export interface DrainingDecision {
  readonly drained: boolean;
  /** Hosts that a load balancer still lists without draining them: somebody registered them again. */
  readonly back: readonly string[];
  readonly reason: string;
}

/** @param members by load balancer name: what the load balancer says of the old hosts. */
export function decideDraining(members: ReadonlyMap<string, readonly Member[]>): DrainingDecision {
  const draining: string[] = [];
  const back: string[] = [];
  for (const [name, listed] of members) {
    for (const { instanceId, state } of listed) {
      (state === 'draining' ? draining : back).push(`${instanceId} at ${name}`);
    }
  }
  if (back.length > 0) return { drained: false, back, reason: `still registered: ${list(back)}` };
  if (draining.length > 0) return { drained: false, back, reason: `requests still run on ${list(draining)}` };
  return {
    drained: true,
    back,
    reason:
      members.size === 0 ? 'no load balancer to drain' : 'the old hosts are drained at all load balancers',
  };
}

/**
 * May the wait end? Requests that still run when the time is over are cut.
 * @throws DrainingStuck when a load balancer lists an old host again, or has never heard of the deregistration.
 */
export function decideDrained(
  members: ReadonlyMap<string, readonly Member[]>,
  secondsPassed: number,
  limitSeconds: number,
): { readonly ready: boolean; readonly reason: string } {
  const { drained, back, reason } = decideDraining(members);
  if (drained) return { ready: true, reason };
  if (back.length > 0 && secondsPassed >= DEREGISTRATION_SECONDS)
    throw new DeploymentError(
      'DrainingStuck',
      `${span(secondsPassed)} after the deregistration ${reason}. Does something else register hosts there?`,
    );
  if (back.length > 0 || secondsPassed < limitSeconds) return { ready: false, reason };
  return {
    ready: true,
    reason: `${reason}; ${cutOffSentence(limitSeconds)}`,
  };
}

/** Said the same in the state, the plan, and by doctor. @param limitSeconds the fleet's `limits.drainSeconds` */
export const cutOffSentence = (limitSeconds: number): string =>
  `what still runs after ${span(limitSeconds)} (limits.drainSeconds) is cut off, and the deployment goes on`;
