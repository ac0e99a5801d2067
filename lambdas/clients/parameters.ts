/**
 * SSM parameters behind their port: one signed POST. The SDK's SSM client would be the largest part of every bundle
 * that asks Mackerel anything, for the sake of this one request. Nothing that SSM answers with success ever stands in
 * an error: it may hold the secret.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import { asking, mayPass, unavailable } from './aws-errors.ts';
import { AWS_CLIENT_OPTIONS } from './aws-options.ts';
import { type Credentials, credentialsFromEnvironment, regionFromEnvironment } from './lambda-credentials.ts';
import type { Parameters } from './ports.ts';

export interface ParametersOptions {
  readonly region: string;
  /** SSM's own in the Region, unless given. */
  readonly endpoint?: string;
  /** Asked before each request. */
  readonly credentials: () => Promise<Credentials>;
  /** Of one request, with its answer. */
  readonly timeoutMs?: number;
  /** Before the second try; doubled before each further one. */
  readonly pauseMs?: number;
}

const MAX_ATTEMPTS = AWS_CLIENT_OPTIONS.maxAttempts;
const DEFAULT_PAUSE_MS = 200;

export const liveParameters = (): Parameters =>
  parametersAdapter({ region: regionFromEnvironment(), credentials: credentialsFromEnvironment });

export function parametersAdapter(options: ParametersOptions): Parameters {
  return {
    read: (name) => asking(`read the parameter ${name}`, () => readPatiently(options, name)),
  };
}

async function readPatiently(options: ParametersOptions, name: string): Promise<string | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read(options, name);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !mayPass(error)) throw error;
      await sleep((options.pauseMs ?? DEFAULT_PAUSE_MS) * 2 ** (attempt - 1));
    }
  }
}

async function read(options: ParametersOptions, name: string): Promise<string | undefined> {
  const { region, endpoint = `https://ssm.${region}.amazonaws.com/` } = options;
  const signer = new AwsClient({ ...(await options.credentials()), service: 'ssm', region });
  const request = await signer.sign(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.GetParameter' },
    body: JSON.stringify({ Name: name, WithDecryption: true }),
  });
  const timeoutMs = options.timeoutMs ?? AWS_CLIENT_OPTIONS.requestHandler.requestTimeout;
  const response = await fetch(request, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  const answer = parseAnswer(await response.text());
  return response.ok ? parameterValue(answer, name) : refusal(answer, response.status);
}

/** The parts of SSM's answers that are looked at. */
interface Answer {
  readonly Parameter?: { readonly Value?: unknown };
  readonly __type?: unknown;
  readonly message?: unknown;
  readonly Message?: unknown;
}

/** Never throws: the error of `JSON.parse` quotes the text, which may be the secret. */
function parseAnswer(text: string): Answer {
  try {
    return Object(JSON.parse(text)) as Answer;
  } catch {
    return {};
  }
}

function parameterValue(answer: Answer, name: string): string {
  const value = answer.Parameter?.Value;
  if (typeof value === 'string') return value;
  throw unavailable(`read the parameter ${name}`, 'the answer could not be read');
}

const ABSENT = ['ParameterNotFound', 'ParameterVersionNotFound'];

/** `undefined` for "there is none"; throws for everything else. */
function refusal(answer: Answer, status: number): undefined {
  // "com.amazonaws.ssm#ParameterNotFound", or without the prefix.
  const code = String(answer.__type ?? `HTTP ${status}`).replace(/^.*#/, '');
  if (ABSENT.includes(code)) return undefined;
  // In the shape of the SDK's errors, so that `asking` judges it by the same table. SSM throttles with a 400.
  const error = new Error(String(answer.message ?? answer.Message ?? ''));
  throw Object.assign(error, { name: code, $fault: 'client', $metadata: { httpStatusCode: status } });
}
