/**
 * Zones without capacity, while everything else goes wrong too: each call of the launch fails before or after it took
 * effect. The right number of hosts comes up, or everything that was launched is removed; nothing is launched twice.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { DeploymentError } from '../../lambdas/domain/core/errors.ts';
import { fleetSize, TAG } from '../../lambdas/domain/core/fleet.ts';
import type { LedgerRow } from '../../lambdas/ports/ledger.ts';
import { Rules } from '../../simulator/rules.ts';
import { SCENARIOS } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';
import { some } from '../support/thorough.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

type Moment = 'before' | 'after';
interface Fault {
  /** Which call of the launch, from 0. */
  readonly index: number;
  readonly moment: Moment;
  /** Capacity comes back with the fault: where the first run found none, the second finds some. */
  readonly capacityReturns?: boolean;
  /** The ledger forgets what the launch wrote down. */
  readonly forgets?: boolean;
}

const SPILL_OVER = SCENARIOS['spill-over'];

/** Plays the scenario; with a fault, one call of *Launch new instances* is answered by "not now". */
async function play(fault?: Fault) {
  const on = new Stage({ template: synthesize(), fleet: `reactio-production-${SPILL_OVER.kind}`, seed: 3 });
  stage = on;
  on.upload();
  SPILL_OVER.arrange(on);
  let launching = false;
  on.onEvent = ({ kind, state }) => {
    if (state === 'Launch new instances') launching = kind !== 'answered';
  };
  const rules = new Rules(on.world, on.fleet, 'd-1');
  const calls: string[] = [];
  on.world.intercept = async (call, proceed) => {
    if (!launching) return proceed();
    const index = calls.push(`${call.service}.${call.action}`) - 1;
    if (fault?.forgets && call.action === 'read') return withoutDocument((await proceed()) as LedgerRow);
    if (fault?.index !== index) return proceed();
    if (fault.moment === 'after') await proceed().catch(() => {});
    if (fault.capacityReturns) returnCapacity(on);
    throw new DeploymentError('ServiceUnavailable', 'AWS did not answer.');
  };
  const result = await on.deploy({}, 'd-1');
  rules.ended(result);
  const launched = on.world.view().instances.filter(({ tags }) => tags[TAG.deployment] === 'd-1');
  return { on, result, rules, calls, launched };
}

function withoutDocument({ held, ...row }: LedgerRow): LedgerRow {
  const { document: _, ...rest } = held ?? {};
  return { ...row, ...(held && { held: rest as NonNullable<LedgerRow['held']> }) };
}

function returnCapacity({ world, fleet }: Stage): void {
  for (const { zone } of world.ec2.subnets(fleet.subnets))
    for (const type of fleet.instanceTypes) world.ec2.setCapacity(type, zone, 100);
}

const CALLS = [
  'ledger.read',
  'ledger.enter',
  'ec2.launch',
  'ec2.launch',
  'ec2.subnets',
  'ledger.enter',
  'ec2.launch',
  'ec2.subnets',
  'ledger.enter',
  'ec2.launch',
  'ledger.enter',
];

describe('A launch that spills over', () => {
  it('makes these calls', async () => expect((await play()).calls).toEqual(CALLS));

  const faults = CALLS.flatMap((call, index) =>
    (['before', 'after'] as const).flatMap((moment) =>
      [false, true].map((capacityReturns) => ({ call, index, moment, capacityReturns })),
    ),
  );
  it.each(some(faults))(
    'ends with the right number of hosts when call $index ($call) fails $moment its effect (capacity returns: $capacityReturns)',
    async (fault) => {
      const { on, result, rules, calls, launched } = await play(fault);
      expect(calls.length).toBeGreaterThan(fault.index + 1);
      expect(result.endedIn).toBe('Deployed');
      expect(launched).toHaveLength(fleetSize(on.fleet));
      expect(rules.violations).toEqual([]);
    },
  );

  it('would launch a share twice if the ledger forgot which tries are behind it', async () => {
    const last = CALLS.lastIndexOf('ec2.launch');
    const { rules } = await play({ index: last, moment: 'after', capacityReturns: true, forgets: true });
    expect(rules.violations).toContainEqual(expect.objectContaining({ rule: 5 }));
  });
});
