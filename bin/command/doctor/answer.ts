/** Questions whose failure is a fact like any other: one that fails does not keep the rest from being answered. */
import type { DeploymentError } from '../../../lambdas/domain/core/errors.ts';
import { orElse } from '../attempt.ts';

export type Answer<T> =
  | { readonly known: true; readonly value: T }
  /** An error is "unknown", never "gone". */
  | { readonly known: false; readonly error: DeploymentError; readonly needs: string };

export const known = <T>(value: T): Answer<T> => ({ known: true, value });

/**
 * @param needs the permissions that the question requires, as IAM actions; empty where AWS is not called
 * @throws anything that is not on the closed list of failures: a bug
 */
export const ask = <T>(needs: string, question: () => Promise<T>): Promise<Answer<T>> =>
  orElse<Answer<T>, Answer<T>>(question().then(known), (error) => ({ known: false, error, needs }));

/** A question that needs the answer of another one. */
export async function andThen<A, B>(
  first: Promise<Answer<A>>,
  next: (value: A) => Promise<Answer<B>>,
): Promise<Answer<B>> {
  const answer = await first;
  return answer.known ? next(answer.value) : answer;
}

/** Questions asked side by side: each answer under its question's name, once all are answered. */
export async function together<T extends Readonly<Record<string, Promise<unknown>>>>(
  questions: T,
): Promise<{ readonly [K in keyof T]: Awaited<T[K]> }> {
  const answers = await Promise.all(Object.values(questions));
  const named = Object.keys(questions).map((name, index) => [name, answers[index]]);
  return Object.fromEntries(named);
}
