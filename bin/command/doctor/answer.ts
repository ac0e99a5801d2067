/** Questions whose failure is a fact like any other: one that fails never keeps the rest from being answered. */
import { type DeploymentError, isFailure } from '../../../lambdas/domain/core/errors.ts';
import { type CheckName, type Finding, unknown } from './finding.ts';

export type Answer<T> =
  | { readonly known: true; readonly value: T }
  /** An error is "unknown", never "gone". */
  | { readonly known: false; readonly error: DeploymentError; readonly needs: string };

export const known = <T>(value: T): Answer<T> => ({ known: true, value });

/**
 * @param needs the permissions that the question takes, by their IAM names; empty where AWS is not asked
 * @throws what is no failure of the closed list: a bug
 */
export async function ask<T>(needs: string, question: () => Promise<T>): Promise<Answer<T>> {
  try {
    return known(await question());
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { known: false, error, needs };
  }
}

/** A question that takes the answer of another one. */
export async function andThen<A, B>(
  first: Promise<Answer<A>>,
  next: (value: A) => Promise<Answer<B>>,
): Promise<Answer<B>> {
  const answer = await first;
  return answer.known ? next(answer.value) : answer;
}

type Values<A extends readonly Answer<unknown>[]> = {
  readonly [I in keyof A]: A[I] extends Answer<infer T> ? T : never;
};

/**
 * The findings of a check that needs these answers; one that lacks is the finding itself.
 * @param about what the check looks at: `the subnets`
 */
export function given<const A extends readonly Answer<unknown>[]>(
  check: CheckName,
  about: string,
  answers: A,
  judge: (...values: Values<A>) => readonly Finding[],
): readonly Finding[] {
  for (const answer of answers) if (!answer.known) return [notLookedAt(check, about, answer)];
  const values = answers.flatMap((answer) => (answer.known ? [answer.value] : []));
  return judge(...(values as unknown as Values<A>));
}

/** In AWS's many words for it. */
const DENIED =
  /AccessDenied|UnauthorizedOperation|not authorized|\(403\)|AuthorizationError|AuthFailure|Forbidden/i;

/** Without what differs from question to question of one outage, and the advice that is for others. */
const inOurWords = (message: string) =>
  message
    .replace(/ (Check the permissions of|It may pass:|If Mackerel is not under) .*$/, '')
    .replace(/ (GET|POST) \S+ in \d+ attempts/, '')
    .replace(/\.$/, '');

/** The finding of a check whose question was not answered. */
export function notLookedAt(
  check: CheckName,
  about: string,
  { error, needs }: Extract<Answer<unknown>, { known: false }>,
): Finding {
  const failure = error.name;
  if (failure === 'ServiceRefused' && needs !== '' && DENIED.test(error.message))
    return unknown(check, `${about}: you may not look; it needs ${needs}`, {
      mend: [`Ask for ${needs}, or run the doctor as somebody who has it.`],
      failure,
      about,
    });
  const mend = failure === 'ServiceUnavailable' ? { mend: ['Run the doctor again.'] } : {};
  return unknown(check, `${about}: ${inOurWords(error.message)}`, { ...mend, failure, about });
}
