/** What the examples ask of AWS's answers, on answers that hold more than what is looked for. */
import { describe, expect, it } from 'vitest';
import { queriesIn, textOf } from './aws-queries.ts';
import { exampleFile, exampleFiles } from './example-files.ts';

const QUERIES = queriesIn(...[...exampleFiles('.sh'), 'packer/files/mackerel-api-key'].map(exampleFile));
const asked = (part: string): string => {
  const found = QUERIES.filter((query) => query === part || (part !== 'output' && query.includes(part)));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
};

const step = (name: string) => ({ type: 'TaskStateEntered', stateEnteredEventDetails: { name } });
const said = (output: string) => ({
  type: 'LambdaFunctionSucceeded',
  lambdaFunctionSucceededEventDetails: { output },
});

describe('What an example asks of AWS', () => {
  it('is known here, all of it', () => expect(QUERIES).toHaveLength(16));

  it.each<[string, string, object, string]>([
    [
      'the executions of a machine, each on a line',
      'executions[]',
      { executions: ['c', 'b', 'a'].map((executionArn) => ({ executionArn, name: 'x', status: 'FAILED' })) },
      'c\tFAILED\nb\tFAILED\na\tFAILED',
    ],
    ['no executions', 'executions[]', { executions: [] }, ''],
    [
      'the newest step and what the newest one said, newest first',
      'TaskStateEntered',
      { events: [step('New'), said('{"reason":"new"}'), step('Old'), said('{"reason":"old"}')] },
      'New\t{"reason":"new"}',
    ],
    ['a step that has said nothing', 'TaskStateEntered', { events: [step('New')] }, 'New\tNone'],
    ['no step yet', 'TaskStateEntered', { events: [{ type: 'ExecutionStarted' }] }, 'None\tNone'],
    [
      'in which state it succeeded',
      'SucceedStateEntered',
      {
        events: [
          { type: 'ExecutionSucceeded' },
          { type: 'SucceedStateExited', stateExitedEventDetails: { name: 'Deployed' } },
          { type: 'SucceedStateEntered', stateEnteredEventDetails: { name: 'Deployed' } },
          step('Record the release'),
        ],
      },
      'Deployed',
    ],
    ['how one is that runs', '[status,error]', { status: 'RUNNING' }, 'RUNNING\tNone'],
    [
      'how one is that failed',
      '[status,error]',
      { error: 'RolledBack', status: 'FAILED' },
      'FAILED\tRolledBack',
    ],
    ['an object without a digest', 'Checksum', { VersionId: 'v1', Metadata: { sha256: 'f' } }, 'v1\tNone'],
    ['an object without versions', 'Checksum', { ChecksumSHA256: 'Zg==' }, 'None\tZg=='],
    ['what a promotion made', 'output', { output: '{"promotedAs":"v2"}' }, '{"promotedAs":"v2"}'],
    ['whose credentials', 'Account', { UserId: 'u', Arn: 'arn:x', Account: '1' }, '1\tarn:x'],
    ['an image that AWS does not show yet', 'Images', { Images: [] }, 'None'],
    ['an image', 'Images', { Images: [{ ImageId: 'ami-1', State: 'pending' }] }, 'pending'],
    ['what was launched', 'Instances', { Instances: [{ InstanceId: 'i-1' }] }, 'i-1'],
    ['how old a stack is', 'CreationTime', { Stacks: [{ CreationTime: 'then', StackName: 's' }] }, 'then'],
    ['the agent’s key', 'Parameter', { Parameter: { Name: '/k', Value: 'the key' } }, 'the key'],
  ])('%s', (_, part, answer, text) => expect(textOf(asked(part), answer)).toBe(text));
});
