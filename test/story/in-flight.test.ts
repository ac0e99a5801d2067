/** No request is cut: fleets without a bake and of one single host, whose requests take almost as long as draining may. */
import { afterEach, describe, expect, it } from 'vitest';
import { loadBalancerName } from '../../lambdas/domain/core/fleet.ts';
import { faultsTemplate } from '../../simulator/faults/kinds.ts';
import { Rules } from '../../simulator/rules.ts';
import { Stage } from '../../simulator/stage.ts';

const template = faultsTemplate();
let stage: Stage | undefined;
afterEach(() => stage?.close());

async function play(fleet: string, arrange = (_on: Stage): void => {}) {
  const on = new Stage({ template, fleet, seed: 3 });
  stage = on;
  on.configure({ limits: { ...on.fleet.limits, bakeSeconds: 0 } });
  for (const ref of on.fleet.loadBalancers)
    Object.assign(on.world.loadBalancers.balancer(ref).settings, { idleSeconds: [25, 29] });
  on.upload();
  arrange(on);
  const left = new Map<string, number>();
  const ended = new Map<string, number>();
  on.world.on(({ kind, at, changed }) => {
    const moments =
      kind === 'instances-deregistered' ? left : kind === 'instances-terminated' ? ended : undefined;
    for (const id of changed) moments?.set(id, at.getTime());
  });
  const rules = new Rules(on.world, on.fleet, 'd-1');
  const result = await on.deploy({}, 'd-1');
  rules.ended(result);
  const waited = [...ended].map(([id, at]) => (at - (left.get(id) ?? at)) / 1_000);
  return { on, result, violations: rules.violations, waited };
}

/** The definition without this wait: who comes there goes on to what follows it. */
const without = (state: string, next: string) => (on: Stage) => {
  const { States } = on.machine.definition as unknown as { States: Record<string, object> };
  States[state] = { Type: 'Pass', Next: next };
  delete (on.machine.steps as Record<string, string>)[state];
};

describe('Requests in flight', () => {
  it.each(['faults-app', 'faults-two-balancers', 'faults-single'])(
    'are answered before their host is terminated (%s, no bake)',
    async (fleet) => {
      const { result, violations, waited } = await play(fleet);
      expect(result.endedIn).toBe('Deployed');
      expect(violations).toEqual([]);
      for (const seconds of waited) expect(seconds).toBeGreaterThanOrEqual(25);
    },
  );

  it.each(['faults-app', 'faults-single'])(
    'are cut when nobody waits for them, and the rules see it (%s)',
    async (fleet) => {
      const { on, violations } = await play(fleet, without('Old hosts are drained', 'Watch the new hosts'));
      const [ref] = on.fleet.loadBalancers;
      const name = ref && loadBalancerName(ref);
      expect(violations.map(({ rule, what }) => `${rule}: ${what}`)).toEqual(
        on.oldInstances.map((id) => `2: ${id} was terminated while requests were in flight from ${name}`),
      );
    },
  );
});
