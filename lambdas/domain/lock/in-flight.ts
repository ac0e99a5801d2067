/**
 * What of a dead execution may still act, by its own history: a function that was running when its execution ended goes
 * on, and so does one that Step Functions has given up for lost. What is known to have ended does not; what only reads
 * can do no harm. A history that is not all there says nothing.
 */
import type { Executions, HistoryEvent } from '../../ports/executions.ts';
import { isFailureName } from '../core/errors.ts';
import { FUNCTION_START_SECONDS, rowOf, STEP_NAMES, TAKE_OVER_AFTER_SECONDS } from '../core/steps.ts';
import { isHookCall, STATES } from '../core/story.ts';

/** Until when what may act, at the latest; a moment that is over: nothing. */
export interface InFlight {
  readonly until: Date;
  /** Completes "… may still be in flight for 40 s". */
  readonly what: string;
}

const after = (moment: Date, seconds: number) => new Date(moment.getTime() + seconds * 1_000);

/** Of a dead one of which nothing is known but when it ended. */
export const anyInFlight = (diedAt: Date): InFlight => ({
  until: after(diedAt, TAKE_OVER_AFTER_SECONDS),
  what: 'a function',
});

/** Whatever is wrong with the history, or with reading it: it is then waited for as long as any function may take. */
export async function lookAtInFlight(
  executionArn: string,
  diedAt: Date,
  { executions }: { readonly executions: Pick<Executions, 'events'> },
): Promise<InFlight> {
  const since = after(diedAt, -TAKE_OVER_AFTER_SECONDS);
  try {
    return lastInFlight(await executions.events(executionArn, since), since) ?? anyInFlight(diedAt);
  } catch {
    return anyInFlight(diedAt);
  }
}

/**
 * @param events oldest first; before `since` nothing can have begun that is not over
 * @returns nothing when the events do not tell
 */
export function lastInFlight(events: readonly HistoryEvent[], since: Date): InFlight | undefined {
  const runs = isWhole(events, since) ? runsOf(events) : [];
  // Whoever holds a lock has run a function not long ago: none at all is no answer.
  if (runs.length === 0) return undefined;
  const open = runs.flatMap(({ state, scheduledAt, end }) => {
    const seconds = end && isOver(end) ? 0 : longestRunIn(state);
    const what = state === undefined ? 'a function' : `the function of "${state}"`;
    return seconds === 0 ? [] : [{ until: after(scheduledAt, seconds), what }];
  });
  const nothing = { until: since, what: 'nothing' };
  return open.reduce((last, each) => (each.until > last.until ? each : last), nothing);
}

/** Without a gap, from its first event or from before then, to the one that ended it. */
function isWhole(events: readonly HistoryEvent[], since: Date): boolean {
  const [first] = events;
  if (!first || (first.id !== 1 && !(first.at <= since))) return false;
  const isNext = ({ id }: HistoryEvent, index: number) => id === first.id + index;
  return events.every(isNext) && events.at(-1)?.kind === 'ended';
}

interface Run {
  /** `undefined`: the event that names it is older. */
  readonly state: string | undefined;
  readonly scheduledAt: Date;
  /** Absent: nobody knows what became of it. */
  readonly end: HistoryEvent | undefined;
}

/** Found by what each event follows from, not by their order: branches run side by side. */
function runsOf(events: readonly HistoryEvent[]): Run[] {
  const byId = new Map(events.map((event) => [event.id, event]));
  const before = (event: HistoryEvent, isIt: (earlier: HistoryEvent) => boolean) => {
    let each: HistoryEvent | undefined = event;
    do each = each.follows < each.id ? byId.get(each.follows) : undefined;
    while (each && !isIt(each));
    return each;
  };
  const ends = events.filter(({ kind }) => kind === 'answered' || kind === 'failed');
  const endOf = new Map(ends.map((end) => [before(end, ({ kind }) => kind !== 'other')?.id, end]));
  return events
    .filter(({ kind }) => kind === 'scheduled')
    .map((event) => ({
      state: before(event, ({ kind }) => kind === 'entered')?.state,
      scheduledAt: event.at,
      end: endOf.get(event.id),
    }));
}

/**
 * Its function answered, or threw under a name of ours. Any other failure is Lambda's or Step Functions' own, who may
 * have lost it while it goes on. One that was not answered itself may have asked for something that is still under way.
 */
const isOver = ({ kind, error = '' }: HistoryEvent): boolean =>
  kind === 'answered' || (isFailureName(error) && error !== 'ServiceUnavailable');

const STEP_OF_STATE = new Map<string, (typeof STEP_NAMES)[number]>([
  ...STEP_NAMES.map((name) => [rowOf(name).title, name] as const),
  ...Object.entries(STATES).map(([title, { step }]) => [title, step] as const),
]);

/** From when it was to be run, until it cannot act anymore: 0 for what changes nothing. Of an unknown state, any. */
function longestRunIn(state: string | undefined): number {
  // A hook is none of ours, and holds no permission of ours: it may go on for minutes, and nobody need wait for it.
  if (state !== undefined && isHookCall(state)) return 0;
  const step = STEP_OF_STATE.get(state ?? '');
  if (!step) return TAKE_OVER_AFTER_SECONDS;
  const { changes, seconds } = rowOf(step);
  return changes === 'nothing' ? 0 : FUNCTION_START_SECONDS + seconds;
}
