/** A cancel in every state that a deployment enters, found by running it: undone before the point of no return, else told. */
import { afterAll, describe, expect, it } from 'vitest';
import { POINT, POINTS } from '../../lambdas/domain/core/points.ts';
import { givePoints } from '../../simulator/given-points.ts';
import { Rules } from '../../simulator/rules.ts';
import { MIGRATION } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

const template = synthesize();
const open: Stage[] = [];
afterAll(() => {
  for (const stage of open) stage.close();
});

type Kind = 'good' | 'bad' | 'good, with all that a fleet may ask for on the way';

function setStage(kind: Kind): Stage {
  const stage = new Stage({ template, fleet: 'reactio-production-app', seed: 5 });
  open.push(stage);
  if (kind !== 'good' && kind !== 'bad') ask(stage);
  if (kind === 'bad')
    stage.world.ec2.fate = ({ ordinal }) => ({
      kind: ordinal === 1 ? 'shuts-down' : 'healthy',
      consoleLine: '',
    });
  stage.upload();
  return stage;
}

function ask(stage: Stage): void {
  stage.configure({ first: { hosts: 1, watchSeconds: 60 } });
  givePoints(stage, {
    hooks: POINTS.map((at) => ({ at, function: MIGRATION, timeoutMinutes: 5, onTimeout: 'undo' })),
    pauses: POINTS.map((at) => ({ at, timeoutMinutes: 1, then: 'go on' })),
  });
}

async function statesOf(kind: Kind): Promise<string[]> {
  const stage = setStage(kind);
  const entered = new Set<string>();
  stage.onEvent = (event) => void (event.kind === 'entered' && entered.add(event.state));
  await stage.deploy({}, 'd');
  return [...entered];
}

const ofSuccess = await statesOf('good');
const ALL = 'good, with all that a fleet may ask for on the way';
const withAll = await statesOf(ALL);
const BEFORE_THE_LOCK = ['Open the deployment', 'Wake the functions', 'Take the fleet lock'];
/** By their order alone, and not by what the ledger answers: from the lock to the first termination it is obeyed. */
const isInTime = (state: string) =>
  !BEFORE_THE_LOCK.includes(state) && withAll.indexOf(state) <= withAll.indexOf('Terminate old instances');

const cases = [
  ...ofSuccess.map((state) => ({ kind: 'good', state }) as const),
  ...(await statesOf('bad')).map((state) => ({ kind: 'bad', state }) as const),
  // Of a wait the state that looks: the other two are the same of every wait.
  ...withAll
    .filter((state) => !ofSuccess.includes(state) && !/\?$|\(look again soon\)$/.test(state))
    .map((state) => ({ kind: ALL, state }) as const),
];

it('there are states of a success and of an undo', () => {
  expect(cases.map(({ state }) => state)).toEqual(
    expect.arrayContaining([
      'Watch the new hosts',
      'Record the release',
      'Put old hosts back',
      'Record the failure',
      'Watch the first hosts',
      ...POINTS.flatMap((at) =>
        ['Ask the hooks', 'Call hook 1', 'Wait for a person'].map((what) => `${what} ${POINT[at].words}`),
      ),
    ]),
  );
});

describe.each(cases)('a cancel on entering "$state" (a $kind release)', ({ kind, state }) => {
  const isGood = kind !== 'bad';

  it('is obeyed, or too late', async () => {
    const stage = setStage(kind);
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
