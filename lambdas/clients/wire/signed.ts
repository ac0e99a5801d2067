/** One signed request to AWS, and what may be read of its answer. */
import { AwsClient } from 'aws4fetch';
import { keepSecret } from '../../domain/core/secrets.ts';
import { textOf } from './answer.ts';
import { AWS_CLIENT_OPTIONS } from './aws-options.ts';
import type { Credentials } from './lambda-credentials.ts';

export interface Signing {
  readonly region: string;
  /** Asked before each request. */
  readonly credentials: () => Promise<Credentials>;
  /** Of one request, with its answer. */
  readonly timeoutMs?: number;
}

export interface SignedAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One try. Throws what `fetch` throws, and `ServiceUnavailable` for an answer that is too large. */
export async function sendSigned(
  service: string,
  { region, credentials, timeoutMs = AWS_CLIENT_OPTIONS.requestHandler.requestTimeout }: Signing,
  url: string | URL,
  request: RequestInit,
): Promise<SignedAnswer> {
  const identity = await credentials();
  // What AWS refuses it may quote, with the session token.
  for (const secret of [identity.secretAccessKey, identity.sessionToken]) keepSecret(secret);
  const signed = await new AwsClient({ ...identity, service, region }).sign(url, request);
  const response = await fetch(signed, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  const { ok, status, headers } = response;
  return { ok, status, headers, text: await textOf(response, new URL(signed.url).host) };
}
