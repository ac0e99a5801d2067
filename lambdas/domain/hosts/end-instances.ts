/**
 * How instances end: out of the load balancers, drained, terminated, retired in Mackerel. Old hosts, new hosts and
 * stragglers are terminated by the same call; new hosts and stragglers leave by the same procedure.
 */

import type { Instance } from '../../ports/ec2.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Refusal } from '../../ports/refusal.ts';
import {
  type After,
  type Deployment,
  type Launch,
  type Milestones,
  oldInstanceIds,
} from '../core/document.ts';
import { isFailure } from '../core/errors.ts';
import { whyUntold } from '../core/untold.ts';
import type { Found, Turn } from '../core/wait.ts';
import { count, list } from '../core/words.ts';
import { decideDraining } from './draining.ts';
import { atEachBalancer, hostsOfRole, membersByTwoAnswers, portsOf } from './look-at-hosts.ts';
import { isNamelessOf } from './nameless.ts';
import {
  allEnded,
  assertNoneRefused,
  calledSentence,
  decideTermination,
  refusalsIn,
  rememberUnseen,
  type TerminationDecision,
} from './termination.ts';

/** What of a deployment's own instances is to end, as one look has seen it. */
export interface ToEnd {
  /** `new instance`, `straggler`. */
  readonly noun: string;
  /** All that leave the load balancers and Mackerel. */
  readonly ids: readonly string[];
  /** The launch, as far as the deployment does not know it. */
  readonly known?: Launch | undefined;
  /** One of them that goes on running, for debugging. */
  readonly keptId?: string | undefined;
  /** What EC2 says of them in this look. */
  readonly instances: readonly Instance[];
  /** Why "EC2 shows nothing more" is no proof yet. */
  readonly unsettled?: Found | undefined;
  /** Right before the call, with what EC2 has decided about. */
  readonly beforeTerminating?: () => Promise<void>;
  /**
   * What becomes of hosts that could not be retired, and why: nothing more to wait for (they are owed), or not yet.
   * Default: it is waited for them.
   */
  readonly unretired?: (ids: readonly string[], why: string) => Promise<boolean>;
  readonly milestones?: (decision: TerminationDecision) => Milestones;
}

/** Does what is due in this look, and says what is left. */
export async function endInstances(
  deployment: Deployment,
  ports: Pick<Ports, 'ec2' | 'loadBalancers' | 'mackerel'>,
  { now, secondsPassed, memory: earlier }: Pick<Turn, 'now' | 'secondsPassed' | 'memory'>,
  { noun, ids, known, keptId, instances, unsettled, beforeTerminating, unretired, milestones }: ToEnd,
): Promise<Found> {
  const ending = ids.filter((id) => id !== keptId);
  const decision = decideTermination('new', deployment, ending, instances);
  // 0: seen. The id is kept, because the instance will not be listed by its tag once it has ended.
  const seenOnce = Object.fromEntries(ids.map((id) => [id, 0]));
  const hosts = { ...seenOnce, ...rememberUnseen(decision, earlier.hosts, now) };
  const rest = { memory: { hosts }, ...(milestones && { seen: milestones(decision) }) };
  const waiting = (reason: string): Found => ({ ready: false, reason, ...rest });

  const retire = (some: readonly string[]) =>
    whyUntold(
      async () =>
        (await retireHostsOf({ ...deployment, ...(known && { launch: known }) }, ports, some)).refusals,
    );
  const unleft = await leaveBalancers(deployment, ports, ids, secondsPassed);
  if (unleft) return waiting(unleft);
  if (decision.terminate.length > 0) {
    await beforeTerminating?.();
    const { refused, reason } = await terminateInstances(decision.terminate, ports);
    // One that EC2 refuses is asked for until the deadline: nobody shall be paged meanwhile about those that are gone.
    if (refused.length > 0 && decision.gone.length > 0) await retire(decision.gone);
    return waiting(reason);
  }
  // A refused one does not keep the others from being removed: it is told when they are.
  if (!allEnded({ ...decision, refused: [] }, hosts, now))
    return waiting(`${list([...decision.going, ...decision.unseen])} still shutting down`);
  if (unsettled) return { ...unsettled, ...rest };
  const ended = [...decision.gone, ...decision.unseen, ...(keptId ? [keptId] : [])];
  const why = await retire(ended);
  if (why && !(await unretired?.(ended, why))) return waiting(`Mackerel did not retire ${why}`);
  assertNoneRefused(decision);
  const { memory: _, ...seen } = rest;
  return { ready: true, reason: `${count(ending.length, noun)} removed`, ...seen };
}

/** @param ids what may be terminated, by a decision of this very look. */
export async function terminateInstances(
  ids: readonly string[],
  { ec2 }: Pick<Ports, 'ec2'>,
): Promise<{ readonly refused: readonly Refusal[]; readonly reason: string }> {
  const { refused } = await ec2.terminate(ids);
  return { refused, reason: calledSentence(ids, refused) };
}

/**
 * Takes them out of every load balancer that lists them.
 * @param secondsPassed since the first look: after the fleet's drain limit, requests that still run are cut
 * @returns what is still waited for there, or nothing when they have been let go (or may be cut off).
 */
async function leaveBalancers(
  deployment: Deployment,
  ports: Pick<Ports, 'loadBalancers'>,
  ids: readonly string[],
  secondsPassed: number,
): Promise<string | undefined> {
  const members = await membersByTwoAnswers(deployment, ports, ids);
  const serving = new Map(
    [...members].map(([name, listed]) => [
      name,
      listed.filter(({ state }) => state !== 'draining').map(({ instanceId }) => instanceId),
    ]),
  );
  await atEachBalancer('deregister', deployment, ports, serving, (name) => portsOf(members.get(name)));
  const { drained, reason } = decideDraining(members);
  if (drained || secondsPassed >= deployment.fleet.limits.drainSeconds) return undefined;
  return `deregistering new hosts from the load balancers: ${reason}`;
}

interface OfRole {
  readonly fleet: { readonly mackerel: Pick<Deployment['fleet']['mackerel'], 'service' | 'role'> };
}

/**
 * Retires whatever hosts Mackerel has of these instances, which have ended.
 * @param known Mackerel ids of theirs from before: they are retired also when Mackerel does not list them now
 * @returns how many hosts, and what Mackerel refused.
 */
export async function retireHostsOf(
  { fleet, launch }: Pick<Deployment, 'launch'> & OfRole,
  { mackerel }: Pick<Ports, 'mackerel'>,
  ids: readonly string[],
  known: readonly string[] = [],
): Promise<{ readonly retired: number; readonly refusals: string }> {
  const found = (await hostsOfRole(fleet.mackerel, { mackerel }))
    .filter((host) =>
      host.instanceId === undefined
        ? launch && isNamelessOf(host, launch, ids)
        : ids.includes(host.instanceId),
    )
    .map((host) => host.id);
  const hostIds = [...new Set([...known, ...found])];
  const { refused } = hostIds.length > 0 ? await mackerel.retire(hostIds) : { refused: [] };
  return {
    retired: hostIds.length - refused.length,
    refusals: refused.length === 0 ? '' : refusalsIn(refused),
  };
}

/**
 * Retires the old hosts that did end, for nobody else comes by to retire them: a human looks after the rest. Best effort.
 * @returns a sentence about them.
 */
export async function retireEndedOldHosts(
  deployment: After<'oldHosts'>,
  ports: Pick<Ports, 'ec2' | 'mackerel'>,
): Promise<string> {
  try {
    const instances = await ports.ec2.describe(oldInstanceIds(deployment));
    const ids = instances.filter(({ state }) => state === 'terminated').map(({ instanceId }) => instanceId);
    if (ids.length === 0) return '';
    const ended = deployment.oldHosts.hosts.filter(({ instanceId }) => ids.includes(instanceId));
    const known = ended.flatMap(({ hostIds }) => hostIds);
    const { refusals } = await retireHostsOf(deployment, ports, ids, known);
    const but = refusals && `, but for ${refusals}`;
    return ` ${list(ids)} ended, and ${ids.length === 1 ? 'is' : 'are'} retired in Mackerel${but}.`;
  } catch (error) {
    if (!isFailure(error)) throw error;
    return '';
  }
}
