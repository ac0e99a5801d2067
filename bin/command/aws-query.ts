/**
 * Questions to AWS that no step asks: whose credentials these are (STS), how a stack is and what its outputs are
 * (CloudFormation). Both services speak the query protocol: a signed form, answered with XML, of which a tag or two
 * matter. Their SDK clients would be two more packages.
 */
import { AwsClient } from 'aws4fetch';
import { asking, isNamed, unavailable } from '../../lambdas/clients/aws-errors.ts';
import type { AwsJsonOptions } from '../../lambdas/clients/aws-json.ts';
import { AWS_CLIENT_OPTIONS } from '../../lambdas/clients/aws-options.ts';
import { DeploymentError } from '../../lambdas/domain/errors.ts';
import type { Caller } from './command.ts';

export type AwsQueryOptions = Pick<AwsJsonOptions, 'region' | 'endpoint' | 'credentials' | 'timeoutMs'>;

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
export async function stackOutputs(
  options: AwsQueryOptions,
  stack: string,
): Promise<ReadonlyMap<string, string>> {
  const answer = await asking(`describe the stack ${stack}`, async () => {
    const form = { Action: 'DescribeStacks', Version: '2010-05-15', StackName: stack };
    try {
      return await send(options, 'cloudformation', form);
    } catch (error) {
      if (isNoSuchStack(error))
        throw new DeploymentError(
          'ServiceRefused',
          `There is no stack ${stack} in ${options.region}: nothing was deployed there yet (npx cdk deploy ${stack}).`,
        );
      throw error;
    }
  });
  const outputs = [...answer.matchAll(/<OutputKey>([^<]*)<\/OutputKey>\s*<OutputValue>([^<]*)</g)];
  return new Map(outputs.map(([, key = '', value = '']) => [key, value]));
}

/**
 * `UPDATE_COMPLETE` and its like; `undefined` when there is no such stack. Needs `cloudformation:DescribeStacks` on it.
 * @throws ServiceRefused, ServiceUnavailable
 */
export async function stackStatus(options: AwsQueryOptions, stack: string): Promise<string | undefined> {
  const doing = `describe the stack ${stack}`;
  return asking(doing, async () => {
    const form = { Action: 'DescribeStacks', Version: '2010-05-15', StackName: stack };
    try {
      const status = tagged(await send(options, 'cloudformation', form), 'StackStatus');
      if (status === undefined) throw unavailable(doing, 'the answer could not be read');
      return status;
    } catch (error) {
      if (isNoSuchStack(error)) return undefined;
      throw error;
    }
  });
}

/** CloudFormation has no error name of its own for it. */
const isNoSuchStack = (error: unknown): boolean =>
  isNamed(error, 'ValidationError') && error.message.includes('does not exist');

async function send(
  { region, credentials, timeoutMs, ...options }: AwsQueryOptions,
  service: string,
  form: Readonly<Record<string, string>>,
): Promise<string> {
  const endpoint = options.endpoint ?? `https://${service}.${region}.amazonaws.com/`;
  const signer = new AwsClient({ ...(await credentials()), service, region });
  const signed = await signer.sign(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams(form).toString(),
  });
  const signal = AbortSignal.timeout(timeoutMs ?? AWS_CLIENT_OPTIONS.requestHandler.requestTimeout);
  const response = await fetch(signed, { redirect: 'manual', signal });
  const body = await response.text();
  if (response.ok) return body;
  // In the shape of the SDK's errors, so that it is judged by the same table.
  const error = new Error(tagged(body, 'Message') ?? '');
  const name = tagged(body, 'Code') ?? `HTTP ${response.status}`;
  throw Object.assign(error, { name, $fault: 'client', $metadata: { httpStatusCode: response.status } });
}

/** The text of the first such tag. None of the values that are asked for has an escaped character. */
const tagged = (xml: string, tag: string): string | undefined =>
  new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];
