import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Joining } from '../../lambdas/domain/hosts/joining.ts';
import {
  allReady,
  type HostFacts,
  type HostStanding,
  heldUpByMackerel,
  mackerelPause,
  readinessSentence,
  standings,
  toRegister,
} from '../../lambdas/domain/hosts/readiness.ts';
import type { InstanceState } from '../../lambdas/ports/ec2.ts';
import type { MemberState } from '../../lambdas/ports/load-balancers.ts';
import type { MackerelStatus } from '../../lambdas/ports/mackerel.ts';
import { aLaunch, at } from '../support/deployments.ts';
import { aHost, aNewInstance, draining, inService, outOfService } from '../support/facts.ts';
import { failure } from '../support/failures.ts';

const LAUNCHED = aLaunch().instances;
const ONE = LAUNCHED.slice(0, 1);

/** Facts about i-new1 alone, ready unless said otherwise. */
const facts = (changes: Partial<HostFacts> = {}): HostFacts => ({
  instances: [aNewInstance('i-new1')],
  hosts: [aHost('i-new1')],
  members: new Map([['web', [inService('i-new1')]]]),
  ...changes,
});
const members = (...web: ReturnType<typeof inService>[]) => new Map([['web', web]]);

describe('standings', () => {
  it.each<[string, Partial<HostFacts>, string, string]>([
    ['in service and working', {}, 'ready', ''],
    ['in service and standby', { hosts: [aHost('i-new1', { status: 'standby' })] }, 'ready', ''],
    ['without a load balancer, registered is enough', { members: new Map() }, 'ready', ''],
    [
      'one of two agents registered well',
      { hosts: [aHost('i-new1', { status: 'poweroff' }), aHost('i-new1')] },
      'ready',
      '',
    ],
    ['EC2 does not show it yet', { instances: [] }, 'unseen', 'not visible in EC2 yet'],
    ['pending', { instances: [aNewInstance('i-new1', { state: 'pending' })] }, 'pending', 'not running yet'],
    ['Mackerel answers with an empty list', { hosts: [] }, 'running', 'not registered in Mackerel yet'],
    [
      'another host has its name',
      { hosts: [aHost('i-other', { name: 'i-new1' })] },
      'running',
      'not registered in Mackerel yet',
    ],
    [
      'in maintenance',
      { hosts: [aHost('i-new1', { status: 'maintenance' })] },
      'running',
      'registered in Mackerel, but as maintenance',
    ],
    ['the load balancer lists nobody', { members: members() }, 'registered', 'not registered at web yet'],
    [
      'its checks fail',
      { members: members(outOfService('i-new1')) },
      'registered',
      'not in service at web (checks fail)',
    ],
    [
      'out of service without a reason',
      { members: members(outOfService('i-new1', '')) },
      'registered',
      'not in service at web',
    ],
    [
      'draining is not in service',
      { members: members(draining('i-new1')) },
      'registered',
      'not in service at web (deregistration currently in progress)',
    ],
    [
      'in service at one of two',
      {
        members: new Map([
          ['web', [inService('i-new1')]],
          ['api', []],
        ]),
      },
      'registered',
      'not registered at api yet',
    ],
    ['a metric newer than the boot', { metrics: new Map([['host of i-new1', at(70)]]) }, 'ready', ''],
    [
      'a metric of a former life',
      { metrics: new Map([['host of i-new1', at(9)]]) },
      'registered',
      'registered in Mackerel, but has not posted a metric since its boot',
    ],
    [
      'no metric yet',
      { metrics: new Map() },
      'registered',
      'registered in Mackerel, but has not posted a metric since its boot',
    ],
  ])('%s', (_title, changes, rung, lacks) => {
    expect(standings(ONE, facts(changes))[0]).toMatchObject({ instanceId: 'i-new1', rung, lacks });
  });

  it.each<InstanceState>(['shutting-down', 'terminated', 'stopping', 'stopped'])(
    'ends at once for a %s instance, in EC2’s words',
    (state) => {
      const dead = aNewInstance('i-new1', { state, stateReason: 'Client.InstanceInitiatedShutdown' });
      expect(() => standings(LAUNCHED, facts({ instances: [dead] }))).toThrow(
        failure(
          'NewHostDied',
          `1 new instance of 2 died: i-new1 is ${state} (Client.InstanceInitiatedShutdown). If an instance shut itself down`,
        ),
      );
    },
  );

  it('does not mind the death of a host that it did not launch', () =>
    expect(
      standings(
        ONE,
        facts({ instances: [aNewInstance('i-new1'), aNewInstance('i-x', { state: 'terminated' })] }),
      ),
    ).toHaveLength(1));
});

it('an agent that registered twice posts as the newest host, whatever the order of the answer', () => {
  const both = [0, 9].map((seconds) =>
    aHost('i-new1', { id: `from second ${seconds}`, createdAt: at(seconds) }),
  );
  expect(standings(ONE, facts({ hosts: both }))[0]?.hostIds).toEqual(['from second 9', 'from second 0']);
});

describe('readinessSentence', () => {
  const host = (instanceId: string, lacks = ''): HostStanding => ({
    instanceId,
    lacks,
    rung: lacks ? 'running' : 'ready',
    hostIds: [],
  });
  it.each<[HostStanding[], string]>([
    [[], 'no new host to look at'],
    [[host('i-1')], 'the new host is ready'],
    [[host('i-1'), host('i-2')], 'all 2 new hosts are ready'],
    [[host('i-1'), host('i-2', 'not running yet')], '1 of 2 ready; i-2: not running yet'],
    [
      [
        host('i-1', 'not running yet'),
        host('i-2', 'not running yet'),
        host('i-3', 'not registered at web yet'),
      ],
      '0 of 3 ready; i-1 and i-2: not running yet; i-3: not registered at web yet',
    ],
  ])('%# says who lacks what', (hosts, sentence) => expect(readinessSentence(hosts)).toBe(sentence));

  it.each<[string, number, HostFacts, string]>([
    [
      'counts who is in service',
      2,
      facts({
        instances: LAUNCHED.map(({ instanceId }) => aNewInstance(instanceId)),
        members: members(inService('i-new1'), outOfService('i-new2')),
        hosts: 'not asked',
      }),
      '1 of 2 in service; i-new2: not in service at web (checks fail)',
    ],
    [
      'says the same of all as of one',
      2,
      facts({ instances: [], members: members(), hosts: 'not asked' }),
      '0 of 2 in service; i-new1 and i-new2: not visible in EC2 yet',
    ],
    [
      'counts who runs, where there is no load balancer',
      2,
      facts({ members: new Map(), hosts: 'not asked' }),
      '1 of 2 running; i-new2: not visible in EC2 yet',
    ],
    ['calls nobody ready', 1, facts({ hosts: 'not asked' }), '1 of 1 in service'],
  ])('%s while Mackerel is not asked', (_title, launched, seen, sentence) => {
    const hosts = standings(LAUNCHED.slice(0, launched), seen);
    expect(readinessSentence(hosts, seen)).toBe(sentence);
    expect(allReady(hosts)).toBe(false);
    expect(readinessSentence(hosts)).not.toMatch(/^all|is ready$/);
  });

  it('has AWS’s reason in few words', () => {
    const reason =
      'Instance has failed at least the UnhealthyThreshold number of health checks consecutively.';
    const seen = facts({ members: members(outOfService('i-new1', reason)) });
    expect(readinessSentence(standings(ONE, seen), seen)).toBe(
      '0 of 1 ready; i-new1: not in service at web (health checks fail)',
    );
  });

  it('stays short for 500 hosts', () => {
    const hosts = Array.from({ length: 500 }, (_, n) =>
      host(`i-${n}`, `not in service at web (reason ${n})`),
    );
    expect(readinessSentence(hosts).length).toBeLessThan(300);
    expect(readinessSentence(hosts)).toMatch(/; and 496 more$/);
  });
});

describe('toRegister', () => {
  const standing = (rung: HostStanding['rung']): HostStanding[] => [
    { instanceId: 'i-new1', rung, lacks: 'x', hostIds: [] },
  ];
  it.each<[HostStanding['rung'], 'when-running' | 'when-registered', boolean]>([
    ['unseen', 'when-running', false],
    ['pending', 'when-running', false],
    ['running', 'when-running', true],
    ['registered', 'when-running', true],
    ['running', 'when-registered', false],
    ['registered', 'when-registered', true],
    ['ready', 'when-running', false],
  ])('a host that is %s joins a load balancer of %s: %s', (rung, joining, due) => {
    const ids = toRegister(standing(rung), { members: members() }, () => joining === 'when-running').get(
      'web',
    );
    expect(ids).toEqual(due ? ['i-new1'] : undefined);
  });

  it('registers nobody twice', () =>
    expect(
      toRegister(standing('registered'), { members: members(outOfService('i-new1')) }, () => false).size,
    ).toBe(0));
  it('registers again who is draining', () =>
    expect(
      toRegister(standing('registered'), { members: members(draining('i-new1')) }, () => false).get('web'),
    ).toEqual(['i-new1']));
});

// ── Whatever is seen ───────────────────────────────────────────────────────────────────────────────────────────────

const IDS = ['i-1', 'i-2', 'i-3'];
const NAMES = ['web', 'api'];
const perId = <T>(value: fc.Arbitrary<T>) =>
  fc.tuple(...IDS.map(() => fc.option(value, { nil: undefined, freq: 4 })));
const anyFacts = fc.record({
  launched: fc.subarray(IDS),
  states: perId(fc.constantFrom<InstanceState>('running', 'running', 'running', 'pending')),
  statuses: perId(fc.constantFrom<MackerelStatus>('working', 'working', 'standby', 'maintenance')),
  balancers: fc.subarray(NAMES),
  web: perId(
    fc.constantFrom<MemberState>('in-service', 'in-service', 'in-service', 'out-of-service', 'draining'),
  ),
  api: perId(fc.constantFrom<MemberState>('in-service', 'in-service', 'in-service', 'unused')),
});

describe('whatever is seen', () => {
  it('all are ready exactly when every one runs, is monitored and is in service at every load balancer', () => {
    let ready = 0;
    fc.assert(
      fc.property(anyFacts, ({ launched, states, statuses, balancers, web, api }) => {
        const listed = { web, api } as Record<string, (MemberState | undefined)[]>;
        const expected =
          launched.length > 0 &&
          launched.every((id) => {
            const n = IDS.indexOf(id);
            const monitored = statuses[n] === 'working' || statuses[n] === 'standby';
            return (
              states[n] === 'running' &&
              monitored &&
              balancers.every((name) => listed[name]?.[n] === 'in-service')
            );
          });
        const hosts = standings(
          launched.map((instanceId) => ({ instanceId, zone: 'a', instanceType: 't' })),
          {
            instances: IDS.flatMap((id, n) => (states[n] ? [aNewInstance(id, { state: states[n] })] : [])),
            hosts: IDS.flatMap((id, n) => (statuses[n] ? [aHost(id, { status: statuses[n] })] : [])),
            members: new Map(
              balancers.map((name) => [
                name,
                IDS.flatMap((instanceId, n) => {
                  const state = listed[name]?.[n];
                  return state ? [{ instanceId, state, reason: '' }] : [];
                }),
              ]),
            ),
          },
        );
        expect(allReady(hosts)).toBe(expected);
        ready += expected ? 1 : 0;
      }),
      { numRuns: 500, seed: 1 },
    );
    // The draw must have seen both answers.
    expect(ready).toBeGreaterThan(20);
  });

  it('"every one of zero" is not ready', () => expect(allReady([])).toBe(false));
});

describe('who waits for Mackerel', () => {
  const launched = LAUNCHED;
  const running = launched.map(({ instanceId }) => aNewInstance(instanceId));
  const serving = new Map([['web', launched.map(({ instanceId }) => inService(instanceId))]]);
  const oneServes = new Map([['web', [inService('i-new1')]]]);
  const joins = (when: Joining) => new Map([['web', when]]);
  type Facts = Parameters<typeof heldUpByMackerel>[1];
  it.each<[string, Facts, Joining, ReturnType<typeof heldUpByMackerel>, number | undefined]>([
    ['nobody while EC2 starts', { instances: [], members: new Map() }, 'when-running', undefined, undefined],
    [
      'nobody while a load balancer checks',
      { instances: running, members: oneServes },
      'when-running',
      undefined,
      undefined,
    ],
    [
      'a host that joins when it is registered: for a while',
      { instances: running, members: oneServes },
      'when-registered',
      'a join',
      3,
    ],
    [
      'everything, behind a load balancer: for a moment',
      { instances: running, members: serving },
      'when-registered',
      'everything',
      undefined,
    ],
    [
      'everything, of a worker: for a while',
      { instances: running, members: new Map() },
      'when-running',
      'everything',
      3,
    ],
  ])('is %s', (_title, facts, when, held, patienceSeconds) => {
    expect(heldUpByMackerel(launched, facts, joins(when))).toBe(held);
    expect(mackerelPause(held, facts).patienceSeconds).toBe(patienceSeconds);
  });
});
