/** The story, told by running the synthesized definition: every scenario ends as it must, and no rule bends on the way. */
import { afterEach, describe, expect, it } from 'vitest';
import { castOf } from '../../simulator/demo/cast.ts';
import { startByNewImage } from '../../simulator/demo/start.ts';
import { Rules } from '../../simulator/rules.ts';
import type { ExecutionResult } from '../../simulator/run-definition.ts';
import { SCENARIO_NAMES, SCENARIOS, type Scenario, type ScenarioName } from '../../simulator/scenarios.ts';
import { API_KEY, Stage } from '../../simulator/stage.ts';
import { some } from '../support/thorough.ts';
import { exampleEnvironments, synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

async function play(
  name: ScenarioName,
  scenario: Scenario,
  seed: number,
): Promise<{ result: ExecutionResult; rules: Rules; log: string }> {
  const [part] = castOf([name], exampleEnvironments).parts;
  if (!part) throw new Error(`No fleet of the example can play ${name}.`);
  const template = synthesize(part.environment);
  stage = new Stage({
    template,
    fleet: part.fleet,
    seed,
    ...(scenario.oldPerZone !== undefined && { oldPerZone: scenario.oldPerZone }),
  });
  const log: unknown[] = [];
  stage.onEvent = (event) => log.push(event);
  stage.upload();
  scenario.arrange(stage);
  const input =
    scenario.startedBy === 'a new image' ? startByNewImage(stage, template).input : (scenario.input ?? {});
  const rules = new Rules(stage.world, stage.fleet, 'the-deployment');
  const result = await stage.deploy(input, 'the-deployment');
  rules.ended(result);
  return { result, rules, log: JSON.stringify(log) };
}

describe.each(SCENARIO_NAMES)('scenario %s', (name) => {
  const scenario: Scenario = SCENARIOS[name];

  it.each(some([1, 2, 3]))(`ends in ${scenario.endsIn} and bends no rule (seed %i)`, async (seed) => {
    const { result, rules, log } = await play(name, scenario, seed);
    expect({ endedIn: result.endedIn, cause: result.cause }).toMatchObject({ endedIn: scenario.endsIn });
    if (scenario.because) expect(result.cause).toMatch(new RegExp(`^${scenario.because}: `));
    expect(rules.violations).toEqual([]);
    expect(log).not.toContain(API_KEY);
  });
});
