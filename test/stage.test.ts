import { afterEach, expect, it } from 'vitest';
import { Rules } from '../simulator/rules.ts';
import { Stage } from '../simulator/stage.ts';
import { synthesize } from './synth.ts';

let stages: Stage[] = [];

afterEach(() => {
  for (const stage of stages) stage.close();
  stages = [];
});

function sideBySide(): [Stage, Stage] {
  const app = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 3 });
  const staging = synthesize('staging');
  const other = new Stage({ template: staging, fleet: 'reactio-staging-app', seed: 3, beside: app });
  stages = [app, other];
  return [app, other];
}

it('Fleets beside each other share a world and a clock, and are deployed at the same time', async () => {
  const [app, other] = sideBySide();
  app.upload();
  other.upload();
  const both = Promise.all([app.start().result, other.start().result]);
  expect((await app.clock.until(both)).map(({ endedIn }) => endedIn)).toEqual(['Deployed', 'Deployed']);
  expect(app.executions).toHaveLength(1);
  expect(other.executions).toHaveLength(1);
  const inService = app.world.view().loadBalancers.map(({ name }) => name);
  expect(inService).toEqual(['reactio-production', 'reactio-staging']);
});

it('A deployment bends no rule by what stands at another fleet’s load balancer', async () => {
  const [app] = sideBySide();
  app.upload();
  const rules = new Rules(app.world, app.fleet, 'd-1');
  rules.ended(await app.deploy({}, 'd-1'));
  expect(rules.violations).toEqual([]);
});

it('An execution that a step starts is played by the stage of its fleet', async () => {
  const [app, other] = sideBySide();
  const machine = `arn:aws:states:ap-northeast-1:111111111111:stateMachine:irekae-${other.fleet.name}`;
  other.upload();
  app.world.executions.start(machine, 'by-another', '{}');
  await app.clock.until(Promise.all(other.executions.map(({ result }) => result)));
  expect(other.executions.map(({ name }) => name)).toEqual(['by-another']);
  expect(app.executions).toEqual([]);
});
