import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import type { End } from '../../lambdas/domain/core/story.ts';
import { recordTheFailure } from '../../lambdas/record-the-failure.ts';
import { aDeployment, agreed, aLook, baked, endOf, failedBy, HOLD, shifted } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';
import { failing, type Methods, portsWith } from '../support/ports.ts';

const METHODS: Methods = {
  records: { writeRecord: async () => {}, writePage: async () => {} },
  mackerel: { annotate: async () => {}, postServiceMetrics: async () => {} },
  announcer: { tellPeople: async () => {}, tellMachines: async () => {} },
  ledger: { keepForHuman: async () => {} },
};
const record = (document: object, methods: Methods = METHODS, ends: End = endOf(document)) => {
  const ports = portsWith(methods);
  return { ports, answer: recordTheFailure.run({ document, ends }, ports) };
};
/** What was called, without the record itself. */
const written = (calls: readonly string[]) =>
  calls.map((call) =>
    call
      .split(' ')
      .slice(0, 3)
      .join(' ')
      .replace(/ [[{].*/, ''),
  );

const FAILED = { failure: failedBy('AlertDuringBake', 'An alert.') };
const ITS_RECORD = 'records.writeRecord "artifacts" "irekae/shop/deployments/deploy-2.json"';
const KEPT = 'ledger.keepForHuman "shop"';
const PAGE = 'records.writePage "artifacts" "irekae/shop/deployments/deploy-2.html"';
const TOLD = ['announcer.tellPeople', 'announcer.tellMachines'];
/** Of what launched something. */
const MARKED = [PAGE, 'mackerel.annotate', 'mackerel.postServiceMetrics "Shop"', ...TOLD];
const CURRENT = 'records.writeRecord "artifacts" "irekae/shop/current.json"';

describe.each<[string, Deployment, string, string[]]>([
  [
    'Record the refusal',
    agreed({ failure: failedBy('FleetWouldShrink') }),
    'FleetWouldShrink',
    [ITS_RECORD, ...TOLD],
  ],
  [
    'Record the failure',
    shifted({ ...FAILED, putBack: aLook({ ready: true }) }),
    'RolledBack',
    [ITS_RECORD, ...MARKED],
  ],
  [
    'Record the failure of a cancelled one',
    shifted({ failure: failedBy('Cancelled', 'By Hanako.'), putBack: aLook({ ready: true }) }),
    'Cancelled',
    [ITS_RECORD, ...MARKED],
  ],
  [
    'Record the failed undo',
    shifted({ ...FAILED, putBack: aLook(), undoFailure: failedBy('OldHostsNotServing') }),
    'RollbackFailed',
    [KEPT, ITS_RECORD, CURRENT, ...MARKED],
  ],
  ['Record the halfway stop', baked(FAILED), 'StoppedHalfway', [KEPT, ITS_RECORD, CURRENT, ...MARKED]],
])('%s', (_state, deployment, error, calls) => {
  it(`ends as ${error}, for people and for the bucket`, async () => {
    const { ports, answer } = record(deployment);
    const ending = await answer;
    expect(ending.error).toBe(error);
    expect(written(ports.calls)).toEqual(calls);
    expect(ports.calls.find((call) => call.startsWith(ITS_RECORD))).toContain(`"outcome":"${error}"`);
  });

  it('has the same effect when it runs twice', async () => {
    const [first, second] = [record(deployment), record(deployment)];
    expect(await second.answer).toEqual(await first.answer);
    expect(second.ports.calls).toEqual(first.ports.calls);
  });

  it.each(['ServiceUnavailable', 'ServiceRefused'] as const)(
    'is not hidden by a bucket that takes no record (%s)',
    async (name) => {
      const records = { writeRecord: failing(name), writePage: failing(name) };
      expect((await record(deployment, { ...METHODS, records }).answer).error).toBe(error);
    },
  );

  it('is not hidden by a Mackerel that takes no mark', async () =>
    expect(
      (await record(deployment, { ...METHODS, mackerel: { annotate: failing('MackerelRefused') } }).answer)
        .error,
    ).toBe(error));
});

describe.each([
  [
    'Record the failed undo',
    shifted({ ...FAILED, putBack: aLook(), undoFailure: failedBy('NewHostsNotRemoved') }),
  ],
  ['Record the halfway stop', baked(FAILED)],
])('%s, about the lock', (_state, deployment) => {
  it('keeps it for a human, with the hold of this deployment and the whole story', async () => {
    const { ports, answer } = record(deployment);
    const { cause } = await answer;
    expect(ports.calls[0]).toBe(
      ['ledger.keepForHuman', ...['shop', HOLD, cause].map((arg) => JSON.stringify(arg))].join(' '),
    );
  });

  it('writes nothing at all when it was lost: somebody else knows better what the fleet runs', async () => {
    const { ports, answer } = record(deployment, {
      ...METHODS,
      ledger: { keepForHuman: failing('LockLost') },
    });
    await expect(answer).rejects.toThrow(failure('LockLost'));
    expect(written(ports.calls)).toEqual([KEPT]);
  });

  it('is asked for again while the ledger is silent', async () =>
    expect(
      record(deployment, { ...METHODS, ledger: { keepForHuman: failing('ServiceUnavailable') } }).answer,
    ).rejects.toThrow(failure('ServiceUnavailable')));
});

describe('Record the refusal of an input', () => {
  it('goes without the input, which was the very thing that was wrong', async () => {
    const refused = {
      ...aDeployment({ failure: failedBy('InvalidInput', 'One problem.') }),
      input: { dryRun: 'yes' },
    };
    const { ports, answer } = record(refused);
    expect(await answer).toEqual({
      error: 'InvalidInput',
      cause: 'InvalidInput: One problem. Nothing was changed.',
    });
    expect(written(ports.calls)).toEqual([ITS_RECORD, ...TOLD]);
  });

  it('does not swallow a bug', async () => expect(record({}).answer).rejects.toThrow(failure('StepCrashed')));
});
