/**
 * When each host was first seen to have come so far: what the looks write down for the timeline. Columns of whole
 * seconds, one place per host in the order in which the document names them: with an id in every place the document of
 * 500 hosts would be a third larger.
 */
import type { Instance } from '../../../ports/ec2.ts';
import type { Member } from '../../../ports/load-balancers.ts';
import type { MackerelHost } from '../../../ports/mackerel.ts';
import { groupBy } from '../../core/collections.ts';
import type { Deployment, Milestones, NewInstance, OldHost } from '../../core/document.ts';
import { secondsBetween } from '../../core/words.ts';
import type { HostFacts } from '../../hosts/readiness.ts';
import { type Column, pack, unpack } from './packed.ts';

/** Whole seconds from the deployment's start to a moment. */
export function secondsIn({ execution }: Pick<Deployment, 'execution'>, moment: Date | string): number {
  return Math.max(0, Math.round(secondsBetween(execution.startedAt, moment)));
}

/** What was seen first stays. */
function first(earlier: string | undefined, now: readonly (number | undefined)[]): string {
  const before = unpack(earlier);
  return pack(now.map((seconds, i) => before[i] ?? seconds ?? null));
}

/** The same moment for those for whom it holds in this look. */
function firstWhere(
  earlier: string | undefined,
  hosts: readonly { readonly instanceId: string }[],
  seconds: number,
  holds: (instanceId: string) => boolean,
): string {
  return first(
    earlier,
    hosts.map(({ instanceId }) => (holds(instanceId) ? seconds : undefined)),
  );
}

/**
 * How far the new hosts have come, by a look at them: `running`, `registered` (by Mackerel's own word for when), and
 * `inService` at every load balancer.
 */
export function newHostMilestones(
  deployment: Pick<Deployment, 'execution'>,
  launched: readonly NewInstance[],
  facts: HostFacts,
  now: Date,
  earlier: Milestones = {},
): Milestones {
  const instances = new Map(facts.instances.map((instance) => [instance.instanceId, instance]));
  const registered = registrations(facts.hosts === 'not asked' ? [] : facts.hosts);
  const serving = everywhere(facts.members);
  const at = secondsIn(deployment, now);
  const own = ownMilestones(deployment, launched, instances, earlier);
  const isRunning = (id: string) => instances.get(id)?.state === 'running';
  return {
    running: firstWhere(own.running, launched, at, isRunning),
    registered: first(
      own.registered,
      launched.map(({ instanceId }) => {
        const createdAt = registered.get(instanceId);
        const instance = instances.get(instanceId);
        if (!createdAt || !instance) return undefined;
        // An agent with a host id from its image would be older than its instance.
        return Math.min(
          at,
          Math.max(secondsIn(deployment, createdAt), secondsIn(deployment, instance.launchedAt)),
        );
      }),
    ),
    ...(facts.members.size > 0 && {
      inService: firstWhere(own.inService, launched, at, (id) => serving.has(id)),
    }),
  };
}

/** A place in the columns may have been taken over by another instance: what is older than its launch is not its own. */
function ownMilestones(
  deployment: Pick<Deployment, 'execution'>,
  launched: readonly NewInstance[],
  instances: ReadonlyMap<string, Instance>,
  earlier: Milestones,
): Milestones {
  const own = (column: Column): Column =>
    launched.map(({ instanceId }, i) => {
      const seconds = column[i] ?? null;
      const instance = instances.get(instanceId);
      const from = instance ? secondsIn(deployment, instance.launchedAt) : 0;
      // EC2 tells whole seconds, by a clock of its own.
      return seconds !== null && seconds + 2 < from ? null : seconds;
    });
  return Object.fromEntries(
    Object.entries(earlier).map(([name, packed]) => [name, pack(own(unpack(packed)))]),
  );
}

/** Instance id → since when Mackerel knows it as a host that it monitors. */
function registrations(hosts: readonly MackerelHost[]): ReadonlyMap<string, Date> {
  const monitored = hosts.filter(({ status }) => status === 'working' || status === 'standby');
  return new Map(
    monitored.flatMap(({ instanceId, createdAt }) => (instanceId ? [[instanceId, createdAt] as const] : [])),
  );
}

/** Instance ids that are in service at every load balancer. */
function everywhere(members: ReadonlyMap<string, readonly Member[]>): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const registered of members.values()) {
    for (const { instanceId, state } of registered)
      if (state === 'in-service') counts.set(instanceId, (counts.get(instanceId) ?? 0) + 1);
  }
  return new Set([...counts].flatMap(([id, count]) => (count === members.size ? [id] : [])));
}

/** Old hosts that no load balancer holds anymore. Those that were at none have nothing to drain. */
export function drainedMilestones(
  deployment: Pick<Deployment, 'execution'>,
  old: readonly OldHost[],
  members: ReadonlyMap<string, readonly Member[]>,
  now: Date,
  earlier: Milestones = {},
): Milestones {
  const held = new Set([...members.values()].flat().map(({ instanceId }) => instanceId));
  const leavers = new Set(
    old.filter(({ memberOf }) => memberOf.length > 0).map(({ instanceId }) => instanceId),
  );
  return {
    drained: firstWhere(
      earlier.drained,
      old,
      secondsIn(deployment, now),
      (id) => leavers.has(id) && !held.has(id),
    ),
  };
}

/** Old hosts that serve where they served when the deployment began. */
export function servingMilestones(
  deployment: Pick<Deployment, 'execution'>,
  old: readonly OldHost[],
  members: ReadonlyMap<string, readonly Member[]>,
  now: Date,
  earlier: Milestones = {},
): Milestones {
  const serving = new Map(
    [
      ...groupBy(
        [...members].flatMap(([name, listed]) => listed.map((each) => ({ name, ...each }))),
        ({ instanceId }) => instanceId,
      ),
    ].map(([id, at]) => [id, at.filter(({ state }) => state === 'in-service').map(({ name }) => name)]),
  );
  const places = new Map(old.map((host) => [host.instanceId, host.memberOf]));
  const isBack = (id: string) =>
    (places.get(id) ?? []).length > 0 &&
    (places.get(id) ?? []).every((name) => (serving.get(id) ?? []).includes(name));
  return { serving: firstWhere(earlier.serving, old, secondsIn(deployment, now), isBack) };
}

/** Instances that have ended, by EC2's own word. */
export function terminatedMilestones(
  deployment: Pick<Deployment, 'execution'>,
  hosts: readonly { readonly instanceId: string }[],
  gone: readonly string[],
  now: Date,
  earlier: Milestones = {},
): Milestones {
  const ended = new Set(gone);
  return {
    terminated: firstWhere(earlier.terminated, hosts, secondsIn(deployment, now), (id) => ended.has(id)),
  };
}
