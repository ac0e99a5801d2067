/** Is there capacity for a second set of hosts: subnets, addresses, instance types in every zone? */

import { count, list } from '../../../lambdas/domain/core/words.ts';
import { subnetProblems } from '../../../lambdas/domain/hosts/network.ts';
import type { Subnet } from '../../../lambdas/ports/ec2.ts';
import type { Offering } from '../../../lambdas/ports/inspector.ts';
import { type Check, check, type Subject } from './check.ts';
import type { Finding } from './finding.ts';
import { inFleetsFile } from './mending.ts';

type Fleet = Subject['fleet'];

export const checkNetwork: Check = (facts, subject) => [
  ...subnets.given('the subnets', [facts.subnets], (found) => subnetFindings(subject.fleet, found)),
  ...typesOfZones(facts, subject),
];

const subnets = check('subnets');

function subnetFindings(fleet: Fleet, found: readonly Subnet[]): readonly Finding[] {
  const wrong = subnetProblems(fleet, found);
  if (wrong.length > 0) {
    const mend = inFleetsFile(fleet.name, 'correct subnets; or free addresses in them');
    return wrong.map((sentence) => subnets.problem(sentence, mend, 'SubnetUnusable'));
  }
  const [zones, all] = [zonesOf(found), count(found.length, 'subnet')];
  const spread =
    zones.length < found.length
      ? subnets.warning(
          `${all} are all in ${list(zones)}: a zone may fail`,
          inFleetsFile(fleet.name, 'subnets: one in each zone'),
        )
      : subnets.ok(`${all} in ${list(zones)}`);
  return [spread, ...addresses(fleet, found)];
}

const zonesOf = (found: readonly Subnet[]): string[] => [...new Set(found.map(({ zone }) => zone))];

const free = check('free-addresses');

/** A deployment needs addresses for one set beside the old hosts; hosts kept for debugging, or of others, need more. */
function addresses({ name, instancesPerZone: needed }: Fleet, found: readonly Subnet[]): Finding[] {
  const short = found.filter(({ freeAddresses }) => freeAddresses < 2 * needed);
  if (short.length === 0) {
    const least = Math.min(...found.map(({ freeAddresses }) => freeAddresses));
    return [free.ok(`at least ${least} free addresses, ${needed} needed in each subnet`)];
  }
  return short.map(({ subnetId, zone, freeAddresses }) =>
    free.warning(
      `${subnetId} (${zone}) has ${freeAddresses} free addresses, just enough for the ${needed} of one deployment`,
      inFleetsFile(name, 'subnets: a larger one in this zone'),
    ),
  );
}

// ── Instance types ─────────────────────────────────────────────────────────────────────────────────────────────────

const types = check('instance-types');

const typesOfZones: Check = (facts, { fleet }) =>
  types.given('the instance types of the zones', [facts.subnets, facts.offerings], (found, offered) => {
    const zones = zonesOf(found);
    // Without known subnets there are no known zones: that is reported already.
    if (zones.length === 0) return [];
    const isOffered = (type: string, zone: string) => offered.some(isOf(type, zone));
    const isEmpty = (zone: string) => !fleet.instanceTypes.some((type) => isOffered(type, zone));
    const [empty, usable] = [zones.filter(isEmpty), zones.filter((zone) => !isEmpty(zone))];
    const missing = fleet.instanceTypes.flatMap((type) => {
      const without = usable.filter((zone) => !isOffered(type, zone));
      return without.length === 0 ? [] : [lessChoice(fleet, type, without)];
    });
    const findings = [...emptyZones(fleet, empty, usable.length > 0), ...missing];
    const verb = fleet.instanceTypes.length === 1 ? 'is' : 'are';
    return findings.length > 0
      ? findings
      : types.ok(`${list(fleet.instanceTypes)} ${verb} offered in every zone`);
  });

const isOf = (type: string, zone: string) => (offering: Offering) =>
  offering.instanceType === type && offering.zone === zone;

function emptyZones(fleet: Fleet, empty: readonly string[], hasOthers: boolean): Finding[] {
  const line = `instanceTypes: one that EC2 offers in ${list(empty)}; or other subnets`;
  const mend = inFleetsFile(fleet.name, line);
  return empty.map((zone) => {
    const told = `EC2 offers none of ${list(fleet.instanceTypes)} in ${zone}`;
    return fleet.spillOver && hasOthers
      ? types.warning(`${told}: its hosts go to the other zones`, mend)
      : types.problem(told, mend, 'NoCapacity');
  });
}

const lessChoice = (fleet: Fleet, type: string, zones: readonly string[]): Finding =>
  types.warning(
    `EC2 does not offer ${type} in ${list(zones)}: one alternative less there`,
    inFleetsFile(fleet.name, `instanceTypes: another one in place of ${type}`),
  );
