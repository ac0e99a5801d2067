/** How much a deployment writes to CloudWatch Logs, in bytes as they are billed. */
import type { LogLine } from './world/announcer.ts';

/** Billed for each event beside its text. */
const EVENT_BYTES = 26;

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

// ── A state machine's log: one event for each of the history's, at level ALL ───────────────────────────────────────

/** What events say beside the execution's data. Ids and times have as many digits here as they mostly have. */
const DETAILS = {
  StateEntered: { inputDetails: { truncated: false }, name: '' },
  StateExited: { name: '', outputDetails: { truncated: false } },
  LambdaFunctionScheduled: {
    inputDetails: { truncated: false },
    resource: `arn:aws:lambda:ap-northeast-1:123456789012:function:irekae-${'e'.repeat(10)}-${'s'.repeat(20)}`,
    timeoutInSeconds: '60',
  },
  LambdaFunctionStarted: {},
  LambdaFunctionSucceeded: { outputDetails: { truncated: false } },
  LambdaFunctionFailed: { cause: '', error: '' },
} as const;
type Kind = keyof typeof DETAILS;

export class MachineLog {
  readonly #bytes: Readonly<Record<Kind, number>>;
  #written = 0;
  #data = 0;

  constructor(execution: string) {
    const event = (type: Kind) => ({
      id: '100',
      // Most states are tasks.
      type: type.replace(/^State/, 'TaskState'),
      details: DETAILS[type],
      redrive_count: '0',
      previous_event_id: '100',
      event_timestamp: '1763780400000',
      execution_arn: execution,
    });
    const kinds = Object.keys(DETAILS) as Kind[];
    this.#bytes = Object.fromEntries(
      kinds.map((kind) => [kind, EVENT_BYTES + jsonBytes(event(kind))]),
    ) as never;
  }

  /** @param own bytes of what it names, @param data at least as many bytes it would have more with execution data */
  wrote(kind: Kind, own: number, data = 0): void {
    this.#written += this.#bytes[kind] + own;
    this.#data += data;
  }

  /** `data`: what execution data would add, before the quotes in it are escaped. */
  get bytes(): MachineLogBytes {
    return { events: this.#written, data: this.#data };
  }
}

export interface MachineLogBytes {
  readonly events: number;
  readonly data: number;
}

// ── A function's log: a line for each run, and what else it says ───────────────────────────────────────────────────

/** As `lambdas/clients/handler.ts` has the logger write it; a test compares. */
export function functionLineBytes(
  keys: Readonly<Record<string, unknown>>,
  sentence: string,
  fields: LogLine['fields'] = {},
): number {
  const line = {
    level: 'INFO',
    message: sentence,
    sampling_rate: 0,
    service: 'irekae',
    timestamp: '2026-11-22T03:00:00.000Z',
    xray_trace_id: '1-00000000-000000000000000000000000',
    ...keys,
    ...fields,
  };
  return EVENT_BYTES + jsonBytes(line);
}
