/** Is there room for a second set of hosts: subnets, addresses, instance types in every zone? */

import { count, list } from '../../../lambdas/domain/core/words.ts';
import { subnetProblems } from '../../../lambdas/domain/hosts/network.ts';
import type { Subnet } from '../../../lambdas/ports/ec2.ts';
import type { Offering } from '../../../lambdas/ports/inspector.ts';
import { given } from './answer.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { inFleetsFile } from './mending.ts';
import type { Check, Subject } from './subject.ts';

export const checkNetwork: Check = (facts, { fleet }) => [
  ...given('subnets', 'the subnets', [facts.subnets], (found) => subnets(fleet, found)),
  ...instanceTypes(facts, fleet),
];

function subnets(fleet: Subject['fleet'], found: readonly Subnet[]): readonly Finding[] {
  const wrong = subnetProblems(fleet, found);
  if (wrong.length > 0) {
    const mend = [inFleetsFile(fleet.name, 'correct subnets; or free addresses in them')];
    return wrong.map((sentence) => problem('subnets', sentence, { mend, failure: 'SubnetUnusable' }));
  }
  const zones = [...new Set(found.map(({ zone }) => zone))];
  const shared =
    zones.length < found.length
      ? [
          warning(
            'subnets',
            `${count(found.length, 'subnet')} stand in ${list(zones)} alone: one zone may fail`,
            {
              mend: [inFleetsFile(fleet.name, 'subnets: one in each zone')],
            },
          ),
        ]
      : [ok('subnets', `${count(found.length, 'subnet')} in ${list(zones)}`)];
  return [...shared, ...addresses(fleet, found)];
}

/** A deployment needs one set beside the old hosts; what was kept for debugging, or launched by others, needs more. */
function addresses(fleet: Subject['fleet'], found: readonly Subnet[]): Finding[] {
  const { instancesPerZone } = fleet;
  const short = found.filter(({ freeAddresses }) => freeAddresses < 2 * instancesPerZone);
  if (short.length === 0) {
    const least = Math.min(...found.map(({ freeAddresses }) => freeAddresses));
    return [
      ok('free-addresses', `${least} addresses free at least, ${instancesPerZone} needed in each subnet`),
    ];
  }
  return short.map(({ subnetId, zone, freeAddresses }) =>
    warning(
      'free-addresses',
      `${subnetId} (${zone}) has ${freeAddresses} free addresses, just enough for the ${instancesPerZone} of one deployment`,
      { mend: [inFleetsFile(fleet.name, 'subnets: a larger one in this zone')] },
    ),
  );
}

function instanceTypes({ subnets: answer, offerings }: Facts, fleet: Subject['fleet']): readonly Finding[] {
  return given('instance-types', 'the instance types of the zones', [answer, offerings], (found, offered) => {
    const zones = [...new Set(found.map(({ zone }) => zone))];
    // Of subnets that EC2 does not know, no zone is known either: that is told already.
    if (zones.length === 0) return [];
    const findings = [...emptyZones(fleet, zones, offered), ...missingTypes(fleet, zones, offered)];
    return findings.length > 0
      ? findings
      : [
          ok(
            'instance-types',
            `${list(fleet.instanceTypes)} ${fleet.instanceTypes.length === 1 ? 'is' : 'are'} offered in every zone`,
          ),
        ];
  });
}

const isOffered = (offered: readonly Offering[], type: string, zone: string) =>
  offered.some((each) => each.instanceType === type && each.zone === zone);

function emptyZones(
  { name, instanceTypes: types, spillOver }: Subject['fleet'],
  zones: readonly string[],
  offered: readonly Offering[],
): Finding[] {
  const empty = zones.filter((zone) => !types.some((type) => isOffered(offered, type, zone)));
  const mend = [inFleetsFile(name, `instanceTypes: one that EC2 has in ${list(empty)}; or other subnets`)];
  return empty.map((zone) =>
    spillOver && empty.length < zones.length
      ? warning(
          'instance-types',
          `EC2 has none of ${list(types)} in ${zone}: its hosts go to the other zones`,
          { mend },
        )
      : problem('instance-types', `EC2 has none of ${list(types)} in ${zone}`, {
          mend,
          failure: 'NoCapacity',
        }),
  );
}

function missingTypes(
  { name, instanceTypes: types }: Subject['fleet'],
  zones: readonly string[],
  offered: readonly Offering[],
): Finding[] {
  const usable = zones.filter((zone) => types.some((type) => isOffered(offered, type, zone)));
  return types.flatMap((type) => {
    const without = usable.filter((zone) => !isOffered(offered, type, zone));
    if (without.length === 0) return [];
    const mend = [inFleetsFile(name, `instanceTypes: another one in place of ${type}`)];
    return [
      warning('instance-types', `EC2 has no ${type} in ${list(without)}: one choice less there`, { mend }),
    ];
  });
}
