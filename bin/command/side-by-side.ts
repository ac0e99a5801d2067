/** Many questions at the same time, and no more than AWS bears from one caller. */
import { sideBySide as atMost } from '../../lambdas/clients/wire/in-chunks.ts';

const AT_ONCE = 10;

/** The answers, in the order of the items. */
export const sideBySide = <T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> =>
  atMost(items, AT_ONCE, ask);
