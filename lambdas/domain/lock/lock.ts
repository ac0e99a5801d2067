/** Decisions about a fleet's lock: what a start does that finds it held, and what is to be done about a dead holder. */

import type { ExecutionState } from '../../ports/executions.ts';
import type { LedgerRow, PendingRequest, Phase } from '../../ports/ledger.ts';
import type { TakeOver } from '../core/document.ts';
import { isFollowUp } from '../core/names.ts';
import { ACTS, TAKE_OVER_AFTER_SECONDS } from '../core/steps.ts';
import { span } from '../core/words.ts';

type Held = NonNullable<LedgerRow['held']>;

/** Step Functions answers "unknown" for a very young execution too: only an old lock is held by nobody then. */
const YOUNG_SECONDS = 300;

/** Is the holder dead, and since when? `undefined`: it runs, or may run. */
export function deadSince(held: Held, state: ExecutionState, now: Date): Date | undefined {
  if (state.state === 'ended') return state.at;
  const age = (now.getTime() - held.since.getTime()) / 1000;
  return state.state === 'unknown' && age > YOUNG_SECONDS ? held.since : undefined;
}

/**
 * May a request take the pending slot from the one that waits there? It ends as if each had had its turn:
 *
 * - Among uploads the newest artifact wins, by S3's own order and never by arrival; of one version the later request.
 * - What a person asked for gives way only to an upload that is newer than all that was there when they asked: the
 *   event of an older one is late, or comes again.
 * - Who goes back means to leave what was uploaded before, so that a rollback takes the place of anything, and gives way
 *   to the next person and the next upload.
 * - A fleet that follows another goes where that one went last, be it back: what follows a later deployment takes the
 *   place of what follows an earlier one.
 * - A new image waits for nobody's sake: any other deployment takes the newest image too, or names one on purpose.
 *
 * @param newestFirst the key's version ids
 */
export function takesTheSlot(
  waiting: PendingRequest | undefined,
  request: PendingRequest,
  newestFirst: readonly string[],
): boolean {
  if (!waiting) return true;
  const [asks, waits] = [sortOf(request), sortOf(waiting)];
  if (asks === 'new image' || waits === 'new image') return waits === 'new image';
  if (asks === 'rollback' || (isFollowUp(request.id) && isFollowUp(waiting.id))) return true;
  if (waits === 'rollback' && asks === 'by hand') return true;
  const age = (versionId: string) => {
    const index = newestFirst.indexOf(versionId);
    return index === -1 ? Number.POSITIVE_INFINITY : index;
  };
  const mark = asks === 'upload' ? (waiting.newestVersionId ?? waiting.versionId) : waiting.versionId;
  const [asked, held] = [age(request.versionId), age(mark)];
  return asked === held ? waits === 'upload' || asks !== 'upload' : asked < held;
}

/** Who or what asks, by the input. */
type Sort = 'upload' | 'new image' | 'rollback' | 'by hand';

function sortOf({ input }: PendingRequest): Sort {
  const { upload, newImage, rollbackTo } = JSON.parse(input) as Record<string, unknown>;
  if (upload !== undefined) return 'upload';
  if (newImage !== undefined) return 'new image';
  return rollbackTo === undefined ? 'by hand' : 'rollback';
}

/**
 * What was the newest when a person asked for another version, so that an upload of before is told from a newer one.
 * @param newestFirst the key's version ids
 */
export function markedWith(request: PendingRequest, newestFirst: readonly string[]): PendingRequest {
  const isPersons = sortOf(request) === 'rollback' || sortOf(request) === 'by hand';
  const [newest] = newestFirst;
  if (!isPersons || newest === undefined || newest === request.versionId) return request;
  return { ...request, newestVersionId: newest };
}

/** What a request would deploy, for sentences: `version v3`, `the rollback to deploy-1 (version v1)`. */
export function wantedBy(request: PendingRequest): string {
  const sort = sortOf(request);
  if (sort === 'new image') return 'what runs, on the newest image,';
  if (sort !== 'rollback') return `version ${request.versionId}`;
  const { rollbackTo } = JSON.parse(request.input) as { rollbackTo: string };
  return `the rollback to ${rollbackTo} (version ${request.versionId})`;
}

type Verdict = Pick<TakeOver, 'ready' | 'verdict' | 'reason'> & { readonly waitSeconds?: number };

/** What a clean-up does about a fleet: nothing where all is well or a human is at it; else undo or finish. */
export function decideCleanUp(row: LedgerRow | undefined, state: ExecutionState, now: Date): Verdict {
  const held = row?.held;
  if (!held) return { ready: true, verdict: 'nothing', reason: 'the lock is free' };
  if (held.needsHuman !== undefined)
    return { ready: true, verdict: 'nothing', reason: `a human has to decide: ${held.needsHuman}` };
  const dead = deadSince(held, state, now);
  if (!dead) return { ready: true, verdict: 'nothing', reason: `${held.holder} runs, or may run` };
  const passed = (now.getTime() - dead.getTime()) / 1000;
  if (passed < TAKE_OVER_AFTER_SECONDS) {
    const left = TAKE_OVER_AFTER_SECONDS - passed;
    const reason = `a function of ${held.holder} may still be in flight for ${span(left)}`;
    return { ready: false, verdict: 'wait', reason, waitSeconds: left };
  }
  const ended = `${held.holder} ended ${span(passed)} ago in the phase ${held.phase}`;
  const verdict = workLeftOf(held);
  return { ready: true, verdict, reason: `${ended}${LEFT[verdict]}` };
}

/** Each completes "… ended in the phase …". */
const LEFT = {
  release: ': it changed nothing',
  undo: ': undoing it',
  finish: ', past the point of no return: finishing it',
  human: ', which this release of irekae does not know: a human has to decide',
} as const satisfies Readonly<Record<WorkLeft, string>>;

/** What a dead holder left to do; nobody but a human knows what to do about a phase that is not in the table. */
export type WorkLeft = (typeof ACTS)[Phase]['leaves'] | 'human';

/** A holder that wrote no document down never left the first act. */
export function workLeftOf({ phase, document }: Pick<Held, 'phase' | 'document'>): WorkLeft {
  if (!Object.hasOwn(ACTS, phase)) return 'human';
  return document === undefined ? 'release' : ACTS[phase].leaves;
}
