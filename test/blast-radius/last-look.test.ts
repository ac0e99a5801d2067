/**
 * Rule 1, for every world that a look can find: no old host is taken out of service or terminated unless every new host
 * is ready in this very look. What "ready" means is said here a second time, by other words than in the domain.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFailure } from '../../lambdas/domain/core/errors.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import type { Member } from '../../lambdas/ports/load-balancers.ts';
import type { MackerelHost } from '../../lambdas/ports/mackerel.ts';
import { takeOldHostsOutOfService } from '../../lambdas/take-old-hosts-out-of-service.ts';
import { terminateOldInstances } from '../../lambdas/terminate-old-instances.ts';
import { aLaunch, aLook, at, baked, iso, NEW, OLD } from '../support/deployments.ts';
import { aHost, aNewInstance, anInstance, type Scene } from '../support/facts.ts';
import { API, aFleet, WEB } from '../support/fleets.ts';
import { portsOn } from '../support/ports.ts';

/** Mostly well: else hardly any world would let a step act, and the test would prove little. */
const mostly = <T>(well: T, ...otherwise: T[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(well) },
    { weight: 1, arbitrary: fc.constantFrom(...otherwise) },
  );

const anyState = mostly<Instance['state'] | 'unseen'>(
  'running',
  'pending',
  'stopping',
  'terminated',
  'unseen',
);
const anyStatus = mostly<MackerelHost['status'] | 'absent'>(
  'working',
  'standby',
  'maintenance',
  'poweroff',
  'absent',
);
const anyMember = mostly<Member['state'] | 'absent'>(
  'in-service',
  'out-of-service',
  'draining',
  'unused',
  'absent',
);
const anyNew = fc.record({ state: anyState, status: anyStatus, web: anyMember, api: anyMember });
const anyOld = fc.record({
  state: mostly<Instance['state'] | 'unseen'>('running', 'stopped', 'shutting-down', 'terminated', 'unseen'),
  fleet: mostly('shop', 'blog', ''),
  protect: mostly<string | undefined>(undefined, '', 'false'),
});
type AnyNew = typeof anyNew extends fc.Arbitrary<infer T> ? T : never;
type AnyOld = typeof anyOld extends fc.Arbitrary<infer T> ? T : never;

const anyWorld = fc.record({
  launched: mostly<readonly string[]>(NEW, [], ['i-new1']),
  balancers: fc.constantFrom([], [WEB], [WEB, API]),
  news: fc.tuple(anyNew, anyNew),
  olds: fc.tuple(anyOld, anyOld),
  begun: fc.boolean(),
});
type AnyWorld = typeof anyWorld extends fc.Arbitrary<infer T> ? T : never;

const isReady = ({ balancers }: AnyWorld, { state, status, web, api }: AnyNew): boolean =>
  state === 'running' &&
  ['working', 'standby'].includes(status) &&
  (balancers.length < 1 || web === 'in-service') &&
  (balancers.length < 2 || api === 'in-service');
const allReady = (world: AnyWorld): boolean =>
  world.launched.length > 0 &&
  world.news.slice(0, world.launched.length).every((host) => isReady(world, host));
const mayGo = ({ state, fleet, protect }: AnyOld): boolean =>
  ['running', 'stopped'].includes(state) &&
  fleet === 'shop' &&
  (protect === undefined || protect === 'false');

function sceneOf({ news, olds }: AnyWorld): Scene {
  const members = (at: 'web' | 'api') =>
    news.flatMap((host, index) => {
      const [instanceId, state] = [NEW[index] ?? '', host[at]];
      return state === 'absent' ? [] : [{ instanceId, state, reason: state === 'in-service' ? '' : 'x' }];
    });
  return {
    instances: [
      ...news.flatMap(({ state }, index) =>
        state === 'unseen' ? [] : [aNewInstance(NEW[index] ?? '', { state })],
      ),
      ...olds.flatMap(({ state, fleet, protect }, index) => {
        const tags = { [TAG.fleet]: fleet, ...(protect !== undefined && { [TAG.protect]: protect }) };
        return state === 'unseen' ? [] : [anInstance(OLD[index] ?? '', { state, tags })];
      }),
    ],
    hosts: news.flatMap(({ status }, index) =>
      status === 'absent' ? [] : [aHost(NEW[index] ?? '', { status })],
    ),
    members: { web: members('web'), api: members('api') },
    alerts: [],
  };
}

async function act(step: typeof takeOldHostsOutOfService | typeof terminateOldInstances, world: AnyWorld) {
  const ports = portsOn(sceneOf(world), at(300));
  const deployment = baked({
    fleet: aFleet({ loadBalancers: [...world.balancers] }),
    launch: aLaunch({ instances: aLaunch().instances.slice(0, world.launched.length) }),
    ...(world.begun && { termination: aLook({ since: iso(290), memory: { begun: 1 } }) }),
  });
  await step.run(deployment, ports).catch((error: unknown) => {
    if (!isFailure(error)) throw error;
  });
  return ports.changes;
}

const RUNS = { numRuns: 1_000 };

describe('Whatever the last look finds', () => {
  it('old hosts are taken out of service only when every new one is ready in it', () =>
    fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const changes = await act(takeOldHostsOutOfService, world);
        expect(changes.some((call) => call.startsWith('mackerel.setStatus'))).toBe(allReady(world));
        if (!allReady(world)) expect(changes).toEqual([]);
      }),
      RUNS,
    ));

  it('old instances are terminated only when every new one is ready in it, and only those that may', () =>
    fc.assert(
      fc.asyncProperty(anyWorld, async (world) => {
        const changes = await act(terminateOldInstances, world);
        const may = world.olds.flatMap((host, index) => (mayGo(host) ? [OLD[index]] : []));
        const isRefused = ({ state, fleet, protect }: AnyOld) =>
          ['running', 'stopped'].includes(state) && !mayGo({ state, fleet, protect });
        const begun =
          world.begun || world.olds.some(({ state }) => /^(shutting-down|terminated)$/.test(state));
        // Before the first termination, one wrong id means that something is not as we believe: all are spared.
        const spared = !begun && world.olds.some(isRefused);
        const acts = allReady(world) && may.length > 0 && !spared;
        expect(changes).toEqual(acts ? [`ec2.terminate ${JSON.stringify(may)}`] : []);
      }),
      RUNS,
    ));
});
