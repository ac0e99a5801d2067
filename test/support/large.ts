/** A deployment of a fleet of ten, of which the last new host stays behind. */

import type { Deployment, Launch, Straggler } from '../../lambdas/domain/core/document.ts';
import type { HostStanding, Rung } from '../../lambdas/domain/hosts/readiness.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import type { Member } from '../../lambdas/ports/load-balancers.ts';
import { aLook, iso, launched, OLD, ZONES } from './deployments.ts';
import { aHost, allWell, aNewInstance, inService, outOfService, type Scene } from './facts.ts';
import { aFleet } from './fleets.ts';

export const TEN = Array.from({ length: 10 }, (_, index) => `i-new${index + 1}`);
export const LAST = 'i-new10';

const zoneOf = (id: string) => (TEN.indexOf(id) % 2 === 0 ? ZONES[0] : ZONES[1]);

/** Launched at second 10, of ten hosts. */
export const largeLaunch = (changes: Partial<Launch> = {}): Launch => ({
  reason: '10 instances of ami-0abc',
  at: iso(10),
  instances: TEN.map((instanceId) => ({ instanceId, zone: zoneOf(instanceId), instanceType: 't4g.small' })),
  ...changes,
});

export const LARGE = aFleet({ instancesPerZone: 5, replaceStragglers: true });

type Launched = Deployment & { readonly launch: Launch };

export const large = (changes: Partial<Deployment> = {}): Launched => ({
  ...launched({ fleet: LARGE, ...changes }),
  launch: changes.launch ?? largeLaunch(),
});

export const STRAGGLER: Straggler = {
  instanceId: LAST,
  why: 'not in service at web, 180 s after the launch',
};

/** The look has named it, and nothing was launched instead yet. */
export const toReplace = (changes: Partial<Deployment> = {}): Launched =>
  large({ readiness: { ...aLook(), stragglers: [STRAGGLER] }, ...changes });

/** `i-other` was launched instead, and the straggler is to be removed. */
export const replaced = (changes: Partial<Deployment> = {}): Launched =>
  toReplace({
    launch: largeLaunch({
      instances: [
        ...largeLaunch().instances.slice(0, -1),
        { instanceId: 'i-other', zone: ZONES[1], instanceType: 't4g.small' },
      ],
      replaced: [STRAGGLER],
    }),
    ...changes,
  });

/** Ten standings: the given rungs for the last ones, `ready` for all before. */
export const tenStandings = (...last: readonly Rung[]): HostStanding[] =>
  TEN.map((instanceId, index) => {
    const rung = last[index - (TEN.length - last.length)] ?? 'ready';
    return { instanceId, rung, lacks: rung === 'ready' ? '' : `it is ${rung}`, hostIds: [] };
  });

/** All ten are ready but the last, which is as the changes say: by default it fails its health checks. */
export function tenHosts(
  last: { readonly instance?: Partial<Instance>; readonly member?: Member } = {},
): Scene {
  const { instance = {}, member = outOfService(LAST) } = last;
  const others = TEN.filter((id) => id !== LAST);
  return allWell({
    instances: [...others.map((id) => aNewInstance(id)), aNewInstance(LAST, { zone: ZONES[1], ...instance })],
    hosts: [...OLD, ...TEN].map((id) => aHost(id)),
    members: { web: [...[...OLD, ...others].map(inService), member] },
  });
}
