/**
 * Fleets come, go and change their names: the templates before and after are compared as CloudFormation would compare
 * them. What it would delete, or replace by a new one, must be nothing that hosts which serve need.
 */
import { describe, expect, it } from 'vitest';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { type ResourceJson, type StackTemplate, stackTemplates } from '../../lib/synthesize.ts';
import { some } from '../support/thorough.ts';

type FleetsFile = typeof fleetsFile;
type Entry = FleetsFile['fleets'][number];
const APP = 'reactio-production-app';
/** Nobody follows the fleet: it may go, and change its artifact; and it is not the only one of its environment. */
const alone = fleetsFile.fleets.filter(({ after }) => after === undefined);
const { promotion: _, ...app } = alone.find(({ name }) => name === APP) as Entry;
const other = {
  ...app,
  name: 'other',
  artifact: 'other.tar.gz',
  mackerel: { service: 'other', role: 'app' },
};
const FILE: FleetsFile = { ...fleetsFile, fleets: [...alone, other] };

/** Every stack of the file, by its name. */
function stacksOf(file: FleetsFile): ReadonlyMap<string, StackTemplate['template']> {
  const all = stackTemplates(readFleets(file));
  return new Map(
    all.flatMap(({ shared, fleets }) => [shared, ...fleets]).map(({ name, template }) => [name, template]),
  );
}

const before = stacksOf(FILE);

const changed = (change: (fleet: Entry) => object): FleetsFile => ({
  ...FILE,
  fleets: FILE.fleets.map((fleet) =>
    fleet.name === APP ? ({ ...fleet, ...change(fleet) } as Entry) : fleet,
  ),
});

/** What a host that serves has, or reads: without any of these it would fail at once. */
const NEEDED = [
  'AWS::IAM::Role',
  'AWS::IAM::InstanceProfile',
  'AWS::S3::Bucket',
  'AWS::DynamoDB::GlobalTable',
];
const isHosts = (id: string, { Type }: ResourceJson) =>
  NEEDED.includes(Type) && (id.startsWith('hosts') || !Type.startsWith('AWS::IAM::'));

/** Properties of which a change makes CloudFormation create another one and delete the first. */
const REPLACING = [
  'RoleName',
  'Path',
  'InstanceProfileName',
  'BucketName',
  'KeySchema',
  'AttributeDefinitions',
];

/** What of all stacks is deleted when they become those of another file, and the stacks that are left over are deleted, too. */
function lostBy(after: FleetsFile): string[] {
  const to = stacksOf(after);
  return [...before].flatMap(([name, { Resources }]) =>
    Object.entries(Resources).flatMap(([id, resource]) => {
      const next = to.get(name)?.Resources[id];
      const stays = (policy: unknown) => policy === 'Retain' || policy === 'RetainExceptOnCreate';
      if (next === undefined) return stays(resource.DeletionPolicy) || !isHosts(id, resource) ? [] : [id];
      const isReplaced = REPLACING.some(
        (key) => JSON.stringify(resource.Properties?.[key]) !== JSON.stringify(next.Properties?.[key]),
      );
      return isReplaced && isHosts(id, resource) && !stays(next.UpdateReplacePolicy) ? [id] : [];
    }),
  );
}

const renamed = (environment: string) => environment.replace('production', 'live');

describe('Nothing that serving hosts need is deleted when their fleet', () => {
  const CHANGES: [string, FleetsFile][] = [
    ['is renamed', changed(({ name }) => ({ name: `${name}-2` }))],
    ['is removed', { ...FILE, fleets: FILE.fleets.filter(({ name }) => name !== APP) }],
    [
      'gets an instance profile of its owner’s',
      changed(() => ({
        instanceProfile: {
          kind: 'given',
          arn: 'arn:aws:iam::222222222222:instance-profile/own',
          roleArn: 'arn:aws:iam::222222222222:role/own',
        },
      })),
    ],
    ['gets another artifact', changed(() => ({ artifact: 'reactio/other.tar.gz' }))],
    [
      'goes to other subnets',
      changed(() => ({ subnets: ['subnet-0a1b2c3d4e5f60003'], instancesPerZone: 2 })),
    ],
    [
      'goes to another environment',
      changed(() => ({
        environment: 'staging',
        promotion: undefined,
        mackerel: { service: 'moved', role: 'app' },
      })),
    ],
    [
      'is of an environment that gets another name',
      {
        environments: FILE.environments.map((each) => ({ ...each, name: renamed(each.name) })),
        fleets: FILE.fleets.map((each) => ({ ...each, environment: renamed(each.environment) })),
      },
    ],
  ];
  it.each(some(CHANGES))('%s', (_, file) => expect(lostBy(file)).toEqual([]));

  it('does look: a role that is not kept is found', () => {
    const roles = [...before.values()].flatMap(({ Resources }) =>
      Object.entries(Resources).filter(([id, resource]) => isHosts(id, resource)),
    );
    expect(roles.map(([, { Type }]) => Type).filter((type) => type === 'AWS::IAM::Role')).toHaveLength(
      FILE.fleets.length,
    );
    for (const [id, { DeletionPolicy }] of roles) expect(DeletionPolicy, id).toBe('RetainExceptOnCreate');
  });
});

describe('A first deployment that failed', () => {
  it.each(some([...before]))('leaves nothing in the way of the next: %s', (_, { Resources }) => {
    // A version is a number of its function, and goes with it.
    const kept = Object.entries(Resources).filter(
      ([, { Type, DeletionPolicy }]) => DeletionPolicy === 'Retain' && Type !== 'AWS::Lambda::Version',
    );
    expect(kept.map(([id]) => id)).toEqual([]);
    // What protects itself from deletion could not be rolled back either.
    expect(JSON.stringify(Resources)).not.toContain('"DeletionProtectionEnabled":true');
  });
});

describe('A change of one fleet', () => {
  it.each<[string, (fleet: FleetsFile['fleets'][number]) => object]>([
    ['its start command', () => ({ startCommand: 'systemctl start other' })],
    ['its limits', () => ({ limits: { bakeSeconds: 120 } })],
    ['its volume', () => ({ rootVolume: { device: '/dev/xvda', sizeGiB: 40 } })],
    ['its instance types', () => ({ instanceTypes: ['m7g.large'] })],
  ])('deploys this fleet alone: %s', (_, change) => {
    const to = stacksOf(changed(change));
    const differing = [...to].filter(
      ([name, template]) => JSON.stringify(template) !== JSON.stringify(before.get(name)),
    );
    expect(differing.map(([name]) => name)).toEqual([`irekae-production-fleet-${APP}`]);
  });
});

describe('What crosses from one stack to another', () => {
  it('is a weak reference, or a name: no export stands in the way of a change', () => {
    for (const [name, template] of before) {
      const text = JSON.stringify(template);
      expect(text, name).not.toContain('Fn::ImportValue');
      expect(text, name).not.toContain('"Export"');
    }
  });

  it('never leads from the environment to a fleet: there is an order to deploy them in', () => {
    for (const [name, template] of before)
      if (!name.includes('-fleet-')) expect(JSON.stringify(template)).not.toContain('Fn::GetStackOutput');
  });
});
