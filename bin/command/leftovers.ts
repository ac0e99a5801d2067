/** What still exists of a deployment: for a person who decides about its lock. Only reads. */

import { executionName } from '../../lambdas/domain/core/aws.ts';
import { newInstanceIds, oldInstanceIds } from '../../lambdas/domain/core/document.ts';
import { loadBalancerName, TAG } from '../../lambdas/domain/core/fleet.ts';
import { launchTokens } from '../../lambdas/domain/core/names.ts';
import type { Instance, InstanceState } from '../../lambdas/ports/ec2.ts';
import type { LoadBalancerRef, MemberState } from '../../lambdas/ports/load-balancers.ts';
import { orUnknown } from './attempt.ts';
import type { Task } from './command.ts';
import { deploymentHeldFor, documentOf, type Held } from './holder.ts';
import { indented, table } from './wording.ts';

/** A host of the deployment, now. */
export interface HostNow {
  readonly instanceId: string;
  /** Absent when EC2 does not show it, which may mean that it was terminated long ago. */
  readonly state?: InstanceState;
  readonly zone: string;
  /** Where it is registered, and in which state. */
  readonly at: readonly { readonly balancer: string; readonly state: MemberState }[];
}

export interface Leftovers {
  /** The deployment's id: a clean-up that holds the lock works for the deployment before it. */
  readonly deployment: string;
  readonly launched: readonly HostNow[];
  readonly old: readonly HostNow[];
  /** What could not be determined. That must not keep a person from deciding. */
  readonly unknown: readonly string[];
}

/** @param held its execution's ARN and document, from the ledger */
export async function findLeftovers(task: Task, held: Pick<Held, 'holder' | 'document'>): Promise<Leftovers> {
  const unknown: string[] = [];
  const document = documentOf(held);
  if (!document && held.document !== undefined) unknown.push(UNREADABLE);
  const deployment = deploymentHeldFor(held);
  const [old, launched] = document ? [oldInstanceIds(document), newInstanceIds(document)] : [[], []];
  const instances = await instancesOf(
    task,
    document?.execution.id ?? held.holder,
    [...old, ...launched],
    unknown,
  );
  const ids = [...new Set([...old, ...launched, ...instances.keys()])];
  const refs = document?.fleet.loadBalancers ?? task.fleet.loadBalancers;
  const at = await placesOf(task, refs, ids, unknown);
  const now = (instanceId: string): HostNow => {
    const { state, zone = '' } = instances.get(instanceId) ?? {};
    return { instanceId, ...(state && { state }), zone, at: at.get(instanceId) ?? [] };
  };
  return { deployment, launched: ids.filter((id) => !old.includes(id)).map(now), old: old.map(now), unknown };
}

const UNREADABLE =
  'Its document in the ledger cannot be read: only hosts that its holder launched, or that are tagged so, are listed.';

/** By the tokens of its launches, and by the ids in its document: an instance may not be visible yet, a document may be older. */
async function instancesOf(
  { ports: { ec2 }, fleet }: Task,
  execution: string,
  ids: readonly string[],
  unknown: string[],
): Promise<ReadonlyMap<string, Instance>> {
  const launched = (await orUnknown(ec2.listByToken(launchTokens(execution)), unknown)) ?? [];
  // For a person to look at, and nothing acts on it: also what only a tag tells of.
  const tagged = (await orUnknown(ec2.listByTag(TAG.deployment, executionName(execution)), unknown)) ?? [];
  const ours = [...launched, ...tagged.filter(({ tags }) => tags[TAG.fleet] === fleet.name)];
  const described = ids.length === 0 ? [] : ((await orUnknown(ec2.describe(ids), unknown)) ?? []);
  return new Map([...ours, ...described].map((each) => [each.instanceId, each]));
}

type Place = HostNow['at'][number];

async function placesOf(
  { ports }: Task,
  refs: readonly LoadBalancerRef[],
  ids: readonly string[],
  unknown: string[],
): Promise<ReadonlyMap<string, readonly Place[]>> {
  const places = new Map<string, Place[]>();
  for (const ref of ids.length === 0 ? [] : refs) {
    const members = await orUnknown(ports.loadBalancers.members(ref, ids), unknown);
    for (const { instanceId, state } of members ?? []) {
      const place = { balancer: loadBalancerName(ref), state };
      places.set(instanceId, [...(places.get(instanceId) ?? []), place]);
    }
  }
  return places;
}

export function leftoversLines({ deployment, launched, old, unknown }: Leftovers): string[] {
  return [
    `New hosts, launched by ${deployment}:`,
    ...hostLines(launched),
    'Old hosts, present when it began:',
    ...hostLines(old),
    ...(unknown.length === 0 ? [] : ['Unknown:', ...indented(unknown)]),
  ];
}

function hostLines(hosts: readonly HostNow[]): string[] {
  if (hosts.length === 0) return ['  none'];
  return table(
    hosts.map(({ instanceId, state, zone, at }) => [
      instanceId,
      zone,
      state ?? 'EC2 does not show it',
      placesWords(at),
    ]),
  );
}

/** `in service at blog, out of service at shop`. */
export const placesWords = (at: HostNow['at']): string =>
  at.map(({ balancer, state }) => `${state.replaceAll('-', ' ')} at ${balancer}`).join(', ');
