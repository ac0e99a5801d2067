import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { executionsAdapter } from '../../lambdas/clients/executions.ts';
import type { Executions } from '../../lambdas/ports/executions.ts';
import {
  type AwsEndpoint,
  type AwsReply,
  patienceFor,
  startAwsEndpoint,
  testClientOptions,
} from './aws-endpoint.ts';

const MACHINE = 'arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae-blog';
const ARN = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-blog:one';

let aws: AwsEndpoint;
let executions: Executions;
beforeEach(async () => {
  aws = await startAwsEndpoint();
  const { region, credentials } = testClientOptions(aws.url);
  const options = { region, endpoint: aws.url, credentials: async () => credentials };
  executions = executionsAdapter({ ...options, timeoutMs: patienceFor({}), pauseMs: 1 });
});
afterEach(() => aws.stop());

const answer = (body: object): AwsReply => ({ body: JSON.stringify(body) });
const refusal = (__type: string): AwsReply => ({
  status: 400,
  body: JSON.stringify({ __type, message: 'because' }),
});
const inputs = () => aws.requests.map(({ body }) => JSON.parse(body));

describe('the status of an execution', () => {
  it('is asked for without its input and output', async () => {
    aws.answer(() => answer({ status: 'RUNNING', startDate: 1772355600 }));
    await executions.status(ARN);
    expect(inputs()).toEqual([{ executionArn: ARN, includedData: 'METADATA_ONLY' }]);
    expect(aws.requests[0]?.headers).toMatchObject({
      'x-amz-target': 'AWSStepFunctions.DescribeExecution',
      'content-type': 'application/x-amz-json-1.0',
      authorization: expect.stringContaining('/states/aws4_request'),
    });
  });

  it.each(['RUNNING', 'PENDING_REDRIVE'])('%s is running', async (status) => {
    aws.answer(() => answer({ status, stopDate: 1772355600 }));
    expect(await executions.status(ARN)).toEqual({ state: 'running' });
  });

  it.each(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'])(
    '%s has ended, to the millisecond',
    async (status) => {
      aws.answer(() => answer({ status, stopDate: 1772355600.123 }));
      expect(await executions.status(ARN)).toEqual({
        state: 'ended',
        status,
        at: new Date('2026-03-01T09:00:00.123Z'),
      });
    },
  );

  it('is unknown when Step Functions says that there is no such execution', async () => {
    aws.answer(() => refusal('ExecutionDoesNotExist'));
    expect(await executions.status(ARN)).toEqual({ state: 'unknown' });
  });

  it.each<[string, string, AwsReply]>([
    ['an end without a moment', 'ServiceUnavailable', answer({ status: 'FAILED' })],
    ['a status that nobody knows', 'ServiceUnavailable', answer({ status: 'DANCING', stopDate: 1 })],
    ['an empty answer', 'ServiceUnavailable', {}],
    ['throttling', 'ServiceUnavailable', refusal('ThrottlingException')],
    ['a machine that does not exist', 'ServiceRefused', refusal('StateMachineDoesNotExist')],
    ['a missing permission', 'ServiceRefused', refusal('AccessDeniedException')],
  ])('is never made up from %s', async (_, name, reply) => {
    aws.answer(() => reply);
    await expect(executions.status(ARN)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(ARN),
    });
  });
});

describe('the description of an execution', () => {
  it('has its input, its output, and how it failed', async () => {
    const startDate = 1772355600;
    aws.answer(() =>
      answer({
        status: 'SUCCEEDED',
        startDate,
        stopDate: startDate + 60,
        input: '{}',
        output: '{"ready":true}',
      }),
    );
    expect(await executions.describe(ARN)).toEqual({
      state: { state: 'ended', status: 'SUCCEEDED', at: new Date('2026-03-01T09:01:00Z') },
      startedAt: new Date('2026-03-01T09:00:00Z'),
      input: '{}',
      output: { ready: true },
    });
    expect(inputs()).toEqual([{ executionArn: ARN }]);
    aws.answer(() =>
      answer({ status: 'FAILED', startDate, stopDate: startDate, error: 'RolledBack', cause: 'why' }),
    );
    expect(await executions.describe(ARN)).toMatchObject({ error: 'RolledBack', cause: 'why' });
  });

  it.each<[string, AwsReply]>([
    ['without a begin', answer({ status: 'RUNNING' })],
    ['with an output that is not JSON', answer({ status: 'RUNNING', startDate: 1, output: '{"secret' })],
  ])('%s is no description', async (_, reply) => {
    aws.answer(() => reply);
    const failure = executions.describe(ARN);
    await expect(failure).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    await expect(failure).rejects.not.toThrow(/secret/);
  });
});

describe('the recent turns of an execution', () => {
  const timestamp = 1772355600.5;
  const event = (id: number, type: string, details: object = {}) => ({
    id,
    timestamp: timestamp + id,
    type,
    ...details,
  });
  const entered = (id: number, name: string) =>
    event(id, 'TaskStateEntered', { stateEnteredEventDetails: { name, input: '{}' } });
  const turns = async (...events: object[]) => {
    aws.answer(() => answer({ events: [...events].reverse() }));
    return executions.recent(ARN);
  };

  it('are the newest, told in their order, each with its state', async () => {
    const found = await turns(
      // Of a state whose name is further back.
      event(10, 'LambdaFunctionSucceeded', {
        lambdaFunctionSucceededEventDetails: { output: '{"reason":"lost"}' },
      }),
      entered(12, 'New hosts are ready'),
      event(13, 'LambdaFunctionScheduled', { lambdaFunctionScheduledEventDetails: { resource: 'arn' } }),
      event(15, 'LambdaFunctionSucceeded', {
        lambdaFunctionSucceededEventDetails: { output: '{"ready":false}' },
      }),
    );
    expect(found).toEqual([
      { id: 12, at: new Date('2026-03-01T09:00:12.500Z'), state: 'New hosts are ready', kind: 'entered' },
      {
        id: 15,
        at: new Date('2026-03-01T09:00:15.500Z'),
        state: 'New hosts are ready',
        kind: 'answered',
        answer: { ready: false },
      },
    ]);
    expect(inputs()).toEqual([
      { executionArn: ARN, reverseOrder: true, maxResults: 100, includeExecutionData: true },
    ]);
  });

  it.each([
    ['LambdaFunctionFailed', 'lambdaFunctionFailedEventDetails'],
    ['LambdaFunctionTimedOut', 'lambdaFunctionTimedOutEventDetails'],
    ['TaskFailed', 'taskFailedEventDetails'],
    ['TaskTimedOut', 'taskTimedOutEventDetails'],
  ])('tell of a failure in %s', async (type, details) => {
    const why = { error: 'ServiceUnavailable', cause: '{"errorMessage":"slow"}' };
    const [, failed] = await turns(entered(1, 'Resolve the image'), event(2, type, { [details]: why }));
    expect(failed).toMatchObject({ kind: 'failed', state: 'Resolve the image', ...why });
  });

  it('do without an answer that was cut off', async () => {
    const cut = {
      lambdaFunctionSucceededEventDetails: { output: '{"rea', outputDetails: { truncated: true } },
    };
    expect((await turns(entered(1, 'a'), event(2, 'LambdaFunctionSucceeded', cut)))[1]).toMatchObject({
      kind: 'answered',
      answer: null,
    });
  });

  it('are none of an execution that Step Functions does not know', async () => {
    aws.answer(() => refusal('ExecutionDoesNotExist'));
    expect(await executions.recent(ARN)).toEqual([]);
  });

  it('are unknown when the answer is none', async () => {
    aws.answer(() => answer({}));
    await expect(executions.recent(ARN)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });
});

describe('the document of an execution', () => {
  const event = (id: number, details: object = {}) => ({ id, timestamp: 1772355600 + id, ...details });
  const entered = (id: number, input: string) =>
    event(id, { stateEnteredEventDetails: { name: 's', input } });
  const document = (...events: object[]) => {
    aws.answer(() => answer({ events: [...events].reverse() }));
    return executions.document(ARN);
  };

  it('is what it entered its newest state with, whatever has happened since', async () => {
    expect(await document(entered(1, '{"a":1}'), entered(5, '{"a":2}'), event(6), event(7))).toEqual({
      a: 2,
    });
    expect(inputs()).toEqual([
      { executionArn: ARN, reverseOrder: true, maxResults: 40, includeExecutionData: true },
    ]);
  });

  it.each<[string, readonly object[]]>([
    ['has entered none', [event(1)]],
    ['has one that was cut off', [entered(1, '{"a":')]],
    ['has no event', []],
  ])('is none of one that %s', async (_, events) => expect(await document(...events)).toBeUndefined());

  it('is none of one that Step Functions does not know', async () => {
    aws.answer(() => refusal('ExecutionDoesNotExist'));
    expect(await executions.document(ARN)).toBeUndefined();
  });
});

describe('the events of an execution', () => {
  const timestamp = (id: number) => 1772355600.5 + id;
  const at = (id: number) => new Date(timestamp(id) * 1000);
  const raw = (id: number, type: string, details: object = {}) => ({
    id,
    previousEventId: id - 1,
    timestamp: timestamp(id),
    type,
    ...details,
  });
  /** Newest first, as they are asked for, so many a page. */
  const history = (pageSize: number, events: object[]) =>
    aws.answer(({ body }) => {
      const { nextToken = '0' } = JSON.parse(body);
      const from = Number(nextToken);
      const to = from + pageSize;
      const newestFirst = [...events].reverse();
      return answer({
        events: newestFirst.slice(from, to),
        ...(to < events.length && { nextToken: String(to) }),
      });
    });
  const looks = (many: number) =>
    Array.from({ length: many }, (_, index) => raw(index + 1, 'WaitStateExited'));

  it('are told in their order, by what they mean, and from no data', async () => {
    const cause = { error: 'Lambda.Unknown', cause: '{"secret":1}' };
    history(100, [
      raw(1, 'ExecutionStarted'),
      raw(2, 'TaskStateEntered', { stateEnteredEventDetails: { name: 'Launch new instances' } }),
      raw(3, 'LambdaFunctionScheduled', { lambdaFunctionScheduledEventDetails: { resource: 'arn' } }),
      raw(4, 'LambdaFunctionStarted'),
      raw(5, 'LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: cause }),
      raw(6, 'TaskScheduled'),
      { ...raw(7, 'TaskSucceeded'), previousEventId: 6 },
      raw(8, 'TaskStateExited'),
      raw(9, 'ExecutionAborted'),
    ]);
    expect(await executions.events(ARN, at(1))).toEqual([
      { id: 1, follows: 0, at: at(1), kind: 'other' },
      { id: 2, follows: 1, at: at(2), kind: 'entered', state: 'Launch new instances' },
      { id: 3, follows: 2, at: at(3), kind: 'scheduled' },
      { id: 4, follows: 3, at: at(4), kind: 'other' },
      { id: 5, follows: 4, at: at(5), kind: 'failed', error: 'Lambda.Unknown' },
      { id: 6, follows: 5, at: at(6), kind: 'scheduled' },
      { id: 7, follows: 6, at: at(7), kind: 'answered' },
      { id: 8, follows: 7, at: at(8), kind: 'other' },
      { id: 9, follows: 8, at: at(9), kind: 'ended' },
    ]);
    expect(inputs()).toEqual([
      { executionArn: ARN, reverseOrder: true, maxResults: 1_000, includeExecutionData: false },
    ]);
  });

  it.each([
    ['LambdaFunctionTimedOut', 'failed'],
    ['LambdaFunctionScheduleFailed', 'failed'],
    ['LambdaFunctionStartFailed', 'failed'],
    ['TaskFailed', 'failed'],
    ['TaskSubmitFailed', 'failed'],
    ['TaskTimedOut', 'failed'],
    ['TaskSubmitted', 'other'],
    ['TaskStateAborted', 'other'],
    ['ExecutionFailed', 'ended'],
    ['ExecutionTimedOut', 'ended'],
    ['ExecutionSucceeded', 'ended'],
    ['ExecutionRedriven', 'other'],
    ['ChoiceStateEntered', 'entered'],
  ])('%s is: %s', async (type, kind) => {
    history(100, [raw(1, type)]);
    expect(await executions.events(ARN, at(1))).toMatchObject([{ kind }]);
  });

  it('are read page by page, until they are old enough', async () => {
    history(10, looks(60));
    const found = await executions.events(ARN, at(45));
    expect(found.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => index + 41));
    expect(inputs().map(({ nextToken }) => nextToken)).toEqual([undefined, '10']);
  });

  it('are read for three pages at most: of the rest nobody hears', async () => {
    history(10, looks(60));
    expect((await executions.events(ARN, at(1))).map(({ id }) => id)[0]).toBe(31);
    expect(aws.requests).toHaveLength(3);
  });

  it('are none of an execution that Step Functions does not know', async () => {
    aws.answer(() => refusal('ExecutionDoesNotExist'));
    expect(await executions.events(ARN, at(1))).toEqual([]);
  });

  it.each<[string, string, AwsReply]>([
    ['an answer without events', 'ServiceUnavailable', answer({})],
    ['half an event', 'ServiceUnavailable', answer({ events: [{ id: 1, type: 'TaskScheduled' }] })],
    ['an event that is none', 'ServiceUnavailable', answer({ events: [null] })],
    ['a missing permission', 'ServiceRefused', refusal('AccessDeniedException')],
  ])('are never made up from %s', async (_, name, reply) => {
    aws.answer(() => reply);
    await expect(executions.events(ARN, at(1))).rejects.toMatchObject({ name });
  });
});

describe('starting an execution', () => {
  const started = answer({ executionArn: ARN, startDate: 1772355600 });
  const start = () => executions.start(MACHINE, 'one', '{"versionId":"v1"}');

  it('is one request with the name and the input as they are', async () => {
    aws.answer(() => started);
    await start();
    expect(aws.requests[0]?.headers['x-amz-target']).toBe('AWSStepFunctions.StartExecution');
    expect(inputs()).toEqual([{ stateMachineArn: MACHINE, name: 'one', input: '{"versionId":"v1"}' }]);
  });

  it('is done when it had been started before', async () => {
    aws.answer(() => refusal('ExecutionAlreadyExists'));
    await start();
    expect(aws.requests).toHaveLength(1);
  });

  it.each([
    ['it still runs', started],
    ['it has ended meanwhile', refusal('ExecutionAlreadyExists')],
  ])('is done when the answer to the first try was lost and %s', async (_, second) => {
    aws.answer(() => (aws.requests.length === 1 ? { instead: 'hang-up' } : second));
    await start();
    const [first, repeated] = inputs();
    expect(repeated).toEqual(first);
  });

  it.each([
    ['ServiceUnavailable', 'ExecutionLimitExceeded', 3],
    ['ServiceRefused', 'StateMachineDoesNotExist', 1],
    ['ServiceRefused', 'InvalidName', 1],
  ])('is a %s after %s', async (name, code, requests) => {
    aws.answer(() => refusal(code));
    await expect(start()).rejects.toMatchObject({ name, message: expect.stringContaining('one') });
    expect(aws.requests).toHaveLength(requests);
  });
});
