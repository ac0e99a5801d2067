/**
 * The rules themselves: each is shown a hand that breaks it, and one that does not. A rule that nobody can break would
 * call every campaign clean.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import { exampleEntry, templateOf } from '../../simulator/example-fleet.ts';
import { type Outcome, Rules } from '../../simulator/rules.ts';
import type { ExecutionResult } from '../../simulator/run-definition.ts';
import { Stage } from '../../simulator/stage.ts';

const template = templateOf('rules', [
  exampleEntry('rules', 'web', { loadBalancers: [{ kind: 'classic', name: 'web' }] }),
  exampleEntry('rules', 'jobs', { loadBalancers: [] }),
]);

let stage: Stage | undefined;
afterEach(() => stage?.close());

interface Scene {
  readonly stage: Stage;
  /** As a step has them: whatever they change was changed by us. */
  readonly hand: Ports;
  readonly old: readonly string[];
  readonly hostOf: (instanceId: string) => string;
  /** New hosts of the deployment, which serve by the time that this answers. */
  readonly launch: (count?: number, wait?: number) => Promise<readonly string[]>;
  readonly stranger: (changes?: object) => string;
}

const WEB = { kind: 'classic', name: 'web' } as const;
const ENOUGH_SECONDS = 900;

function setScene(fleet: string): Scene {
  const set = new Stage({ template, fleet, seed: 9 });
  stage = set;
  const { world, oldInstances: old } = set;
  const { service } = set.fleet.mackerel;
  let token = 0;
  return {
    stage: set,
    hand: world.ports,
    old,
    hostOf: (id) => world.mackerel.live().find(({ instanceId }) => instanceId === id)?.id ?? '',
    stranger: (changes = {}) =>
      world.addRunningHost({
        service,
        role: 'else',
        subnetId: set.fleet.subnets[0] ?? '',
        loadBalancers: set.fleet.loadBalancers,
        fleet: 'another',
        ...changes,
      }),
    launch: async (count = 1, wait = ENOUGH_SECONDS) => {
      const born: string[] = [];
      for (const subnetId of set.fleet.subnets) {
        token += 1;
        const launched = await world.ports.ec2.launch({
          clientToken: `by-hand-${token}`,
          count,
          subnetId,
          imageId: 'ami-0f1e2d3c4b5a69788',
          instanceType: 't4g.small',
          launchTemplate: set.fleet.launchTemplate,
          userData: '#!/bin/sh',
          tags: { [TAG.fleet]: fleet, [TAG.deployment]: 'd-1' },
        });
        born.push(...launched.map(({ instanceId }) => instanceId));
      }
      await set.wait(60);
      for (const ref of set.fleet.loadBalancers) await world.ports.loadBalancers.register(ref, born);
      await set.wait(wait);
      return born;
    },
  };
}

type Hand = (scene: Scene) => Promise<unknown>;

/** What the rules say of a hand, as `2: …`. */
async function saidOf(fleet: string, hand: Hand, outcome?: Outcome): Promise<string[]> {
  const scene = setScene(fleet);
  const rules = new Rules(scene.stage.world, scene.stage.fleet, 'd-1');
  await hand(scene);
  if (outcome) rules.settled(outcome);
  return rules.violations.map(({ rule, what }) => `${rule}: ${what}`);
}

/** Out of the load balancer, drained, ended and retired: the old hosts, once new ones serve. */
const replace: Hand = async ({ stage: set, hand, old, hostOf, launch }) => {
  await launch();
  const hosts = old.map(hostOf);
  for (const ref of set.fleet.loadBalancers) await hand.loadBalancers.deregister(ref, old);
  await hand.mackerel.setStatus(hosts, 'maintenance');
  await set.wait(60);
  await hand.ec2.terminate(old);
  await set.wait(120);
  await hand.mackerel.retire(hosts);
};

describe('What no rule minds', () => {
  it.each(['web', 'jobs'])('is a whole replacement by hand (%s)', async (fleet) => {
    expect(await saidOf(fleet, replace, 'new hosts')).toEqual([]);
  });

  it.each<[string, string, Hand, Outcome]>([
    ['nothing', 'web', async () => {}, 'old hosts'],
    [
      'new hosts that come and go',
      'web',
      async ({ stage: set, hand, hostOf, launch }) => {
        const born = await launch();
        const hosts = born.map(hostOf);
        await hand.loadBalancers.deregister(WEB, born);
        await set.wait(60);
        await hand.ec2.terminate(born);
        await set.wait(120);
        await hand.mackerel.retire(hosts);
      },
      'old hosts',
    ],
    [
      'what somebody else breaks, and ends',
      'web',
      async ({ stage: { world }, old: [first = ''], stranger }) => {
        world.ec2.breakApplication(stranger());
        world.ec2.breakApplication(first);
        world.loadBalancers.deregister(WEB, [first]);
        world.ec2.terminate([first]);
      },
      'needs a human',
    ],
  ])('is %s', async (_, fleet, hand, outcome) => expect(await saidOf(fleet, hand, outcome)).toEqual([]));
});

describe('A hand that breaks a rule', () => {
  it.each<[string, string, Hand, RegExp, Outcome?]>([
    [
      'takes an old host out with no new one there',
      'web',
      async ({ hand, old }) => hand.loadBalancers.deregister(WEB, old.slice(0, 1)),
      /^1: instances-deregistered: old hosts, with 0 new ones$/,
    ],
    [
      'takes old hosts out while a new one is not ready',
      'web',
      async ({ hand, old, launch }) => {
        await launch(1, 0);
        await hand.loadBalancers.deregister(WEB, old);
      },
      /^1: instances-deregistered: old hosts, while i-\w+ was not ready$/,
    ],
    [
      'ends an old worker while a new one is not monitored',
      'jobs',
      async ({ hand, old, launch }) => {
        await launch(1, 0);
        await hand.ec2.terminate(old);
      },
      /^1: instances-terminated: old hosts, while i-\w+ was not ready$/,
    ],
    [
      'leaves fewer in service than at the start',
      'web',
      async ({ hand, old }) => hand.loadBalancers.deregister(WEB, old),
      /^2: 0 in service at web, 2 at the start$/,
    ],
    [
      'ends an old host that is still registered',
      'web',
      async ({ hand, old, launch }) => {
        await launch();
        await hand.ec2.terminate(old);
      },
      /^2: i-\w+ was terminated while registered at web$/,
    ],
    [
      'ends an old host whose requests are in flight',
      'web',
      async ({ hand, old, launch }) => {
        await launch();
        await hand.loadBalancers.deregister(WEB, old);
        await hand.ec2.terminate(old);
      },
      /^2: i-\w+ was terminated while requests were in flight from web$/,
    ],
    [
      'ends workers before others are monitored',
      'jobs',
      async ({ hand, old }) => hand.ec2.terminate(old),
      /^2: 0 hosts run and are monitored, 2 at the start$/,
    ],
    [
      'ends a stranger',
      'web',
      async ({ hand, stranger }) => hand.ec2.terminate([stranger()]),
      /^3: terminated: the stranger i-\w+$/,
    ],
    [
      'ends what carries another fleet’s tag',
      'web',
      async ({ hand, stranger }) => hand.ec2.terminate([stranger()]),
      /^3: terminated: i-\w+, whose fleet is another$/,
    ],
    [
      'ends what carries no tag',
      'web',
      async ({ hand, stranger }) => hand.ec2.terminate([stranger({ fleet: undefined })]),
      /^3: terminated: i-\w+, whose fleet is unknown$/,
    ],
    [
      'registers a stranger',
      'web',
      async ({ hand, stranger }) => hand.loadBalancers.register(WEB, [stranger({ loadBalancers: [] })]),
      /^3: registered: the stranger i-\w+$/,
    ],
    [
      'deregisters a stranger',
      'web',
      async ({ hand, stranger }) => hand.loadBalancers.deregister(WEB, [stranger()]),
      /^3: deregistered: the stranger i-\w+$/,
    ],
    [
      'gives a stranger a status',
      'web',
      async ({ hand, hostOf, stranger }) => hand.mackerel.setStatus([hostOf(stranger())], 'maintenance'),
      /^3: host-status-set: the stranger i-\w+$/,
    ],
    [
      'retires a stranger',
      'web',
      async ({ hand, hostOf, stranger }) => hand.mackerel.retire([hostOf(stranger())]),
      /^3: hosts-retired: the stranger i-\w+$/,
    ],
    [
      'launches twice',
      'web',
      async ({ launch }) => launch(2, 0),
      /^5: 4 instances were launched for a fleet of 2$/,
    ],
    [
      'leaves a new instance behind',
      'web',
      async ({ launch }) => launch(),
      /^6: i-\w+ was left behind$/,
      'old hosts',
    ],
    [
      'leaves a new host in Mackerel',
      'web',
      async ({ stage: set, hand, launch }) => {
        const born = await launch();
        await hand.loadBalancers.deregister(WEB, born);
        await set.wait(60);
        await hand.ec2.terminate(born);
      },
      /^6: i-\w+ was left in Mackerel$/,
      'old hosts',
    ],
    [
      'leaves an old host out of service',
      'web',
      async ({ hand, old, launch }) => {
        await launch();
        await hand.loadBalancers.deregister(WEB, old);
      },
      /^6: i-\w+ is no longer in service at web$/,
      'old hosts',
    ],
    [
      'leaves an old host in maintenance',
      'web',
      async ({ hand, old, hostOf }) => hand.mackerel.setStatus(old.map(hostOf), 'maintenance'),
      /^6: Mackerel host \w+ was working, is maintenance$/,
      'old hosts',
    ],
    [
      'calls undone what has passed the point of no return',
      'web',
      replace,
      /^6: it was called undone after the point of no return$/,
      'old hosts',
    ],
    ['calls nothing a success', 'web', async () => {}, /^7: 0 new hosts exist$/, 'new hosts'],
    [
      'leaves the old hosts beside the new ones',
      'web',
      async ({ launch }) => launch(),
      /^7: i-\w+ is still running$/,
      'new hosts',
    ],
    [
      'leaves them at the load balancer',
      'web',
      async ({ launch }) => launch(),
      /^7: i-\w+ is still at web$/,
      'new hosts',
    ],
    [
      'leaves them in Mackerel',
      'web',
      async ({ stage: set, hand, old, launch }) => {
        await launch();
        await hand.loadBalancers.deregister(WEB, old);
        await set.wait(60);
        await hand.ec2.terminate(old);
      },
      /^7: Mackerel host \w+ of i-\w+ is still there$/,
      'new hosts',
    ],
    [
      'ends with a new host that does not serve',
      'web',
      async (scene) => {
        await replace(scene);
        const born = scene.stage.world.view().instances.find(({ state }) => state === 'running');
        scene.stage.world.ec2.breakApplication(born?.instanceId ?? '');
        await scene.stage.wait(120);
      },
      /^7: i-\w+ is not in service at web$/,
      'new hosts',
    ],
    [
      'tells nobody of a host that serves and was not listed',
      'web',
      async (scene) => {
        await replace(scene);
        scene.stranger({ fleet: 'web' });
      },
      /^7: i-\w+ of the fleet still serves, and nobody was told$/,
      'new hosts',
    ],
    [
      'calls a human with nobody in service',
      'web',
      async ({ hand, old }) => hand.loadBalancers.deregister(WEB, old),
      /^2: 0 in service at web, 2 at the start$/,
      'needs a human',
    ],
  ])('%s', async (_, fleet, hand, says, outcome) => {
    expect(await saidOf(fleet, hand, outcome)).toContainEqual(expect.stringMatching(says));
  });

  it.each<[string, Partial<ExecutionResult>, string]>([
    [
      'fails under a name of nobody’s',
      { status: 'FAILED', error: 'Oops' },
      '9: it failed under the name Oops',
    ],
    ['has too long a history', { historyEvents: 25_000 }, '10: the history has 25000 events'],
    ['has too large a document', { largestPayload: 262_144 }, '10: a document has 262144 bytes'],
  ])('%s', (_, changes, says) => {
    const { stage: set } = setScene('web');
    const rules = new Rules(set.world, set.fleet, 'd-1');
    rules.bounded({
      status: 'SUCCEEDED',
      historyEvents: 0,
      largestPayload: 0,
      ...changes,
    } as ExecutionResult);
    expect(rules.violations.map(({ rule, what }) => `${rule}: ${what}`)).toEqual([says]);
  });

  it('is in order after an undo and after a deployment, and not in between', async () => {
    const scene = setScene('web');
    const { world, fleet } = scene.stage;
    const rules = new Rules(world, fleet, 'd-1');
    expect(rules.areInOrder()).toBe(true);
    await scene.launch();
    expect(rules.areInOrder()).toBe(false);
    expect(rules.violations).toEqual([]);
  });
});
