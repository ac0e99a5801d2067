/** The most dangerous decision: what is done about the old instances. */
import { describe, expect, it } from 'vitest';
import {
  decideAfterCall,
  decideOldInstances,
  isPassed,
  mustSeeNewHosts,
  type TerminationFacts,
} from '../../lambdas/domain/hosts/point-of-no-return.ts';
import type { HostFacts } from '../../lambdas/domain/hosts/readiness.ts';
import type { TerminationDecision } from '../../lambdas/domain/hosts/termination.ts';
import { at, NEW, ZONES } from '../support/deployments.ts';
import { allWell, aNewInstance, inService, outOfService } from '../support/facts.ts';

const NOW = at(300);
const LAUNCHED = NEW.map((instanceId) => ({ instanceId, zone: ZONES[0], instanceType: 't4g.small' }));

const scene = allWell({ members: { web: NEW.map(inService) } });
const seen = (changes: Partial<HostFacts> = {}): HostFacts => ({
  instances: NEW.map((id) => aNewInstance(id)),
  hosts: scene.hosts,
  members: new Map([['web', NEW.map(inService)]]),
  ...changes,
});
const NEW_HOSTS = {
  ready: seen(),
  'not ready': seen({ members: new Map([['web', [inService('i-new1'), outOfService('i-new2')]]]) }),
  dead: seen({ instances: [aNewInstance('i-new1', { state: 'terminated' }), aNewInstance('i-new2')] }),
  'not looked at': undefined,
} as const;

const NOBODY: TerminationDecision = { terminate: [], going: [], gone: [], unseen: [], refused: [] };
const old = (changes: Partial<TerminationDecision> = {}): TerminationDecision => ({ ...NOBODY, ...changes });
const BRAKED = { id: 'i-old2', reason: 'it carries the hand brake' };
const facts = (changes: Partial<TerminationFacts> = {}): TerminationFacts => ({
  old: old({ terminate: ['i-old1', 'i-old2'] }),
  unseenSince: {},
  phase: 'shift',
  hasCalled: false,
  launched: LAUNCHED,
  newHosts: NEW_HOSTS.ready,
  now: NOW,
  ...changes,
});

describe('What is done about the old instances', () => {
  it.each<[string, Partial<TerminationFacts>, object]>([
    [
      'all run, every new host is ready: they are terminated',
      {},
      { do: 'terminate', ids: ['i-old1', 'i-old2'] },
    ],
    [
      'a new host is not ready: undone',
      { newHosts: NEW_HOSTS['not ready'] },
      { do: 'undo', error: { name: 'ReadinessLost', message: expect.stringContaining('1 of 2 ready') } },
    ],
    [
      'a new host is dead: undone, because nothing has ended yet',
      { newHosts: NEW_HOSTS.dead },
      { do: 'undo', error: { name: 'ReadinessLost', message: expect.stringContaining('i-new1') } },
    ],
    [
      'nobody has looked at the new hosts: undone',
      { newHosts: undefined },
      { do: 'undo', error: { name: 'ReadinessLost' } },
    ],
    [
      'one may not be terminated: refused, with all of them running',
      { old: old({ terminate: ['i-old1'], refused: [BRAKED] }) },
      { do: 'refuse', error: { name: 'TerminationRefused', message: expect.stringContaining('hand brake') } },
    ],
    ['there was none: done', { old: NOBODY }, { do: 'done', reason: 'no old instance to terminate' }],
    [
      'both have ended: done',
      { old: old({ gone: ['i-old1', 'i-old2'] }) },
      { do: 'done', reason: '2 old instances terminated' },
    ],
    [
      'one shuts down by itself, the other runs: passed, so it goes too',
      { old: old({ terminate: ['i-old2'], going: ['i-old1'] }) },
      { do: 'terminate', ids: ['i-old2'] },
    ],
    [
      'one has ended by itself, and a new host is not ready: waits, for nothing is undone anymore',
      { old: old({ terminate: ['i-old2'], gone: ['i-old1'] }), newHosts: NEW_HOSTS['not ready'] },
      { do: 'wait', reason: expect.stringContaining('no old one is terminated: 1 of 2 ready') },
    ],
    [
      'a call was made, and a new host is dead: a human is called',
      { hasCalled: true, newHosts: NEW_HOSTS.dead },
      { do: 'refuse', error: { name: 'NewHostDied' } },
    ],
    [
      'a run that was cut off may have made the call, by the ledger: waits',
      { phase: 'remove', newHosts: NEW_HOSTS['not ready'] },
      { do: 'wait', reason: expect.stringContaining('not ready') },
    ],
    [
      'a call was made, and one is refused: the other goes',
      { hasCalled: true, old: old({ terminate: ['i-old1'], refused: [BRAKED] }) },
      { do: 'terminate', ids: ['i-old1'] },
    ],
    [
      'they shut down: waits',
      { old: old({ going: ['i-old1', 'i-old2'] }), newHosts: undefined },
      { do: 'wait', reason: 'i-old1 and i-old2 are shutting down' },
    ],
    [
      'EC2 does not show one, since now: waits',
      { old: old({ unseen: ['i-old1'], gone: ['i-old2'] }), unseenSince: { 'i-old1': NOW.getTime() } },
      { do: 'wait', reason: 'EC2 does not show i-old1' },
    ],
    [
      'EC2 has not shown one for a minute: done',
      { old: old({ unseen: ['i-old1'], gone: ['i-old2'] }), unseenSince: { 'i-old1': at(240).getTime() } },
      { do: 'done', reason: '2 old instances terminated' },
    ],
  ])('%s', (_title, changes, verdict) =>
    expect(decideOldInstances(facts(changes))).toMatchObject({ ...verdict, reason: expect.anything() }),
  );

  /** Every way in which two old hosts can stand, at every moment, beside every state of the new hosts. */
  const PLACES = ['terminate', 'going', 'gone', 'unseen', 'refused'] as const;
  const standing = (...places: readonly (typeof PLACES)[number][]): TerminationDecision => {
    const idsAt = (wanted: string) =>
      places.flatMap((place, index) => (place === wanted ? [`i-old${index + 1}`] : []));
    const [terminate, going, gone, unseen] = [
      idsAt('terminate'),
      idsAt('going'),
      idsAt('gone'),
      idsAt('unseen'),
    ];
    return { terminate, going, gone, unseen, refused: idsAt('refused').map((id) => ({ id, reason: 'no' })) };
  };
  const everything = PLACES.flatMap((first) =>
    PLACES.flatMap((second) =>
      (['shift', 'remove'] as const).flatMap((phase) =>
        [false, true].flatMap((hasCalled) =>
          [at(0), NOW].flatMap((since) =>
            Object.entries(NEW_HOSTS).map(([title, newHosts]) => ({
              title: `${first} and ${second}, phase ${phase}, called ${hasCalled}, new hosts ${title}`,
              isReady: title === 'ready',
              facts: facts({
                old: standing(first, second),
                phase,
                hasCalled,
                newHosts,
                unseenSince: { 'i-old1': since.getTime(), 'i-old2': since.getTime() },
              }),
            })),
          ),
        ),
      ),
    ),
  );

  it('never terminates unless every new host was ready in the same look, nor anybody that may not be', () => {
    const terminated = everything.flatMap((each) => {
      const verdict = decideOldInstances(each.facts);
      return verdict.do === 'terminate' ? [{ ...each, ids: verdict.ids }] : [];
    });
    expect(everything).toHaveLength(800);
    expect(terminated.length).toBeGreaterThan(20);
    for (const { title, isReady, ids, facts: those } of terminated) {
      expect(isReady, title).toBe(true);
      expect(ids, title).toEqual(those.old.terminate);
    }
  });

  it('undoes nothing once an old instance has ended, or may have', () => {
    const undone = everything.filter(({ facts: those }) => decideOldInstances(those).do === 'undo');
    expect(undone.length).toBeGreaterThan(5);
    for (const { title, facts: those } of undone) {
      expect(isPassed(those), title).toBe(false);
      // In words of its own: by the memory, by the ledger, or by what EC2 shows.
      const { going, gone } = those.old;
      expect(those.hasCalled || those.phase === 'remove' || going.length + gone.length > 0, title).toBe(
        false,
      );
    }
  });

  it('is done only when EC2 shows neither of them anymore as what may run', () => {
    for (const { title, facts: those } of everything.filter(
      (each) => decideOldInstances(each.facts).do === 'done',
    )) {
      const { terminate, going, refused } = those.old;
      expect(terminate.length + going.length + refused.length, title).toBe(0);
    }
  });
});

describe('The new hosts are looked at', () => {
  it.each<[string, Partial<TerminationFacts>, boolean]>([
    ['when somebody is to be terminated', {}, true],
    ['not while the old ones shut down', { old: old({ going: ['i-old1'] }) }, false],
    [
      'not when the deployment is refused anyway',
      { old: old({ terminate: ['i-old1'], refused: [BRAKED] }) },
      false,
    ],
    [
      'also beside a refusal, once the point is passed',
      { hasCalled: true, old: old({ terminate: ['i-old1'], refused: [BRAKED] }) },
      true,
    ],
  ])('%s', (_title, changes, looks) => expect(mustSeeNewHosts(facts(changes))).toBe(looks));
});

describe('After the call', () => {
  const PROTECTED = ['i-old1', 'i-old2'].map((id) => ({ id, reason: 'OperationNotPermitted' }));
  it.each<[string, Partial<TerminationFacts>, typeof PROTECTED, object]>([
    ['EC2 has taken both', {}, [], { do: 'wait', reason: 'EC2 terminates i-old1 and i-old2' }],
    [
      'EC2 has refused one',
      {},
      PROTECTED.slice(1),
      { do: 'wait', reason: 'EC2 terminates i-old1; not terminated: i-old2 (OperationNotPermitted)' },
    ],
    [
      'EC2 has refused both: nothing has ended yet',
      {},
      PROTECTED,
      { do: 'refuse', error: { name: 'TerminationRefused' } },
    ],
    ['EC2 has refused both, in a later call: waits', { hasCalled: true }, PROTECTED, { do: 'wait' }],
    [
      'EC2 has refused both, after a call of a run that was cut off, by the ledger: waits',
      { phase: 'remove' },
      PROTECTED,
      { do: 'wait' },
    ],
    [
      'EC2 has refused the last, and shows the other as gone: waits',
      { old: old({ terminate: ['i-old2'], gone: ['i-old1'] }) },
      PROTECTED,
      { do: 'wait' },
    ],
  ])('%s', (_title, changes, refusedNow, verdict) =>
    expect(decideAfterCall(facts(changes), ['i-old1', 'i-old2'], refusedNow)).toMatchObject(verdict),
  );
});
