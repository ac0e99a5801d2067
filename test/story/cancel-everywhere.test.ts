/** A cancel in every state that a deployment enters, found by running it: undone before the point of no return, else told. */
import { afterAll, describe, expect, it } from 'vitest';
import { Rules } from '../../simulator/rules.ts';
import { Stage } from '../../simulator/stage.ts';
import { some } from '../support/thorough.ts';
import { synthesize } from '../synth.ts';

const template = synthesize();
const open: Stage[] = [];
afterAll(() => {
  for (const stage of open) stage.close();
});

function setStage(isGood: boolean): Stage {
  const stage = new Stage({ template, fleet: 'reactio-production-app', seed: 5 });
  open.push(stage);
  if (!isGood)
    stage.world.ec2.fate = ({ ordinal }) => ({
      kind: ordinal === 1 ? 'shuts-down' : 'healthy',
      consoleLine: '',
    });
  stage.upload();
  return stage;
}

async function statesOf(isGood: boolean): Promise<string[]> {
  const stage = setStage(isGood);
  const entered = new Set<string>();
  stage.onEvent = (event) => void (event.kind === 'entered' && entered.add(event.state));
  await stage.deploy({}, 'd');
  return [...entered];
}

const ofSuccess = await statesOf(true);
const BEFORE_THE_LOCK = ['Open the deployment', 'Wake the functions', 'Take the fleet lock'];
/** By their order alone, and not by what the ledger answers: from the lock to the first termination it is obeyed. */
const isInTime = (state: string) =>
  !BEFORE_THE_LOCK.includes(state) &&
  ofSuccess.indexOf(state) <= ofSuccess.indexOf('Terminate old instances');

const cases = [
  ...ofSuccess.map((state) => ({ isGood: true, state })),
  ...(await statesOf(false)).map((state) => ({ isGood: false, state })),
];

it('there are states of a success and of an undo', () => {
  expect(cases.map(({ state }) => state)).toEqual(
    expect.arrayContaining([
      'Watch the new hosts',
      'Record the release',
      'Put old hosts back',
      'Record the failure',
    ]),
  );
});

describe.each(some(cases))('a cancel on entering "$state" (a good release: $isGood)', ({ isGood, state }) => {
  it('is obeyed, or too late', async () => {
    const stage = setStage(isGood);
    const rules = new Rules(stage.world, stage.fleet, 'd');
    const { ledger } = stage.world;
    let obeyed = false;
    stage.whenEntering(state, () => {
      const held = ledger.read(stage.fleet.name)?.held;
      if (held) obeyed = ledger.requestCancel(stage.fleet.name, held.holder, 'Hanako');
    });
    const result = await stage.deploy({}, 'd');
    rules.ended(result);
    await stage.settle();
    if (isGood) expect(obeyed).toBe(isInTime(state));
    const launched = stage.world.ec2.known().some(({ facts }) => facts.tags['irekae:deployment'] === 'd');
    // The launch itself may be refused: the undo then finds nothing to undo.
    const undone = launched ? ['RolledBack'] : ['RolledBack', 'Nothing was changed'];
    expect(obeyed || !isGood ? undone : ['Deployed']).toContain(result.endedIn);
    if (obeyed && isGood) expect(result.error).toBe('Cancelled');
    expect(rules.violations).toEqual([]);
    expect(ledger.read(stage.fleet.name)?.held).toBeUndefined();
  });
});
