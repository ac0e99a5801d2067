/** A fleet without a bake: nothing stands between the drain and the removal, which looks at the new hosts itself. */
import { afterEach, describe, expect, it } from 'vitest';
import { faultsTemplate } from '../../simulator/faults/kinds.ts';
import { Stage } from '../../simulator/stage.ts';

const template = faultsTemplate();
let stage: Stage | undefined;
afterEach(() => stage?.close());

async function play(bakeSeconds: number, arrange = (_on: Stage): void => {}) {
  const on = new Stage({ template, fleet: 'faults-app', seed: 3 });
  stage = on;
  on.configure({ limits: { ...on.fleet.limits, bakeSeconds } });
  const entered: string[] = [];
  on.onEvent = ({ kind, state }) => void (kind === 'entered' && entered.push(state));
  on.upload();
  arrange(on);
  return { entered, result: await on.deploy() };
}

describe('A bake of 0', () => {
  it('is not entered', async () => {
    const { entered, result } = await play(0);
    expect(result.endedIn).toBe('Deployed');
    expect(entered).not.toContain('Watch the new hosts');
  });

  it('leaves the last look to the removal: a host that broke during the drain is undone', async () => {
    const { result } = await play(0, (on) =>
      on.whenEntering('Old hosts are drained', () => {
        const found = on.world
          .view()
          .instances.find(({ instanceId }) => !on.oldInstances.includes(instanceId));
        on.world.ec2.breakApplication(found?.instanceId ?? '');
        Object.assign(on.world.loadBalancers.balancer({ kind: 'classic', name: 'faults-app' }).settings, {
          idleSeconds: [25, 29],
        });
      }),
    );
    expect(result.endedIn).toBe('RolledBack');
  });
});

describe('A bake of a second', () => {
  it('is watched', async () => {
    const { entered } = await play(1);
    expect(entered).toContain('Watch the new hosts');
  });
});
