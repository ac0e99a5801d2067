/** The orphan watch's decisions: about a fleet's lock, and about instances that nobody looks after. */

import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { cleanUpName, launchTokens } from '../../lambdas/domain/core/names.ts';
import {
  accountedFor,
  judgeLock,
  lookAt,
  ORPHANED_AFTER_SECONDS,
  orphansAmong,
  orphansSentence,
  unaccountedFor,
  WATCH_EVERY_SECONDS,
} from '../../lambdas/domain/lock/orphans.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import type { ExecutionState } from '../../lambdas/ports/executions.ts';
import type { LedgerRow } from '../../lambdas/ports/ledger.ts';
import { failure } from '../support/failures.ts';

const NOW = new Date('2026-11-22T10:07:00Z');
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);
const ARN = 'arn:aws:states:ap-northeast-1:222222222222:execution:irekae-shop:deploy-2';

type Held = NonNullable<LedgerRow['held']>;
const held = (changes: Partial<Held> = {}): Held => ({
  holder: ARN,
  generation: 7,
  phase: 'shift',
  since: ago(4_000),
  startedBy: 'an upload',
  ...changes,
});
const row = (changes: Partial<LedgerRow> = {}): LedgerRow => ({ fleet: 'shop', generation: 7, ...changes });
const PENDING = { id: 'deploy-3', input: '{}', versionId: 'v3', since: ago(60) };
const ended = (seconds: number): ExecutionState => ({ state: 'ended', status: 'ABORTED', at: ago(seconds) });
const RUNNING: ExecutionState = { state: 'running' };
const UNKNOWN: ExecutionState = { state: 'unknown' };

describe('judgeLock', () => {
  it.each<[string, LedgerRow | undefined, ExecutionState, ReturnType<typeof judgeLock>['act'], number]>([
    ['does nothing about a fleet that was never deployed', undefined, UNKNOWN, 'nothing', 0],
    ['does nothing about a free lock', row(), UNKNOWN, 'nothing', 0],
    ['starts what waits although the lock is free', row({ pending: PENDING }), UNKNOWN, 'start-pending', 0],
    ['leaves a holder that runs alone', row({ held: held() }), RUNNING, 'nothing', 0],
    [
      'leaves what waits for a holder that runs alone',
      row({ held: held(), pending: PENDING }),
      RUNNING,
      'nothing',
      0,
    ],
    ['sends the clean-up after a dead holder', row({ held: held() }), ended(60), 'clean-up', 60],
    [
      'sends the clean-up after it before what waits is started',
      row({ held: held(), pending: PENDING }),
      ended(60),
      'clean-up',
      60,
    ],
    [
      'takes a holder that nobody knows for dead since it took the lock, when that is long ago',
      row({ held: held({ since: ago(8_000_000) }) }),
      UNKNOWN,
      'clean-up',
      8_000_000,
    ],
    [
      'takes a holder that nobody knows for alive while it is young',
      row({ held: held({ since: ago(10) }) }),
      UNKNOWN,
      'nothing',
      0,
    ],
    [
      'keeps away from what a human must decide, and counts the time until one does',
      row({ held: held({ needsHuman: 'an old instance did not terminate' }) }),
      ended(1_000),
      'nothing',
      1_000,
    ],
    [
      'counts from the death of the first holder, when a clean-up that took the lock over died too',
      row({ held: held({ since: ago(400), orphanedSince: ago(1_300) }) }),
      ended(60),
      'clean-up',
      1_300,
    ],
    [
      'leaves a clean-up that runs alone, however long ago the first holder died',
      row({ held: held({ since: ago(400), orphanedSince: ago(1_300) }) }),
      RUNNING,
      'nothing',
      0,
    ],
    ['never counts below nothing, whatever the clocks say', row({ held: held() }), ended(-5), 'clean-up', 0],
  ])('%s', (_, ledgerRow, state, act, orphanSeconds) => {
    expect(judgeLock(ledgerRow, state, NOW)).toMatchObject({ act, orphanSeconds });
  });

  it('says who is dead since when and in which phase, and what becomes of it', () => {
    expect(judgeLock(row({ held: held() }), ended(60), NOW).reason).toBe(
      `${ARN} ended 60 s ago in the phase shift and still holds the lock: starting the clean-up`,
    );
    expect(judgeLock(row({ held: held({ orphanedSince: ago(1_300) }) }), ended(60), NOW).reason).toBe(
      `${ARN} ended 60 s ago in the phase shift and still holds the lock, orphaned for 21 min 40 s so far: starting the clean-up`,
    );
    const human = row({ held: held({ needsHuman: 'the undo failed' }) });
    expect(judgeLock(human, ended(60), NOW).reason).toContain('a human must decide: the undo failed');
    expect(judgeLock(row({ pending: PENDING }), UNKNOWN, NOW).reason).toContain('version v3 still waits');
  });
});

describe('cleanUpName', () => {
  const name = (seconds: number, generation = 7) =>
    cleanUpName({ generation }, lookAt(new Date(Date.UTC(2026, 10, 22, 10, 5, seconds))));

  it('is the same within the time between two looks', () => {
    expect(name(0)).toBe('after-holder-7-202611221005');
    expect(name(WATCH_EVERY_SECONDS - 1)).toBe(name(0));
  });

  it('is another at the next look, so that a clean-up that failed is tried again', () => {
    expect(name(WATCH_EVERY_SECONDS)).toBe('after-holder-7-202611221010');
  });

  it('is another for another holder', () => {
    expect(name(0, 8)).not.toBe(name(0, 7));
  });

  it('is a name that Step Functions takes, and not the one that a start that finds the holder dead gives', () => {
    expect(name(0, 1_000_000)).toMatch(/^[\w-]{1,80}$/);
    expect(name(0)).not.toBe('after-holder-7');
  });
});

describe('accountedFor', () => {
  const record = { outcome: 'Deployed', newInstances: ['i-new'], oldInstances: ['i-old'], more: 'fields' };

  it('is nothing for a fleet that was never deployed', () => {
    expect(accountedFor('shop', undefined)).toEqual([]);
  });

  it('is what the current release runs on', () => {
    expect(accountedFor('shop', record)).toEqual(['i-new']);
  });

  it.each(['RollbackFailed', 'StoppedHalfway'])(
    'is the old hosts too after %s, because they may serve',
    (outcome) => {
      expect(accountedFor('shop', { ...record, outcome })).toEqual(['i-new', 'i-old']);
    },
  );

  it.each([
    [null],
    ['text'],
    [{}],
    [{ ...record, newInstances: 'i-new' }],
    [{ ...record, newInstances: undefined }],
  ])('is unknown, not nothing, when the record is %j', (broken) => {
    expect(() => accountedFor('shop', broken)).toThrow(failure('InvalidInput', /what shop runs/));
  });
});

describe('orphansAmong', () => {
  const OLD_ENOUGH = ORPHANED_AFTER_SECONDS + 1;
  const instance = (
    changes: Partial<Instance> & { deployment?: string; seconds?: number } = {},
  ): Instance => {
    const { deployment = 'deploy-1', seconds = OLD_ENOUGH, ...rest } = changes;
    return {
      instanceId: 'i-1',
      state: 'running',
      launchedAt: ago(seconds),
      zone: 'a',
      imageId: 'ami-1',
      instanceType: 't4g.small',
      tags: { [TAG.fleet]: 'shop', [TAG.deployment]: deployment, [TAG.template]: 'lt-1' },
      clientToken: `${launchTokens(ARN.replace('deploy-2', deployment))}1`,
      ...rest,
    };
  };
  const cleanUpHolder = held({
    holder: ARN.replace('irekae-shop:deploy-2', 'irekae-shop-clean-up:after-holder-6'),
    document: JSON.stringify({ execution: { id: ARN, name: 'deploy-2' } }),
  });

  it.each<[string, Instance, Held | undefined, readonly string[], boolean]>([
    ['counts an instance that nobody accounts for', instance(), undefined, [], true],
    [
      'counts a stopped one, which still costs its volume',
      instance({ state: 'stopped' }),
      undefined,
      [],
      true,
    ],
    ['counts one of another deployment than the holder’s', instance(), held(), [], true],
    ['counts one of another deployment than the one cleaned up after', instance(), cleanUpHolder, [], true],
    ['leaves out what the current release runs on', instance(), undefined, ['i-0', 'i-1'], false],
    ['leaves out what the holder launched', instance({ deployment: 'deploy-2' }), held(), [], false],
    [
      'leaves out what the deployment launched that is cleaned up after',
      instance({ deployment: 'deploy-2' }),
      cleanUpHolder,
      [],
      false,
    ],
    ['leaves out the young', instance({ seconds: ORPHANED_AFTER_SECONDS }), undefined, [], false],
    ['leaves out what is ending', instance({ state: 'shutting-down' }), undefined, [], false],
    ['leaves out what has ended', instance({ state: 'terminated' }), undefined, [], false],
    [
      'leaves out a host that was adopted, not launched',
      instance({ tags: { [TAG.fleet]: 'shop', [TAG.deployment]: 'deploy-1' } }),
      undefined,
      [],
      false,
    ],
  ])('%s', (_, tagged, holder, accounted, counted) => {
    const orphans = orphansAmong(
      unaccountedFor({ launchTemplate: 'lt-1' }, [tagged], holder, accounted),
      NOW,
    );
    expect(orphans).toEqual(
      counted ? [{ instanceId: 'i-1', deployment: 'deploy-1', seconds: OLD_ENOUGH }] : [],
    );
  });

  it('does not stumble over a document without an execution', () => {
    expect(
      orphansAmong(
        unaccountedFor({ launchTemplate: 'lt-1' }, [instance()], held({ document: '{}' }), []),
        NOW,
      ),
    ).toHaveLength(1);
  });

  it('names every one of them', () => {
    const tagged = ['i-1', 'i-2', 'i-3', 'i-4', 'i-5', 'i-6'].map((instanceId) => instance({ instanceId }));
    const sentence = orphansSentence(
      orphansAmong(unaccountedFor({ launchTemplate: 'lt-1' }, tagged, undefined, ['i-6']), NOW),
    );
    expect(sentence).toContain('i-1 (launched by deploy-1 15 min 1 s ago)');
    for (const id of ['i-2', 'i-3', 'i-4', 'i-5']) expect(sentence).toContain(id);
    expect(sentence).not.toContain('i-6');
    expect(sentence).toContain('not terminated, because it may serve');
  });
});
