/** What CloudFormation says of a stack, and what it is told about a change of one. */

import { DeploymentError } from '../domain/core/errors.ts';
import type { Stacks } from '../ports/stacks.ts';
import { asking, isNamed, unavailable } from './wire/aws-errors.ts';
import { liveJsonOptions, patiently } from './wire/aws-json.ts';
import { type AwsQueryOptions, sendQuery as send, tagged } from './wire/aws-query.ts';

/** With the function's own credentials. */
export const liveStacks = (): Stacks => ({
  status: (name) => patiently(() => stackStatus(liveJsonOptions(), name)),
});

/** Puts the answer where CloudFormation waits for it: at an address that is a secret for as long as it is good. */
export async function answerChange(address: string, answer: object): Promise<void> {
  const body = JSON.stringify(answer);
  const put = async () => {
    const response = await fetch(address, { method: 'PUT', body, signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw unavailable('take the answer to a change of a stack', `HTTP ${response.status}`);
  };
  // What `fetch` throws may quote the address.
  await patiently(put).catch(() => {
    throw new DeploymentError(
      'ServiceUnavailable',
      'CloudFormation did not take the answer to a change of a stack. It gives up waiting by itself: deploy again then.',
    );
  });
}

/**
 * `UPDATE_COMPLETE` and its like; `undefined` when there is no such stack. Needs `cloudformation:DescribeStacks` on it.
 * @throws ServiceRefused, ServiceUnavailable
 */
export async function stackStatus(options: AwsQueryOptions, stack: string): Promise<string | undefined> {
  const answer = await describeStack(options, stack);
  const status = answer && tagged(answer, 'StackStatus');
  if (answer !== undefined && status === undefined)
    throw unavailable(`describe the stack ${stack}`, 'the answer could not be read');
  return status;
}

/** CloudFormation's answer; `undefined` when there is no such stack, for which it has no error name of its own. */
export const describeStack = (options: AwsQueryOptions, StackName: string): Promise<string | undefined> =>
  asking(`describe the stack ${StackName}`, async () => {
    try {
      const form = { Action: 'DescribeStacks', Version: '2010-05-15', StackName };
      return await send(options, 'cloudformation', form);
    } catch (error) {
      if (isNamed(error, 'ValidationError') && error.message.includes('does not exist')) return undefined;
      throw error;
    }
  });
