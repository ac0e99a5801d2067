/**
 * AWS's JSON services by signed POST: SSM, DynamoDB, Step Functions and EventBridge, of which a step needs a request or two each.
 * Their SDK clients would be the largest part of a bundle. Nothing that a service answers with success ever stands in
 * an error: it may be a secret.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { jsonIn } from './answer.ts';
import { asking, mayPass, unavailable } from './aws-errors.ts';
import { AWS_CLIENT_OPTIONS } from './aws-options.ts';
import { endpointOf } from './endpoint.ts';
import { credentialsFromEnvironment, regionFromEnvironment } from './lambda-credentials.ts';
import { type Signing, sendSigned } from './signed.ts';

/** Host name and signing name of a service → how its requests are addressed. */
const SERVICES = {
  ssm: { target: 'AmazonSSM', version: '1.1' },
  dynamodb: { target: 'DynamoDB_20120810', version: '1.0' },
  states: { target: 'AWSStepFunctions', version: '1.0' },
  events: { target: 'AWSEvents', version: '1.1' },
  kms: { target: 'TrentService', version: '1.1' },
} as const;
export type JsonService = keyof typeof SERVICES;

export interface AwsJsonOptions extends Signing {
  /** The service's own in the Region, unless given. */
  readonly endpoint?: string;
  /** Before the second try; doubled before each further one. */
  readonly pauseMs?: number;
}

export interface JsonRequest {
  /** The service's own word: `GetItem`. */
  readonly operation: string;
  readonly input: object;
  /** Completes "could not …". */
  readonly doing: string;
  /** Refusals that tell the caller something, by the service's own names: answered, not thrown. */
  readonly expects?: readonly string[];
}

export interface JsonAnswer {
  /** Which of the expected refusals it is; absent: success. */
  readonly refusal?: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Sends one request, up to three times. A request whose answer was lost may have taken effect before it is repeated:
 * whoever asks must be able to tell. Throws `ServiceUnavailable` and `ServiceRefused`.
 */
export type CallJson = (request: JsonRequest) => Promise<JsonAnswer>;

const MAX_ATTEMPTS = AWS_CLIENT_OPTIONS.maxAttempts;
const DEFAULT_PAUSE_MS = 200;

/** For the Lambda function that this runs in. */
export const liveJsonOptions = (): AwsJsonOptions => ({
  region: regionFromEnvironment(),
  credentials: credentialsFromEnvironment,
});

export function jsonCaller(service: JsonService, options: AwsJsonOptions): CallJson {
  return (request) =>
    asking(request.doing, () => patiently(() => send(service, options, request), options.pauseMs));
}

/** Tries three times what may pass. */
export async function patiently<T>(attemptOnce: () => Promise<T>, pauseMs = DEFAULT_PAUSE_MS): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptOnce();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !mayPass(error)) throw error;
      await sleep(pauseMs * 2 ** (attempt - 1));
    }
  }
}

async function send(
  service: JsonService,
  options: AwsJsonOptions,
  request: JsonRequest,
): Promise<JsonAnswer> {
  const { region, endpoint = endpointOf(service, region) } = options;
  const { target, version } = SERVICES[service];
  const response = await sendSigned(service, options, endpoint, {
    method: 'POST',
    headers: {
      'content-type': `application/x-amz-json-${version}`,
      'x-amz-target': `${target}.${request.operation}`,
    },
    body: JSON.stringify(request.input),
  });
  const body = parseBody(response.text);
  if (!response.ok) return refusalOf(body ?? {}, response.status, request);
  // An answer that cannot be read says nothing, least of all that something is absent.
  if (body === undefined) throw unavailable(request.doing, 'the answer could not be read');
  return { body };
}

/** `undefined` for what is not a JSON object. */
function parseBody(text: string): JsonAnswer['body'] | undefined {
  try {
    const body = jsonIn(text);
    return typeof body === 'object' && body !== null ? (body as JsonAnswer['body']) : undefined;
  } catch {
    return undefined;
  }
}

/** Refusals that pass although their status is 400; `aws-errors.ts` has the names that all of AWS shares. */
const PASSING = [
  'ExecutionLimitExceeded',
  'KmsThrottlingException',
  'ProvisionedThroughputExceededException',
];

function refusalOf(
  body: JsonAnswer['body'],
  status: number,
  { doing, expects = [] }: JsonRequest,
): JsonAnswer {
  // "com.amazonaws.ssm#ParameterNotFound", or without the prefix.
  const code = String(body.__type ?? `HTTP ${status}`).replace(/^.*#/, '');
  if (expects.includes(code)) return { refusal: code, body };
  if (PASSING.includes(code)) throw unavailable(doing, code);
  // In the shape of the SDK's errors, so that `asking` judges it by the same table. Of the body, AWS's words alone.
  const error = new Error(String(body.message ?? body.Message ?? ''));
  throw Object.assign(error, { name: code, $fault: 'client', $metadata: { httpStatusCode: status } });
}
