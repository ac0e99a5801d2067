/** Hooks: what counts as an answer, what is done about it, and what a hook is told. */
import { describe, expect, it } from 'vitest';
import { type Hook, POINTS } from '../../lambdas/domain/core/points.ts';
import {
  beginWith,
  decideHooks,
  hookEvent,
  type Reading,
  readAnswer,
  readingOf,
} from '../../lambdas/domain/lock/hooks.ts';
import { agreed, at, EXECUTION, launched } from '../support/deployments.ts';
import { failure } from '../support/failures.ts';

const aHook = (changes: Partial<Hook> = {}): Hook => ({
  at: 'before-launch',
  function: 'arn:aws:lambda:eu-west-1:123456789012:function:migrate:live',
  timeoutMinutes: 10,
  onTimeout: 'undo',
  ...changes,
});

describe('readAnswer', () => {
  it.each<[string, unknown, Reading]>([
    ['a success', { hookStatus: 'SUCCEEDED' }, { is: 'succeeded' }],
    ['one with more beside it', { hookStatus: 'SUCCEEDED', rows: 12 }, { is: 'succeeded' }],
    [
      'progress, asked again after 30 s',
      { hookStatus: 'IN_PROGRESS' },
      { is: 'in-progress', delaySeconds: 30, details: undefined },
    ],
    [
      'progress with a delay of its own and something to keep',
      { hookStatus: 'IN_PROGRESS', callBackDelay: 60, hookDetails: { job: 'j-1' } },
      { is: 'in-progress', delaySeconds: 60, details: { job: 'j-1' } },
    ],
    [
      'progress of a function whose language writes null for nothing',
      { hookStatus: 'IN_PROGRESS', callBackDelay: null, hookDetails: null },
      { is: 'in-progress', delaySeconds: 30, details: undefined },
    ],
  ])('takes %s', (_, answer, reading) => expect(readAnswer(answer)).toEqual(reading));

  it.each<[string, unknown, RegExp]>([
    ['what says so', { hookStatus: 'FAILED' }, /^answered FAILED$/],
    [
      'what says so and why',
      { hookStatus: 'FAILED', hookDetails: { rows: 3 } },
      /answered FAILED, with {"rows":3}/,
    ],
    ['nothing', null, /^answered null, which is no answer of a hook/],
    ['no status', {}, /^answered {}, .*\(hookStatus\)/],
    ['another status', { hookStatus: 'OK' }, /no answer of a hook \(hookStatus\)/],
    ['JSON in a text', '{"hookStatus": "SUCCEEDED"}', /no answer of a hook/],
    ['a list', ['SUCCEEDED'], /no answer of a hook/],
    [
      'a delay that a Wait would choke on',
      { hookStatus: 'IN_PROGRESS', callBackDelay: 'soon' },
      /\(callBackDelay\)/,
    ],
    ['a delay into the past', { hookStatus: 'IN_PROGRESS', callBackDelay: -5 }, /\(callBackDelay\)/],
    ['a delay of more than a day', { hookStatus: 'IN_PROGRESS', callBackDelay: 86_401 }, /\(callBackDelay\)/],
    ['a delay that ends never', { hookStatus: 'IN_PROGRESS', callBackDelay: 1e9 }, /\(callBackDelay\)/],
    ['details that are none', { hookStatus: 'IN_PROGRESS', hookDetails: 'x' }, /\(hookDetails\)/],
    [
      'more than the document takes',
      { hookStatus: 'SUCCEEDED', log: 'x'.repeat(40_000) },
      /^answered 40\d{3} bytes/,
    ],
    [
      'a crash',
      { Error: 'ValueError', Cause: '{"errorType":"ValueError","errorMessage":"no such table"}' },
      /^ended with ValueError: no such table$/,
    ],
    [
      'a sandbox that died',
      { Error: 'Runtime.ExitError', Cause: 'RequestId: 1' },
      /^ended with Runtime.ExitError: RequestId/,
    ],
    [
      'a function that Lambda cut off',
      { Error: 'Sandbox.Timedout', Cause: '{"errorMessage":"Task timed out after 900.00 seconds"}' },
      /^ended with Sandbox.Timedout: Task timed out after 900.00 seconds$/,
    ],
    ['a call without an end', { Error: 'States.Timeout' }, /^did not answer in time$/],
    [
      'an answer that Step Functions does not take',
      { Error: 'States.DataLimitExceeded', Cause: 'x' },
      /more than Step Functions takes/,
    ],
  ])('counts as FAILED: %s', (_, answer, why) =>
    expect(readAnswer(answer)).toMatchObject({ is: 'failed', why: expect.stringMatching(why) }),
  );
});

describe('readingOf', () => {
  const full = { Error: 'States.DataLimitExceeded', Cause: 'x' };
  it.each<[string, number | undefined, unknown, string | undefined]>([
    ['the answer to the call', 0, { hookStatus: 'SUCCEEDED' }, 'succeeded'],
    ['nothing where none was called yet', undefined, undefined, undefined],
    ['nothing where an earlier hook has answered', undefined, { hookStatus: 'FAILED' }, undefined],
    ['nothing where an earlier hook was gone on without', undefined, { Error: 'States.Timeout' }, undefined],
    ['a failure where there is no room for a look, which would be tried for ever', undefined, full, 'failed'],
  ])('is %s', (_, call, answer, is) => expect(readingOf(call, answer)?.is).toBe(is));
});

describe('decideHooks', () => {
  const now = at(0);
  const standing = { ...beginWith(now), calls: 1 };
  const progress: Reading = { is: 'in-progress', delaySeconds: 45, details: { job: 'j-1' } };
  const cutOff: Reading = { is: 'failed', why: 'did not answer in time', isCutOff: true };

  it('calls the first at once', () =>
    expect(decideHooks({ hooks: [aHook()], standing: beginWith(now), now })).toMatchObject({
      do: 'call',
      standing: { index: 0 },
      reason: 'calls the hook migrate:live before the launch',
    }));

  it('calls one in progress again, no sooner than it asks for, with what it gave', () => {
    const first = decideHooks({ hooks: [aHook()], standing, reading: progress, now: at(10) });
    expect(first).toMatchObject({ do: 'wait', until: at(55), standing: { details: { job: 'j-1' } } });
    const again = { hooks: [aHook()], standing: first.standing };
    expect(decideHooks({ ...again, now: at(54) }).do).toBe('wait');
    expect(decideHooks({ ...again, now: at(55) })).toMatchObject({
      do: 'call',
      reason: expect.stringMatching(/for the 2nd time$/),
    });
  });

  it('gives back the details of an earlier answer where a later one has none', () => {
    const before = { ...standing, details: { job: 'j-1' } };
    const reading = { is: 'in-progress', delaySeconds: 45, details: undefined } as const;
    expect(decideHooks({ hooks: [aHook()], standing: before, reading, now: at(10) })).toMatchObject({
      standing: { details: { job: 'j-1' } },
    });
  });

  it('waits no longer than until its time is over, whatever delay it asks for', () => {
    const reading = { is: 'in-progress', delaySeconds: 3_600, details: undefined } as const;
    expect(decideHooks({ hooks: [aHook()], standing, reading, now: at(10) })).toMatchObject({
      do: 'wait',
      until: at(600),
    });
  });

  it.each([0, 0.5, 1])(
    'leaves a pause before the next call, also where %s s are asked for',
    (delaySeconds) => {
      const hooks = [aHook()];
      const eager = { is: 'in-progress', delaySeconds, details: undefined } as const;
      const heard = decideHooks({ hooks, standing, reading: eager, now: at(2) });
      expect(heard.do).toBe('wait');
      expect(decideHooks({ hooks, standing: heard.standing, now: at(17) }).do).toBe('call');
    },
  );

  it('goes on to the next hook, which begins with time and details of its own', () => {
    const hooks = [aHook(), aHook({ function: 'arn:aws:lambda:eu-west-1:123456789012:function:smoke' })];
    const late = at(9 * 60);
    const before = { ...standing, details: { job: 'j-1' } };
    expect(decideHooks({ hooks, standing: before, reading: { is: 'succeeded' }, now: late })).toMatchObject({
      do: 'call',
      standing: {
        index: 1,
        calls: 0,
        begunAt: late.getTime(),
        details: undefined,
        ran: ['migrate:live succeeded (1 call)'],
      },
    });
  });

  it('is done after the last', () =>
    expect(decideHooks({ hooks: [aHook()], standing, reading: { is: 'succeeded' }, now }).do).toBe('done'));

  it('counts a success that comes late', () =>
    expect(decideHooks({ hooks: [aHook()], standing, reading: { is: 'succeeded' }, now: at(3_600) }).do).toBe(
      'done',
    ));

  it('throws what failed, and says that this is not undone', () =>
    expect(() =>
      decideHooks({ hooks: [aHook()], standing, reading: { is: 'failed', why: 'answered FAILED' }, now }),
    ).toThrow(
      failure(
        'HookFailed',
        /The hook migrate:live before the launch answered FAILED\. .*\/aws\/lambda\/migrate\. The undo does not undo what a hook did/,
      ),
    ));

  it.each<[string, Reading | undefined]>([
    ['in progress still', progress],
    ['cut off by its time', cutOff],
    ['waited for', undefined],
  ])('whose time is over while %s is undone, or gone on without, as the fleet says', (_, reading) => {
    const late = at(600);
    const facts = { standing: { ...standing, dueAt: at(900).getTime() }, reading, now: late };
    expect(() => decideHooks({ ...facts, hooks: [aHook()] })).toThrow(
      failure('HookFailed', /did not succeed in 10 min \(1 call\)/),
    );
    expect(decideHooks({ ...facts, hooks: [aHook({ onTimeout: 'go on' })] })).toMatchObject({
      do: 'done',
      reason: expect.stringMatching(/going on without it, as the fleets file says$/),
    });
  });

  it.each([
    { Error: 'States.Timeout' },
    { Error: 'Sandbox.Timedout', Cause: '{"errorMessage":"Task timed out after 600.00 seconds"}' },
    {
      Error: 'Lambda.Unknown',
      Cause: 'Returned payload: {"errorMessage":"Task timed out after 600.00 seconds"}',
    },
  ])('goes on without one that was cut off at its deadline, whoever did that: %j', (caught) => {
    const facts = { hooks: [aHook({ onTimeout: 'go on' })], standing, reading: readAnswer(caught) };
    expect(decideHooks({ ...facts, now: at(600) }).do).toBe('done');
    expect(() => decideHooks({ ...facts, now: at(599) })).toThrow(failure('HookFailed', /migrate:live/));
  });

  it('takes a call that was cut off earlier for a failure, whatever happens at the deadline', () =>
    expect(() =>
      decideHooks({ hooks: [aHook({ onTimeout: 'go on' })], standing, reading: cutOff, now: at(599) }),
    ).toThrow(failure('HookFailed', /did not answer in time/)));
});

describe('hookEvent', () => {
  it('has the shape of ECS’s, with an id that stays the same for one hook of one deployment', () => {
    const hook = aHook({ at: 'after-shift', details: { database: 'orders', job: 'none' } });
    const event = hookEvent(launched(), hook, { ...beginWith(at(0), 1), details: { job: 'j-1' } });
    expect(event).toMatchObject({
      executionId: 'deploy-2-after-shift-2',
      lifecycleStage: 'POST_PRODUCTION_TRAFFIC_SHIFT',
      resourceArn: EXECUTION,
      executionDetails: {
        fleet: 'shop',
        deployment: 'deploy-2',
        point: 'after-shift',
        newInstances: ['i-new1', 'i-new2'],
      },
      hookDetails: { database: 'orders', job: 'j-1' },
    });
  });

  it.each(POINTS)('tells a stage of ECS’s own at %s', (point) =>
    expect(hookEvent(agreed(), aHook({ at: point }), beginWith(at(0)))).toMatchObject({
      lifecycleStage: expect.stringMatching(/^(PRE_SCALE_UP|(PRE|POST)_PRODUCTION_TRAFFIC_SHIFT|CLEAN_UP)$/),
      hookDetails: {},
    }),
  );
});
