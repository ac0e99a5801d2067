/** Are the old hosts drained? A load balancer that drains reports its hosts as in service: ask for `draining`. */
import type { Member } from '../../ports/load-balancers.ts';
import { list } from '../core/words.ts';

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
    reason: members.size === 0 ? 'no load balancer to drain' : 'no load balancer holds an old host anymore',
  };
}
