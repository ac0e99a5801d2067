/** Whom an undo registers again, and when it is done, of every kind of load balancer, whatever these say. */
import { describe, expect, it } from 'vitest';
import type { Deployment, OldHost } from '../../lambdas/domain/core/document.ts';
import { MEMBERS_SETTLE_SECONDS, STEPS } from '../../lambdas/domain/core/steps.ts';
import { decidePuttingBack, quietFrom } from '../../lambdas/domain/hosts/putting-back.ts';
import type { Member } from '../../lambdas/ports/load-balancers.ts';
import { aLook, anOldHost, at, HOLD, iso, launched, shifted } from '../support/deployments.ts';
import { anInstance } from '../support/facts.ts';

const member = (instanceId: string, state: Member['state'], port?: number, reason = ''): Member => ({
  instanceId,
  state,
  reason,
  ...(port !== undefined && { port }),
});

const decide = (old: OldHost, members: Readonly<Record<string, readonly Member[]>>) =>
  decidePuttingBack({
    old: [old],
    instances: [anInstance(old.instanceId)],
    members: new Map(Object.entries(members)),
  });

const AT_TWO = anOldHost('i-1', { memberOf: ['web', 'api'] });
const ON_8081 = anOldHost('i-1', { memberOf: ['api'], ports: { api: [8_081] } });
const ON_TWO_PORTS = anOldHost('i-1', { memberOf: ['api'], ports: { api: [8_081, 8_082] } });
const IDLE = anOldHost('i-1', { memberOf: ['web'], served: false });

const IN = 'in-service' as const;
const OUT = 'out-of-service' as const;

describe('Putting an old host back', () => {
  it.each<[string, OldHost, Record<string, Member[]>, string[], boolean]>([
    ['at two, gone from both', AT_TWO, { web: [], api: [] }, ['web', 'api'], false],
    ['at two, gone from one', AT_TWO, { web: [member('i-1', IN)], api: [] }, ['api'], false],
    [
      'at two, not in service at one',
      AT_TWO,
      { web: [member('i-1', OUT)], api: [member('i-1', IN)] },
      ['web'],
      false,
    ],
    [
      'at two, drains at one',
      AT_TWO,
      { web: [member('i-1', IN)], api: [member('i-1', 'draining')] },
      ['api'],
      false,
    ],
    ['at two, in service at both', AT_TWO, { web: [member('i-1', IN)], api: [member('i-1', IN)] }, [], true],
    ['on its own port', ON_8081, { api: [member('i-1', IN, 8_081)] }, [], true],
    ['back on the group’s port alone', ON_8081, { api: [member('i-1', IN)] }, ['api'], false],
    ['on another port alone', ON_8081, { api: [member('i-1', IN, 9_090)] }, ['api'], false],
    ['on one of two ports', ON_TWO_PORTS, { api: [member('i-1', IN, 8_081)] }, ['api'], false],
    [
      'on two ports, out of service on the second',
      ON_TWO_PORTS,
      { api: [member('i-1', IN, 8_081), member('i-1', OUT, 8_082)] },
      ['api'],
      false,
    ],
    [
      'on two ports, in service on both',
      ON_TWO_PORTS,
      { api: [member('i-1', IN, 8_081), member('i-1', IN, 8_082)] },
      [],
      true,
    ],
    ['that did not serve, registered', IDLE, { web: [member('i-1', OUT)] }, ['web'], true],
    ['that did not serve, draining', IDLE, { web: [member('i-1', 'draining')] }, ['web'], false],
  ])('%s', (_, old, members, registered, done) => {
    const decision = decide(old, members);
    expect([...decision.register.keys()]).toEqual(registered);
    expect(decision.done).toBe(done);
  });

  it.each(['', 'Instance is in pending state', 'something nobody has ever said', 'Target.Unheard'])(
    'goes by the state, and by no wording: %j',
    (reason) => {
      const decision = decide(AT_TWO, { web: [member('i-1', OUT, undefined, reason)], api: [] });
      expect([...decision.register.keys()]).toEqual(['web', 'api']);
    },
  );
});

describe('Nothing can take the old hosts out of service anymore', () => {
  const LIMIT = STEPS['take-old-hosts-out-of-service'].seconds;
  const ready = { readiness: aLook({ ready: true }) };
  const putBack = aLook({ since: iso(300) });
  const takenOver: Partial<Deployment> = {
    lock: {
      verdict: 'taken',
      reason: 'taken over',
      holder: HOLD.holder.replace('irekae-shop', 'irekae-shop-clean-up'),
      generation: HOLD.generation + 1,
    },
  };

  it.each<[string, Deployment, number | undefined, number]>([
    ['at once, where no run of the shift has begun', launched(ready), 0, 310],
    [
      'once the lists are of now, where its only run has answered',
      shifted(),
      1,
      100 + MEMBERS_SETTLE_SECONDS,
    ],
    ['after its time limit, where its only run has not answered', launched(ready), 1, 310 + LIMIT],
    ['after its time limit, where another run answered', shifted(), 2, 100 + LIMIT],
    ['after its time limit, where nobody has counted', shifted(), undefined, 100 + LIMIT],
    ['after its time limit, where it answered and was not counted', shifted(), 0, 100 + LIMIT],
    ['from the first look on', launched({ ...ready, putBack }), 1, 300 + LIMIT],
    [
      'once the lists are of now, after a takeover, however often it ran',
      shifted({ ...takenOver, putBack }),
      3,
      300 + MEMBERS_SETTLE_SECONDS,
    ],
    [
      'after a takeover, also where the dead holder’s document is from before the shift',
      launched({ ...ready, ...takenOver }),
      1,
      310 + MEMBERS_SETTLE_SECONDS,
    ],
  ])('%s', (_when, deployment, shiftRuns, seconds) =>
    expect(quietFrom(deployment, shiftRuns, at(310))).toEqual(at(seconds)),
  );
});
