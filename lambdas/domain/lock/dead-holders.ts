/** What is to be done about a holder of a fleet's lock that has died, and what a clean-up goes on with. */

import type { ExecutionState } from '../../ports/executions.ts';
import type { LedgerRow, Phase } from '../../ports/ledger.ts';
import { executionName } from '../core/aws.ts';
import type { Deployment, TakeOver } from '../core/document.ts';
import { isChangeName } from '../core/names.ts';
import { ACTS } from '../core/steps.ts';
import { secondsBetween, span } from '../core/words.ts';
import { anyInFlight, type InFlight } from './in-flight.ts';

type Held = NonNullable<LedgerRow['held']>;

/** Step Functions answers "unknown" for a very young execution too: only an old lock is held by nobody then. */
const YOUNG_SECONDS = 300;

/** As long as CloudFormation may take from the environment's stack to the last of its fleets' stacks, one after the other. */
export const CHANGE_SECONDS = 3_600;

/** Is it no execution, but a `cdk deploy` that takes permissions from the fleet? */
export const isChange = ({ holder }: Pick<Held, 'holder'>, { state }: ExecutionState): boolean =>
  state === 'unknown' && isChangeName(executionName(holder));

/** Is the holder dead, and since when? `undefined`: it runs, or may run. */
export function deadSince(held: Held, state: ExecutionState, now: Date): Date | undefined {
  if (state.state === 'ended') return state.at;
  const age = secondsBetween(held.since, now);
  if (isChange(held, state))
    return age > CHANGE_SECONDS ? new Date(held.since.getTime() + CHANGE_SECONDS * 1000) : undefined;
  return state.state === 'unknown' && age > YOUNG_SECONDS ? held.since : undefined;
}

type Verdict = Pick<TakeOver, 'ready' | 'verdict' | 'reason'> & { readonly waitSeconds?: number };

/**
 * What a clean-up does about a fleet: nothing where all is well or a human is at it; else undo or finish.
 * @param inFlight what of a dead holder may still act; default: anything
 */
export function decideCleanUp(
  row: LedgerRow | undefined,
  state: ExecutionState,
  now: Date,
  inFlight?: InFlight,
): Verdict {
  const held = row?.held;
  if (!held) return { ready: true, verdict: 'nothing', reason: 'the lock is free' };
  if (held.needsHuman !== undefined)
    return { ready: true, verdict: 'nothing', reason: `a human must decide: ${held.needsHuman}` };
  const dead = deadSince(held, state, now);
  if (!dead) return { ready: true, verdict: 'nothing', reason: `${held.holder} runs, or may run` };
  const { until, what } = inFlight ?? anyInFlight(dead);
  const left = secondsBetween(now, until);
  if (left > 0) {
    const reason = `${what} of ${held.holder} may still be in flight for ${span(left)}`;
    return { ready: false, verdict: 'wait', reason, waitSeconds: left };
  }
  // By two clocks.
  const passed = Math.max(0, secondsBetween(dead, now));
  const ended = `${held.holder} ended ${span(passed)} ago in the phase ${held.phase}`;
  const verdict = workLeftOf(held);
  return { ready: true, verdict, reason: `${ended}${LEFT[verdict]}` };
}

/** Each completes "… ended in the phase …". */
const LEFT = {
  release: ': it left nothing to do',
  undo: ': undoing it',
  finish: ', past the point of no return: finishing it',
  human: ', which this release of irekae does not know: a human must decide',
} as const satisfies Readonly<Record<WorkLeft, string>>;

/** What a dead holder left to do; nobody but a human knows what to do about a phase that is not in the table. */
export type WorkLeft = (typeof ACTS)[Phase]['leaves'] | 'human';

/** A holder that wrote no document down never left the first act; one that wrote its ending down had only its lock left. */
export function workLeftOf({ phase, document }: Pick<Held, 'phase' | 'document'>): WorkLeft {
  if (!Object.hasOwn(ACTS, phase)) return 'human';
  const { record, ending } = JSON.parse(document ?? '{}') as Partial<Deployment>;
  const isOver = document === undefined || record !== undefined || ending !== undefined;
  return isOver ? 'release' : ACTS[phase].leaves;
}

/** What a clean-up goes on with: the dead deployment's document, with the clean-up's execution as the one that acts. */
export function goOnWith(cleanUp: Deployment, held: Held, now: Date): TakeOver {
  const holder = cleanUp.execution.id;
  const verdict = workLeftOf(held);
  const stopped = `Its execution ended in the phase ${held.phase} without reaching an end state: somebody stopped it, or it timed out.`;
  // A holder that never left *Agree* wrote nothing down: the clean-up's own document is enough to let go of its lock.
  const document: Partial<Deployment> =
    held.document === undefined ? cleanUp : (JSON.parse(held.document) as Deployment);
  // The first error is what counts: an undo that was cut off goes on under its name.
  const failure = document.failure ?? { Error: 'Stopped', Cause: stopped };
  return {
    ready: true,
    verdict,
    reason: `${DOING[verdict]} in the phase ${held.phase}`,
    nextLookInSeconds: 1,
    document: {
      ...document,
      ...waitsAnew(document, now),
      lock: {
        verdict: 'taken',
        holder,
        generation: held.generation,
        reason: 'taken over from a dead holder',
      },
      ...(verdict === 'undo' && { failure }),
    },
  };
}

/** The dead holder's waits are over: those that go on keep what they remember, and have their whole time again. */
function waitsAnew({ termination, putBack, removal }: Partial<Deployment>, now: Date) {
  const since = now.toISOString();
  return {
    ...(termination && { termination: { ...termination, since } }),
    ...(putBack && { putBack: { ...putBack, since } }),
    ...(removal && { removal: { ...removal, since } }),
  };
}

/** Each goes on with "in the phase …". */
const DOING = {
  undo: 'undoing what a dead holder left',
  finish: 'finishing what a dead holder left',
  release: 'releasing the lock of a holder that left nothing to do: it died',
  human: 'a human must decide about what a dead holder left',
} as const satisfies Readonly<Record<WorkLeft, string>>;
