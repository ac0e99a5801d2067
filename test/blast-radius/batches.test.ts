/** One bad item never keeps the rest of a batch from being done, and is named in the end: each bulk operation, in the story. */
import { afterEach, describe, expect, it } from 'vitest';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { synthesizeTemplates } from '../../lib/synthesize.ts';
import { Rules } from '../../simulator/rules.ts';
import type { ExecutionResult } from '../../simulator/run-definition.ts';
import type { Stage } from '../../simulator/stage.ts';
import { newHostsOf, stageOf } from './outsiders.ts';

/** Four hosts, two in each zone: one is bad, and three are the rest. */
const { production: template } = synthesizeTemplates(
  readFleets({
    ...fleetsFile,
    fleets: fleetsFile.fleets.map((fleet) => ({ ...fleet, instancesPerZone: 2 })),
  }),
);

let stage: Stage | undefined;
afterEach(() => stage?.close());

function setStage(): Stage {
  if (template === undefined) throw new Error('the environment was not synthesized');
  stage = stageOf({ template });
  stage.upload();
  return stage;
}

async function deploy(on: Stage): Promise<{ result: ExecutionResult; rules: Rules }> {
  const rules = new Rules(on.world, on.fleet, 'the-deployment');
  const result = await on.deploy({}, 'the-deployment');
  rules.ended(result);
  return { result, rules };
}

const stateOf = ({ world }: Stage, id: string) =>
  world.view().instances.find(({ instanceId }) => instanceId === id)?.state;
const hostsOf = ({ world }: Stage, ids: readonly string[]) =>
  world.mackerel.live().filter(({ instanceId }) => ids.includes(instanceId ?? ''));
const launchedBy = ({ world }: Stage) =>
  world
    .view()
    .instances.filter(({ tags }) => tags[TAG.deployment] === 'the-deployment')
    .map(({ instanceId }) => instanceId);
const split = (ids: readonly string[]): [bad: string, rest: string[]] => [ids[0] ?? '', ids.slice(1)];
/** The new hosts never become healthy, so that the deployment is undone. */
const failing = (on: Stage) => {
  on.world.ec2.fate = () => ({ kind: 'never-healthy' });
};

describe('Terminating the old hosts', () => {
  it('goes on around one with termination protection, which is named', async () => {
    const on = setStage();
    const [bad, rest] = split(on.oldInstances);
    on.world.ec2.protect(bad);
    const { result, rules } = await deploy(on);
    expect(result).toMatchObject({
      error: 'StoppedHalfway',
      cause: expect.stringMatching(new RegExp(`OldHostsNotTerminated: .*${bad} \\(OperationNotPermitted`)),
    });
    expect(rest.map((id) => stateOf(on, id))).toEqual(rest.map(() => 'terminated'));
    expect(stateOf(on, bad)).toBe('running');
    expect(hostsOf(on, rest)).toEqual([]);
    expect(hostsOf(on, [bad])).toHaveLength(1);
    expect(rules.violations).toEqual([]);
  });

  it('retires also what an old host’s agent registered while the deployment ran', async () => {
    const on = setStage();
    const [instanceId] = split(on.oldInstances);
    on.whenEntering('Watch the new hosts', () => {
      on.world.mackerel.addHost({ name: 'registered anew', roles: [on.fleet.mackerel], instanceId });
    });
    const { result, rules } = await deploy(on);
    expect(result.endedIn).toBe('Deployed');
    expect(hostsOf(on, on.oldInstances)).toEqual([]);
    expect(rules.violations).toEqual([]);
  });

  it('is undone when all have termination protection: nothing has ended', async () => {
    const on = setStage();
    for (const id of on.oldInstances) on.world.ec2.protect(id);
    const { result, rules } = await deploy(on);
    expect(result).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringMatching(/^TerminationRefused/),
    });
    expect(rules.violations).toEqual([]);
  });

  it('goes on around one that somebody terminated, and one that somebody stopped', async () => {
    const on = setStage();
    const [gone = '', stopped = ''] = on.oldInstances;
    on.whenEntering('Terminate old instances', () => {
      on.world.ec2.kill(gone, 'Client.UserInitiatedShutdown: User initiated shutdown');
      on.world.ec2.stop(stopped);
    });
    const { result, rules } = await deploy(on);
    expect({ endedIn: result.endedIn, cause: result.cause }).toEqual({ endedIn: 'Deployed' });
    expect(rules.violations).toEqual([]);
  });
});

describe('The hand brake', () => {
  const pull = (on: Stage, id: string) => on.world.ec2.tag(id, { [TAG.protect]: '' });

  it('refuses the deployment before anything is changed', async () => {
    const on = setStage();
    const [bad] = split(on.oldInstances);
    pull(on, bad);
    const { result, rules } = await deploy(on);
    expect(result).toMatchObject({
      endedIn: 'Nothing was changed',
      error: 'TerminationRefused',
      cause: expect.stringContaining(`${bad} carries the hand brake`),
    });
    expect(launchedBy(on)).toEqual([]);
    expect(rules.violations).toEqual([]);
  });

  it('pulled while the deployment runs has it undone: nobody is terminated', async () => {
    const on = setStage();
    const [bad] = split(on.oldInstances);
    on.whenEntering('Watch the new hosts', () => pull(on, bad));
    const { result, rules } = await deploy(on);
    expect(result).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringMatching(new RegExp(`TerminationRefused: .*${bad} .*hand brake`)),
    });
    expect(on.oldInstances.map((id) => stateOf(on, id))).toEqual(on.oldInstances.map(() => 'running'));
    expect(rules.violations).toEqual([]);
  });

  it('on a new host outlives the undo, out of service; the others are removed', async () => {
    const on = setStage();
    failing(on);
    on.whenEntering('Put old hosts back', () => pull(on, newHostsOf(on)[0] ?? ''));
    const { result } = await deploy(on);
    const [bad, rest] = split(launchedBy(on));
    expect(result).toMatchObject({
      error: 'RollbackFailed',
      cause: expect.stringMatching(new RegExp(`TerminationRefused: .*${bad} .*hand brake`)),
    });
    expect(stateOf(on, bad)).toBe('running');
    expect(on.world.view().instances.find(({ instanceId }) => instanceId === bad)?.memberOf).toEqual([]);
    expect(rest.map((id) => stateOf(on, id))).toEqual(rest.map(() => 'terminated'));
    expect(hostsOf(on, rest)).toEqual([]);
  });

  it('lets a deployment pass once its host is set aside, and the host is left alone', async () => {
    const on = setStage();
    const [aside, rest] = split(on.oldInstances);
    pull(on, aside);
    await on.world.ports.mackerel.retire(hostsOf(on, [aside]).map(({ id }) => id));
    for (const ref of on.fleet.loadBalancers) await on.world.ports.loadBalancers.deregister(ref, [aside]);
    await on.wait(60);
    const { result } = await deploy(on);
    expect({ endedIn: result.endedIn, cause: result.cause }).toEqual({ endedIn: 'Deployed' });
    expect(stateOf(on, aside)).toBe('running');
    expect(rest.map((id) => stateOf(on, id))).toEqual(rest.map(() => 'terminated'));
  });
});

describe('Removing the new hosts', () => {
  it('goes on around one with termination protection, which is named', async () => {
    const on = setStage();
    failing(on);
    on.whenEntering('Put old hosts back', () => on.world.ec2.protect(newHostsOf(on)[0] ?? ''));
    const { result } = await deploy(on);
    const [bad, rest] = split(launchedBy(on));
    expect(result).toMatchObject({ error: 'RollbackFailed', cause: expect.stringContaining(bad) });
    expect(result.cause).toContain('NewHostsNotRemoved');
    expect(rest.map((id) => stateOf(on, id))).toEqual(rest.map(() => 'terminated'));
    expect(hostsOf(on, rest)).toEqual([]);
  });
});

describe('Setting statuses and retiring in Mackerel', () => {
  it.each(['Take old hosts out of service', 'Old hosts are drained', 'Retire old hosts in Mackerel'])(
    'goes on around a host that Mackerel does not know anymore on entering %s',
    async (state) => {
      const on = setStage();
      const [bad, rest] = split(on.oldInstances);
      on.whenEntering(state, () => {
        on.world.ports.mackerel.retire(hostsOf(on, [bad]).map(({ id }) => id));
      });
      const { result, rules } = await deploy(on);
      expect({ endedIn: result.endedIn, cause: result.cause }).toEqual({ endedIn: 'Deployed' });
      expect(hostsOf(on, rest)).toEqual([]);
      expect(rules.violations).toEqual([]);
    },
  );

  it('goes on around a host that Mackerel refuses to retire, which is named', async () => {
    const on = setStage();
    const [bad, rest] = split(on.oldInstances);
    const [badHost] = hostsOf(on, [bad]).map(({ id }) => id);
    on.world.intercept = async (call, proceed) => {
      if (call.action !== 'retire') return proceed();
      const others = (call.args[0] as string[]).filter((id) => id !== badHost);
      on.world.mackerel.retire(others);
      return { refused: [{ id: badHost, reason: '400: the host is busy' }] };
    };
    const { result } = await deploy(on);
    expect(result).toMatchObject({
      endedIn: 'Deployed',
      output: { reason: expect.stringContaining(`${badHost} (400: the host is busy)`) },
    });
    expect(on.world.ledger.read(on.fleet.name)?.owed?.debts).toMatchObject([{ kind: 'retire' }]);
    expect(hostsOf(on, rest)).toEqual([]);
  });

  it('restores the statuses of the others when one is gone during the undo', async () => {
    const on = setStage();
    const [bad, rest] = split(on.oldInstances);
    on.whenEntering('Watch the new hosts', () => on.world.ec2.breakApplication(newHostsOf(on)[0] ?? ''));
    on.whenEntering('Put old hosts back', () => {
      on.world.ports.mackerel.retire(hostsOf(on, [bad]).map(({ id }) => id));
    });
    const { result } = await deploy(on);
    expect(result.error).toBe('RolledBack');
    expect(hostsOf(on, rest).map(({ status }) => status)).toEqual(rest.map(() => 'working'));
  });
});

describe('Registering at and leaving the load balancers', () => {
  it('puts the others back when an old host has ended meanwhile', async () => {
    const on = setStage();
    const [bad, rest] = split(on.oldInstances);
    on.whenEntering('Watch the new hosts', () => {
      on.world.ec2.breakApplication(newHostsOf(on)[0] ?? '');
      on.world.ec2.kill(bad, 'Server.InternalError: Internal error on launch');
    });
    const { result } = await deploy(on);
    expect(result).toMatchObject({
      error: 'RolledBack',
      cause: expect.stringContaining('1 old host terminated meanwhile, but not by this deployment'),
    });
    const serving = on.world
      .view()
      .loadBalancers.flatMap(({ members }) =>
        members.flatMap(({ instanceId, state }) => (state === 'in-service' ? [instanceId] : [])),
      );
    expect(serving.sort()).toEqual([...rest].sort());
  });

  it('lets the others leave when somebody took one out already', async () => {
    const on = setStage();
    const [bad] = split(on.oldInstances);
    on.whenEntering('Take old hosts out of service', () => {
      for (const ref of on.fleet.loadBalancers) on.world.ports.loadBalancers.deregister(ref, [bad]);
    });
    const { result, rules } = await deploy(on);
    expect({ endedIn: result.endedIn, cause: result.cause }).toEqual({ endedIn: 'Deployed' });
    expect(rules.violations.filter(({ rule }) => rule !== 2)).toEqual([]);
  });
});
