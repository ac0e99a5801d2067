/**
 * Which hosts may get the fleet's tag? A host that carries it is replaced, and terminated, by the next deployment, so
 * Mackerel's word alone is never enough, and every host that is left alone is listed with the reason.
 */

import { groupBy } from '../../lambdas/domain/core/collections.ts';
import { isProtected, TAG } from '../../lambdas/domain/core/fleet.ts';
import { count, plain } from '../../lambdas/domain/core/words.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import type { MackerelHost, MackerelStatus } from '../../lambdas/ports/mackerel.ts';

export interface AdoptionFacts {
  /** The role's hosts, in all four statuses. */
  readonly hosts: readonly MackerelHost[];
  /** What EC2 knows about the ids that Mackerel named. */
  readonly instances: readonly Instance[];
  /** The VPC of the fleet's subnets. */
  readonly fleetVpc: string;
  /** Subnet → its VPC, for the subnets of these instances. */
  readonly vpcOf: ReadonlyMap<string, string>;
  /** Instance id → another fleet of the environment under whose role Mackerel lists it as well. */
  readonly alsoOf: ReadonlyMap<string, string>;
  /** The fleet's name before: a host that carries it is taken over. */
  readonly formerly?: string | undefined;
  /** Load balancer → the ids that are registered there. */
  readonly registered: ReadonlyMap<string, readonly string[]>;
}

/** A host that seems to belong to the fleet. */
export interface Candidate {
  /** `ours`: it already carries the fleet's tag. `leave`: it does not get it. */
  readonly verdict: 'adopt' | 'ours' | 'leave';
  readonly why: string;
  /** Absent when Mackerel knows no instance id. */
  readonly instanceId?: string;
  /** Its names in Mackerel; empty when Mackerel does not list it. */
  readonly names: readonly string[];
  readonly status?: MackerelStatus | undefined;
  /** Absent when EC2 does not know it. */
  readonly instance?: Instance | undefined;
}

/** @returns all candidates: those to adopt, then those that carry the tag already, then those left alone. */
export function decideAdoption(fleet: string, facts: AdoptionFacts): Candidate[] {
  const known = new Map(facts.instances.map((instance) => [instance.instanceId, instance]));
  const candidates: Candidate[] = [];
  for (const [instanceId, group] of groupBy(facts.hosts, (host) => host.instanceId)) {
    if (instanceId === undefined) candidates.push(...group.map(elsewhere));
    else candidates.push(candidate(fleet, facts, instanceId, group, known.get(instanceId)));
  }
  candidates.push(...unknownToMackerel(facts));
  const order = ['adopt', 'ours', 'leave'];
  return candidates.sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
}

const elsewhere = ({ name, status }: MackerelHost): Candidate => ({
  verdict: 'leave',
  why: 'Mackerel has no EC2 instance id for it',
  names: [name],
  status,
});

function candidate(
  fleet: string,
  facts: AdoptionFacts,
  instanceId: string,
  group: readonly MackerelHost[],
  instance: Instance | undefined,
): Candidate {
  const found = {
    instanceId,
    names: [...new Set(group.map(({ name }) => name))],
    status: group[0]?.status,
    instance,
  };
  const whyNot = instance === undefined ? unknownToEc2 : reasonToLeave(fleet, facts, instance);
  if (whyNot !== undefined) return { ...found, verdict: 'leave', why: whyNot };
  const entries = group.length > 1 ? `; ${count(group.length, 'entry', 'entries')} in Mackerel` : '';
  const owner = instance?.tags[TAG.fleet];
  return owner === fleet
    ? { ...found, verdict: 'ours', why: `already carries the fleet’s tag${entries}` }
    : {
        ...found,
        verdict: 'adopt',
        why: `runs in the fleet’s VPC, ${whoseNow(owner)}${entries}`,
      };
}

const whoseNow = (owner: string | undefined): string =>
  owner === undefined ? 'untagged' : `tagged ${plain(owner, 80)}`;

const unknownToEc2 = 'EC2 does not know it: retire it in Mackerel if it is gone';

/** EC2 sets it on the instances of an Auto Scaling group. */
const GROUP_TAG = 'aws:autoscaling:groupName';

function reasonToLeave(fleet: string, facts: AdoptionFacts, instance: Instance): string | undefined {
  const { instanceId, state, tags, subnetId } = instance;
  const owner = tags[TAG.fleet];
  if (owner !== undefined && owner !== fleet && owner !== facts.formerly)
    return `belongs to the fleet ${plain(owner, 80)}`;
  if (state !== 'running') return `is ${state}`;
  if (owner === fleet) return undefined;
  if (isProtected(instance)) return `carries the hand brake, the tag ${TAG.protect}: ask who put it there`;
  const other = facts.alsoOf.get(instanceId);
  if (other !== undefined) return `Mackerel lists it for the fleet ${other} too: give it one role`;
  const vpc = facts.vpcOf.get(subnetId ?? '');
  if (vpc !== facts.fleetVpc) return `is in ${vpc ?? 'an unknown VPC'}; the fleet is in ${facts.fleetVpc}`;
  const group = tags[GROUP_TAG];
  if (group !== undefined)
    return `the Auto Scaling group ${plain(group, 80)} would replace it when it is terminated: detach it first`;
  return undefined;
}

function unknownToMackerel({ hosts, registered }: AdoptionFacts): Candidate[] {
  const listed = new Set(hosts.map((host) => host.instanceId));
  // One entry per host, even if several load balancers have it.
  const places = new Map([...registered].flatMap(([name, ids]) => ids.map((id) => [id, name] as const)));
  return [...places]
    .filter(([id]) => !listed.has(id))
    .map(([instanceId, balancer]) => ({
      verdict: 'leave',
      why: `is registered at ${balancer}, but Mackerel does not list it under the role`,
      instanceId,
      names: [],
    }));
}
