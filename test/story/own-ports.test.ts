/** A target that somebody registered under a port of its own is let go, and put back, with that port. */
import { afterEach, describe, expect, it } from 'vitest';
import { faultsTemplate, KINDS } from '../../simulator/faults/kinds.ts';
import { Rules } from '../../simulator/rules.ts';
import { Stage } from '../../simulator/stage.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

const template = faultsTemplate();

async function play(kind: 'own-port' | 'own-port-undone') {
  stage = new Stage({ template, fleet: KINDS[kind].fleet, seed: 11 });
  KINDS[kind].arrange(stage);
  stage.upload();
  const rules = new Rules(stage.world, stage.fleet, 'the-deployment');
  const result = await stage.deploy({}, 'the-deployment');
  rules.ended(result);
  expect(rules.violations).toEqual([]);
  const [balancer] = stage.world.loadBalancers.all();
  if (!balancer) throw new Error('no load balancer');
  const members = stage.world.loadBalancers.members(balancer.ref);
  return { result, members, old: stage.oldInstances };
}

describe('Old hosts under a port of their own', () => {
  it('leave it before they are terminated', async () => {
    const { result, members, old } = await play('own-port');
    expect(result.endedIn).toBe('Deployed');
    expect(members).toHaveLength(2);
    for (const { instanceId } of members) expect(old).not.toContain(instanceId);
  });

  it('are put back there', async () => {
    const { result, members, old } = await play('own-port-undone');
    expect(result.endedIn).toBe('RolledBack');
    expect(members).toEqual(
      old.map((instanceId) => ({ instanceId, port: 8_081, state: 'in-service', reason: '' })),
    );
  });
});
