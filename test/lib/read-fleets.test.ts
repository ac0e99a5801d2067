import * as fc from 'fast-check';
import { safeParse } from 'valibot';
import { describe, expect, it } from 'vitest';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { Fleet } from '../../lambdas/domain/core/fleet.ts';
import { EnvironmentConfig, FleetConfig } from '../../lib/fleet-config.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { toRuntimeFleet } from '../../lib/runtime-fleet.ts';
import { everythingGiven, type LooseFile, looseExample, problemsOf, problemsWith } from './fleets.ts';

/** A freeze of the office's hours, and one of two moments. */
const weekly = (change: object) => ({
  freezes: [
    {
      kind: 'weekly',
      label: 'x',
      timeZone: 'Asia/Tokyo',
      days: ['fri'],
      from: '09:00',
      to: '17:00',
      ...change,
    },
  ],
});
const dated = (from: string, to: string) => ({
  freezes: [{ kind: 'dated', label: 'x', timeZone: 'Asia/Tokyo', from, to }],
});

function problemsWithEnvironment(change: object): readonly string[] {
  const file = looseExample();
  file.environments[0] = { ...file.environments[0], ...change } as LooseFile['environments'][number];
  return problemsOf(file);
}

describe('The fleets file', () => {
  it('of the example makes two environments with an app and a worker fleet each', () => {
    const environments = readFleets(fleetsFile);
    expect(environments.map(({ name, fleets }) => [name, fleets.map((fleet) => fleet.name)])).toEqual([
      ['staging', ['reactio-staging-app', 'reactio-staging-worker']],
      ['production', ['reactio-production-app', 'reactio-production-worker']],
    ]);
  });

  it('gets its defaults filled in', () => {
    const [staging] = readFleets(fleetsFile);
    expect(staging).toMatchObject({ apiKeyParameter: '/irekae/mackerel-api-key', alarmEmails: [] });
    expect(staging?.fleets[1]).toMatchObject({
      loadBalancers: [],
      instanceProfile: { kind: 'made', managedPolicies: [] },
      rootVolume: { device: '/dev/xvda', sizeGiB: 20 },
      metadataHopLimit: 1,
      limits: {
        bakeSeconds: 0,
        drainSeconds: 300,
        terminateSeconds: 600,
        undoSeconds: 600,
      },
      mackerel: { wantsFreshMetric: false },
    });
  });

  it('may leave nothing to its defaults', () => {
    expect(problemsOf(everythingGiven())).toEqual([]);
  });

  it('lets two fleets of one environment be fed by one tarball', () => {
    const [staging] = readFleets(fleetsFile);
    expect(new Set(staging?.fleets.map(({ artifact }) => artifact)).size).toBe(1);
  });

  it.each([
    ['nothing at all', undefined],
    ['a list', []],
    ['no fleets', { environments: fleetsFile.environments, fleets: [] }],
    ['an unknown section', { ...fleetsFile, defaults: {} }],
  ])('is refused when it exports %s', (_, file) => {
    expect(problemsOf(file)).not.toEqual([]);
  });

  it('tells all problems at once, each with fleet, field, value given and what is allowed', () => {
    const file = looseExample();
    const [app, worker] = file.fleets;
    if (app === undefined || worker === undefined) throw new Error('the example has lost its fleets');
    Object.assign(app, { limits: { bakeSeconds: -1 }, instanceTypes: ['m7i.large'], startcommand: 'x' });
    Object.assign(worker, { name: 'reactio-staging-app', mackerel: { service: 'r', role: 'worker' } });
    file.fleets.push(5 as never);
    expect(() => readFleets(file)).toThrow(
      [
        'The fleets file has 6 problems:',
        'fleet reactio-staging-app: limits.bakeSeconds: given -1, allowed: a whole number from 0 to 86400',
        'fleet reactio-staging-app: startcommand: unknown field; did you mean startCommand?',
        'fleet reactio-staging-app: instanceTypes.0: given "m7i.large", allowed: types of the fleet\'s ' +
          'architecture, arm64; this one is x86_64',
        'fleet reactio-staging-app: mackerel.service: given "r", allowed: 2 to 63 letters, digits, - and _, a ' +
          'letter or digit first',
        'fleet number 5: given 5, allowed: an object of name, environment, mackerel, artifact, ' +
          'promotion, after, runtimes, image, architecture, instanceTypes, subnets, instancesPerZone, spillOver, ' +
          'keepFailedHostMinutes, replaceStragglers, securityGroups, instanceProfile, metadataHopLimit, launchTemplate, loadBalancers, rootVolume, kmsKeys, startCommand, httpProxy, ' +
          'limits, watch, pauses, hooks, compare, first, sideBySideSeconds, freezes, redeployOnNewImage, tags',
        'fleet reactio-staging-app: name: given "reactio-staging-app", allowed: a name that no other has',
      ].join('\n  - '),
    );
  });
});

describe('Whatever the file exports', () => {
  const fields = [...Object.keys(FleetConfig.entries), 'other'];
  const environmentFields = [...Object.keys(EnvironmentConfig.entries), 'other'];
  const listsProblemsOrPasses = (file: unknown) => {
    expect(problemsOf(file)).toBeInstanceOf(Array);
  };

  it('lists the problems of an environment whose name cannot even be turned into text', () => {
    const file = everythingGiven();
    const environments = [{ ...file.environments[0], name: [{ toString: '' }] }];
    expect(problemsOf({ ...file, environments }).join()).toContain('name: given [{"toString":""}]');
  });

  it.each(Object.keys(FleetConfig.entries))('it tells what is wrong with %s', (field) => {
    const file = everythingGiven();
    const told = problemsOf({ ...file, fleets: [{ ...file.fleets[0], [field]: -5 }] });
    expect(told.filter((each) => each.includes(`${field}: given -5, allowed: `))).toHaveLength(1);
  });

  it('it is accepted or answered with a list of problems, never with a crash', () => {
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.anything(), (field, value) => {
        const file = everythingGiven();
        listsProblemsOrPasses({ ...file, fleets: [{ ...file.fleets[0], [field]: value }] });
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...environmentFields), fc.anything(), (field, value) => {
        const file = everythingGiven();
        listsProblemsOrPasses({ ...file, environments: [{ ...file.environments[0], [field]: value }] });
      }),
      { numRuns: 200 },
    );
    fc.assert(fc.property(fc.anything(), listsProblemsOrPasses), { numRuns: 200 });
  });

  it('a text that is not allowed is a problem, not a crash', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string());
    fc.assert(
      fc.property(
        fc.constantFrom('name', 'artifact', 'startCommand', 'environment'),
        texts,
        (field, value) => {
          const file = everythingGiven();
          listsProblemsOrPasses({ ...file, fleets: [{ ...file.fleets[0], [field]: value }] });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('A fleet is refused', () => {
  const arn = (region: string, account: string) =>
    `arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/app/0123456789abcdef`;

  it.each([
    ['without a name', { name: undefined }, 'name: missing, but required'],
    ['with a blank in its name', { name: 'my app' }, 'name: given "my app"'],
    ['with a name too long for its state machines', { name: 'a'.repeat(65) }, 'at most 64'],
    [
      'with a name too long for the door to its promotion',
      { name: 'a'.repeat(57), promotion: { from: 'staging' } },
      'at most 56 characters of a fleet with a promotion',
    ],
    ['with the name of another fleet’s door', { name: 'app-override' }, 'or -promote'],
    ['with the name of another fleet’s clean-up', { name: 'app-clean-up' }, 'not ending in -clean-up'],
    [
      'in an unknown environment',
      { environment: 'test' },
      'environment: given "test", allowed: staging, production',
    ],
    [
      'with a Mackerel service that cannot exist',
      { mackerel: { service: '-x', role: 'app' } },
      'mackerel.service: given "-x"',
    ],
    [
      'with a Mackerel role of one letter',
      { mackerel: { service: 'reactio', role: 'a' } },
      'mackerel.role: given "a"',
    ],
    [
      'with the Mackerel role of another fleet',
      { mackerel: { service: 'reactio-staging', role: 'worker' } },
      'allowed: a role of its own',
    ],
    ['with a blank in its key', { artifact: 'my app.tar.gz' }, 'artifact: given "my app.tar.gz"'],
    ['with its key among the records', { artifact: 'irekae/app.tar.gz' }, 'not under irekae/'],
    ['with a key that climbs', { artifact: 'a/../irekae/app.tar.gz' }, 'artifact: given'],
    ['with a key that begins with a slash', { artifact: '/app.tar.gz' }, 'artifact: given'],
    ['with a key that is too long', { artifact: 'a'.repeat(257) }, 'artifact: given'],
    [
      'with a runtime in a relative directory',
      { runtimes: [{ key: 'p.tgz', directory: 'opt/perl' }] },
      'runtimes.0.directory: given "opt/perl"',
    ],
    [
      'with a runtime in /',
      { runtimes: [{ key: 'p.tgz', directory: '/' }] },
      'runtimes.0.directory: given "/"',
    ],
    [
      'with a runtime that would replace /usr',
      { runtimes: [{ key: 'p.tgz', directory: '/usr' }] },
      'runtimes.0.directory: given "/usr"',
    ],
    [
      'with a runtime in a directory that climbs',
      { runtimes: [{ key: 'p.tgz', directory: '/opt/../etc' }] },
      'runtimes.0.directory',
    ],
    [
      'with two runtimes in one directory',
      {
        runtimes: [
          { key: 'p.tgz', directory: '/opt/a' },
          { key: 'q.tgz', directory: '/opt/a' },
        ],
      },
      'nor lies in /opt/a',
    ],
    [
      'with a runtime inside another',
      {
        runtimes: [
          { key: 'p.tgz', directory: '/opt/a' },
          { key: 'q.tgz', directory: '/opt/a/b' },
        ],
      },
      'nor lies in /opt/a',
    ],
    [
      'with a runtime among the releases',
      { runtimes: [{ key: 'p.tgz', directory: '/srv/irekae/perl' }] },
      'nor lies in /srv/irekae',
    ],
    [
      'with the application as its own runtime',
      { runtimes: [{ key: 'reactio/app.tar.gz', directory: '/opt/a' }] },
      'runtimes.0.key: given "reactio/app.tar.gz"',
    ],
    ['with an unknown way to find the image', { image: { from: 'ami-1' } }, 'image.from: given "ami-1"'],
    [
      'with images of everybody',
      { image: { from: 'search', owner: '*', namePattern: 'app-*' } },
      'image.owner: given "*"',
    ],
    [
      'with all images of an owner',
      { image: { from: 'search', owner: 'self' } },
      'a namePattern or at least one tag',
    ],
    [
      'with a parameter that cannot exist',
      { image: { from: 'parameter', parameter: 'a//b' } },
      'image.parameter: given "a//b"',
    ],
    ['with an unknown architecture', { architecture: 'arm' }, 'architecture: given "arm"'],
    ['without an instance type', { instanceTypes: [] }, 'instanceTypes: given []'],
    [
      'with something that is no instance type',
      { instanceTypes: ['large'] },
      'instanceTypes.0: given "large"',
    ],
    [
      'with an instance type of the other architecture',
      { instanceTypes: ['t4g.small', 'g5.xlarge'] },
      'instanceTypes.1: given "g5.xlarge"',
    ],
    [
      'with the same instance type twice',
      { instanceTypes: ['t4g.small', 't4g.small'] },
      'instanceTypes.1: given "t4g.small", allowed: each only once',
    ],
    ['with a subnet that is none', { subnets: ['vpc-0a1b2c3d'] }, 'subnets.0: given "vpc-0a1b2c3d"'],
    [
      'with the same subnet twice',
      { subnets: ['subnet-0a1b2c3d', 'subnet-0a1b2c3d'] },
      'subnets.1: given "subnet-0a1b2c3d", allowed: each only once',
    ],
    ['with no instance', { instancesPerZone: 0 }, 'instancesPerZone: given 0'],
    ['with half an instance', { instancesPerZone: 0.5 }, 'instancesPerZone: given 0.5'],
    [
      'with more hosts than a classic ELB takes twice',
      { instancesPerZone: 251 },
      'at most 500 hosts in all, and 2 subnets make 502',
    ],
    [
      'with no other zone to spill over to',
      { subnets: ['subnet-0a1b2c3d'], spillOver: true },
      'spillOver: given true, allowed: false for a fleet of one subnet',
    ],
    [
      'with more tries in other zones than a launch has time for',
      {
        instanceTypes: Array.from({ length: 13 }, (_, n) => `t4g.size${n}`),
        spillOver: true,
      },
      'their product is at most 24, and here it is 26',
    ],
    [
      'whose hosts all go first',
      { first: { hosts: 2, watchSeconds: 60 } },
      "first.hosts: given 2, allowed: less than the fleet's 2 hosts: others have to follow",
    ],
    [
      'of one host that goes first',
      { subnets: ['subnet-0a1b2c3d'], first: { hosts: 1, watchSeconds: 60 } },
      'first.hosts: given 1, allowed: no first for a fleet of one host: there is nobody to follow',
    ],
    [
      'of many hosts, of which more than a few go first',
      { instancesPerZone: 126, first: { hosts: 101, watchSeconds: 60 } },
      'first.hosts: given 101, allowed: at most 100 in a fleet of more than 250 hosts: a few go first',
    ],
    [
      'that watches the first hosts for a moment',
      { first: { hosts: 1, watchSeconds: 5 } },
      'first.watchSeconds: given 5, allowed: a whole number from 10 to 86400',
    ],
    [
      'that serves side by side for days',
      { sideBySideSeconds: 90_000 },
      'sideBySideSeconds: given 90000, allowed: a whole number from 0 to 7200',
    ],
    [
      'whose first hosts would fill the history',
      { first: { hosts: 1, watchSeconds: 86_400 }, limits: { readySeconds: 7_200 } },
      'shorten the longest, or first.watchSeconds and sideBySideSeconds',
    ],
    [
      'whose monitors nobody would hear',
      { watch: { monitors: ['errors'] }, limits: { bakeSeconds: 0 } },
      'monitors together with a bake (limits.bakeSeconds greater than 0) or with first',
    ],
    [
      'whose metrics nobody would compare',
      { compare: [{ metric: 'custom.errors', atMostTimes: 2, from: 5 }], limits: { bakeSeconds: 0 } },
      'metrics together with a bake (limits.bakeSeconds greater than 0) or with first',
    ],
    [
      'that compares a metric twice',
      {
        compare: [
          { metric: 'custom.errors', atMostTimes: 2, from: 5 },
          { metric: 'custom.errors', atMostTimes: 3, from: 5 },
        ],
      },
      'compare.1.metric: given "custom.errors", allowed: a metric that compare does not name already',
    ],
    [
      'that undoes what is better',
      { compare: [{ metric: 'custom.errors', atMostTimes: 0.5, from: 5 }] },
      'compare.0.atMostTimes: given 0.5, allowed: a number from 1 to 100',
    ],
    [
      'that compares what no graph is called',
      { compare: [{ metric: '5xx of nginx', atMostTimes: 2, from: 5 }] },
      'compare.0.metric: given "5xx of nginx", allowed: the name of a host metric',
    ],
    [
      'of two hosts, of which a slow one shall be replaced',
      { instancesPerZone: 1, replaceStragglers: true },
      'replaceStragglers: given true, allowed: false for a fleet of fewer than 3 hosts',
    ],
    [
      'that keeps a failed host without a load balancer to take it out of',
      { loadBalancers: [], keepFailedHostMinutes: 30 },
      'keepFailedHostMinutes: given 30, allowed: 0 for a fleet without a load balancer',
    ],
    [
      'that keeps a failed host for days',
      { keepFailedHostMinutes: 1_441 },
      'keepFailedHostMinutes: given 1441, allowed: a whole number from 0 to 1440 minutes',
    ],
    ['without a security group', { securityGroups: [] }, 'securityGroups: given []'],
    ['with a security group by name', { securityGroups: ['web'] }, 'securityGroups.0: given "web"'],
    [
      'with an instance profile by name',
      { instanceProfile: { kind: 'given', arn: 'web', roleArn: 'web' } },
      'instanceProfile.arn: given "web"',
    ],
    [
      'with a profile and no role to pass',
      { instanceProfile: { kind: 'given', arn: 'arn:aws:iam::111111111111:instance-profile/a' } },
      'instanceProfile.roleArn: missing',
    ],
    [
      'with a role of another account',
      {
        instanceProfile: {
          kind: 'given',
          arn: 'arn:aws:iam::111111111111:instance-profile/a',
          roleArn: 'arn:aws:iam::999999999999:role/a',
        },
      },
      'instanceProfile.roleArn: given "arn:aws:iam::999999999999:role/a", allowed: an ARN of staging\'s account',
    ],
    [
      'with a load balancer that is neither',
      { loadBalancers: [{ kind: 'alb', name: 'a' }] },
      'loadBalancers.0.kind: given "alb"',
    ],
    [
      'with a load balancer that cannot exist',
      { loadBalancers: [{ kind: 'classic', name: 'a_b' }] },
      'loadBalancers.0.name: given "a_b"',
    ],
    [
      'with a target group in another Region',
      { loadBalancers: [{ kind: 'target-group', arn: arn('eu-west-1', '111111111111') }] },
      "a target group of staging's Region",
    ],
    [
      'with a target group of another account',
      { loadBalancers: [{ kind: 'target-group', arn: arn('ap-northeast-1', '999999999999') }] },
      "a target group of staging's Region",
    ],
    [
      'with a KMS key of another Region',
      { kmsKeys: ['arn:aws:kms:eu-west-1:111111111111:key/11112222-3333-4444-5555-666677778888'] },
      "a key of staging's Region",
    ],
    [
      'with two load balancers of one name',
      {
        loadBalancers: [
          { kind: 'classic', name: 'app' },
          { kind: 'target-group', arn: arn('ap-northeast-1', '111111111111') },
        ],
      },
      'load balancers of different names',
    ],
    [
      'with a root volume in the wrong place',
      { rootVolume: { device: 'xvda' } },
      'rootVolume.device: given "xvda"',
    ],
    ['with an empty root volume', { rootVolume: { sizeGiB: 0 } }, 'rootVolume.sizeGiB: given 0'],
    [
      'whose metadata nobody could get',
      { metadataHopLimit: 0 },
      'metadataHopLimit: given 0, allowed: a whole number from 1',
    ],
    [
      'from no launch template',
      { launchTemplate: { id: 'web', version: 3 } },
      'launchTemplate.id: given "web", allowed: an id such as lt-0123456789abcdef0',
    ],
    [
      'from no version of a launch template',
      { launchTemplate: { id: 'lt-0a1b2c3d', version: '$Latest' } },
      'launchTemplate.version: given "$Latest", allowed: a version number, 1 or more, or newest',
    ],
    [
      'from version 0 of a launch template',
      { launchTemplate: { id: 'lt-0a1b2c3d', version: 0 } },
      'launchTemplate.version: given 0, allowed: a version number',
    ],
    [
      'with a launch template of its owner’s and a profile of ours',
      { launchTemplate: { id: 'lt-0a1b2c3d', version: 3 } },
      'instanceProfile: given {"kind":"made","managedPolicies":[]}, allowed: { kind: \'given\', arn, roleArn } beside a launchTemplate',
    ],
    [
      'with a launch template of its owner’s and a volume of ours',
      { launchTemplate: { id: 'lt-0a1b2c3d', version: 3 }, rootVolume: { sizeGiB: 40 } },
      'allowed: left out beside a launchTemplate: volumes are as it says',
    ],
    [
      'with a proxy that wants a password',
      { httpProxy: 'http://hanako:secret@proxy.internal:3128' },
      'httpProxy: given "http://hanako:secret@proxy.internal:3128", allowed: the URL of a proxy',
    ],
    ['with a proxy of another kind', { httpProxy: 'socks5://proxy.internal' }, 'httpProxy: given "socks5:'],
    ['without a start command', { startCommand: '' }, 'startCommand: given ""'],
    ['with a start command of two lines', { startCommand: 'a\nb' }, 'startCommand: given "a\\nb"'],
    ['with a start command that no shell could hold', { startCommand: 'a\ud800' }, 'startCommand: given'],
    ['with a NUL in a key', { artifact: 'a\0b' }, 'artifact: given'],
    ['with a start command that is too long', { startCommand: 'a'.repeat(1025) }, 'startCommand: given'],
    [
      'with a boot script that EC2 would not take',
      { runtimes: manyRuntimes() },
      'a boot script of at most 16384 bytes',
    ],
    [
      'with too little time to become ready',
      { limits: { readySeconds: 59 } },
      'limits.readySeconds: given 59',
    ],
    ['with a freeze of no kind', { freezes: [{ from: '00:00', to: '24:00' }] }, 'freezes.0.kind'],
    ['with a freeze in an unknown zone', weekly({ timeZone: 'Asia/Tokio' }), 'timeZone: given "Asia/Tokio"'],
    ['with a freeze in an offset', weekly({ timeZone: '+09:00' }), 'freezes.0.timeZone: given "+09:00"'],
    ['with a freeze on no day', weekly({ days: [] }), 'freezes.0.days: given [], allowed: a list of 1 to 7'],
    ['with a freeze on a day that no week has', weekly({ days: ['day'] }), 'one of sun, mon, tue, wed'],
    [
      'with a freeze from 24:00',
      weekly({ from: '24:00' }),
      'given "24:00", allowed: a time from 00:00 to 23:59',
    ],
    ['with a freeze of an hour with one digit', weekly({ from: '9:00' }), 'freezes.0.from: given "9:00"'],
    ['with a freeze of no time at all', weekly({ to: '09:00' }), 'given "09:00", allowed: another time than'],
    ['with a freeze without a name', weekly({ label: '' }), 'freezes.0.label: given ""'],
    [
      'with a freeze on a day that no year has',
      dated('2026-02-30T00:00', '2026-03-01T00:00'),
      'freezes.0.from: given "2026-02-30T00:00", allowed: a local date and time such as',
    ],
    [
      'with a freeze that ends before it begins',
      dated('2026-03-02T00:00', '2026-03-01T00:00'),
      'freezes.0.to: given "2026-03-01T00:00", allowed: a time after 2026-03-02T00:00',
    ],
    [
      'that waits for new images of which AWS does not tell: a public parameter',
      {
        image: { from: 'parameter', parameter: '/aws/service/debian/release/12/latest/arm64' },
        redeployOnNewImage: true,
      },
      'redeployOnNewImage: given true, allowed: false, because AWS tells this account nothing of a public parameter',
    ],
    [
      'that waits for new images of which AWS does not tell: those of another account',
      { image: { from: 'search', owner: 'amazon', namePattern: 'al2023-*' }, redeployOnNewImage: true },
      'redeployOnNewImage: given true, allowed: false, because AWS tells this account nothing of an image of another',
    ],
    [
      'without an artifact, but with runtimes',
      { artifact: undefined, runtimes: [{ key: 'perl.tar.gz', directory: '/opt/perl' }] },
      'allowed: none for a fleet without an artifact: its image is the release, so put them into the image',
    ],
    [
      'without an artifact, but with a promotion',
      { artifact: undefined, runtimes: [], promotion: { from: 'reactio-production-app' } },
      'allowed: none for a fleet without an artifact: artifacts are promoted, and its image is the release',
    ],
    [
      'without an artifact, and with an image of which AWS does not tell',
      {
        artifact: undefined,
        runtimes: [],
        image: { from: 'search', owner: 'amazon', namePattern: 'al2023-*' },
        redeployOnNewImage: undefined,
      },
      'required: false, because AWS tells this account nothing of an image of another account',
    ],
    ['with a limit in another unit', { limits: { readySeconds: '15m' } }, 'limits.readySeconds: given "15m"'],
    [
      'with waits that would fill the history',
      {
        limits: {
          readySeconds: 7200,
          bakeSeconds: 86_400,
          drainSeconds: 3600,
          terminateSeconds: 3600,
          undoSeconds: 3600,
        },
      },
      "events of the execution's history",
    ],
    ['with one of AWS’s tags', { tags: { 'aws:x': '1' } }, 'tags.aws:x: given "aws:x"'],
    ['with one of our tags', { tags: { 'irekae:fleet': 'other' } }, 'tags.irekae:fleet: given'],
    ['with one of our tags in capitals', { tags: { 'Irekae:fleet': 'other' } }, 'tags.Irekae:fleet: given'],
    ['with a tag value that is too long', { tags: { a: 'x'.repeat(257) } }, 'tags.a: given'],
    [
      'with too many tags',
      { tags: Object.fromEntries(Array.from({ length: 41 }, (_, i) => [`k${i}`, ''])) },
      'at most 40 tags',
    ],
    ['with a field that does not exist', { loadBalancer: 'app' }, 'loadBalancer: unknown field'],
  ])('%s', (_, change, problem) => {
    const problems = problemsWith(change);
    expect(problems.join('\n')).toContain(problem);
    expect(problems.every((line) => /^fleets? /.test(line))).toBe(true);
  });

  function manyRuntimes() {
    return Array.from({ length: 20 }, (_, i) => ({
      key: `${i}/${'k'.repeat(250)}`,
      directory: `/opt/${i}/${'d'.repeat(200)}`,
    }));
  }
});

describe('A fleet is accepted', () => {
  it.each([
    [
      'with Graviton of every name',
      {
        instanceTypes: [
          'a1.large',
          'm7gd.metal-16xl',
          'c7gn.large',
          'im4gn.large',
          'is4gen.large',
          'g5g.xlarge',
        ],
      },
    ],
    [
      'with Intel and AMD of every name',
      {
        architecture: 'x86_64',
        instanceTypes: [
          'm7i-flex.large',
          'g4dn.xlarge',
          'g5.xlarge',
          'u7i-12tb.224xlarge',
          'i7ie.large',
          'gr6.4xlarge',
        ],
      },
    ],
    ['with a name for its instances', { tags: { Name: 'reactio app', マッカレル: 'yes' } }],
    ['of the largest size', { instancesPerZone: 250 }],
    ['that spills over, and keeps a failed host', { spillOver: true, keepFailedHostMinutes: 60 }],
    [
      'of three hosts or more, of which a slow one is replaced',
      { instancesPerZone: 2, replaceStragglers: true },
    ],
    [
      'of 250 hosts, of which 101 go first',
      { instancesPerZone: 125, first: { hosts: 101, watchSeconds: 60 } },
    ],
    [
      'of many hosts, of which 100 go first',
      { instancesPerZone: 126, first: { hosts: 100, watchSeconds: 60 } },
    ],
    ['that bakes for an hour', { limits: { bakeSeconds: 3_600 } }],
    [
      'that bakes for a day and has little patience otherwise',
      {
        limits: {
          bakeSeconds: 86_400,
          readySeconds: 300,
          drainSeconds: 30,
          terminateSeconds: 120,
          undoSeconds: 120,
        },
      },
    ],
    ['without load balancers', { loadBalancers: [] }],
    ['with freezes', weekly({ to: '24:00' })],
    [
      'with a freeze over midnight, in a zone with summer time',
      weekly({ to: '06:00', timeZone: 'Europe/Berlin' }),
    ],
    ['with a freeze over the year’s end', dated('2026-12-28T00:00', '2027-01-04T09:00')],
    [
      'that waits for the images of its own account, by its number',
      { image: { from: 'search', owner: '111111111111', namePattern: 'x-*' }, redeployOnNewImage: true },
    ],
    ['with a parameter in a hierarchy', { image: { from: 'parameter', parameter: '/images/reactio/arm64' } }],
    ['with a key of dots and dashes', { artifact: 'v1.2/..app-_/app.tar.gz' }],
  ])('%s', (_, change) => {
    expect(problemsWith(change)).toEqual([]);
  });
});

describe('An environment is refused', () => {
  it.each([
    ['with capitals in its name', { name: 'Staging' }, 'name: given "Staging"'],
    ['with a name too long for its functions', { name: 'a'.repeat(21) }, 'at most 20 in all'],
    ['without an account', { account: undefined }, 'account: missing, but required'],
    ['with an account as a number', { account: 111111111111 }, 'account: given 111111111111'],
    ['with an Availability Zone as Region', { region: 'ap-northeast-1a' }, 'region: given "ap-northeast-1a"'],
    ['with a bucket that cannot exist', { existingBucket: 'My_Bucket' }, 'existingBucket: given "My_Bucket"'],
    ['with a parameter that cannot exist', { apiKeyParameter: '' }, 'apiKeyParameter: given ""'],
    ['with something that is no address', { alarmEmails: ['me'] }, 'alarmEmails.0: given "me"'],
    ['with the name of another', { name: 'production' }, 'a name that no other has'],
    ['without a fleet', { name: 'empty' }, 'number of fleets: given 0, allowed: 1 to 50'],
    ['with an endpoint of another name', { endpoints: { AWS_REGION: 'true' } }, 'AWS_ENDPOINT_URL_SERVICE'],
    [
      'with an endpoint in the clear',
      { endpoints: { AWS_ENDPOINT_URL: 'http://x' } },
      'begins with https://',
    ],
    ['with a field that does not exist', { bucket: 'x' }, 'bucket: unknown field'],
  ])('%s', (_, change, problem) => {
    expect(problemsWithEnvironment(change).join('\n')).toContain(problem);
  });

  it('with more fleets than a stack has room for', () => {
    const file = looseExample();
    const worker = file.fleets[1];
    for (let i = 0; i < 49; i += 1) {
      file.fleets.push({
        ...worker,
        name: `more-${i}`,
        mackerel: { service: 'more', role: `role-${i}` },
      } as never);
    }
    expect(problemsOf(file)).toEqual([
      'environment staging: number of fleets: given 51, allowed: 1 to 50 in an environment',
    ]);
  });
});

describe('Mackerel roles', () => {
  it('may repeat in environments that read different API keys', () => {
    const file = looseExample();
    Object.assign(file.fleets[2] ?? {}, { mackerel: { service: 'reactio-staging', role: 'app' } });
    expect(problemsOf(file)).toEqual([]);
  });

  it('may not repeat in environments that read the same API key', () => {
    const file = looseExample();
    Object.assign(file.environments[1] ?? {}, { account: '111111111111' });
    Object.assign(file.fleets[2] ?? {}, { mackerel: { service: 'reactio-staging', role: 'app' } });
    expect(problemsOf(file)).toEqual([
      'fleet reactio-production-app: mackerel: given "reactio-staging:app", allowed: a role of its own; this one is ' +
        'that of fleet reactio-staging-app',
    ]);
  });
});

describe('The fleet that the steps see', () => {
  const made = { bucketName: 'b', launchTemplateId: 'lt-1', launchTemplateVersion: '7' };

  it.each([
    ['the example', fleetsFile],
    ['a file without defaults', everythingGiven()],
  ])('has the shape that the steps parse, for %s', (_, file) => {
    for (const environment of readFleets(file)) {
      for (const config of environment.fleets) {
        expect(safeParse(Fleet, toRuntimeFleet(config, environment, made)).issues).toBeUndefined();
      }
    }
  });

  it('takes the place of the artifact and the launch template from the stack', () => {
    const [qa] = readFleets(everythingGiven());
    const [config] = qa?.fleets ?? [];
    if (qa === undefined || config === undefined) throw new Error('the file has lost its fleet');
    expect(toRuntimeFleet(config, qa, made)).toMatchObject({
      artifact: { bucket: 'b', key: 'web.tar.gz' },
      launchTemplate: { id: 'lt-1', version: '7', rootDevice: '/dev/xvda' },
      mackerel: { apiKeyParameter: 'mackerel-key', wantsFreshMetric: true },
    });
  });
});
