import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { Rung } from '../../lambdas/domain/hosts/readiness.ts';
import {
  decideStragglers,
  isBearable,
  launchAfter,
  mayReplace,
  mostStragglers,
  replacedSentence,
  type StragglerMemory,
  sharesToReplace,
  stragglersPlan,
} from '../../lambdas/domain/hosts/stragglers.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import { aLook, at, iso, NEW, ZONES } from '../support/deployments.ts';
import { aNewInstance } from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import {
  LARGE,
  LAST,
  large,
  largeLaunch,
  STRAGGLER,
  TEN,
  tenStandings,
  toReplace,
} from '../support/large.ts';

const AT = (seconds: number) => at(seconds).getTime();
const DEADLINE = at(910);
const NOTHING: StragglerMemory = { hosts: {} };

describe('How many new hosts may be replaced', () => {
  it.each([
    [0, 0],
    [1, 0],
    [2, 0],
    [3, 1],
    [10, 1],
    [19, 1],
    [20, 2],
    [500, 50],
  ])('of %i hosts, %i', (hosts, most) => expect(mostStragglers(hosts)).toBe(most));
});

describe('A deployment may replace stragglers', () => {
  it.each<[string, Parameters<typeof mayReplace>, boolean]>([
    ['when the fleet wants it', [large(), NOTHING, DEADLINE, at(100)], true],
    [
      'not when the fleet does not',
      [{ fleet: aFleet(), launch: largeLaunch() }, NOTHING, DEADLINE, at(100)],
      false,
    ],
    ['once', [large({ launch: largeLaunch({ replaced: [] }) }), NOTHING, DEADLINE, at(100)], false],
    [
      'not after all were ready once',
      [large({ shift: { done: false, reason: 'back to waiting', at: iso(80) } }), NOTHING, DEADLINE, at(100)],
      false,
    ],
    [
      'while a new one has the median time left',
      [large(), { halfReadyAt: AT(70), hosts: {} }, DEADLINE, at(849)],
      true,
    ],
    ['not later', [large(), { halfReadyAt: AT(70), hosts: {} }, DEADLINE, at(850)], false],
    ['not at the deadline, whatever the median', [large(), NOTHING, DEADLINE, DEADLINE], false],
  ])('%s', (_title, args, may) => expect(mayReplace(...args)).toBe(may));
});

describe('A dead new host', () => {
  const lost: Partial<Instance> = {
    state: 'terminated',
    stateReason: 'Server.InternalError: Internal error',
  };
  it.each<[string, Partial<Instance>[], boolean]>([
    ['may be replaced when EC2 lost it', [lost], true],
    ['may not when there are more of them than stragglers may be', [lost, lost], false],
    [
      'may not when it shut itself down: that speaks against the release',
      [{ ...lost, stateReason: 'Client.InstanceInitiatedShutdown: Instance initiated shutdown' }],
      false,
    ],
    ['may not when somebody ended it', [{ ...lost, stateReason: 'Client.UserInitiatedShutdown: …' }], false],
    ['may not when EC2 gives no reason', [{ state: 'terminated' }], false],
  ])('%s', (_title, dead, bearable) => {
    const instances = dead.map((changes, index) => aNewInstance(TEN[index] ?? '', changes));
    expect(isBearable(instances, largeLaunch().instances)).toBe(bearable);
  });

  it('is never borne in a fleet of two', () =>
    expect(
      isBearable(
        [aNewInstance('i-new1', lost)],
        NEW.map((instanceId) => ({ instanceId, zone: ZONES[0], instanceType: 't4g.small' })),
      ),
    ).toBe(false));
});

const decide = (
  rungs: readonly Rung[],
  seconds: number,
  memory: StragglerMemory = NOTHING,
  instances: readonly Instance[] = [],
) =>
  decideStragglers({
    hosts: tenStandings(...rungs),
    launch: largeLaunch(),
    instances,
    memory,
    now: at(seconds),
  });
/** Half of the hosts were ready 60 s after the launch. */
const HALF = { halfReadyAt: AT(70), hosts: {} };
const KNOWN = { ...HALF, hosts: { [LAST]: AT(190) } };

describe('Stragglers are decided about', () => {
  it('by the median: the moment at which half of the new hosts were ready', () => {
    expect(decide(Array<Rung>(6).fill('running'), 60).memory).toEqual(NOTHING);
    expect(decide(Array<Rung>(5).fill('running'), 70).memory).toEqual(HALF);
    expect(decide(['running', 'running'], 80, HALF).memory).toEqual(HALF);
  });

  it.each<[string, Rung[], number, StragglerMemory, string]>([
    ['none when all are ready', [], 100, HALF, ''],
    ['none when more are late than could be an accident', ['running', 'registered'], 400, HALF, ''],
    ['none while EC2 does not show one: that is no ground to act on', ['unseen'], 400, KNOWN, ''],
    [
      'none before three times the median, and it is told when',
      ['running'],
      189,
      HALF,
      `${LAST} will be replaced if not ready 3 min after the launch`,
    ],
    ['none by one look', ['running'], 190, HALF, `${LAST} will be replaced if the next look agrees`],
    ['the late one by the second look', ['running'], 200, KNOWN, `replacing ${LAST}`],
    [
      'one that EC2 lost without waiting longer',
      ['lost'],
      90,
      { ...HALF, hosts: { [LAST]: AT(80) } },
      `replacing ${LAST}`,
    ],
  ])('%s', (_title, rungs, seconds, memory, reason) => {
    const decision = decide(rungs, seconds, memory);
    expect(decision.reason).toBe(reason);
    expect(decision.replace).toHaveLength(reason.startsWith('replacing') ? 1 : 0);
  });

  it('forgets one that has caught up: if it falls behind again, two looks must agree anew', () => {
    expect(decide([], 200, KNOWN).memory).toEqual(HALF);
    expect(decide(['running'], 210, HALF).replace).toEqual([]);
  });

  it('says of each why', () => {
    expect(decide(['running'], 200, KNOWN).replace).toEqual([
      { instanceId: LAST, why: 'it is running, 3 min after the launch' },
    ]);
    expect(decide(['lost'], 200, KNOWN).replace).toEqual([{ instanceId: LAST, why: 'it is lost' }]);
  });

  it('says it shortly, whatever a load balancer has to say', () => {
    const hosts = tenStandings('registered').map((host) =>
      host.instanceId === LAST ? { ...host, lacks: 'x'.repeat(1_000) } : host,
    );
    const { replace } = decideStragglers({
      hosts,
      launch: largeLaunch(),
      instances: [],
      memory: KNOWN,
      now: at(200),
    });
    expect(replace[0]?.why).toMatch(/^x{119}…, 3 min after the launch$/);
  });

  it('never touches one with the hand brake', () => {
    const braked = aNewInstance(LAST, { tags: { [TAG.protect]: '' } });
    expect(decide(['running'], 400, KNOWN, [braked])).toMatchObject({
      replace: [],
      reason: expect.stringContaining('hand brake'),
    });
  });

  it('never replaces more than a few, nor any that is ready, whatever the looks say', () => {
    const rung = fc.constantFrom<Rung>('unseen', 'pending', 'running', 'registered', 'ready', 'lost');
    const known = Object.fromEntries(TEN.map((id) => [id, AT(100)]));
    fc.assert(
      fc.property(
        fc.array(rung, { minLength: 10, maxLength: 10 }),
        fc.integer({ min: 11, max: 900 }),
        (rungs, s) => {
          const { replace } = decide(rungs, s, { ...HALF, ...known });
          expect(replace.length).toBeLessThanOrEqual(mostStragglers(10));
          for (const { instanceId } of replace)
            expect(['ready', 'unseen']).not.toContain(rungs[TEN.indexOf(instanceId)]);
        },
      ),
    );
  });
});

describe('What is launched instead', () => {
  it('is as many in the same zone, of the same type', () => {
    const launch = largeLaunch({
      instances: Array.from({ length: 30 }, (_, index) => ({
        instanceId: `i-${index}`,
        zone: ZONES[index % 2] ?? '',
        instanceType: index < 20 ? 't4g.small' : 't4g.medium',
      })),
    });
    const stragglers = ['i-0', 'i-2', 'i-21'].map((instanceId) => ({ instanceId, why: 'late' }));
    const shares = sharesToReplace({ launch, readiness: { ...aLook(), stragglers } });
    expect(shares.map(({ zone, instanceType, leaving }) => [zone, instanceType, leaving.length])).toEqual([
      [ZONES[0], 't4g.small', 2],
      [ZONES[1], 't4g.medium', 1],
    ]);
  });

  it.each([
    [
      'one that is no new host',
      { readiness: { ...aLook(), stragglers: [{ instanceId: 'i-old1', why: '' }] } },
    ],
    ['nobody', { readiness: aLook() }],
    [
      'more than may be',
      {
        readiness: { ...aLook(), stragglers: TEN.slice(0, 2).map((instanceId) => ({ instanceId, why: '' })) },
      },
    ],
    ['anybody a second time', { launch: largeLaunch({ replaced: [] }) }],
  ])('is never for %s, whatever the document says', (_title, changes) =>
    expect(() => sharesToReplace(toReplace(changes))).toThrow(failure('StepCrashed')),
  );

  const [share] = sharesToReplace(toReplace());
  if (!share) throw new Error('the straggler has no share');
  const OTHER = { instanceId: 'i-other', zone: ZONES[1], instanceType: 't4g.small' };

  it('stands among the new hosts then, instead of the straggler', () => {
    const after = launchAfter(largeLaunch(), [STRAGGLER], [{ ...share, instances: [OTHER] }]);
    expect(after.instances).toEqual([...largeLaunch().instances.slice(0, -1), OTHER]);
    expect(after.replaced).toEqual([STRAGGLER]);
    expect(after.reason).toBe('10 instances of ami-0abc; i-new10 replaced by i-other');
    expect(after.at).toBe(largeLaunch().at);
  });

  it('is nothing where EC2 refused: the straggler stays, and that was the one time', () => {
    const after = launchAfter(largeLaunch(), [STRAGGLER], [{ ...share, instances: [], refusal: 'No room.' }]);
    expect(after.instances).toEqual(largeLaunch().instances);
    expect(after.replaced).toEqual([]);
    expect(after.reason).toContain('i-new10 not replaced; still waiting for it: No room');
  });
});

describe('What is told of stragglers', () => {
  it('in the record', () => {
    expect(replacedSentence([STRAGGLER])).toBe(`1 straggler replaced: ${LAST} (${STRAGGLER.why})`);
    expect(replacedSentence([])).toBe('');
    expect(replacedSentence()).toBe('');
  });

  it('in the plan', () =>
    expect(stragglersPlan(LARGE.subnets.length * LARGE.instancesPerZone)).toBe(
      'at most 1 of 10 new hosts, once: those not ready after 3 times what half of them took, or lost by EC2, while all others are ready',
    ));
});
