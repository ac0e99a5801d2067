/** How a deployment is told: its ending, its record, and the words that sentences are made of. */

import { describe, expect, it } from 'vitest';
import { groupBy } from '../../lambdas/domain/core/collections.ts';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import type { End } from '../../lambdas/domain/core/story.ts';
import { count, list, secondsBetween, span } from '../../lambdas/domain/core/words.ts';
import { endingOf, explain } from '../../lambdas/domain/record/ending.ts';
import { phases, recordOf } from '../../lambdas/domain/record/record.ts';
import { agreed, aLook, at, baked, failedBy, iso, launched, shifted } from '../support/deployments.ts';
import { LAST, large, largeLaunch, replaced, STRAGGLER } from '../support/large.ts';

const FAILED = failedBy('AlertDuringBake', 'Mackerel opened an alert on a new host: x.');

describe('endingOf', () => {
  it.each<[string, End, Deployment, string, string | RegExp]>([
    [
      'a refusal ends under its own name, with nothing changed',
      'refused',
      agreed({ failure: failedBy('FleetWouldShrink', '3 hosts serve now.') }),
      'FleetWouldShrink',
      'FleetWouldShrink: 3 hosts serve now. Nothing was changed.',
    ],
    [
      'an undone deployment names the first error and who serves',
      'undone',
      shifted({
        failure: FAILED,
        putBack: aLook({ ready: true, reason: 'the old hosts serve' }),
        removal: aLook({ ready: true }),
      }),
      'RolledBack',
      'AlertDuringBake: Mackerel opened an alert on a new host: x. Undone: the old hosts serve; nothing of this deployment is left.',
    ],
    [
      'an undone deployment that touched no old host says so',
      'undone',
      launched({
        failure: FAILED,
        putBack: aLook({ reason: 'the old hosts were never taken out of service' }),
      }),
      'RolledBack',
      /Undone: the old hosts were never taken out of service; nothing of this deployment is left\.$/,
    ],
    [
      'an undone deployment quotes the console of who failed, and tells of the host that is kept',
      'undone',
      launched({
        failure: FAILED,
        putBack: aLook({ ready: true, reason: 'the old hosts serve' }),
        removal: {
          ...aLook({ ready: true }),
          evidence: [{ instanceId: 'i-new1', console: ['booting', 'irekae: FAILED: no space left'] }],
          kept: { instanceId: 'i-new2', until: '2026-03-01T10:00:00Z' },
        },
      }),
      'RolledBack',
      'AlertDuringBake: Mackerel opened an alert on a new host: x. The console of i-new1 ends with ' +
        '"irekae: FAILED: no space left". Undone: the old hosts serve; i-new2 is kept for debugging until ' +
        '2026-03-01T10:00:00Z (out of service, tag irekae:keep-until), then the orphan watch terminates it; ' +
        'nothing else is left.',
    ],
    [
      'a failed undo names both errors and calls a human',
      'undo-failed',
      shifted({
        failure: FAILED,
        putBack: aLook(),
        undoFailure: failedBy('OldHostsNotServing', 'After 10 min: i-1 is not in service.'),
      }),
      'RollbackFailed',
      /^AlertDuringBake: .* The undo failed too: OldHostsNotServing: After 10 min: i-1 is not in service\. A human is needed: see RollbackFailed/,
    ],
    [
      'an undo that failed at its first look is a failed undo too',
      'undo-failed',
      launched({ failure: FAILED, undoFailure: failedBy('ServiceRefused') }),
      'RollbackFailed',
      /The undo failed too: ServiceRefused/,
    ],
    [
      'a failure after the point of no return calls a human',
      'halfway',
      baked({ failure: failedBy('OldHostsNotTerminated', 'After 10 min: i-1.') }),
      'StoppedHalfway',
      'OldHostsNotTerminated: After 10 min: i-1. The new hosts are serving, but old ones may be left. A human is needed: see StoppedHalfway in docs/runbook.md.',
    ],
    [
      'readiness lost right before the termination is undone, not halfway',
      'undone',
      baked({ failure: failedBy('ReadinessLost'), putBack: aLook({ ready: true }) }),
      'RolledBack',
      /^ReadinessLost/,
    ],
  ])('%s', (_title, end, deployment, error, cause) => {
    const ending = endingOf(deployment, end);
    expect(ending.error).toBe(error);
    if (typeof cause === 'string') expect(ending.cause).toBe(cause);
    else expect(ending.cause).toMatch(cause);
  });

  it('still says what to do after two very long sentences', () => {
    const long = failedBy('MackerelRefused', 'x'.repeat(20_000));
    const { cause } = endingOf(shifted({ failure: long, undoFailure: long }), 'undo-failed');
    expect(cause.length).toBeLessThan(3_000);
    expect(cause).toMatch(/A human is needed: see RollbackFailed in docs\/runbook\.md\.$/);
  });
});

describe('explain', () => {
  it.each([
    ['Lambda’s JSON', failedBy('NoCapacity', 'No room.'), 'NoCapacity', 'No room.'],
    ['plain text', { Error: 'NoCapacity', Cause: 'No room' }, 'NoCapacity', 'No room.'],
    ['no cause at all', { Error: 'NoCapacity' }, 'NoCapacity', 'no further details.'],
    ['a cause that is null', { Error: 'NoCapacity', Cause: 'null' }, 'NoCapacity', 'null.'],
    [
      'a function that ran out of time',
      { Error: 'Sandbox.Timedout', Cause: 'Task timed out after 60.00 seconds' },
      'StepTimedOut',
      'Sandbox.Timedout: Task timed out after 60.00 seconds.',
    ],
    ['a task that ran out of time', { Error: 'States.Timeout' }, 'StepTimedOut', 'States.Timeout.'],
    ['a bug', failedBy('TypeError', 'x is not a function'), 'StepCrashed', 'TypeError: x is not a function.'],
    ['a function that died', { Error: 'Lambda.Unknown', Cause: '' }, 'StepCrashed', 'Lambda.Unknown.'],
    [
      'a sandbox that died',
      failedBy('Runtime.ExitError', 'RequestId: 1 Error: Runtime exited with error: signal: killed'),
      'StepCrashed',
      'Runtime.ExitError: RequestId: 1 Error: Runtime exited with error: signal: killed.',
    ],
    [
      'a function that is being changed',
      { Error: 'Lambda.ResourceNotReadyException', Cause: 'The function is not ready' },
      'StepCrashed',
      'Lambda.ResourceNotReadyException: The function is not ready.',
    ],
    [
      'an invocation that was not answered in time',
      { Error: 'Lambda.ClientExecutionTimeoutException' },
      'StepTimedOut',
      'Lambda.ClientExecutionTimeoutException.',
    ],
    ['nothing', undefined, 'StepCrashed', 'Unknown.'],
  ])('understands %s', (_title, caught, name, sentence) =>
    expect(explain(caught)).toEqual({ name, sentence }),
  );
});

describe('recordOf', () => {
  it('holds the consoles of who failed, line by line, and who is kept', () => {
    const kept = { instanceId: 'i-new1', until: '2026-03-01T10:00:00Z' };
    const evidence = [
      { instanceId: 'i-new1', console: ['booting', 'irekae: FAILED: no space left'] },
      { instanceId: 'i-new2', console: [] },
    ];
    const removal = { ...aLook({ ready: true }), evidence, kept };
    expect(recordOf(launched({ failure: FAILED, removal }), at(300))).toMatchObject({
      consoles: { 'i-new1': ['booting', 'irekae: FAILED: no space left'] },
      kept,
    });
  });

  it('says nothing of consoles and kept hosts where there are none', () => {
    const record = recordOf(launched({ failure: FAILED, removal: { ...aLook(), evidence: [] } }), at(300));
    expect(record).not.toHaveProperty('consoles');
    expect(record).not.toHaveProperty('kept');
  });

  it('tells who stayed behind, what its console said, and that others stand in its place', () => {
    const evidence = [{ instanceId: LAST, console: ['irekae: waiting for the database'] }];
    const record = recordOf(replaced({ stragglers: { ...aLook({ ready: true }), evidence } }), at(300));
    expect(record).toMatchObject({
      replaced: [STRAGGLER],
      consoles: { [LAST]: ['irekae: waiting for the database'] },
      reason: expect.stringContaining(`; 1 straggler replaced: ${LAST} (`),
    });
    expect(record.newInstances).toContain('i-other');
    expect(record.newInstances).not.toContain(LAST);
  });

  it('says nothing of stragglers where none was replaced', () => {
    const record = recordOf(large({ launch: largeLaunch({ replaced: [] }) }), at(300));
    expect(record).not.toHaveProperty('replaced');
  });

  it('tells who deployed what, why, and whom it replaced', () => {
    const record = recordOf(baked({ input: { reason: 'hotfix', startedBy: 'alice' } }), at(300));
    expect(record).toMatchObject({
      deployment: 'deploy-2',
      fleet: 'shop',
      environment: 'production',
      outcome: 'Deployed',
      startedBy: 'alice',
      why: 'hotfix',
      artifact: { versionId: 'v2' },
      imageId: 'ami-0abc',
      newInstances: ['i-new1', 'i-new2'],
      oldInstances: ['i-old1', 'i-old2'],
      startedAt: iso(0),
      finishedAt: iso(300),
    });
    expect(record.recipe).toMatch(/^[0-9a-f]{64}$/);
  });

  it('of a failed deployment carries its ending', () =>
    expect(recordOf(agreed(), at(5), { error: 'RolledBack', cause: 'It broke.' })).toMatchObject({
      outcome: 'RolledBack',
      reason: 'It broke.',
      newInstances: [],
    }));
});

describe('phases', () => {
  it('says how long each phase took, as far as the deployment came', () =>
    expect(phases(shifted({ readiness: aLook({ at: iso(70.26) }) }))).toEqual({
      agree: 10,
      'bring up': 60.3,
      shift: 29.7,
    }));
  it('of an undo too', () =>
    expect(phases(launched({ putBack: aLook({ at: iso(40) }), removal: aLook({ at: iso(100) }) }))).toEqual({
      agree: 10,
      'put back': 30,
      'remove new': 60,
    }));
});

describe('words', () => {
  it.each([
    [[], 'none'],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c', 'd'], 'a, b, c and d'],
    [['a', 'b', 'c', 'd', 'e'], 'a, b, c, d and 1 more'],
  ])('lists %j as "%s"', (items, text) => expect(list(items)).toBe(text));
  it.each([
    [1, '1 host'],
    [2, '2 hosts'],
    [0, '0 hosts'],
  ])('counts %i as "%s"', (n, text) => expect(count(n, 'host')).toBe(text));
  it.each([
    [0, '0 s'],
    [45.4, '45 s'],
    [119.6, '2 min'],
    [125, '2 min 5 s'],
    [3_780, '1 h 3 min'],
    [86_400, '24 h 0 min'],
  ])('tells %d seconds as "%s"', (seconds, text) => expect(span(seconds)).toBe(text));
  it('counts seconds between moments of either kind', () =>
    expect(secondsBetween(iso(1), at(3.5))).toBe(2.5));
});

describe('collections', () => {
  it('groups by key, in order', () =>
    expect([...groupBy(['a1', 'b1', 'a2'], (item) => item[0])]).toEqual([
      ['a', ['a1', 'a2']],
      ['b', ['b1']],
    ]));
});
