/** Calls whose failure is an answer too, because the command can do without the result. */
import { type DeploymentError, type FailureName, isFailure } from '../../lambdas/domain/core/errors.ts';

/**
 * The answer; or what `otherwise` makes of a failure on the closed list.
 * @param name the only failure that counts as an answer, if there is just one
 * @throws everything else: it is a bug, or for the caller to report
 */
export async function orElse<T, E>(
  asked: Promise<T>,
  otherwise: (failure: DeploymentError) => E,
  name?: FailureName,
): Promise<T | E> {
  try {
    return await asked;
  } catch (error) {
    if (!isFailure(error, name)) throw error;
    return otherwise(error);
  }
}

/** The answer, or `undefined`. */
export const orUndefined = <T>(asked: Promise<T>, name?: FailureName): Promise<T | undefined> =>
  orElse(asked, () => undefined, name);

/** The answer, or `undefined` and a sentence in `unknown`. */
export const orUnknown = <T>(asked: Promise<T>, unknown: string[]): Promise<T | undefined> =>
  orElse(asked, ({ message }) => {
    unknown.push(message);
    return undefined;
  });
