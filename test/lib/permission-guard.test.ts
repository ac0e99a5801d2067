/** What a change of the fleets file takes from whom, by the templates: CloudFormation hands both to the guard. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { losersOf } from '../../lambdas/domain/lock/permission-change.ts';
import { EnvironmentStack } from '../../lib/environment-stack.ts';
import type { FleetsFile } from '../../lib/fleet-config.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { type ResourceJson, stackTemplates, standaloneApp, type TemplateJson } from '../../lib/synthesize.ts';
import { crowdedFile } from '../../simulator/bench/stacks.ts';
import { exampleEntry, type FleetEntry } from '../../simulator/example-fleet.ts';

const ENVIRONMENT = { name: 'shop', account: '111111111111', region: 'ap-northeast-1' };
const WEB = { kind: 'classic', name: 'web' } as const;
const ADMIN = { kind: 'classic', name: 'admin' } as const;
const KEY = 'arn:aws:kms:ap-northeast-1:111111111111:key/99992222-3333-4444-5555-666677778888';
const POLICY = 'arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore';

const BOUNDARY = 'arn:aws:iam::111111111111:policy/boundary';

const app = exampleEntry('shop', 'app', { loadBalancers: [WEB] });
const jobs = exampleEntry('shop', 'jobs', { loadBalancers: [] });
const file = (changes: Partial<FleetEntry> = {}, environment: object = {}, ...others: FleetEntry[]) =>
  ({
    environments: [{ ...ENVIRONMENT, ...environment }],
    fleets: [{ ...app, ...changes }, jobs, ...others],
  }) as FleetsFile;

function stacksOf(given: FleetsFile) {
  const [stacks] = stackTemplates(readFleets(given));
  if (!stacks) throw new Error('There is no environment.');
  return stacks;
}
/** What its fleets share, without their own stacks, and without templates. */
function sharedOf(given: FleetsFile, outdir = tmpdir()) {
  const environments = readFleets(given);
  const [environment] = environments;
  if (!environment) throw new Error('There is no environment.');
  const app = standaloneApp(outdir, { bundle: false });
  return { app, environment, stack: new EnvironmentStack(app, environment, environments) };
}
function needsIn(given: FleetsFile): Record<string, string> {
  const { environment, stack } = sharedOf(given);
  const { guard } = stack.parts;
  return Object.fromEntries(environment.fleets.map((fleet) => [fleet.name, guard.needsOf(fleet)]));
}
const before = needsIn(file());

/** One way it takes from these fleets; the other way it only adds. */
const WIDER: readonly [string, FleetsFile, string[]][] = [
  ['a load balancer', file({ loadBalancers: [WEB, ADMIN] }), ['app']],
  ['a security group', file({ securityGroups: [...app.securityGroups, 'sg-0a1b2c3d4e5f60009'] }), ['app']],
  ['a subnet', file({ subnets: [...app.subnets, 'subnet-0a1b2c3d4e5f60009'] }), ['app']],
  [
    'a runtime',
    file({ runtimes: [...(app.runtimes ?? []), { key: 'ruby.tgz', directory: '/opt/ruby' }] }),
    ['app'],
  ],
  ['a key for volumes', file({ kmsKeys: [KEY] }), ['app']],
  ['a policy of its hosts', file({ instanceProfile: { kind: 'made', managedPolicies: [POLICY] } }), ['app']],
  ['failed hosts that are kept', file({ keepFailedHostMinutes: 30 }), ['app']],
  ['launches in other zones', file({ spillOver: true }), ['app']],
  ['a key for Mackerel’s', file({}, { apiKeyKmsKeyArn: KEY }), ['app', 'jobs']],
];

describe('A fleets file that gives up', () => {
  it.each(WIDER)('%s takes from whom it was; the other way it takes nothing', (_, wider, losers) => {
    const wide = needsIn(wider);
    expect(losersOf({ before: wide, after: before })).toEqual(losers);
    expect(losersOf({ before, after: wide })).toEqual([]);
  });

  it.each<[string, FleetsFile, string[]]>([
    ['its load balancer for another one', file({ loadBalancers: [ADMIN] }), ['app']],
    ['its artifact for another one', file({ artifact: 'other.tar.gz' }), ['app']],
    [
      'the role of its hosts for a given one',
      file({
        instanceProfile: {
          kind: 'given',
          arn: 'arn:aws:iam::111111111111:instance-profile/own',
          roleArn: 'arn:aws:iam::111111111111:role/own',
        },
      }),
      [],
    ],
    ['the bucket', file({}, { existingBucket: 'other-bucket' }), ['app', 'jobs']],
    ['the place of Mackerel’s key', file({}, { apiKeyParameter: '/other/key' }), ['app', 'jobs']],
    ['what bounds its roles', file({}, { permissionsBoundaryArn: BOUNDARY }), ['app', 'jobs']],
    ['a fleet', { ...file(), fleets: [jobs] } as FleetsFile, ['app']],
    ['the name of a fleet', file({ name: 'app-2' }), ['app']],
  ])('%s takes from these', (_, after, losers) => {
    // The role of the hosts stays below the environment's path as long as one fleet has such a role.
    expect(losersOf({ before, after: needsIn(after) })).toEqual(losers);
  });

  it.each<[string, FleetsFile]>([
    ['its start command', file({ startCommand: 'systemctl start other' })],
    ['its limits', file({ limits: { bakeSeconds: 240 } })],
    ['its instance types', file({ instanceTypes: ['m7g.large'] })],
    [
      'a load balancer that another fleet keeps',
      file({ loadBalancers: [] }, {}, exampleEntry('shop', 'other', { loadBalancers: [WEB] })),
    ],
  ])('%s takes nothing', (_, after) => expect(losersOf({ before, after: needsIn(after) })).toEqual([]));
});

describe('What hosts may do, they may by a role of their own', () => {
  const shared = { artifact: 'one.tar.gz', runtimes: [{ key: 'perl.tgz', directory: '/opt/perl' }] };
  const twin = exampleEntry('shop', 'twin', {
    ...shared,
    instanceProfile: { kind: 'made', managedPolicies: [POLICY] },
  });
  const of = (changes: Partial<FleetEntry>) =>
    needsIn(
      file({ ...shared, instanceProfile: twin.instanceProfile ?? { kind: 'made' }, ...changes }, {}, twin),
    );

  it.each<[string, Partial<FleetEntry>]>([
    ['its artifact, for an image that is the release', { artifact: undefined, runtimes: [] }],
    ['a runtime', { runtimes: [] }],
    ['a policy', { instanceProfile: { kind: 'made' } }],
  ])('what gives up %s, loses it, although another fleet keeps it', (_, changes) => {
    expect(losersOf({ before: of({}), after: of(changes) })).toEqual(['app']);
  });
});

describe('CloudFormation asks', () => {
  it('what the fleets need', () =>
    expect(shared.template.Resources.PermissionGuard?.Properties?.Needs).toEqual(before));

  const { shared, fleets } = stacksOf(file());
  const dependsOn = ({ DependsOn: on }: ResourceJson) => [on].flat();
  const resources = Object.entries(shared.template.Resources);

  it('before any role of a function changes', () => {
    const roles = resources.filter(
      ([id, { Type }]) => Type === 'AWS::IAM::Role' && id.startsWith('function'),
    );
    const free = roles.filter(([, role]) => !dependsOn(role).includes('PermissionGuard')).map(([id]) => id);
    expect(roles.length).toBeGreaterThan(15);
    // The guard's own comes first.
    expect(free).toEqual([expect.stringMatching(/^functionguardpermissions/)]);
  });

  it('before the policies that a role has beside its own change', () => {
    const outdir = mkdtempSync(join(tmpdir(), 'irekae-'));
    const { app, stack } = sharedOf(crowdedFile({ fleets: 50, nameLength: 64 }), outdir);
    const { Resources } = app.synth().getStackByName(stack.stackName).template as TemplateJson;
    rmSync(outdir, { recursive: true });
    const more = Object.values(Resources).filter(({ Type }) => Type === 'AWS::IAM::ManagedPolicy');
    expect(more.length).toBeGreaterThan(0);
    for (const policy of more) expect(dependsOn(policy)).toContain('PermissionGuard');
  });

  it.each(fleets)('after all else of $name, which has the same needs', ({ template: { Resources } }) => {
    const [[, opening] = ['', { Type: '' }], ...others] = Object.entries(Resources).filter(
      ([, { Type }]) => Type === 'Custom::PermissionGuard',
    );
    expect(others).toEqual([]);
    const rest = Object.keys(Resources).filter((id) => Resources[id] !== opening);
    expect(dependsOn(opening).toSorted()).toEqual(rest.toSorted());
    expect(before).toMatchObject(Object(opening.Properties?.Needs));
  });

  it('no longer than the function may take, with its two repetitions, a minute and two after it', () => {
    const [, handler] = resources.find(([id]) => id.startsWith('functionguardpermissionsHandler')) ?? [];
    const all = resources.filter(([, { Type }]) => Type === 'Custom::PermissionGuard');
    const opening = fleets.flatMap(({ template: { Resources } }) => Object.entries(Resources));
    all.push(...opening.filter(([, { Type }]) => Type === 'Custom::PermissionGuard'));
    expect(all).toHaveLength(1 + fleets.length);
    const longest = 3 * Number(handler?.Properties?.Timeout) + 60 + 120;
    for (const [, { Properties }] of all) {
      expect(Number(Properties?.ServiceTimeout)).toBeGreaterThan(longest);
      expect(Number(Properties?.ServiceTimeout)).toBeLessThanOrEqual(900);
    }
  });

  it('nothing when a stack goes, but for the first creation that is rolled back', () => {
    for (const { template } of [shared, ...fleets])
      for (const { Type, DeletionPolicy, UpdateReplacePolicy } of Object.values(template.Resources))
        if (Type === 'Custom::PermissionGuard')
          expect({ DeletionPolicy, UpdateReplacePolicy }).toEqual({
            DeletionPolicy: 'RetainExceptOnCreate',
            UpdateReplacePolicy: 'Retain',
          });
  });

  it('with what Lambda takes, also of fifty fleets with the longest names, before and after together', () => {
    const needs = needsIn(crowdedFile({ fleets: 50, nameLength: 64, subnets: 6, securityGroups: 5 }));
    expect(Object.keys(needs)).toHaveLength(50);
    // Asynchronous events have had 256 KB everywhere.
    expect(2 * JSON.stringify(needs).length).toBeLessThan(256_000);
  });
});
