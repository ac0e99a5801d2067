/** SSM parameters behind their port. What a parameter holds may be a secret: it never stands in an error. */

import type { Parameters } from '../ports/parameters.ts';
import { unavailable } from './wire/aws-errors.ts';
import { type AwsJsonOptions, jsonCaller, liveJsonOptions } from './wire/aws-json.ts';

export const liveParameters = (): Parameters => parametersAdapter(liveJsonOptions());

const ABSENT = ['ParameterNotFound', 'ParameterVersionNotFound'];

export function parametersAdapter(options: AwsJsonOptions): Parameters {
  const call = jsonCaller('ssm', options);
  return {
    read: async (name) => {
      const doing = `read the parameter ${name}`;
      const input = { Name: name, WithDecryption: true };
      const { refusal, body } = await call({ operation: 'GetParameter', input, doing, expects: ABSENT });
      if (refusal !== undefined) return undefined;
      const { Value: value } = Object(body.Parameter) as { Value?: unknown };
      if (typeof value !== 'string') throw unavailable(doing, 'the answer could not be read');
      return value;
    },
  };
}
