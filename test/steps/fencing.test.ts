/**
 * Every step that changes something asks the ledger first: whoever lost the lock changes nothing, whoever was cancelled
 * goes no further, and a phase is written down before its first call.
 */
import { describe, expect, it } from 'vitest';
import { type Deployment, holdOf } from '../../lambdas/domain/core/document.ts';
import type { ChangingStep, StepName } from '../../lambdas/domain/core/steps.ts';
import type { LedgerRow, Phase } from '../../lambdas/ports/ledger.ts';
import type { Ports } from '../../lambdas/ports/ports.ts';
import { STEP_FUNCTIONS } from '../../simulator/steps.ts';
import type { LedgerModel } from '../../simulator/world/ledger.ts';
import { World } from '../../simulator/world/world.ts';
import {
  agreed,
  aLook,
  at,
  baked,
  failedBy,
  HOLD,
  iso,
  LOCK,
  launched,
  OLD,
  shifted,
  ZONES,
} from '../support/deployments.ts';
import {
  aHost,
  allWell,
  aNewInstance,
  anInstance,
  inService,
  type Scene,
  someSettings,
} from '../support/facts.ts';
import { failure } from '../support/failures.ts';
import { aFleet } from '../support/fleets.ts';
import { replaced, tenHosts, toReplace } from '../support/large.ts';
import { type LiteralPorts, type Methods, portsOn } from '../support/ports.ts';

interface Case {
  /** As it stands at the step's door. */
  readonly document: Deployment;
  /** The phase that the step enters; without one it only asks. */
  readonly enters?: Phase;
  /** How far the ledger is when the step begins. */
  readonly phase: Phase;
  readonly scene?: Scene;
}

const FAILED = { failure: failedBy('AlertDuringBake') };
const retiring = baked({ termination: aLook({ ready: true }) });

/** The new hosts run, and are not registered yet. */
const TO_REGISTER = allWell({ members: { web: [inService('i-old1'), inService('i-old2')] } });

/** Nothing was launched yet. */
const BEFORE: Scene = {
  instances: OLD.map((id) => anInstance(id)),
  hosts: OLD.map((id) => aHost(id)),
  members: { web: OLD.map(inService) },
  alerts: [],
};

/** One for each step of which the table says that it changes the fleet: one that lacks is a type error. */
const CHANGING: Readonly<Record<ChangingStep, Case>> = {
  'snapshot-old-hosts': { document: agreed(), phase: 'agree', scene: BEFORE },
  'launch-new-instances': { document: agreed(), enters: 'bring-up', phase: 'agree' },
  'new-hosts-are-ready': {
    document: launched({ readiness: aLook() }),
    phase: 'bring-up',
    scene: TO_REGISTER,
  },
  'replace-the-stragglers': { document: toReplace(), enters: 'bring-up', phase: 'bring-up' },
  'remove-the-stragglers': { document: replaced(), phase: 'bring-up', scene: tenHosts() },
  'take-old-hosts-out-of-service': {
    document: launched({ readiness: aLook({ ready: true }) }),
    enters: 'shift',
    phase: 'bring-up',
  },
  'terminate-old-instances': { document: baked(), enters: 'remove', phase: 'shift' },
  'start-the-followers': {
    document: baked({
      fleet: aFleet({ followers: ['mail'] }),
      termination: aLook({ memory: { begun: 1 } }),
    }),
    phase: 'remove',
  },
  'retire-old-hosts-in-mackerel': { document: retiring, phase: 'remove' },
  'record-the-release': {
    document: { ...retiring, retirement: { reason: '2 hosts retired', at: iso(150) } },
    phase: 'remove',
  },
  'put-old-hosts-back': { document: shifted(FAILED), enters: 'undo', phase: 'shift' },
  'terminate-new-instances': {
    document: shifted({ ...FAILED, putBack: aLook({ ready: true }) }),
    phase: 'undo',
  },
  'record-the-failure': {
    document: shifted({ ...FAILED, undoFailure: failedBy('OldHostsNotServing') }),
    phase: 'undo',
  },
};
const CASES = Object.entries(CHANGING) as [StepName, Case][];

/** A ledger in which this deployment is the holder of its number, in this phase. */
function ledgerIn(phase: Phase, document: Deployment): LedgerModel {
  const { ledger } = new World({
    seed: 1,
    now: () => at(0),
    region: 'ap-northeast-1',
    account: '123456789012',
  });
  for (let generation = 1; generation < HOLD.generation; generation += 1) {
    const hold = ledger.take('shop', { holder: `earlier-${generation}`, startedBy: 'Taro' });
    if (hold) ledger.release('shop', hold);
  }
  ledger.take('shop', { holder: HOLD.holder, startedBy: 'Hanako' });
  if (phase !== 'agree') ledger.enter('shop', HOLD, phase, JSON.stringify(document));
  return ledger;
}

const portOf = (ledger: LedgerModel): NonNullable<Methods['ledger']> => ({
  read: async (fleet) => ledger.read(fleet),
  enter: async (...args) => ledger.enter(...args),
  keepForHuman: async (...args) => ledger.keepForHuman(...args),
  owe: async (...args) => ledger.owe(...args),
});

function run(step: StepName, { document, scene = allWell() }: Case, ledger: LedgerModel) {
  const accepting: Methods = {
    ledger: portOf(ledger),
    ec2: {
      launch: async ({ subnetId }) => [aNewInstance(`i-in-${subnetId}`, { subnetId })],
      subnets: async (ids) =>
        ids.map((subnetId) => ({ subnetId, vpcId: 'vpc-1', zone: ZONES[1], freeAddresses: 100 })),
      consoleOutput: async () => '',
    },
    records: { writeRecord: async () => {}, writePage: async () => {} },
    mackerel: { annotate: async () => {}, roles: async () => ['web'] },
    executions: { start: async () => 'an execution' },
    loadBalancers: { settings: async () => someSettings() },
  };
  const ports: LiteralPorts = portsOn(scene, at(200), accepting);
  // To the state that records a failure the story says how the deployment has ended.
  const given = step === 'record-the-failure' ? { document, ends: 'undo-failed' } : document;
  return { ports, answer: STEP_FUNCTIONS[step](given, ports as Ports) };
}
/** What was changed of the fleet and its records; the ledger is not part of it. */
const changesOf = (ports: LiteralPorts) => ports.changes.filter((call) => !call.startsWith('ledger.'));

/** What became of the lock while the step was late. */
const LOST: [string, (ledger: LedgerModel) => void][] = [
  ['a clean-up holds it', (ledger) => void ledger.takeOver('shop', HOLD, 'a clean-up', at(150))],
  ['it is free', (ledger) => ledger.release('shop', HOLD)],
  [
    'another deployment holds it',
    (ledger) => {
      ledger.release('shop', HOLD);
      ledger.take('shop', { holder: 'another', startedBy: 'Taro' });
    },
  ],
  [
    'the same execution holds it under another number',
    (ledger) => {
      ledger.release('shop', HOLD);
      ledger.take('shop', { holder: HOLD.holder, startedBy: 'Taro' });
    },
  ],
];

describe.each(CASES)('%s', (step, given) => {
  it('changes something, as long as it holds the lock', async () => {
    const { ports, answer } = run(step, given, ledgerIn(given.phase, given.document));
    await answer;
    expect(changesOf(ports)).not.toEqual([]);
  });

  it.each(LOST)('changes nothing when the lock was lost: %s', async (_what, lose) => {
    const ledger = ledgerIn(given.phase, given.document);
    lose(ledger);
    const { ports, answer } = run(step, given, ledger);
    await expect(answer).rejects.toThrow(failure('LockLost', 'shop'));
    expect(changesOf(ports)).toEqual([]);
  });

  it('changes nothing for a document that never took the lock, as that of a dry run', async () => {
    const lock = { ...LOCK, verdict: 'not-needed', generation: 0 } as const;
    const forged = { ...given, document: { ...given.document, lock } };
    const { ports, answer } = run(step, forged, ledgerIn(given.phase, given.document));
    await expect(answer).rejects.toThrow(failure('LockLost'));
    expect(changesOf(ports)).toEqual([]);
  });

  it('acts for a dead deployment under the hold of the clean-up', async () => {
    const ledger = ledgerIn(given.phase, given.document);
    const next = ledger.takeOver('shop', HOLD, 'a clean-up', at(150));
    const lock = { ...LOCK, ...next };
    const { ports, answer } = run(step, { ...given, document: { ...given.document, lock } }, ledger);
    await answer;
    expect(changesOf(ports)).not.toEqual([]);
  });
});

describe.each(CASES.flatMap(([step, given]) => (given.enters ? [[step, given.enters, given] as const] : [])))(
  '%s, which enters the phase %s',
  (step, phase, given) => {
    it('writes that down before its first call that changes something', async () => {
      const ledger = ledgerIn(given.phase, given.document);
      const { ports, answer } = run(step, given, ledger);
      await answer;
      expect(ports.changes[0]).toMatch(new RegExp(`^ledger\\.enter "shop" \\{.*\\} "${phase}" `));
      expect(ledger.read('shop')?.held?.phase).toBe(phase);
    });

    it('leaves there what a clean-up needs to go on', async () => {
      const ledger = ledgerIn(given.phase, given.document);
      await run(step, given, ledger).answer;
      expect(JSON.parse(ledger.read('shop')?.held?.document ?? '')).toMatchObject({
        ...given.document,
        // Of a launch: as it has become.
        launch: { instances: expect.any(Array) },
      });
    });

    it('changes nothing when the ledger is silent', async () => {
      const ledger = ledgerIn(given.phase, given.document);
      ledger.enter = () => {
        throw Object.assign(new Error('It did not answer.'), { name: 'ServiceUnavailable' });
      };
      const { ports, answer } = run(step, given, ledger);
      await answer.catch(() => {});
      expect(changesOf(ports)).toEqual([]);
    });
  },
);

describe('A cancelled deployment', () => {
  const FORWARD: [StepName, Case][] = [
    ...CASES.filter(([, { phase, enters = phase }]) => enters !== 'undo' && phase !== 'remove'),
    ['old-hosts-are-drained', { document: shifted(), phase: 'shift' }],
    [
      'watch-the-first-hosts',
      { document: launched({ readiness: aLook({ ready: true }) }), phase: 'bring-up' },
    ],
    ['watch-the-new-hosts', { document: shifted({ drain: aLook({ ready: true }) }), phase: 'shift' }],
  ];

  it.each(FORWARD)('goes no further at %s, and says who cancelled it', async (step, given) => {
    const ledger = ledgerIn(given.phase, given.document);
    expect(ledger.requestCancel('shop', HOLD.holder, 'Jiro')).toBe(true);
    const { ports, answer } = run(step, given, ledger);
    await expect(answer).rejects.toThrow(failure('Cancelled', 'Jiro'));
    expect(changesOf(ports)).toEqual([]);
  });

  it.each(CASES.filter(([, { phase, enters = phase }]) => enters === 'undo'))(
    'is undone by %s all the same',
    async (step, given) => {
      const ledger = ledgerIn(given.phase, given.document);
      ledger.requestCancel('shop', HOLD.holder, 'Jiro');
      const { ports, answer } = run(step, given, ledger);
      await answer;
      expect(changesOf(ports)).not.toEqual([]);
    },
  );

  it('cannot be asked for after the point of no return', () =>
    expect(ledgerIn('remove', baked()).requestCancel('shop', HOLD.holder, 'Jiro')).toBe(false));
});

it('What a clean-up works from has no answer of a hook, which may be as large as a document may be', async () => {
  const hookAnswer = { hookStatus: 'FAILED', log: 'x'.repeat(200_000) };
  const ledger = ledgerIn('bring-up', launched());
  const given = { document: launched({ ...FAILED, hookAnswer }), phase: 'bring-up' } as const satisfies Case;
  await run('put-old-hosts-back', given, ledger).answer;
  const { phase, document = '' } = ledger.read('shop')?.held ?? {};
  expect(phase).toBe('undo');
  expect(document).toContain('AlertDuringBake');
  expect(document.length).toBeLessThan(20_000);
});

describe('A late step', () => {
  it('of the same execution does not go back: a launch after the undo began launches nothing', async () => {
    const given = { document: agreed(), phase: 'undo' } as const satisfies Case;
    const { ports, answer } = run('launch-new-instances', given, ledgerIn('undo', given.document));
    await expect(answer).rejects.toThrow(failure('LockLost', /comes late and changes nothing/));
    expect(changesOf(ports)).toEqual([]);
  });

  it('knows its hold from its document', () => {
    expect(holdOf(agreed())).toEqual(HOLD);
    const row: LedgerRow | undefined = ledgerIn('agree', agreed()).read('shop');
    expect(row?.held).toMatchObject(HOLD);
  });
});
