/** Whatever Mackerel says: what is not the fleet's is not touched, and the fleet's hosts are replaced all the same. */

import { afterEach, describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import type { Stage, StageOptions } from '../../simulator/stage.ts';
import { thoroughly } from '../support/thorough.ts';
import {
  addDatabase,
  conditionOf,
  type Database,
  deployBeside,
  newHostsOf,
  stageOf,
  textsIn,
  UNPRINTABLE,
  watchOver,
} from './outsiders.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

function setStage(options?: Partial<StageOptions>): Stage {
  stage = stageOf(options);
  stage.upload();
  return stage;
}

interface Forgery {
  readonly title: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly forge: (stage: Stage, database: Database) => void;
  /** How many strangers the plan then names. */
  readonly strangers: number;
}

const entry = ({ world, fleet }: Stage, instanceId?: string, name = 'db-1') =>
  world.mackerel.addHost({ name, roles: [fleet.mackerel], ...(instanceId !== undefined && { instanceId }) });

const FORGERIES: Forgery[] = [
  {
    title: 'the database’s instance id under the role',
    forge: (on, { instanceId }) => entry(on, instanceId),
    strangers: 1,
  },
  {
    title: 'the database’s instance id under the role, tagged as another fleet’s',
    tags: { [TAG.fleet]: 'reactio-production-worker' },
    forge: (on, { instanceId }) => entry(on, instanceId),
    strangers: 1,
  },
  {
    title: 'the database’s instance id under the role, tagged with a fleet’s name that begins alike',
    tags: { [TAG.fleet]: 'reactio-production-app-2', [TAG.deployment]: 'deploy-1' },
    forge: (on, { instanceId }) => entry(on, instanceId),
    strangers: 1,
  },
  {
    title: 'the database’s instance id three times',
    forge: (on, { instanceId }) => {
      for (const name of ['db-1', 'db-1', 'app-1']) entry(on, instanceId, name);
    },
    strangers: 3,
  },
  {
    title: 'the database at the fleet’s load balancer, too',
    forge: (on, { instanceId }) => {
      entry(on, instanceId);
      const instance = on.world.ec2.instance(instanceId);
      for (const ref of on.fleet.loadBalancers) on.world.loadBalancers.addExistingMember(ref, instance);
    },
    strangers: 1,
  },
  {
    title: 'the database at the fleet’s load balancer, and not in Mackerel',
    forge: (on, { instanceId }) => {
      const instance = on.world.ec2.instance(instanceId);
      for (const ref of on.fleet.loadBalancers) on.world.loadBalancers.addExistingMember(ref, instance);
    },
    strangers: 1,
  },
  { title: 'a host without an instance id', forge: (on) => entry(on), strangers: 1 },
  {
    title: 'an instance id that EC2 never gave',
    forge: (on) => entry(on, 'i-0dead000000000000'),
    strangers: 1,
  },
  {
    title: 'instance ids that are none',
    forge: (on) => {
      for (const id of ['', '*', '__proto__', 'constructor', 'i-1,i-2', '$(reboot)', 'i-1\nInstanceId.2=i-2'])
        entry(on, id);
    },
    strangers: 7,
  },
  {
    title: 'an old host’s instance id twice',
    forge: (on) => entry(on, on.oldInstances[0]),
    strangers: 0,
  },
  {
    title: 'an old host in two roles',
    forge: (on) => {
      on.world.mackerel.addHost({
        name: 'both',
        roles: [on.fleet.mackerel, { service: 'company', role: 'database' }],
        instanceId: on.oldInstances[0] ?? '',
      });
    },
    strangers: 0,
  },
];

describe('Forged Mackerel data', () => {
  it.each(FORGERIES)('does no harm: $title', async ({ tags, forge, strangers }) => {
    const on = setStage();
    const database = addDatabase(on, tags);
    forge(on, database);
    const before = conditionOf(on, database);
    const { result, touched, violations } = await deployBeside(on, Object.values(database));
    expect({ endedIn: result.endedIn, cause: result.cause }).toEqual({ endedIn: 'Deployed' });
    expect(touched).toEqual([]);
    expect(violations).toEqual([]);
    expect(conditionOf(on, database)).toEqual(before);
    expect((result.output as { strangers: unknown[] }).strangers).toHaveLength(strangers);
  });

  it('that comes while the deployment runs does no harm either', async () => {
    const on = setStage();
    const database = addDatabase(on);
    on.whenEntering('Take old hosts out of service', () => entry(on, database.instanceId));
    const before = conditionOf(on, database);
    const { result, touched, violations } = await deployBeside(on, Object.values(database));
    expect(result.endedIn).toBe('Deployed');
    expect([...touched, ...violations]).toEqual([]);
    expect(conditionOf(on, database)).toEqual(before);
  });

  it.each([
    ['refused', {}, 'Nothing was changed'],
    ['deployed beside it', { override: ['unlisted'], reason: 'it is down' }, 'Deployed'],
  ])('that names the database instead of an old host costs neither of them: %s', async (_, input, endsIn) => {
    const on = setStage();
    const database = addDatabase(on);
    const [victim = ''] = on.oldInstances;
    const own = on.world.mackerel.live().filter(({ instanceId }) => instanceId === victim);
    await on.world.ports.mackerel.retire(own.map(({ id }) => id));
    entry(on, database.instanceId, 'app-1');
    const { result, touched } = await deployBeside(on, [...Object.values(database), victim], input);
    expect(result.endedIn).toBe(endsIn);
    expect(touched).toEqual([]);
    expect(on.world.view().instances.find(({ instanceId }) => instanceId === victim)?.state).toBe('running');
    expect(JSON.stringify(result)).toContain(victim);
  });

  it('in the undo costs nobody: the database is not put where the old hosts are', async () => {
    const on = setStage();
    const database = addDatabase(on);
    entry(on, database.instanceId);
    on.world.ec2.fate = () => ({ kind: 'never-healthy' });
    const before = conditionOf(on, database);
    const { result, touched, violations } = await deployBeside(on, Object.values(database));
    expect(result.endedIn).toBe('RolledBack');
    expect([...touched, ...violations]).toEqual([]);
    expect(conditionOf(on, database)).toEqual(before);
  });
});

describe('10,000 hosts in the role', () => {
  thoroughly(
    'are counted, 50 of them named, and left alone; the deployment stays within its bounds',
    async () => {
      const on = setStage();
      for (let n = 0; n < 10_000; n += 1) {
        const id = n % 2 === 0 ? `i-${n.toString(16).padStart(17, '0')}` : undefined;
        entry(on, id, `host-${n} ${'x'.repeat(500)}`);
      }
      const forged = on.world.mackerel
        .live()
        .filter(({ instanceId }) => !on.oldInstances.includes(instanceId ?? ''));
      const touched = watchOver(
        on,
        forged.map(({ id }) => id),
      );
      const result = await on.deploy({});
      expect({ endedIn: result.endedIn, cause: result.cause }).toEqual({ endedIn: 'Deployed' });
      expect(touched).toEqual([]);
      expect((result.output as { strangers: unknown[] }).strangers).toHaveLength(50);
      expect(result.largestPayload).toBeLessThan(64 * 1024);
      expect(newHostsOf(on)).toHaveLength(2);
    },
  );

  thoroughly('for one instance are refused: their ids would not fit into the document', async () => {
    const on = setStage();
    for (let n = 0; n < 15_000; n += 1) entry(on, on.oldInstances[0]);
    const { result, violations } = await deployBeside(on, [...on.oldInstances]);
    expect(result.error).toBe('SnapshotContradicts');
    expect(result.cause).toMatch(/lists 15002 entries.*Nothing was changed\.$/);
    expect(violations).toEqual([]);
  });
});

describe('Hostile host names', () => {
  const NAMES = [
    'db\u001b[2J\u001b]0;owned\u0007',
    'db\r\n2026-11-22 Deployed, all is well',
    '\u009b31mred',
    'gnp.\u202eexe',
    '"},{"name":"i-0',
    '$(reboot)`reboot`; reboot',
    '\0',
    '\ud800',
    '🦊'.repeat(200),
    '',
  ];
  it('reach no sentence, record or error as anything but letters', async () => {
    const on = setStage();
    const told: unknown[] = [];
    on.onEvent = (event) => told.push(event);
    for (const name of NAMES) entry(on, undefined, name);
    const { result } = await deployBeside(on, []);
    expect(result.endedIn).toBe('Deployed');
    told.push(result, on.world.s3.readRecord(on.fleet.artifact.bucket, currentReleaseKey(on.fleet.name)));
    const texts = textsIn(told);
    expect(texts.some((text) => text.includes('all is well'))).toBe(true);
    expect(texts.filter((text) => UNPRINTABLE.test(text) || text.length > 1_000)).toEqual([]);
    expect(texts.filter((text) => text.includes('\n'))).toEqual([]);
    expect(texts.filter((text) => !text.isWellFormed())).toEqual([]);
  });
});
