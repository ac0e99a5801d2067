/**
 * What keeps a command from working, in sentences: credentials, a wrong clock, refusals by AWS. Anything else is a bug,
 * and is shown with its stack. Machines are answered in either case.
 */

import { isFailure } from '../../lambdas/domain/core/errors.ts';
import type { Caller } from '../../lambdas/ports/command.ts';
import { callerName } from './command.ts';
import { logIn } from './credentials.ts';
import { failed, type Outcome } from './outcome.ts';

/** Errors that AWS returns for every call: how to recognize one, its name, and what to say about it. */
const REFUSALS: readonly {
  readonly words: RegExp;
  readonly error: string;
  readonly lines: (asked: string) => readonly string[];
}[] = [
  {
    // A signature that is too old, or not valid yet: requests are good for five (S3: fifteen) minutes.
    words:
      /RequestTimeTooSkewed|RequestExpired|Signature expired|Signature not yet current|request timestamp too skewed/i,
    error: 'ClockOff',
    lines: (asked) => [
      `The clock of this machine is wrong, so AWS rejects its signatures: ${asked}`,
      `It says ${new Date().toISOString().slice(0, 19)}Z. Set the clock (NTP), and run the command again.`,
    ],
  },
  {
    words: /ExpiredToken|TokenRefreshRequired|security token (included in the request )?is expired/i,
    error: 'ExpiredCredentials',
    lines: (asked) => [`The AWS credentials have expired: ${asked}`, logIn()],
  },
  {
    words: /InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|AuthFailure/,
    error: 'BadCredentials',
    lines: (asked) => [`AWS does not know these credentials: ${asked}`, logIn()],
  },
];

/** No answer came at all: Node’s message for a request that never got through, which tells a person nothing. */
const UNREACHABLE = /TypeError: fetch failed/;

/** The SDK's name; its message says what it tried, and never a credential. */
const hasNoCredentials = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'CredentialsProviderError';

/** Something outside keeps the command from working; anything else is a bug. */
export const isTrouble = (error: unknown): boolean => hasNoCredentials(error) || isFailure(error);

export function troubleOutcome(error: unknown, caller: Caller | undefined): Outcome {
  if (hasNoCredentials(error))
    return trouble('NoCredentials', [`There are no AWS credentials: ${error.message}`, logIn()]);
  if (!isFailure(error)) return crashed(error);
  const { name, message } = error;
  const refusal = name === 'ServiceRefused' && REFUSALS.find(({ words }) => words.test(message));
  if (refusal) return trouble(refusal.error, refusal.lines(firstClause(message)));
  if (name === 'ServiceUnavailable' && !caller && UNREACHABLE.test(message))
    return trouble('Unreachable', [
      'AWS cannot be reached from here: the call that identifies these credentials got no answer.',
      'Nothing was read or changed. Check the network of this machine, and its proxy, and run the command again.',
    ]);
  const whose = caller && name === 'ServiceRefused' ? [`You are ${callerName(caller)}.`] : [];
  return trouble(name, [message, ...whose]);
}

const crashed = (error: unknown): Outcome =>
  trouble('CommandCrashed', [
    'The command crashed, which is a bug in irekae: please report these lines. Started deployments go on without it.',
    ...String(error instanceof Error ? (error.stack ?? error) : error).split('\n'),
  ]);

/** Without the advice about permissions, which does not apply here. */
const firstClause = (message: string): string => message.split('. Check the permissions')[0] ?? message;

const trouble = (error: string, lines: readonly string[]): Outcome => failed('failed', lines, { error });
