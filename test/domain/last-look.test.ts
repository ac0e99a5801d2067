/** The end of a deployment is looked at: who serves besides the new hosts, and who of them does not. */
import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { decideAtTheEnd, lookAtTheEnd } from '../../lambdas/domain/hosts/last-look.ts';
import { toDoOf } from '../../lambdas/domain/record/to-do.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import type { Member } from '../../lambdas/ports/load-balancers.ts';
import type { MackerelHost } from '../../lambdas/ports/mackerel.ts';
import { baked, NEW } from '../support/deployments.ts';
import {
  aHost,
  allWell,
  aNewInstance,
  anInstance,
  draining,
  inService,
  outOfService,
} from '../support/facts.ts';
import { aFleet } from '../support/fleets.ts';
import { failing, portsOn } from '../support/ports.ts';

const [one, two] = NEW;
const running = NEW.map((id) => aNewInstance(id));
const serving = NEW.map(inService);
const seen = (instances: readonly Instance[], web: readonly Member[]) => ({
  instances,
  members: new Map([['web', web]]),
});
const other = (id: string, changes: Partial<Instance> = {}) => [...running, anInstance(id, changes)];

describe('decideAtTheEnd', () => {
  it('has nothing to say when the new hosts serve, and nobody else', () =>
    expect(decideAtTheEnd(baked(), seen(running, serving))).toEqual({}));

  it.each<[string, readonly Instance[], readonly Member[], string[]]>([
    ['another host of the fleet', other('i-x'), [...serving, inService('i-x')], ['i-x']],
    ['an old host that somebody put back', other('i-old1'), [...serving, inService('i-old1')], ['i-old1']],
    ['one that is leaving', other('i-x'), [...serving, draining('i-x')], []],
    ['one that serves nobody', other('i-x'), [...serving, outOfService('i-x')], []],
    ['one that shuts down', other('i-x', { state: 'shutting-down' }), [...serving, inService('i-x')], []],
    [
      'another fleet’s host',
      other('i-x', { tags: { [TAG.fleet]: 'blog' } }),
      [...serving, inService('i-x')],
      [],
    ],
    [
      'one that is kept for debugging',
      other('i-x', { tags: { [TAG.fleet]: 'shop', [TAG.keepUntil]: '2026-03-01T10:00:00Z' } }),
      [...serving, outOfService('i-x')],
      [],
    ],
  ])('says who else serves: %s', (_, instances, members, named) =>
    expect(decideAtTheEnd(baked(), seen(instances, members)).unlisted?.map(({ name }) => name) ?? []).toEqual(
      named,
    ),
  );

  it('takes whoever runs for serving where there is no load balancer', () => {
    const workers = baked({ fleet: aFleet({ loadBalancers: [] }) });
    const facts = { instances: other('i-x'), members: new Map() };
    expect(decideAtTheEnd(workers, facts)).toEqual({ unlisted: [{ name: 'i-x', why: 'is running' }] });
  });

  const dead = { state: 'terminated', stateReason: 'Server.InternalError: lost' } as const;
  it.each<[string, readonly Instance[], readonly Member[], string]>([
    ['died', [aNewInstance(one, dead), aNewInstance(two)], [inService(two)], 'terminated (Server.Int'],
    ['left the load balancer', running, [inService(two)], 'not registered at web'],
    ['fails its checks', running, [outOfService(one), inService(two)], 'not in service at web (checks fail)'],
    ['is gone', [aNewInstance(two)], [inService(two)], 'EC2 does not show it'],
  ])('says which new host does not serve: it %s', (_, instances, members, why) =>
    expect(decideAtTheEnd(baked(), seen(instances, members))).toEqual({
      fallen: [{ name: one, why: expect.stringContaining(why) }],
    }),
  );
});

describe('What Mackerel says of the new hosts at the end', () => {
  const all = NEW.map((id) => aHost(id));
  it.each<[string, readonly MackerelHost[] | undefined, object]>([
    ['watches them', all, {}],
    ['was not asked', undefined, {}],
    ['has retired one', [aHost(two)], { unwatched: [{ name: one, why: 'Mackerel does not list it' }] }],
    [
      'has one in maintenance',
      [aHost(one, { status: 'maintenance' }), aHost(two, { status: 'standby' })],
      { unwatched: [{ name: one, why: 'Mackerel has it as maintenance' }] },
    ],
  ])('it %s', (_, hosts, says) =>
    expect(decideAtTheEnd(baked(), seen(running, serving), hosts)).toEqual(says),
  );

  it('says of one that does not serve only that', () =>
    expect(Object.keys(decideAtTheEnd(baked(), seen(running, [inService(two)]), [aHost(two)]))).toEqual([
      'fallen',
    ]));
});

describe('lookAtTheEnd', () => {
  it('tells what serves although Mackerel is silent, and that it is', async () => {
    const members = { members: async () => [inService(two)] };
    const silent = { mackerel: { hosts: failing('ServiceUnavailable', 'Silence.') }, loadBalancers: members };
    const scene = allWell({ instances: running, members: { web: serving } });
    expect((await lookAtTheEnd(baked(), portsOn(scene, undefined, silent))).seen).toMatchObject({
      fallen: [{ name: one }],
      unasked: 'Silence.',
    });
  });

  const AT_THE_END = allWell({ instances: running, members: { web: serving } });

  it('asks for two answers when all is well', async () => {
    const ports = portsOn(AT_THE_END);
    expect((await lookAtTheEnd(baked(), ports)).seen).toEqual({});
    expect(ports.calls).toHaveLength(6);
  });

  it('tells only what two looks have seen', async () => {
    const answers = [[inService(two)], serving];
    const flickering = { members: async () => answers.shift() ?? serving };
    expect(
      (await lookAtTheEnd(baked(), portsOn(AT_THE_END, undefined, { loadBalancers: flickering }))).seen,
    ).toEqual({});
    const gone = { members: async () => [inService(two)] };
    expect(
      (await lookAtTheEnd(baked(), portsOn(AT_THE_END, undefined, { loadBalancers: gone }))).seen,
    ).toMatchObject({ fallen: [{ name: one }] });
  });

  it('tells what it saw when another look fails', async () => {
    const answers = [
      async () => [inService(two)],
      failing('ServiceUnavailable'),
      failing('ServiceUnavailable'),
    ];
    const members = { members: async () => (answers.shift() ?? failing('ServiceUnavailable'))() };
    expect(
      (await lookAtTheEnd(baked(), portsOn(AT_THE_END, undefined, { loadBalancers: members }))).seen,
    ).toMatchObject({ fallen: [{ name: one }] });
  });

  it('never fails, and says that it could not see', async () => {
    const silent = { ec2: { listByTag: failing('ServiceUnavailable', 'EC2 is silent.') } };
    expect((await lookAtTheEnd(baked(), portsOn(AT_THE_END, undefined, silent))).seen).toEqual({
      notSeen: 'EC2 is silent.',
    });
  });
});

describe('What is to be done', () => {
  const named = [{ name: 'i-x', why: 'is running' }];
  it.each([
    [undefined, /^$/],
    [{}, /^$/],
    [{ unlisted: named }, /^register i-x in Mackerel and deploy again, .*UnlistedHostServes/],
    [{ fallen: named }, /^see what happened to i-x, .*irekae deploy shop --redeploy/],
    [{ unlisted: named, fallen: named }, /^register i-x.*; see what happened to i-x/],
    [
      { notSeen: 'silence' },
      /^check which hosts are in service: in your clone of irekae, npx --no -- irekae doctor shop$/,
    ],
    [{ unwatched: named }, /^register i-x in Mackerel again, .*UnlistedHostServes/],
    [
      { unasked: 'silence' },
      /^check the new hosts in Mackerel later: in your clone of irekae, npx --no -- irekae doctor shop$/,
    ],
  ])('%j', (atTheEnd, says) => expect(toDoOf('shop', atTheEnd)).toMatch(says));
});
