import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { executionsAdapter } from '../../lambdas/clients/executions.ts';
import type { Executions } from '../../lambdas/clients/ports.ts';
import { type AwsEndpoint, type AwsReply, startAwsEndpoint, testClientOptions } from './aws-endpoint.ts';

const MACHINE = 'arn:aws:states:ap-northeast-1:123456789012:stateMachine:irekae-blog';
const ARN = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-blog:one';

let aws: AwsEndpoint;
let executions: Executions;
beforeEach(async () => {
  aws = await startAwsEndpoint();
  const { region, credentials } = testClientOptions(aws.url);
  const options = { region, endpoint: aws.url, credentials: async () => credentials };
  executions = executionsAdapter({ ...options, timeoutMs: 200, pauseMs: 1 });
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
