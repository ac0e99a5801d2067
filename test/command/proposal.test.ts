/** What `irekae init` proposes for an account, and why. */
import { describe, expect, it } from 'vitest';
import { patternOf, proposalOf } from '../../bin/command/project/proposal.ts';
import type {
  AccountFacts,
  FoundBalancer,
  FoundImage,
  FoundInstance,
  FoundLaunchTemplate,
} from '../../lambdas/ports/account.ts';

const ACCOUNT = '111111111111';
const ZONES = ['a', 'c', 'd'] as const;
const id = (prefix: string, n: number) => `${prefix}-${String(n).padStart(17, '0')}`;
const SUBNETS = ZONES.map((zone, n) => ({
  id: id('subnet', n),
  zone: `ap-northeast-1${zone}`,
  vpc: 'vpc-1',
  isDefault: true,
  isPublic: true,
}));

const host = (n: number, change: Partial<FoundInstance> = {}): FoundInstance => ({
  id: id('i', n),
  type: 't4g.small',
  architecture: 'arm64',
  imageId: 'ami-1',
  subnetId: SUBNETS[n % 2]?.id ?? '',
  securityGroups: [id('sg', 1), id('sg', n + 10)],
  tags: {},
  ...change,
});
const classic = (name: string, instances: readonly FoundInstance[] = []): FoundBalancer => ({
  kind: 'classic',
  name,
  reachedBy: ['classic'],
  subnets: [id('subnet', 2)],
  instances: instances.map((each) => each.id),
});
const group = (name: string, change: Partial<FoundBalancer> = {}): FoundBalancer => ({
  kind: 'target-group',
  name,
  arn: `arn:aws:elasticloadbalancing:ap-northeast-1:${ACCOUNT}:targetgroup/${name}/0123456789abcdef`,
  targetType: 'instance',
  reachedBy: ['application'],
  vpc: 'vpc-1',
  subnets: [],
  instances: [],
  ...change,
});
const image = (change: Partial<FoundImage> = {}): FoundImage => ({
  id: 'ami-1',
  name: 'web-base-2026-11-20',
  architecture: 'arm64',
  owner: ACCOUNT,
  createdAt: '2026-11-20T00:00:00.000Z',
  rootDevice: '/dev/xvda',
  rootSizeGiB: 8,
  ...change,
});
const template = (name: string, change: Partial<FoundLaunchTemplate> = {}): FoundLaunchTemplate => ({
  id: `lt-${name}`,
  name,
  securityGroups: [id('sg', 7)],
  ...change,
});

const account = (change: Partial<AccountFacts> = {}): AccountFacts => ({
  account: ACCOUNT,
  region: 'ap-northeast-1',
  instances: [],
  balancers: [],
  subnets: SUBNETS,
  securityGroups: [{ id: id('sg', 99), name: 'default', vpc: 'vpc-1' }],
  images: [],
  launchTemplates: [],
  unread: [],
  ...change,
});
const propose = (change: Partial<AccountFacts>) => proposalOf(account(change));
const roles = (of: Readonly<Record<string, readonly FoundInstance[]>>) => ({
  services: [],
  hosts: Object.entries(of).flatMap(([role, instances]) =>
    instances.map((each) => ({ instanceId: each.id, roles: [role] })),
  ),
});

describe('The fleets of an account', () => {
  const [one, two, three] = [host(0), host(1), host(2)] as const;

  it.each<[string, Partial<AccountFacts>, readonly [string, RegExp][]]>([
    [
      'are its Mackerel roles, whatever balances them',
      {
        instances: [one, two, three],
        balancers: [classic('web', [one, two])],
        mackerel: roles({ 'shop-production:app': [one, two], 'shop-production:worker': [three] }),
      },
      [
        ['shop-production-app', /^2 running instances that Mackerel has as shop-production:app$/],
        ['shop-production-worker', /^the running instance i-0+2 that Mackerel has as/],
      ],
    ],
    [
      'are who stands behind the same load balancers, without Mackerel',
      {
        instances: [one, two, three],
        balancers: [classic('web', [one, two]), group('api', { instances: [three.id] })],
      },
      [
        ['web', /^2 running instances behind web$/],
        ['api', /behind api$/],
      ],
    ],
    [
      'are one where two load balancers have the same hosts',
      { instances: [one], balancers: [classic('web', [one]), group('api', { instances: [one.id] })] },
      [['web', /^the running instance i-0+0 behind web and api$/]],
    ],
    [
      'are who comes from one launch template, without a load balancer',
      {
        instances: [host(0, { tags: { 'aws:ec2launchtemplate:id': 'lt-jobs' } })],
        launchTemplates: [template('jobs')],
      },
      [['jobs', /of the launch template jobs$/]],
    ],
    [
      'are load balancers, where nothing runs',
      { balancers: [classic('web'), group('api')] },
      [
        ['web', /behind which nothing runs$/],
        ['api', /the target group api, behind/],
      ],
    ],
    [
      'are launch templates, where there is nothing else',
      { launchTemplates: [template('jobs')] },
      [['jobs', /from which nothing runs$/]],
    ],
    ['are one to be completed, where there is nothing', {}, [['app', /^a fleet to begin with$/]]],
    [
      'have the name that irekae gave their hosts',
      { instances: [host(0, { tags: { 'irekae:fleet': 'shop' } })], mackerel: roles({ 'a:b': [one] }) },
      [['shop', /a:b/]],
    ],
    [
      'have names of their own, without what no name may hold',
      { balancers: [classic('my web'), classic('my-web'), group('x-clean-up')] },
      [
        ['my-web', /./],
        ['my-web-2', /./],
        ['x', /./],
      ],
    ],
  ])('%s', (_, change, expected) => {
    const { fleets } = propose(change);
    expect(fleets.map(({ fields, why }) => [fields.name, why])).toEqual(
      expected.map(([name, why]) => [name, expect.stringMatching(why)]),
    );
  });
});

describe('A fleet', () => {
  const hosts = [host(0), host(1), host(2)];
  const web = { instances: hosts, balancers: [classic('web', hosts)], images: [image()] };

  it('is as its hosts are', () => {
    const [fleet] = propose({ ...web, mackerel: roles({ 'shop:app': hosts }) }).fleets;
    expect(fleet?.fields).toEqual({
      name: 'shop-app',
      mackerel: { service: 'shop', role: 'app' },
      artifact: 'shop-app/app.tar.gz',
      image: { from: 'search', owner: 'self', namePattern: 'web-base-*' },
      architecture: 'arm64',
      instanceTypes: ['t4g.small'],
      subnets: [SUBNETS[0]?.id, SUBNETS[1]?.id],
      instancesPerZone: 2,
      securityGroups: [id('sg', 1)],
      loadBalancers: [{ kind: 'classic', name: 'web' }],
    });
    expect(fleet?.reasons).toMatchObject({
      instancesPerZone: '3 running hosts in 2 zones',
      securityGroups: 'those of 3 running hosts',
      image: 'web-base-2026-11-20 is what runs or would be launched',
    });
  });

  it.each<[string, Partial<AccountFacts>, object]>([
    [
      'of Intel',
      { ...web, instances: [host(0, { architecture: 'x86_64', type: 'c7i.large' })] },
      { architecture: 'x86_64', instanceTypes: ['c7i.large'] },
    ],
    [
      'whose types are several, the most frequent first',
      { ...web, instances: [host(0, { type: 'm7g.large' }), host(1), host(2)] },
      { instanceTypes: ['t4g.small', 'm7g.large'] },
    ],
    [
      'of another one’s image',
      { ...web, images: [image({ owner: '136693071363' })] },
      { image: { owner: '136693071363' } },
    ],
    [
      'of Amazon’s image',
      { ...web, images: [image({ owner: '137112412989', ownerAlias: 'amazon' })] },
      { image: { owner: 'amazon' } },
    ],
    [
      'whose image is gone',
      {
        ...web,
        images: [
          image({ id: 'ami-2', name: 'other-1' }),
          image({ id: 'ami-3', name: 'newer-1', createdAt: '2026-12-01' }),
        ],
      },
      { image: { namePattern: 'newer-*' } },
    ],
    ['without any image', { ...web, images: [] }, { image: { owner: 'self', namePattern: 'web-*' } }],
    [
      'with a large volume of another name',
      { ...web, images: [image({ rootDevice: '/dev/sda1', rootSizeGiB: 40 })] },
      { rootVolume: { device: '/dev/sda1', sizeGiB: 40 } },
    ],
    [
      'whose containers ask for credentials',
      { ...web, instances: [host(0, { hopLimit: 2 })] },
      { metadataHopLimit: 2 },
    ],
    [
      'with an instance profile',
      { ...web, instances: [host(0, { profileArn: 'arn:p', roleArn: 'arn:r' })] },
      { instanceProfile: { kind: 'given', arn: 'arn:p', roleArn: 'arn:r' } },
    ],
    [
      'whose hosts share no security group',
      { ...web, instances: [host(0, { securityGroups: ['sg-a'] }), host(1)] },
      { securityGroups: ['sg-a'] },
    ],
    [
      'behind a target group',
      { ...web, balancers: [group('api', { instances: hosts.map((each) => each.id) })] },
      { loadBalancers: [{ kind: 'target-group', arn: group('api').arn }] },
    ],
    [
      'of a load balancer and the only launch template',
      {
        balancers: [classic('web')],
        launchTemplates: [template('jobs', { type: 'c7i.large', imageId: 'ami-1' })],
        images: [image({ architecture: 'x86_64' })],
      },
      {
        architecture: 'x86_64',
        instanceTypes: ['c7i.large'],
        securityGroups: [id('sg', 7)],
        subnets: [id('subnet', 2)],
        image: { namePattern: 'web-base-*' },
        instancesPerZone: 1,
      },
    ],
    [
      'of a load balancer in no subnet',
      { balancers: [group('api')] },
      { subnets: SUBNETS.map((each) => each.id), securityGroups: [id('sg', 99)] },
    ],
    [
      'in private subnets rather than in public ones',
      {
        subnets: [
          ...SUBNETS,
          ...SUBNETS.map((each, n) => ({ ...each, id: id('subnet', n + 20), isPublic: false })),
        ],
      },
      { subnets: [20, 21, 22].map((n) => id('subnet', n)) },
    ],
  ])('%s', (_, change, fields) => {
    expect(propose(change).fleets[0]?.fields).toMatchObject(fields);
  });

  it.each<[string, Partial<AccountFacts>, string, string]>([
    ['Mackerel’s names', web, 'mackerel', ''],
    ['what starts the application', web, 'startCommand', ''],
    [
      'subnets',
      { balancers: [classic('web')], subnets: [] },
      'subnets',
      'web: there is no subnet in ap-northeast-1',
    ],
    ['security groups', { securityGroups: [] }, 'securityGroups', 'app: there is no security group'],
    [
      'a role that may not be read',
      { ...web, instances: [host(0, { profileArn: 'arn:p' })] },
      'instanceProfile',
      'web: the role in arn:p could not be read',
    ],
  ])('is not given what cannot be known: %s', (_, change, field, note) => {
    const { fleets, notes } = propose(change);
    expect(fleets[0]?.fields).not.toHaveProperty(field);
    expect(notes.join('\n')).toContain(note);
  });
});

describe('What is missing, or not taken, is said:', () => {
  it.each<[string, Partial<AccountFacts>, string]>([
    [
      'nothing',
      {},
      'Nothing runs in ap-northeast-1 that could be a fleet, and there is neither a load balancer nor a launch',
    ],
    [
      'what could not be read',
      { unread: ['No permission to list images.'] },
      'No permission to list images.',
    ],
    [
      'hosts of no kind',
      { instances: [host(0)], balancers: [classic('web')] },
      'Not taken: the running instance i-00000000000000000 in no Mackerel role',
    ],
    [
      'a host in two roles',
      {
        instances: [host(0)],
        mackerel: { services: [], hosts: [{ instanceId: host(0).id, roles: ['a:b', 'a:c'] }] },
      },
      'i-00000000000000000 is taken as a:b, and is in Mackerel as a:c, too',
    ],
    [
      'addresses',
      { balancers: [group('pods', { targetType: 'ip' })] },
      'Not taken: the target group pods, whose targets are of type ip',
    ],
    [
      'old templates',
      { balancers: [classic('web')], launchTemplates: [template('a'), template('b')] },
      'Not taken: launch templates from which nothing runs: a and b.',
    ],
    [
      'an Auto Scaling group',
      {
        instances: [host(0, { tags: { 'aws:autoscaling:groupName': 'web-asg' } })],
        balancers: [classic('web', [host(0)])],
      },
      'web: its hosts are kept by the Auto Scaling group web-asg',
    ],
    ['one zone', { subnets: SUBNETS.slice(0, 1) }, 'app: all of it is in one zone'],
    [
      'no image',
      { balancers: [classic('web')] },
      'web: there is no image of arm64 in ap-northeast-1: build one named web-…',
    ],
  ])('%s', (_, change, note) => {
    expect(propose(change).notes.join('\n')).toContain(note);
  });

  it('and not what is there', () => {
    const hosts = [host(0), host(1)];
    expect(
      propose({ instances: hosts, balancers: [classic('web', hosts)], images: [image()] }).notes,
    ).toEqual([]);
  });
});

it.each([
  ['shop-prod-app', 'production'],
  ['shop-stg', 'staging'],
  ['shop-dev', 'development'],
  ['shop', 'production'],
])('%s is an environment %s', (name, environment) => {
  expect(propose({ balancers: [classic(name)] }).environment).toBe(environment);
});

it.each([
  ['web-base-2026-11-20', 'web-base-*'],
  ['web-base-2026-11-20T03-04Z', 'web-base-*'],
  ['web_base_20261120', 'web_base_*'],
  ['web 1764000000', 'web *'],
  ['web-v1.2.3', 'web-*'],
  ['web-12', 'web-*'],
  ['web-3f2a91c', 'web-*'],
  ['web-arm64-2026-11-20', 'web-arm64-*'],
  ['al2023-ami-2023.5.20240722.0-kernel-6.1-arm64', 'al2023-ami-2023.*-kernel-6.1-arm64'],
  ['debian-12-arm64-20240717-1811', 'debian-12-arm64-*'],
  [
    'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20240701',
    'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-*',
  ],
  ['web', 'web'],
  ['20261120', '20261120'],
  ['wéb-1', 'w?b-*'],
])('images like %s are searched as %s', (name, pattern) => {
  expect(patternOf(name)).toBe(pattern);
  const asRegex = pattern
    .replace(/[.+^$(){}|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  expect(name).toMatch(new RegExp(`^${asRegex}$`));
});
