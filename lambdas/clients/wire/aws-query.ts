/**
 * AWS's query services (SNS, STS, CloudFormation) by signed POST: a form, answered with XML, of which a tag or two
 * matter. One try; what goes wrong is thrown in the shape of the SDK's errors, for `asking` to judge.
 */

import type { AwsJsonOptions } from './aws-json.ts';
import { endpointOf } from './endpoint.ts';
import { sendSigned } from './signed.ts';

export type AwsQueryOptions = Pick<AwsJsonOptions, 'region' | 'endpoint' | 'credentials' | 'timeoutMs'>;

/** @param form with `Action` and `Version`. Answers the XML of a success. */
export async function sendQuery(
  options: AwsQueryOptions,
  service: string,
  form: Readonly<Record<string, string>>,
): Promise<string> {
  const endpoint = options.endpoint ?? endpointOf(service, options.region);
  const response = await sendSigned(service, options, endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams(form).toString(),
  });
  const body = response.text;
  if (response.ok) return body;
  // In the shape of the SDK's errors, so that it is judged by the same table.
  const error = new Error(tagged(body, 'Message') ?? '');
  const name = tagged(body, 'Code') ?? `HTTP ${response.status}`;
  throw Object.assign(error, { name, $fault: 'client', $metadata: { httpStatusCode: response.status } });
}

/** The text of the first such tag. None of the values that are asked for has an escaped character. */
export const tagged = (xml: string, tag: string): string | undefined =>
  new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];
