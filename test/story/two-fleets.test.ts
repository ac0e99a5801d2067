/** Two fleets behind one load balancer, both deployed by irekae: each replaces its own hosts, and only those. */
import { afterEach, describe, expect, it } from 'vitest';
import type { LoadBalancerRef } from '../../lambdas/ports/load-balancers.ts';
import { exampleEntry, templateOf } from '../../simulator/example-fleet.ts';
import { Rules } from '../../simulator/rules.ts';
import { Stage } from '../../simulator/stage.ts';
import { some } from '../support/thorough.ts';

const stages: Stage[] = [];
afterEach(() => {
  for (const each of stages.splice(0).reverse()) each.close();
});

const CLASSIC: LoadBalancerRef = { kind: 'classic', name: 'web' };
const TARGET_GROUP: LoadBalancerRef = {
  kind: 'target-group',
  arn: 'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:targetgroup/web/0123456789abcdef',
};

/** @param oldPerZone old hosts of each fleet in each zone */
function setTwo(balancer: LoadBalancerRef, oldPerZone: readonly [number, number]): [Stage, Stage] {
  const entry = (name: string) =>
    exampleEntry('shared', name, { loadBalancers: [balancer], limits: { bakeSeconds: 20 } });
  const template = templateOf('shared', [entry('blog'), entry('shop')]);
  const blog = new Stage({ template, fleet: 'blog', seed: 21, oldPerZone: oldPerZone[0] });
  const shop = new Stage({ template, fleet: 'shop', seed: 21, oldPerZone: oldPerZone[1], beside: blog });
  stages.push(blog, shop);
  for (const each of [blog, shop]) each.upload();
  return [blog, shop];
}

/** Ids in what its steps asked to be changed: of two deployments at once, an event does not say whose it was. */
function changing(stage: Stage): ReadonlySet<string> {
  const ids = new Set<string>();
  const isLook = /^(describe|list|members|settings|hosts|find|read|roles|open|latest|subnets|status)/;
  stage.around = (_, act) =>
    act(
      stage.portsThrough(({ service, action, args }, proceed) => {
        const isOfHosts = ['ec2', 'loadBalancers', 'mackerel'].includes(service);
        const found =
          isOfHosts && !isLook.test(action) ? JSON.stringify(args).match(/\bi-[0-9a-f]{17}\b/g) : [];
        for (const id of found ?? []) ids.add(id);
        return proceed();
      }),
    );
  return ids;
}

/** All that start together, each with rules of its own. @returns how they ended */
async function deploy(name: string, ...each: Stage[]): Promise<string[]> {
  const changed = each.map(changing);
  const rules = each.map((stage) => new Rules(stage.world, stage.fleet, `${name}-${stage.fleet.name}`));
  const running = each.map((stage) => stage.start({ redeploy: true }, `${name}-${stage.fleet.name}`).result);
  const results = (await each[0]?.clock.until(Promise.all(running))) ?? [];
  results.forEach((result, index) => {
    rules[index]?.ended(result);
    rules[index]?.stop();
  });
  const broken = rules.flatMap(({ violations }) => violations);
  expect(broken.filter(({ rule }) => each.length === 1 || rule !== 3)).toEqual([]);
  each.forEach((stage, index) => {
    const own = ofFleet(stage).map(({ instanceId }) => instanceId);
    expect([...(changed[index] ?? [])].filter((id) => !own.includes(id))).toEqual([]);
    expect(changed[index]?.size).toBeGreaterThan(0);
  });
  return results.map(({ endedIn, error }) => [endedIn, error].filter(Boolean).join(': '));
}

const ofFleet = ({ world, fleet }: Stage) =>
  world.view().instances.filter(({ tags }) => tags['irekae:fleet'] === fleet.name);

const serving = (stage: Stage): string[] =>
  ofFleet(stage).flatMap(({ instanceId, memberOf }) =>
    memberOf.some(({ state }) => state === 'in-service') ? [instanceId] : [],
  );

const BALANCERS = [
  ['a classic ELB', CLASSIC],
  ['a target group', TARGET_GROUP],
] as const;

const JOINS = [
  ['the second comes to the first', [1, 0]],
  ['the first comes to the second', [0, 1]],
  ['both come to nobody', [0, 0]],
  ['both are there', [1, 1]],
] as const;

describe.each(BALANCERS)('Two fleets behind %s', (_, balancer) => {
  it.each(some(JOINS))('%s: each is deployed, and deployed again', async (_name, oldPerZone) => {
    const [blog, shop] = setTwo(balancer, oldPerZone);
    for (const [nth, stage] of [shop, blog, shop].entries()) {
      const other = stage === blog ? shop : blog;
      const untouched = serving(other);
      expect(await deploy(`no-${nth}`, stage)).toEqual(['Deployed']);
      expect(serving(other)).toEqual(untouched);
      expect(serving(stage)).toHaveLength(2);
    }
  });

  it('are deployed at the same time', async () => {
    const [blog, shop] = setTwo(balancer, [1, 1]);
    expect(await deploy('both', blog, shop)).toEqual(['Deployed', 'Deployed']);
    expect([serving(blog), serving(shop)].map(({ length }) => length)).toEqual([2, 2]);
  });

  it('one is undone while the other is deployed', async () => {
    const [blog, shop] = setTwo(balancer, [1, 1]);
    blog.whenEntering('Watch the new hosts', () => {
      const found = blog.world.view().instances.find(({ tags }) => tags['irekae:deployment'] === 'both-blog');
      if (found) blog.world.ec2.breakApplication(found.instanceId);
    });
    expect(await deploy('both', blog, shop)).toEqual(['RolledBack: RolledBack', 'Deployed']);
    expect(serving(blog)).toEqual(blog.oldInstances);
    expect(serving(shop)).toHaveLength(2);
    expect(serving(shop)).not.toEqual(shop.oldInstances);
  });

  it('who carries the tag of neither is left alone by both', async () => {
    const [blog, shop] = setTwo(balancer, [1, 1]);
    const { service } = blog.fleet.mackerel;
    const [subnetId = ''] = blog.fleet.subnets;
    const foreign = blog.world.addRunningHost({
      service,
      role: 'else',
      subnetId,
      loadBalancers: [balancer],
    });
    for (const stage of [blog, shop]) expect(await deploy('one', stage)).toEqual(['Deployed']);
    expect(blog.world.view().instances.find(({ instanceId }) => instanceId === foreign)).toMatchObject({
      state: 'running',
      memberOf: [{ state: 'in-service' }],
    });
  });
});
