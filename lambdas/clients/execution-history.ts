/**
 * An execution's history: its newest turns for whoever follows it, its newest events for who comes after it. A task whose
 * resource is a function is told in `LambdaFunction…` events, one that goes through an integration in `Task…` events;
 * neither names its state: that is the one that was entered last before it.
 */

import type { HistoryEvent, HistoryTurn } from '../ports/executions.ts';
import { jsonIn } from './wire/answer.ts';
import { unavailable } from './wire/aws-errors.ts';
import type { CallJson } from './wire/aws-json.ts';

/** Ten looks of a wait. With a document of 500 hosts in each event that names a state the answer has a few MB. */
const EVENTS = 100;

/** Without data an event has some 200 bytes. A wait that looks every second leaves a thousand in two minutes. */
const EVENTS_PER_PAGE = 1_000;
const MOST_PAGES = 3;

const doing = (executionArn: string) => `read the history of the execution ${executionArn}`;

export async function recentTurns(call: CallJson, executionArn: string): Promise<HistoryTurn[]> {
  const { events } = await page(call, executionArn, { maxResults: EVENTS, includeExecutionData: true });
  return told(events.filter(hasItsPlace).sort((one, other) => one.id - other.id));
}

/** A state that is tried again and again has three events for each try. */
const EVENTS_OF_A_STATE = 40;

export async function newestDocument(call: CallJson, executionArn: string): Promise<unknown> {
  const asked = { maxResults: EVENTS_OF_A_STATE, includeExecutionData: true };
  const { events } = await page(call, executionArn, asked);
  const [entered] = events
    .filter(hasItsPlace)
    .sort((one, other) => other.id - one.id)
    .flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.input ?? []);
  return entered === undefined ? undefined : (answerIn(entered) ?? undefined);
}

/** Backwards, page by page: oldest first once they are all there. */
export async function eventsSince(
  call: CallJson,
  executionArn: string,
  since: Date,
): Promise<HistoryEvent[]> {
  const found: HistoryEvent[] = [];
  let nextToken: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const asked = { maxResults: EVENTS_PER_PAGE, includeExecutionData: false };
    const { events, next } = await page(call, executionArn, { ...asked, ...(nextToken && { nextToken }) });
    if (!events.every(isWhole)) throw unavailable(doing(executionArn), 'the answer has half an event');
    found.push(...events.map(toEvent));
    const [oldest] = found.slice(-1);
    if (next === undefined || (oldest && oldest.at < since)) break;
    nextToken = next;
  }
  return found.reverse();
}

/** @returns newest first */
async function page(
  call: CallJson,
  executionArn: string,
  asked: { readonly maxResults: number; readonly includeExecutionData: boolean; readonly nextToken?: string },
): Promise<{ readonly events: readonly RawEvent[]; readonly next?: string }> {
  const { refusal, body } = await call({
    operation: 'GetExecutionHistory',
    input: { executionArn, reverseOrder: true, ...asked },
    doing: doing(executionArn),
    expects: ['ExecutionDoesNotExist'],
  });
  if (refusal !== undefined) return { events: [] };
  const { events } = body;
  if (!Array.isArray(events)) throw unavailable(doing(executionArn), 'the answer has no events');
  return { events, ...(typeof body.nextToken === 'string' && { next: body.nextToken }) };
}

const hasItsPlace = ({ id, timestamp }: RawEvent): boolean => [id, timestamp].every(Number.isFinite);

const isWhole = (event: RawEvent | null): boolean =>
  event !== null &&
  hasItsPlace(event) &&
  Number.isFinite(event.previousEventId) &&
  typeof event.type === 'string';

/** The parts of an event that are looked at. */
interface RawEvent {
  readonly id: number;
  readonly previousEventId: number;
  /** Epoch seconds with a fraction. */
  readonly timestamp: number;
  readonly type: string;
  readonly stateEnteredEventDetails?: { readonly name?: string; readonly input?: string };
  readonly lambdaFunctionSucceededEventDetails?: { readonly output?: string };
  readonly taskSucceededEventDetails?: { readonly output?: string };
  readonly lambdaFunctionFailedEventDetails?: Why;
  readonly lambdaFunctionTimedOutEventDetails?: Why;
  readonly taskFailedEventDetails?: Why;
  readonly taskTimedOutEventDetails?: Why;
}

interface Why {
  readonly error?: string;
  readonly cause?: string;
}

/** Of a task's events and of a function's: their last word, and of an execution's the same. */
const KINDS: readonly (readonly [type: RegExp, kind: HistoryEvent['kind']])[] = [
  [/StateEntered$/, 'entered'],
  [/^(LambdaFunction|Task)Scheduled$/, 'scheduled'],
  [/^(LambdaFunction|Task)Succeeded$/, 'answered'],
  // Also those that could not be scheduled, submitted or started.
  [/^(LambdaFunction|Task).*(Failed|TimedOut)$/, 'failed'],
  [/^Execution(Aborted|Failed|Succeeded|TimedOut)$/, 'ended'],
];

function toEvent(raw: RawEvent): HistoryEvent {
  const { id, previousEventId, timestamp, type } = raw;
  const state = raw.stateEnteredEventDetails?.name;
  const error = whyOf(raw)?.error;
  return {
    id,
    follows: previousEventId,
    at: new Date(timestamp * 1000),
    kind: KINDS.find(([known]) => known.test(type))?.[1] ?? 'other',
    ...(state !== undefined && { state }),
    ...(error !== undefined && { error }),
  };
}

const whyOf = (event: RawEvent): Why | undefined =>
  event.lambdaFunctionFailedEventDetails ??
  event.lambdaFunctionTimedOutEventDetails ??
  event.taskFailedEventDetails ??
  event.taskTimedOutEventDetails;

/** @param events oldest first */
function told(events: readonly RawEvent[]): HistoryTurn[] {
  const turns: HistoryTurn[] = [];
  let state: string | undefined;
  for (const event of events) {
    state = event.stateEnteredEventDetails?.name ?? state;
    // Before the first state that is named among these, nobody can say whose event it is.
    const turn = state === undefined ? undefined : toTurn(event, state);
    if (turn) turns.push(turn);
  }
  return turns;
}

function toTurn(event: RawEvent, state: string): HistoryTurn | undefined {
  const at = { id: event.id, at: new Date(event.timestamp * 1000), state };
  if (event.stateEnteredEventDetails) return { ...at, kind: 'entered' };
  const done = event.lambdaFunctionSucceededEventDetails ?? event.taskSucceededEventDetails;
  if (done) return { ...at, kind: 'answered', answer: answerIn(done.output) };
  const why = whyOf(event);
  if (!why) return undefined;
  const { error, cause } = why;
  return {
    ...at,
    kind: 'failed',
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
  };
}

/** A very large answer is cut off in the history: then nothing is known of it. */
function answerIn(output: string | undefined): unknown {
  try {
    return jsonIn(output ?? 'null');
  } catch {
    return null;
  }
}
