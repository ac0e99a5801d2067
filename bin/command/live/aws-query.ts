/**
 * AWS calls that no step makes: whose credentials these are (STS), a stack's status and its outputs
 * (CloudFormation). Their SDK clients would be two more packages.
 */

import { describeStack } from '../../../lambdas/clients/stacks.ts';
import { asking, unavailable } from '../../../lambdas/clients/wire/aws-errors.ts';
import { type AwsQueryOptions, sendQuery as send, tagged } from '../../../lambdas/clients/wire/aws-query.ts';
import { DeploymentError } from '../../../lambdas/domain/core/errors.ts';
import type { Caller } from '../../../lambdas/ports/command.ts';

/** Needs no permission. @throws ServiceUnavailable, ServiceRefused (expired or wrong credentials) */
export async function findCaller(options: AwsQueryOptions): Promise<Caller> {
  const doing = 'tell whose credentials these are';
  const answer = await asking(doing, () =>
    send(options, 'sts', { Action: 'GetCallerIdentity', Version: '2011-06-15' }),
  );
  const [account, arn] = [tagged(answer, 'Account'), tagged(answer, 'Arn')];
  if (account === undefined || arn === undefined) throw unavailable(doing, 'the answer could not be read');
  return { account, arn };
}

/**
 * Output → value. Needs `cloudformation:DescribeStacks` on the stack.
 * @throws ServiceRefused when there is no such stack; ServiceUnavailable
 */
export async function stackOutputs(options: AwsQueryOptions, stack: string): Promise<Map<string, string>> {
  const answer = await describeStack(options, stack);
  if (answer === undefined)
    throw new DeploymentError(
      'ServiceRefused',
      `There is no stack ${stack} in ${options.region}: nothing was deployed there yet (npx cdk deploy ${stack}).`,
    );
  const outputs = [...answer.matchAll(/<OutputKey>([^<]*)<\/OutputKey>\s*<OutputValue>([^<]*)</g)];
  return new Map(outputs.map(([, key = '', value = '']) => [key, value]));
}

/** Needs `cloudformation:DeleteStack` on it, and what its resources take. @throws ServiceRefused, ServiceUnavailable */
export const deleteStack = async (options: AwsQueryOptions, StackName: string): Promise<void> => {
  const form = { Action: 'DeleteStack', Version: '2010-05-15', StackName };
  await asking(`delete the stack ${StackName}`, () => send(options, 'cloudformation', form));
};
