/** A pause: the deployment waits for a person, who lets it go on or cancels it; and what becomes of it when nobody does. */
import type { LedgerRow } from '../../ports/ledger.ts';
import type { Deployment } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { COMMAND } from '../core/names.ts';
import { type Pause, POINT } from '../core/points.ts';
import { plain, span, utcMoment } from '../core/words.ts';
import { doubledSentence, type Meanwhile } from '../hosts/meanwhile.ts';

export interface PauseFacts {
  readonly pause: Pause;
  /** A little after what people are told: then every word that was heard in time is in the ledger. */
  readonly deadline: Date;
  readonly now: Date;
  /** What the ledger knows of people's words. */
  readonly go: NonNullable<LedgerRow['held']>['go'];
  readonly meanwhile: Pick<Meanwhile, 'lacks'>;
}

export type PauseVerdict =
  | { readonly over: false; readonly lacks?: string }
  /** Who has decided, in a sentence. */
  | { readonly over: true; readonly decided: string };

/**
 * Whoever has said so is heard also in the last look. Nobody goes on with new hosts of which one is not ready just now: that
 * is looked at twice first.
 * @throws NotContinued when nobody has said anything in time, and the fleet wants it undone then
 */
export function decidePause({ pause, deadline, now, go, meanwhile: { lacks } }: PauseFacts): PauseVerdict {
  const { words } = POINT[pause.at];
  const isTold = go?.where === pause.at;
  const isLate = now >= deadline;
  if (!isTold && isLate && pause.then === 'undo')
    throw new DeploymentError(
      'NotContinued',
      `Nobody let the deployment go on ${words} in ${span(pause.timeoutMinutes * 60)}, and the fleets file says (pauses) that it is undone then.`,
    );
  if (lacks !== undefined) return { over: false, lacks };
  if (isTold) return { over: true, decided: `${words}, ${plain(go.by)} let it go on` };
  if (!isLate) return { over: false };
  const waited = span(pause.timeoutMinutes * 60);
  return {
    over: true,
    decided: `${words}, nobody said anything in ${waited}: it goes on, as the fleets file says`,
  };
}

/** What it waits for, until when, what happens then, and what that costs. */
export function pauseSentence(deployment: Deployment, { at, then }: Pause, until: Date): string {
  const next = then === 'undo' ? 'is undone' : 'goes on';
  return (
    `waits for a person ${POINT[at].words}, until ${utcMoment(until)}, and then ${next}; ${doubledSentence(deployment)}; ` +
    `to let it go on: ${COMMAND} go ${deployment.fleet.name}, to have it undone: cancel`
  );
}
