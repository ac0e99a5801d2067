/** A hold: somebody wants no deployment of a fleet to start for now. One whose time is over is none anymore. */

import type { LedgerRow, OnHold } from '../../ports/ledger.ts';
import { plain, utcMinute } from '../core/words.ts';

/** @returns the hold that a moment lies in, or nothing. */
export function holdAt(row: Pick<LedgerRow, 'onHold'> | undefined, now: Date): OnHold | undefined {
  const { onHold } = row ?? {};
  const isOver = onHold?.until !== undefined && onHold.until <= now;
  return isOver ? undefined : onHold;
}

/** `the migration runs (by Operator/hanako, 2026-11-22 03:00 UTC), until 2026-11-22 05:00 UTC` */
export const holdSentence = (hold: OnHold): string =>
  `${whyOnHold(hold)}, until ${hold.until === undefined ? 'somebody lifts it' : `${utcMinute(hold.until)} UTC`}`;

export const whyOnHold = ({ reason, by, since }: OnHold): string =>
  `${plain(reason, 256)} (by ${plain(by)}, ${utcMinute(since)} UTC)`;
