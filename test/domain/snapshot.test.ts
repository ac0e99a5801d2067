import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { Override } from '../../lambdas/domain/core/input.ts';
import { decideSnapshot, type SnapshotFacts } from '../../lambdas/domain/hosts/snapshot.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import { at, OLD } from '../support/deployments.ts';
import { aHost, aHostElsewhere, anInstance, draining, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';

/** Two hosts serve, and everybody agrees. */
const facts = (changes: Partial<SnapshotFacts> = {}): SnapshotFacts => ({
  hosts: OLD.map((id) => aHost(id)),
  instances: OLD.map((id) => anInstance(id)),
  tagged: OLD.map((id) => anInstance(id)),
  members: new Map([['web', OLD.map(inService)]]),
  ...changes,
});
const decide = (changes: Partial<SnapshotFacts> = {}, fleet = aFleet()) =>
  decideSnapshot(fleet, facts(changes));

describe('decideSnapshot', () => {
  it('takes for old hosts whom Mackerel lists, EC2 confirms and the load balancer has in service', () => {
    const { hosts, strangers, reason } = decide();
    expect(hosts[0]).toEqual({
      instanceId: 'i-old1',
      zone: 'ap-northeast-1a',
      hostIds: ['host of i-old1'],
      status: 'working',
      memberOf: ['web'],
      served: true,
    });
    expect(hosts).toHaveLength(2);
    expect(strangers).toEqual([]);
    expect(reason).toBe('2 old hosts of Shop:web, 2 in service');
  });

  it('calls an empty fleet the first deployment', () =>
    expect(decide({ hosts: [], instances: [], tagged: [], members: new Map([['web', []]]) })).toEqual({
      hosts: [],
      strangers: [],
      refusals: [],
      reason: 'no old host of Shop:web: this is the first deployment',
    }));

  it('counts an instance once that registered twice, and remembers the newest status', () => {
    const twice = [
      aHost('i-old1', { id: 'older', status: 'poweroff' }),
      aHost('i-old1', { id: 'newer', createdAt: at(5) }),
    ];
    const { hosts } = decide({ hosts: [...twice, aHost('i-old2')] });
    expect(hosts[0]).toMatchObject({ hostIds: ['newer', 'older'], status: 'working' });
    expect(hosts).toHaveLength(2);
  });
});

describe('a failed host that an earlier deployment kept', () => {
  const kept = anInstance('i-kept', {
    tags: { [TAG.fleet]: 'shop', [TAG.deployment]: 'deploy-1', [TAG.keepUntil]: '2026-03-01T10:00:00Z' },
  });
  const why = 'is kept for debugging until 2026-03-01T10:00:00.000Z';

  it('is a stranger', () =>
    expect(decide({ tagged: [...facts().tagged, kept] }).strangers).toEqual([{ name: 'i-kept', why }]));

  it('is one too when its agent registered it again: it neither serves nor makes the fleet too large', () => {
    const { hosts, strangers } = decide({
      hosts: [...facts().hosts, aHost('i-kept')],
      instances: [...facts().instances, kept],
    });
    expect(hosts.map(({ instanceId }) => instanceId)).toEqual([...OLD]);
    expect(strangers).toEqual([{ name: expect.stringContaining('i-kept'), why: `i-kept ${why}` }]);
  });

  it('does not keep the first deployment from being tried again', () =>
    expect(
      decide({ hosts: [], instances: [], tagged: [kept], members: new Map([['web', []]]) }).hosts,
    ).toEqual([]));
});

describe('who served, and where', () => {
  it.each([
    ['in service', inService('i-old1'), ['web'], true],
    ['out of service, but registered', outOfService('i-old1'), ['web'], false],
    ['leaving already', draining('i-old1'), [], false],
    ['not registered', undefined, [], false],
  ])('a host that is %s', (_title, member, memberOf, served) => {
    const members = new Map([['web', [...(member ? [member] : []), inService('i-old2')]]]);
    expect(decide({ members }).hosts[0]).toMatchObject({ memberOf, served });
  });

  it('a host that is in service at one load balancer of two did not serve', () => {
    const members = new Map([
      ['web', OLD.map(inService)],
      ['api', [inService('i-old2')]],
    ]);
    expect(decide({ members }).hosts).toMatchObject([
      { memberOf: ['web'], served: false },
      { memberOf: ['web', 'api'], served: true },
    ]);
  });

  it.each([
    ['working', 'running', true],
    ['standby', 'running', true],
    ['maintenance', 'running', false],
    ['poweroff', 'running', false],
    ['working', 'pending', false],
  ] as const)('without a load balancer, a %s host on a %s instance: %s', (status, state, served) => {
    const found = decide({
      hosts: [aHost('i-old1', { status })],
      instances: [anInstance('i-old1', { state })],
      tagged: [],
      members: new Map(),
    });
    expect(found.hosts[0]).toMatchObject({ status, served });
  });
});

describe('strangers are told by name and left alone', () => {
  const dead = [anInstance('i-old1', { state: 'terminated' }), anInstance('i-old2')];
  it.each<[string, Partial<SnapshotFacts>, string, string]>([
    [
      'no EC2 instance',
      { hosts: [...OLD.map((id) => aHost(id)), aHostElsewhere('db1')] },
      'db1 (Mackerel host host of db1)',
      'Mackerel knows no EC2 instance id of it',
    ],
    [
      'an instance that ended long ago',
      { hosts: [...OLD.map((id) => aHost(id)), aHost('i-gone')] },
      'i-gone (Mackerel host host of i-gone)',
      'EC2 does not know i-gone: retire it in Mackerel if it is gone',
    ],
    [
      'an instance that just ended',
      { instances: dead, tagged: [] },
      'i-old1 (Mackerel host host of i-old1)',
      'i-old1 is terminated already',
    ],
    [
      'a host of another fleet',
      { instances: [anInstance('i-old1', { tags: { [TAG.fleet]: 'blog' } }), anInstance('i-old2')] },
      'i-old1 (Mackerel host host of i-old1)',
      'i-old1 belongs to the fleet blog',
    ],
    [
      'a host of other tooling',
      { instances: [anInstance('i-old1', { tags: {} }), anInstance('i-old2')] },
      'i-old1 (Mackerel host host of i-old1)',
      'i-old1 does not carry the tag irekae:fleet: launched by other tooling',
    ],
    [
      'tagged, but not in Mackerel',
      { tagged: [...OLD.map((id) => anInstance(id)), anInstance('i-x')] },
      'i-x',
      'carries the fleet’s tag, but Mackerel does not list it',
    ],
    [
      'registered, but not in Mackerel',
      { members: new Map([['web', [...OLD, 'i-x'].map(inService)]]) },
      'i-x',
      'is registered at web, but Mackerel does not list it',
    ],
  ])('%s', (_title, changes, name, why) => {
    const { hosts, strangers: told } = decide(changes);
    const strangers = told.map(({ name, why }) => ({ name, why }));
    expect(strangers).toEqual([{ name, why }]);
    expect(hosts.map((host) => host.instanceId)).not.toContain(name.split(' ')[0]);
  });

  it('says how many there are, and calls nothing with strangers a first deployment', () =>
    expect(decide({ instances: OLD.map((id) => anInstance(id, { tags: {} })), tagged: [] }).reason).toBe(
      'no old host of Shop:web; 2 strangers left alone',
    ));
});

describe('the hand brake', () => {
  const braked = (id: string, value = '') =>
    anInstance(id, { tags: { [TAG.fleet]: 'shop', [TAG.protect]: value } });

  it.each(['', 'true', 'yes', 'FALSE', 'Hanako looks into it'])(
    'stops a deployment that would replace its host, with the value %j',
    (value) =>
      expect(() => decide({ instances: [braked('i-old1', value), anInstance('i-old2')] })).toThrow(
        failure(
          'TerminationRefused',
          /^i-old1 carries the hand brake \(the tag irekae:protect\).*take the tag off/,
        ),
      ),
  );
  it('stops it also when only one of EC2’s two answers shows it', () =>
    expect(() => decide({ tagged: OLD.map((id) => braked(id)) })).toThrow(
      failure('TerminationRefused', 'i-old1 and i-old2 carry the hand brake'),
    ));
  it('is off with the value false', () =>
    expect(decide({ instances: [braked('i-old1', 'false'), anInstance('i-old2')] }).hosts).toHaveLength(2));
  it.each<[string, Partial<SnapshotFacts>]>([
    [
      'whose fleet’s tag was taken off',
      {
        instances: [anInstance('i-old1', { tags: { [TAG.protect]: '' } }), anInstance('i-old2')],
        tagged: [],
      },
    ],
    [
      'that was taken out of the role and the load balancers',
      {
        hosts: [aHost('i-old2')],
        tagged: [braked('i-old1')],
        members: new Map([['web', [inService('i-old2')]]]),
      },
    ],
  ])('stops nobody on a host %s: it is a stranger', (_title, changes) => {
    const { hosts, strangers } = decide(changes);
    expect(hosts.map(({ instanceId }) => instanceId)).toEqual(['i-old2']);
    expect(strangers).toHaveLength(1);
  });
});

describe('what others named', () => {
  it('is told on one line, in letters that a terminal only shows', () => {
    const name = `db\r\n\u001b[31m1\u0007\u009b2J\u202egnp.exe ${'x'.repeat(300)}`;
    const { strangers } = decide({
      hosts: [...OLD.map((id) => aHost(id)), aHostElsewhere(name)],
    });
    expect(strangers[0]?.name).toMatch(/^db \uFFFD\[31m1\uFFFD\uFFFD2J\uFFFDgnp\.exe x{60,}…/);
    expect(strangers[0]?.name.indexOf('…')).toBe(99);
  });
});

describe('a snapshot', () => {
  const many = (hosts: number, entries: number, at = ['web'.padEnd(32, 'b'), 'api'.padEnd(32, 'a')]) => {
    const ids = Array.from({ length: hosts }, (_, n) => `i-${String(n).padStart(17, '0')}`);
    const listed = ids.flatMap((id) =>
      Array.from({ length: entries }, (_, n) => aHost(id, { id: `${n}`.padEnd(11, id.slice(-6)) })),
    );
    const fleet = aFleet({ instancesPerZone: 250 });
    return () =>
      decide(
        {
          hosts: listed,
          instances: ids.map((id) => anInstance(id)),
          tagged: [],
          members: new Map(at.map((name) => [name, ids.map(inService)])),
        },
        fleet,
      );
  };
  it('of the largest fleet fits, each host registered twice', () =>
    expect(many(500, 2)().hosts).toHaveLength(500));
  it('of one host that registered again and again is refused: the document is bounded', () =>
    expect(many(1, 12_000)).toThrow(
      failure('SnapshotContradicts', 'Mackerel lists 12000 entries of Shop:web for 1 host'),
    ));
});

describe('an answer that lacks somebody is not believed', () => {
  it('refuses when Mackerel lists nobody although tagged instances run', () =>
    expect(() => decide({ hosts: [], members: new Map([['web', []]]) })).toThrow(
      failure(
        'SnapshotContradicts',
        "Mackerel lists no host of Shop:web, but i-old1 and i-old2 run with the fleet's tag",
      ),
    ));
  it('refuses when Mackerel lists nobody although somebody is in service', () =>
    expect(() => decide({ hosts: [], tagged: [], members: new Map([['web', [inService('i-x')]]]) })).toThrow(
      failure('SnapshotContradicts', 'but i-x runs with'),
    ));
  it('counts no host that is not an EC2 instance: a load balancer in the role says nothing about hosts', () =>
    expect(() => decide({ hosts: [aHostElsewhere('alb')] })).toThrow(
      failure('SnapshotContradicts', 'Mackerel lists no host of Shop:web'),
    ));
  it('refuses when EC2 does not know a listed host that is in service', () =>
    expect(() => decide({ instances: [], tagged: [] })).toThrow(
      failure('SnapshotContradicts', 'EC2 does not know i-old1 and i-old2, in service'),
    ));
  it('takes an instance that only one of EC2’s two answers shows', () =>
    expect(decide({ instances: [anInstance('i-old1')] }).hosts).toHaveLength(2));
});

describe('a host of the fleet that serves and that Mackerel does not list', () => {
  const unlisted = { hosts: [aHost('i-old2')] };
  const withoutBalancer = { ...unlisted, members: new Map() };
  const [, second] = OLD;
  const decided = (changes: Partial<SnapshotFacts>, override: Override[] = []) =>
    decideSnapshot(aFleet(), facts(changes), { override });

  it.each<[string, Partial<SnapshotFacts>, string]>([
    ['in service', unlisted, 'i-old1 (is in service at web)'],
    ['known by the load balancer alone', { ...unlisted, tagged: [] }, 'i-old1 (is in service at web)'],
    ['running, without a load balancer', withoutBalancer, 'i-old1 (is running)'],
  ])('refuses the deployment: %s', (_, changes, who) =>
    expect(decided(changes).refusals).toEqual([
      {
        name: 'UnlistedHostServes',
        sentence: expect.stringContaining(
          `Mackerel does not list ${who} under Shop:web, with the tag of shop`,
        ),
      },
    ]),
  );

  it('is left beside for who insists, and named', () => {
    const { hosts, strangers, refusals, reason } = decided(unlisted, ['unlisted']);
    expect(refusals).toEqual([]);
    expect(hosts.map(({ instanceId }) => instanceId)).toEqual([second]);
    expect(strangers).toMatchObject([{ name: 'i-old1' }]);
    expect(reason).toContain('although Mackerel does not list i-old1 (is in service at web)');
    expect(decided(unlisted, ['freeze']).refusals).toHaveLength(1);
  });

  const tagged = (changes: Partial<Instance>) => ({
    instances: [anInstance('i-old1', changes), anInstance('i-old2')],
    tagged: [anInstance('i-old1', changes), anInstance('i-old2')],
  });
  it.each<[string, Partial<SnapshotFacts>]>([
    ['is out of service', { members: new Map([['web', [outOfService('i-old1'), inService('i-old2')]]]) }],
    ['is leaving', { members: new Map([['web', [draining('i-old1'), inService('i-old2')]]]) }],
    ['is at no load balancer', { members: new Map([['web', [inService('i-old2')]]]) }],
    ['shuts down', tagged({ state: 'shutting-down' })],
    ['is of another fleet', { ...tagged({ tags: { [TAG.fleet]: 'blog' } }), tagged: [anInstance('i-old2')] }],
    ['is of no fleet', { ...tagged({ tags: {} }), tagged: [anInstance('i-old2')] }],
    [
      'is kept for debugging, and serves nobody',
      {
        ...tagged({ tags: { [TAG.fleet]: 'shop', [TAG.keepUntil]: '2026-03-01T10:00:00Z' } }),
        members: new Map([['web', [inService('i-old2')]]]),
      },
    ],
  ])('does not count when it %s', (_, changes) =>
    expect(decided({ ...unlisted, ...changes })).toMatchObject({ hosts: [{}], refusals: [] }),
  );
});

describe('a load balancer that other fleets share', () => {
  const theirs = anInstance('i-blog', { tags: { [TAG.fleet]: 'blog' } });
  const untagged = anInstance('i-blog', { tags: {} });
  const first = (changes: Partial<SnapshotFacts> = {}) =>
    decide({
      hosts: [],
      tagged: [],
      instances: [theirs],
      members: new Map([['web', [inService('i-blog')]]]),
      ...changes,
    });

  it('does not keep the first deployment from being made: theirs are named as theirs', () =>
    expect(first()).toMatchObject({
      hosts: [],
      strangers: [{ name: 'i-blog', why: 'is registered at web, and belongs to the fleet blog' }],
    }));
  it('nor do hosts of earlier tooling under another role', () =>
    expect(first({ instances: [untagged] }).strangers).toHaveLength(1));
  it('nor later ones', () =>
    expect(
      decide({
        instances: [...facts().instances, theirs],
        members: new Map([['web', [...OLD, 'i-blog'].map(inService)]]),
      }).hosts,
    ).toHaveLength(2));
});

describe('a fleet never shrinks by a deployment', () => {
  const three = ['i-1', 'i-2', 'i-3'];
  const of = (ids: string[], members = ids.map(inService)) => ({
    hosts: ids.map((id) => aHost(id)),
    instances: ids.map((id) => anInstance(id)),
    tagged: [],
    members: new Map([['web', members]]),
  });
  it('refuses when more hosts serve than would be launched', () =>
    expect(() => decide(of(three))).toThrow(
      failure(
        'FleetWouldShrink',
        '3 hosts serve now, but shop launches 2 (2 subnets × 1). Raise instancesPerZone',
      ),
    ));
  it('does not count those that did not serve', () =>
    expect(decide(of(three, [inService('i-1'), inService('i-2'), outOfService('i-3')])).hosts).toHaveLength(
      3,
    ));
});
