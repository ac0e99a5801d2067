/** Decisions about a fleet's lock: what a start does that finds it held, and what is to be done about a dead holder. */
import type { ExecutionState, LedgerRow, PendingRequest } from '../clients/ports.ts';
import type { TakeOver } from './deployment.ts';
import { STEPS } from './steps.ts';
import { span } from './words.ts';

type Held = NonNullable<LedgerRow['held']>;

/** A function that was running when its execution ended may still act for as long as its own time limit. */
export const IN_FLIGHT_SECONDS =
  Math.max(
    ...Object.entries(STEPS).flatMap(([step, seconds]) => (step === 'resolve-the-release' ? [] : [seconds])),
  ) + 30;

/** Step Functions answers "unknown" for a very young execution too: only an old lock is held by nobody then. */
const YOUNG_SECONDS = 300;

/** Is the holder dead, and since when? `undefined`: it runs, or may run. */
export function deadSince(held: Held, state: ExecutionState, now: Date): Date | undefined {
  if (state.state === 'ended') return state.at;
  const age = (now.getTime() - held.since.getTime()) / 1000;
  return state.state === 'unknown' && age > YOUNG_SECONDS ? held.since : undefined;
}

/**
 * May a request take the pending slot from the one that waits there? The newest artifact wins, by S3's own order and
 * never by arrival. Of one version the later request; but the event of an upload, which may come twice, never replaces
 * what a person asked for, who may have wanted another image or a redeployment.
 * @param newestFirst the key's version ids
 */
export function takesTheSlot(
  waiting: PendingRequest | undefined,
  request: PendingRequest,
  newestFirst: readonly string[],
): boolean {
  if (!waiting) return true;
  const age = (versionId: string) => {
    const index = newestFirst.indexOf(versionId);
    return index === -1 ? Number.POSITIVE_INFINITY : index;
  };
  const [asked, waits] = [age(request.versionId), age(waiting.versionId)];
  return asked === waits ? isUpload(waiting) || !isUpload(request) : asked < waits;
}

const isUpload = ({ input }: PendingRequest): boolean =>
  (JSON.parse(input) as { upload?: unknown }).upload !== undefined;

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
  if (passed < IN_FLIGHT_SECONDS) {
    const left = IN_FLIGHT_SECONDS - passed;
    const reason = `a function of ${held.holder} may still be in flight for ${span(left)}`;
    return { ready: false, verdict: 'wait', reason, waitSeconds: left };
  }
  const ended = `${held.holder} ended ${span(passed)} ago in the phase ${held.phase}`;
  if (held.document === undefined || held.phase === 'agree')
    return { ready: true, verdict: 'release', reason: `${ended}: it changed nothing` };
  return held.phase === 'remove'
    ? { ready: true, verdict: 'finish', reason: `${ended}, past the point of no return: finishing it` }
    : { ready: true, verdict: 'undo', reason: `${ended}: undoing it` };
}

/** The state machines of a fleet, from the ARN of one of its executions. */
export function machinesOf(executionArn: string, fleet: string): { deploy: string; cleanUp: string } {
  const machine = `${executionArn.split(':').slice(0, 5).join(':')}:stateMachine:irekae-${fleet}`;
  return { deploy: machine, cleanUp: `${machine}-clean-up` };
}
