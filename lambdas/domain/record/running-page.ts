/** The page of a deployment that has not ended: what it would leave beside its record if it ended now. */
import type { Deployment } from '../core/document.ts';
import { recordOf } from './record.ts';
import { RUNNING, timelinePage } from './timeline/page.ts';

/** @param says what it reported last */
export const runningPage = (deployment: Deployment, says: string, now: Date): string =>
  timelinePage(recordOf(deployment, now, { error: RUNNING, cause: says }));
