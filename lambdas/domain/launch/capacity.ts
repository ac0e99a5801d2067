/**
 * In which order a launch tries subnets and instance types, and what it says about that.
 *
 * A zone's share is launched as a whole or not at all, and it moves on to its next try only after EC2 has said that
 * there is no room for this one. How far it has moved is written into the ledger before the next try is made, so at any
 * moment at most one try of a share can have launched anything: a step that runs again goes on where the first run
 * was, and asks again under the same token. Looking for what an earlier run launched by its tag was rejected: EC2's
 * answer may be behind, and a zone that was full in the first run may have room in the second.
 */
import * as v from 'valibot';
import type { Subnet } from '../../ports/ec2.ts';
import { NewInstance } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';
import { count, list } from '../core/words.ts';

/** Where and as what a share may be launched. */
export interface Try {
  readonly subnetId: string;
  readonly instanceType: string;
}

type Order = Pick<Fleet, 'subnets' | 'instanceTypes' | 'spillOver'>;

/**
 * The tries of one subnet's share: each type of the fleet in its own subnet; where the fleet allows it, then in each of
 * the others. These begin with the one that follows in the fleet's list, so that the shares of two full zones do not
 * both go to the first.
 */
export function triesOf({ subnets, instanceTypes, spillOver }: Order, home: string): Try[] {
  const at = subnets.indexOf(home);
  const others = spillOver ? [...subnets.slice(at + 1), ...subnets.slice(0, at)] : [];
  return [home, ...others].flatMap((subnetId) =>
    instanceTypes.map((instanceType) => ({ subnetId, instanceType })),
  );
}

/** Home subnet of a share → how many of its tries are behind it. */
export type Progress = Readonly<Record<string, number>>;

/** What a launch writes down of itself: where each share is, and by home what was launched, which is not asked again. */
const Written = v.object({
  launching: v.pipe(v.record(v.string(), v.number()), v.readonly()),
  launched: v.optional(v.record(v.string(), v.pipe(v.array(NewInstance), v.readonly())), {}),
});
export type Written = v.InferOutput<typeof Written>;

/** @param document what the ledger has of this holder: that of an earlier run of the launch, or none. */
export function writtenIn(document: string | undefined): Written {
  const parsed = v.safeParse(Written, JSON.parse(document ?? 'null'));
  return parsed.success ? parsed.output : { launching: {}, launched: {} };
}

/** After these shares found no room: each moves on to its next try, past subnets without addresses for it. */
export function movedOn(
  fleet: Order & Pick<Fleet, 'instancesPerZone'>,
  progress: Progress,
  turnedDown: readonly string[],
  subnets: readonly Subnet[],
): Progress {
  const free = new Map(subnets.map(({ subnetId, freeAddresses }) => [subnetId, freeAddresses]));
  const moved: Record<string, number> = { ...progress };
  for (const home of turnedDown) {
    const tries = triesOf(fleet, home);
    const behind = (progress[home] ?? 0) + 1;
    const hasAddresses = ({ subnetId }: Try, index: number) =>
      index >= behind && (subnetId === home || (free.get(subnetId) ?? 0) >= fleet.instancesPerZone);
    const next = tries.findIndex(hasAddresses);
    moved[home] = next === -1 ? tries.length : next;
    const to = tries[next]?.subnetId;
    // Two shares that move at the same time must not count on the same addresses.
    if (to !== undefined && to !== home) free.set(to, (free.get(to) ?? 0) - fleet.instancesPerZone);
  }
  return moved;
}

/** The try that a share is at; `undefined` when none is left. */
export function tryOf(fleet: Order, progress: Progress, home: string): Try | undefined {
  return triesOf(fleet, home)[progress[home] ?? 0];
}

/** A share that was launched. */
export interface LaunchedShare {
  readonly home: string;
  readonly as: Try;
  readonly instances: readonly NewInstance[];
}

/** With what was launched just now. */
export const withShares = ({ launching, launched }: Written, shares: readonly LaunchedShare[]): Written => ({
  launching,
  launched: { ...launched, ...Object.fromEntries(shares.map(({ home, instances }) => [home, instances])) },
});

/** All that is written down as launched, in the fleet's order; a share that was launched has not moved on since. */
export const sharesIn = (fleet: Order, { launching, launched }: Written): LaunchedShare[] =>
  fleet.subnets.flatMap((home) => {
    const [instances, as] = [launched[home], tryOf(fleet, launching, home)];
    return instances && as ? [{ home, as, instances }] : [];
  });

/** `1 instance for subnet-c launched in subnet-a (ap-northeast-1a): no capacity for t4g.small in the zone of subnet-c`. */
export function launchSentence(fleet: Fleet, imageId: string, shares: readonly LaunchedShare[]): string {
  const launched = shares.flatMap(({ instances }) => instances);
  const zones = [...new Set(launched.map((instance) => instance.zone))];
  const deviations = shares.flatMap((share) => deviation(fleet, share) ?? []);
  const all = `${count(launched.length, 'instance')} of ${imageId} in ${list(zones)}`;
  return [all, ...(deviations.length > 0 ? [list(deviations)] : [])].join('; ');
}

function deviation(fleet: Fleet, { home, as, instances }: LaunchedShare): string | undefined {
  const { instanceTypes } = fleet;
  if (as.subnetId !== home) {
    const where = `${as.subnetId} (${instances[0]?.zone}) as ${as.instanceType}`;
    return `${count(instances.length, 'instance')} for ${home} launched in ${where}: no capacity for ${list(instanceTypes)} in the zone of ${home}`;
  }
  const passed = instanceTypes.slice(0, instanceTypes.indexOf(as.instanceType));
  if (passed.length === 0) return undefined;
  return `${as.instanceType} in ${home}: no capacity for ${list(passed)} there`;
}

/** @returns what to throw when a share has no try left. */
export function noRoomFor(fleet: Fleet, home: string): DeploymentError {
  const { name, instancesPerZone, instanceTypes, subnets, spillOver } = fleet;
  const others = subnets.filter((subnetId) => subnetId !== home);
  const elsewhere =
    spillOver && `, and no other zone (of ${list(others)}) has both capacity and free addresses for it`;
  const advice = !spillOver && others.length > 0 && ', or allow the other zones with spillOver';
  return new DeploymentError(
    'NoCapacity',
    `EC2 has no capacity in the zone of ${home} for ${count(instancesPerZone, 'instance')} of ${list(instanceTypes)}${elsewhere || ''}. ` +
      `Try again later, or add instance types to ${name} in the fleets file${advice || ''}.`,
  );
}
