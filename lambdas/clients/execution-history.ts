/**
 * The newest turns of an execution, from its history. A task whose resource is a function is told in `LambdaFunction…`
 * events, one that goes through an integration in `Task…` events; neither names its state: that is the one that was
 * entered last before it, because the story has no branches that run side by side.
 */

import type { HistoryTurn } from '../ports/executions.ts';
import { jsonIn } from './wire/answer.ts';
import { unavailable } from './wire/aws-errors.ts';
import type { CallJson } from './wire/aws-json.ts';

/** Ten looks of a wait. With a document of 500 hosts in each event that names a state the answer has a few MB. */
const EVENTS = 100;

export async function recentTurns(call: CallJson, executionArn: string): Promise<HistoryTurn[]> {
  const doing = `read the history of the execution ${executionArn}`;
  const { refusal, body } = await call({
    operation: 'GetExecutionHistory',
    input: { executionArn, reverseOrder: true, maxResults: EVENTS, includeExecutionData: true },
    doing,
    expects: ['ExecutionDoesNotExist'],
  });
  if (refusal !== undefined) return [];
  if (!Array.isArray(body.events)) throw unavailable(doing, 'the answer has no events');
  const events = (body.events as HistoryEvent[]).filter(
    ({ id, timestamp }) => isNumber(id) && isNumber(timestamp),
  );
  return told(events.sort((one, other) => one.id - other.id));
}

const isNumber = (value: unknown): boolean => typeof value === 'number';

/** The parts of an event that are looked at. */
interface HistoryEvent {
  readonly id: number;
  /** Epoch seconds with a fraction. */
  readonly timestamp: number;
  readonly type: string;
  readonly stateEnteredEventDetails?: { readonly name?: string };
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

/** @param events oldest first */
function told(events: readonly HistoryEvent[]): HistoryTurn[] {
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

function toTurn(event: HistoryEvent, state: string): HistoryTurn | undefined {
  const at = { id: event.id, at: new Date(event.timestamp * 1000), state };
  if (event.stateEnteredEventDetails) return { ...at, kind: 'entered' };
  const done = event.lambdaFunctionSucceededEventDetails ?? event.taskSucceededEventDetails;
  if (done) return { ...at, kind: 'answered', answer: answerIn(done.output) };
  const why =
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails;
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
