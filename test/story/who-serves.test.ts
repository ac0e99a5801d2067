/** "Deployed" is true of what serves: who else of the fleet does is refused or named, and so is a new host that does not. */
import { afterEach, describe, expect, it } from 'vitest';
import { deploymentRecordKey, timelineKey } from '../../lambdas/domain/core/names.ts';
import type { DeploymentRecord } from '../../lambdas/domain/record/record.ts';
import { Rules } from '../../simulator/rules.ts';
import { SCENARIOS } from '../../simulator/scenarios.ts';
import { Stage, type StageOptions } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

const APP = 'reactio-production-app';
const WORKER = 'reactio-production-worker';

function setStage(fleet = APP, options: Partial<StageOptions> = {}): Stage {
  stage = new Stage({ template: synthesize(), fleet, seed: 11, ...options });
  stage.upload();
  return stage;
}

const unlist = (set: Stage) => SCENARIOS['old-host-unlisted'].arrange(set);
const INSIST = { override: ['unlisted'], reason: 'it is down' };

async function deploy(set: Stage, input: object = {}, name = 'the-deployment') {
  const rules = new Rules(set.world, set.fleet, name);
  const result = await set.deploy(input, name);
  rules.ended(result);
  rules.stop();
  const { bucket } = set.fleet.artifact;
  const record = set.world.s3.readRecord(bucket, deploymentRecordKey(set.fleet.name, name));
  return {
    result,
    record: record as DeploymentRecord,
    violations: rules.violations,
    page: set.world.s3.text(bucket, timelineKey(set.fleet.name, name)) ?? '',
    mail: set.world.announcer.messages.at(-1),
  };
}

/** A new host, once the story has come so far. */
const newHost = ({ world, oldInstances }: Stage): string =>
  world
    .view()
    .instances.find(
      ({ instanceId, tags }) => 'irekae:deployment' in tags && !oldInstances.includes(instanceId),
    )?.instanceId ?? '';

describe('An old host that Mackerel does not list', () => {
  it.each([APP, WORKER])('is a refusal, before anything is launched (%s)', async (fleet) => {
    const set = setStage(fleet);
    unlist(set);
    const [victim = ''] = set.oldInstances;
    const { result } = await deploy(set);
    expect(result).toMatchObject({ endedIn: 'Nothing was changed', error: 'UnlistedHostServes' });
    expect(result.cause).toContain(victim);
    expect(set.world.view().instances).toHaveLength(2);
    expect(set.world.ledger.read(fleet)?.held).toBeUndefined();
  });

  it.each<[object, RegExp[]]>([
    [{}, [/^UnlistedHostServes: Mackerel does not list i-/]],
    [INSIST, []],
  ])('is among the refusals of a plan, which does not fail: %j', async (input, refusals) => {
    const set = setStage();
    unlist(set);
    const { result } = await deploy(set, { ...input, dryRun: true });
    expect(result.endedIn).toBe('Planned');
    expect(result.output).toMatchObject({ refusals: refusals.map((each) => expect.stringMatching(each)) });
  });

  it.each([APP, WORKER])('is named in record, mail and page for who insists (%s)', async (fleet) => {
    const set = setStage(fleet);
    unlist(set);
    const [victim = ''] = set.oldInstances;
    const { result, record, violations, mail, page } = await deploy(set, INSIST);
    expect(result.endedIn).toBe('Deployed');
    expect(violations).toEqual([]);
    expect(record.atTheEnd?.unlisted).toMatchObject([{ name: victim }]);
    expect(record.reason).toContain(victim);
    expect(mail?.subject).toMatch(/^Deployed: .*something is to be done$/);
    expect(mail?.body).toMatch(new RegExp(`^To do: register ${victim} in Mackerel`, 'm'));
    expect(page).toContain(`To do: register ${victim}`);
  });

  it('is named when it appears while the deployment runs', async () => {
    const set = setStage();
    const { mackerel, subnets, loadBalancers, name } = set.fleet;
    let late = '';
    set.whenEntering('Take old hosts out of service', () => {
      late = set.world.addRunningHost({
        service: mackerel.service,
        role: 'other',
        subnetId: subnets[0] ?? '',
        loadBalancers,
        fleet: name,
      });
    });
    const { result, record, violations } = await deploy(set);
    expect(result.endedIn).toBe('Deployed');
    expect(violations).toEqual([]);
    expect(record.atTheEnd?.unlisted).toMatchObject([{ name: late }]);
  });

  it('is a broken rule when nobody was told', async () => {
    const set = setStage();
    unlist(set);
    const rules = new Rules(set.world, set.fleet, 'the-deployment');
    set.world.intercept = async (call, proceed) => (call.action === 'listByTag' ? [] : proceed());
    await set.deploy(INSIST, 'the-deployment');
    rules.settled('new hosts');
    expect(rules.violations).toMatchObject([{ rule: 7, what: expect.stringContaining('nobody was told') }]);
  });
});

describe('A load balancer that two fleets share', () => {
  it('is deployed behind, first and later, and the other fleet is left alone', async () => {
    const set = setStage(APP, { oldPerZone: 0 });
    SCENARIOS['shared-balancer'].arrange(set);
    const [neighbour] = set.world.view().instances;
    for (const name of ['first', 'later']) {
      const { result, record, violations, mail } = await deploy(set, { redeploy: true }, name);
      expect({ name, endedIn: result.endedIn, cause: result.cause }).toMatchObject({ endedIn: 'Deployed' });
      expect(violations).toEqual([]);
      expect(record.atTheEnd).toBeUndefined();
      expect(record.strangers).toEqual([
        {
          name: neighbour?.instanceId,
          why: expect.stringContaining('belongs to the fleet neighbour'),
          isOthers: true,
        },
      ]);
      expect(mail?.body).toMatch(/^To do: nothing\.$/m);
    }
    expect(set.world.view().instances.find(({ tags }) => tags['irekae:fleet'] === 'neighbour')).toMatchObject(
      {
        state: 'running',
        memberOf: [{ state: 'in-service' }],
      },
    );
  });
});

describe('A new host that dies at the end', () => {
  const STATES = ['Retire old hosts in Mackerel', 'Record the release'];
  it.each(STATES.flatMap((state) => [APP, WORKER].map((fleet) => [state, fleet] as const)))(
    'is named: %s, %s',
    async (state, fleet) => {
      const set = setStage(fleet);
      let dead = '';
      set.whenEntering(state, () => {
        dead = newHost(set);
        set.world.ec2.terminate([dead]);
      });
      const { result, record, violations, mail, page } = await deploy(set);
      expect(result.endedIn).toBe('Deployed');
      expect(violations).toEqual([]);
      expect(record.atTheEnd?.fallen).toMatchObject([
        { name: dead, why: expect.stringMatching(/shut|termin/) },
      ]);
      expect(mail?.body).toMatch(new RegExp(`^To do: see what happened to ${dead}`, 'm'));
      expect(page).toContain(`To do: see what happened to ${dead}`);
    },
  );

  it('while the old ones shut down', async () => {
    const set = setStage();
    let dead = '';
    set.world.on(({ kind, by }) => {
      if (kind !== 'instances-terminated' || by === 'scenario') return;
      dead = newHost(set);
      set.clock.sleep(3).then(() => set.world.ec2.terminate([dead]));
    });
    const { record } = await deploy(set);
    expect(record.atTheEnd?.fallen).toMatchObject([{ name: dead }]);
  });

  it('is named when Mackerel does not monitor it anymore', async () => {
    const set = setStage();
    let lost = '';
    set.whenEntering('Record the release', () => {
      lost = newHost(set);
      const hosts = set.world.mackerel.live().filter(({ instanceId }) => instanceId === lost);
      set.world.mackerel.retire(hosts.map(({ id }) => id));
    });
    const { result, record, violations, mail } = await deploy(set);
    expect(result.endedIn).toBe('Deployed');
    expect(violations).toEqual([]);
    expect(record.atTheEnd?.unwatched).toMatchObject([{ name: lost }]);
    expect(mail?.body).toMatch(new RegExp(`^To do: register ${lost} in Mackerel again`, 'm'));
  });

  it('changes nothing about the ending, and neither does a look that fails', async () => {
    const set = setStage();
    set.whenEntering('Record the release', () => {
      set.world.intercept = async (call, proceed) => {
        if (call.action === 'members') throw new Error('no answer');
        return proceed();
      };
    });
    const { result, record, mail } = await deploy(set);
    expect(result.endedIn).toBe('Deployed');
    expect(record.atTheEnd?.notSeen).toBeDefined();
    expect(mail?.body).toMatch(
      /^To do: check which hosts are in service: in your clone of irekae, npx --no -- irekae doctor/m,
    );
  });
});
