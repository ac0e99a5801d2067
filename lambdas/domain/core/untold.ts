/**
 * What only tells somebody (a status, a retirement, a record) decides nothing: an undo, or what comes after the point of
 * no return, goes on without. For a short while it is tried again; then it is owed (`lock/debts.ts`).
 */
import { DeploymentError, isFailure, sentenceOf } from './errors.ts';
import { secondsBetween } from './words.ts';

/** So long a dropped connection, a 503 or a throttled minute may last before it counts as an outage. */
const TRY_AGAIN_SECONDS = 30;

/** @returns why it could not be told, which `tell` may answer itself; nothing: it was told. */
export async function whyUntold(tell: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return (await tell()) || undefined;
  } catch (error) {
    return whyOf(error);
  }
}

/** For brackets: with its name, without its full stop. */
export const whyOf = (error: unknown): string =>
  isFailure(error) ? `${error.name}: ${sentenceOf(error).replace(/\.$/, '')}` : sentenceOf(error);

/** Told once more before it counts as untold. @returns as above */
export async function whyUntoldTwice(tell: () => Promise<string | undefined>): Promise<string | undefined> {
  return (await whyUntold(tell)) && whyUntold(tell);
}

/** @param since when it could not be told for the first time, ISO 8601 */
export const isOutage = (since: string, now: Date): boolean =>
  secondsBetween(since, now) >= TRY_AGAIN_SECONDS;

/** For a step that is no wait: the state machine asks again, with pauses, whoever says that a service is not available. */
export function assertTriedLongEnough(since: string, now: Date, why: string): void {
  const prefix = 'ServiceUnavailable: ';
  if (why.startsWith(prefix) && !isOutage(since, now))
    throw new DeploymentError('ServiceUnavailable', `${why.slice(prefix.length)}.`);
}
