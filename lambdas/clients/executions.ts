/** Step Functions behind its port: what became of an execution, what it told on its way, and starting one. */

import type { ExecutionDescription, ExecutionState, Executions } from '../ports/executions.ts';
import { eventsSince, newestDocument, recentTurns } from './execution-history.ts';
import { jsonIn } from './wire/answer.ts';
import { unavailable } from './wire/aws-errors.ts';
import { type AwsJsonOptions, type CallJson, jsonCaller, liveJsonOptions } from './wire/aws-json.ts';

export const liveExecutions = (): Executions => executionsAdapter(liveJsonOptions());

/**
 * Needs `states:DescribeExecution` and (for `recent`, `document` and `events`) `states:GetExecutionHistory` on the executions,
 * `states:StartExecution` on the state machines.
 */
export function executionsAdapter(options: AwsJsonOptions): Executions {
  const call = jsonCaller('states', options);
  return {
    status: (executionArn) => status(call, executionArn),
    describe: (executionArn) => describe(call, executionArn),
    recent: (executionArn) => recentTurns(call, executionArn),
    document: (executionArn) => newestDocument(call, executionArn),
    events: (executionArn, since) => eventsSince(call, executionArn, since),
    start: async (stateMachineArn, name, input) => {
      const doing = `start the execution ${name ?? ''} of ${stateMachineArn}`;
      const { refusal, body } = await call({
        operation: 'StartExecution',
        input: { stateMachineArn, input, ...(name !== undefined && { name }) },
        doing,
        // It runs with another input, or has ended. A repeated start of one that runs with the same input is answered
        // with success.
        expects: ['ExecutionAlreadyExists'],
      });
      if (refusal !== undefined) return undefined;
      if (typeof body.executionArn !== 'string') throw unavailable(doing, 'the answer names no execution');
      return body.executionArn;
    },
  };
}

async function status(call: CallJson, executionArn: string): Promise<ExecutionState> {
  const doing = `describe the execution ${executionArn}`;
  const { refusal, body } = await call({
    operation: 'DescribeExecution',
    // Its input and output are nobody's business here.
    input: { executionArn, includedData: 'METADATA_ONLY' },
    doing,
    expects: ['ExecutionDoesNotExist'],
  });
  if (refusal !== undefined) return { state: 'unknown' };
  const state = toState(body);
  if (state === undefined)
    throw unavailable(doing, `the answer is half a description (${String(body.status)})`);
  return state;
}

async function describe(call: CallJson, executionArn: string): Promise<ExecutionDescription | undefined> {
  const doing = `describe the execution ${executionArn}`;
  const request = { operation: 'DescribeExecution', input: { executionArn }, doing };
  const { refusal, body } = await call({ ...request, expects: ['ExecutionDoesNotExist'] });
  if (refusal !== undefined) return undefined;
  const state = toState(body);
  const { startDate, input, output, error, cause } = body;
  if (state === undefined || state.state === 'unknown' || typeof startDate !== 'number')
    throw unavailable(doing, `the answer is half a description (${String(body.status)})`);
  return {
    state,
    startedAt: new Date(startDate * 1000),
    ...(typeof input === 'string' && { input }),
    ...(typeof output === 'string' && { output: parsed(output, doing) }),
    ...(typeof error === 'string' && { error }),
    ...(typeof cause === 'string' && { cause }),
  };
}

function parsed(json: string, doing: string): unknown {
  try {
    return jsonIn(json);
  } catch {
    throw unavailable(doing, 'its output is not JSON');
  }
}

type Ended = Extract<ExecutionState, { state: 'ended' }>['status'];
const ENDED: readonly unknown[] = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] satisfies Ended[];
const isEnded = (status: unknown): status is Ended => ENDED.includes(status);

function toState({ status, stopDate }: Readonly<Record<string, unknown>>): ExecutionState | undefined {
  if (status === 'RUNNING' || status === 'PENDING_REDRIVE') return { state: 'running' };
  if (!isEnded(status) || typeof stopDate !== 'number') return undefined;
  // Epoch seconds with a fraction.
  return { state: 'ended', status, at: new Date(stopDate * 1000) };
}
