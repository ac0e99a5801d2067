/**
 * What keeps a command from working, told in sentences: credentials, a clock that is off, what AWS refuses. Anything
 * else is a bug, and comes out with its stack.
 */

import { isFailure } from '../../lambdas/domain/core/errors.ts';
import type { Caller } from '../../lambdas/ports/command.ts';
import { callerName, type Outcome } from './command.ts';

/** AWS's words of a signature that is too old, or not valid yet: requests are good for five (S3: fifteen) minutes. */
const CLOCK_OFF =
  /RequestTimeTooSkewed|RequestExpired|Signature expired|Signature not yet current|request timestamp too skewed/i;
const EXPIRED = /ExpiredToken|TokenRefreshRequired|security token (included in the request )?is expired/i;
/** No answer came at all: Node’s word of a request that never got through, which says nothing to a person. */
const UNREACHABLE = /TypeError: fetch failed/;
const UNKNOWN_KEY = /InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|AuthFailure/;

/** @throws what is no trouble of this kind */
export function troubleOutcome(error: unknown, caller: Caller | undefined): Outcome {
  // The SDK's name; its message says what it tried, and never a credential.
  if (error instanceof Error && error.name === 'CredentialsProviderError')
    return failed(
      'NoCredentials',
      `There are no AWS credentials: ${error.message}`,
      'Log in, or set AWS_PROFILE.',
    );
  if (!isFailure(error)) throw error;
  const { name, message } = error;
  const asked = firstClause(message);
  if (name === 'ServiceRefused' && CLOCK_OFF.test(message))
    return failed(
      'ClockOff',
      `The clock of this machine is off, so AWS refuses its signatures: ${asked}`,
      `Here it is ${new Date().toISOString().slice(0, 19)}Z. Set the clock (NTP), and run the command again.`,
    );
  if (name === 'ServiceRefused' && EXPIRED.test(message))
    return failed('ExpiredCredentials', `The AWS credentials have expired: ${asked}`, 'Log in again.');
  if (name === 'ServiceRefused' && UNKNOWN_KEY.test(message))
    return failed(
      'BadCredentials',
      `AWS does not know these credentials: ${asked}`,
      'Log in, or set AWS_PROFILE.',
    );
  if (name === 'ServiceUnavailable' && !caller && UNREACHABLE.test(message))
    return failed(
      'Unreachable',
      'AWS cannot be reached from here: the question whose credentials these are got no answer.',
      'Nothing was asked or changed. Look at the network of this machine, and its proxy, and run the command again.',
    );
  const whose = caller && name === 'ServiceRefused' ? [`You are ${callerName(caller)}.`] : [];
  return failed(name, message, ...whose);
}

/** Without the advice about permissions, which is not the trouble here. */
const firstClause = (message: string): string => message.split('. Check the permissions')[0] ?? message;

const failed = (error: string, ...lines: string[]): Outcome => ({
  exitCode: 1,
  outcome: 'failed',
  lines,
  facts: { error },
});
