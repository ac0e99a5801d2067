/**
 * One failed instance may be kept for debugging: running, out of the load balancers, retired in Mackerel, and tagged
 * with the moment until which it is kept. Who wants it longer changes the tag; the orphan watch removes it afterwards.
 */
import type { Instance } from '../../ports/ec2.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Deployment, Kept } from '../core/document.ts';
import { isProtected, TAG } from '../core/fleet.ts';
import { whyUntold } from '../core/untold.ts';
import { list } from '../core/words.ts';
import { retireHostsOf, terminateInstances } from './end-instances.ts';

/** A fleet, and the id of the launch template that its instances come from. */
export interface OfTemplate {
  readonly name: string;
  readonly launchTemplate: string;
}

export interface MackerelRole {
  readonly service: string;
  readonly role: string;
}

/** Until when an instance is kept, by its tag; `undefined`: it is not, or the tag holds no moment. */
export function keptUntil({ tags }: Pick<Instance, 'tags'>): Date | undefined {
  const until = new Date(tags[TAG.keepUntil] ?? '');
  return Number.isNaN(until.getTime()) ? undefined : until;
}

/** Is somebody expected to look at it still? Then it is no orphan. */
export function isKept(instance: Pick<Instance, 'tags'>, now: Date): boolean {
  const until = keptUntil(instance);
  return until !== undefined && until > now;
}

/**
 * The kept instances whose time is over: to be terminated. Only what was launched from the fleet's template, whatever
 * other tags say, and without the hand brake; one whose tag holds no moment is not among them and counts as an orphan.
 */
export function expiredKept(
  { name, launchTemplate }: OfTemplate,
  instances: readonly Instance[],
  now: Date,
): string[] {
  return instances
    .filter(({ tags }) => tags[TAG.fleet] === name && tags[TAG.template] === launchTemplate)
    .filter(({ state }) => state !== 'shutting-down' && state !== 'terminated')
    .filter((instance) => {
      const until = keptUntil(instance);
      return until !== undefined && until <= now && !isProtected(instance);
    })
    .map(({ instanceId }) => instanceId);
}

/**
 * Which instance an undo keeps, if the fleet wants one kept: the one that an earlier look has tagged, else the first of
 * those that failed and still run.
 * @param failed ids
 * @param removable what the undo would terminate now
 */
export function toKeep(
  { fleet }: Deployment,
  failed: readonly string[],
  removable: readonly Instance[],
  now: Date,
): Kept | undefined {
  if (fleet.keepFailedHostMinutes === 0) return undefined;
  const tagged = removable.find((instance) => isKept(instance, now));
  if (tagged) return { instanceId: tagged.instanceId, until: tagged.tags[TAG.keepUntil] ?? '' };
  const running = removable.filter(({ state }) => state === 'running').map(({ instanceId }) => instanceId);
  const chosen = failed.find((id) => running.includes(id));
  if (chosen === undefined) return undefined;
  const until = new Date(now.getTime() + fleet.keepFailedHostMinutes * 60_000);
  return { instanceId: chosen, until: until.toISOString().replace(/\.\d+Z$/, 'Z') };
}

/** What an operator reads of it. */
export function keptSentence({ instanceId, until }: Kept): string {
  return `${instanceId} is kept for debugging until ${until} (out of service, tag ${TAG.keepUntil}), then the orphan watch terminates it`;
}

/**
 * Removes failed instances that were kept for debugging and whose time is over: part of the orphan watch.
 * Needs `ec2:TerminateInstances` on instances with the fleet's tag.
 * @param tagged what carries the fleet's tag
 * @returns what was done, in a sentence; `undefined` when there was nothing to do
 */
export async function removeExpiredKept(
  fleet: OfTemplate,
  tagged: readonly Instance[],
  { ec2, clock }: Pick<Ports, 'ec2' | 'clock'>,
): Promise<string | undefined> {
  const ids = expiredKept(fleet, tagged, clock.now());
  if (ids.length === 0) return undefined;
  const { reason } = await terminateInstances(ids, { ec2 });
  return `${list(ids)} ${ids.length === 1 ? 'was' : 'were'} kept for debugging, and that time is over: ${reason}`;
}

/**
 * A kept host was retired in Mackerel when it was set aside, but its agent registers it again if somebody restarts it:
 * once the instance has ended, so that nobody is paged. That Mackerel does not answer is told, and looked at again.
 * @param tagged as above
 * @returns as above
 */
export async function retireEndedKept(
  { name, launchTemplate, mackerel: role }: OfTemplate & { readonly mackerel?: MackerelRole | undefined },
  tagged: readonly Instance[],
  { mackerel }: Pick<Ports, 'mackerel'>,
): Promise<string | undefined> {
  const ended = tagged
    .filter(({ tags }) => tags[TAG.fleet] === name && tags[TAG.template] === launchTemplate)
    .filter((instance) => instance.state === 'terminated' && keptUntil(instance) !== undefined)
    .map(({ instanceId }) => instanceId);
  if (ended.length === 0 || !role) return undefined;
  let retired = 0;
  const why = await whyUntold(async () => {
    const answer = await retireHostsOf({ fleet: { mackerel: role } }, { mackerel }, ended);
    retired = answer.retired;
    return answer.refusals;
  });
  if (why) return `Mackerel did not retire the kept ${list(ended)}, which registered again: ${why}`;
  return retired > 0 ? `retired the kept ${list(ended)}, which had registered again, in Mackerel` : undefined;
}
