/**
 * What no path of a state machine reads is carried through the interpreter unopened. It copies the whole document at
 * every state, key by key, and most of that (the fleet, lists of hosts) concerns the functions alone: copying was a
 * fifth of every simulated deployment. It hands functions on as they are, so a function stands for each such part.
 */
import type { StateMachineDefinition } from 'aws-local-stepfunctions';

/** What stands for a part, or under `REST` for all of it that its open keys do not show. */
type Carried = () => unknown;

const REST = '(carried)';

/** The keys that paths name: they stay open. */
type Keys = ReadonlySet<string>;

export interface Playable {
  readonly definition: StateMachineDefinition;
  /** For what a task answers. */
  readonly carry: (answer: unknown) => unknown;
}

/** Nothing, where the whole document is handed on. A path that says more (an index, a filter) could read anything. */
const KEYS_ONLY = /^\$(?:\.\w+)*$/;

/** The definition as the interpreter plays it. Where a path might read anything, it gets everything open. */
export function playable(definition: StateMachineDefinition): Playable {
  const { StartAt, States } = definition;
  // It reads the execution's input, in which nothing is carried yet.
  const { [StartAt]: first, ...others } = States;
  const keys = keysRead(others);
  if (keys === undefined || first?.Type !== 'Pass') return { definition, carry: (answer) => answer };
  const opening = { ...first, Parameters: carryLiterals(first.Parameters, keys) } as typeof first;
  return {
    definition: { ...definition, States: { ...States, [StartAt]: opening } },
    carry: (answer) => carry(answer, keys),
  };
}

/** Everything open again. Parts are shared by all who look: documents are read, never written. */
export function unpack(value: unknown): unknown {
  if (typeof value === 'function') return (value as Carried)();
  if (!isRecord(value)) return value;
  const { [REST]: rest, ...open } = value;
  const shown = mapped(open, unpack);
  return rest === undefined ? shown : { ...(rest as () => object)(), ...shown };
}

/**
 * Bytes of the document as JSON, as `unpack` would make it. What is carried is the same object in state after state,
 * and measured once.
 */
export function bytesOf(document: unknown): number {
  if (!isRecord(document) || REST in document) return jsonBytes(unpack(document));
  const parts = Object.entries(document).map(([key, part]) => jsonBytes(key) + 1 + partBytes(part));
  return parts.reduce((sum, bytes) => sum + bytes, 2 + Math.max(0, parts.length - 1));
}

function partBytes(part: unknown): number {
  const whole = isRecord(part) ? part[REST] : part;
  if (typeof whole !== 'function') return jsonBytes(unpack(part));
  const known = measured.get(whole) ?? jsonBytes(whole());
  measured.set(whole, known);
  return known;
}

const measured = new WeakMap<object, number>();

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

/** Paths of the context object (`$$`) read no document; `${` begins a name of the template. */
function keysRead(states: StateMachineDefinition['States']): Keys | undefined {
  // What is carried is complete as long as results are written beside it, not into it.
  const writesInto = (state: object) =>
    /^\$$|\..*\./.test(String((state as { ResultPath?: unknown }).ResultPath));
  if (Object.values(states).some(writesInto)) return undefined;
  const texts = JSON.stringify(states).matchAll(/"(\$(?![${])[^"]*)"/g);
  const paths = [...texts].map(([, path = '']) => path);
  if (!paths.every((path) => KEYS_ONLY.test(path))) return undefined;
  return new Set(paths.flatMap((path) => path.split('.').slice(1)));
}

function carry(value: unknown, keys: Keys): unknown {
  if (!isRecord(value)) return value;
  const open = Object.entries(value).filter(([key]) => keys.has(key));
  const carried: Carried = () => value;
  if (open.length === 0) return carried;
  return { ...mapped(Object.fromEntries(open), (part) => carry(part, keys)), [REST]: carried };
}

/** What a first state writes into the document; templates (keys that end in `.$`) are for the interpreter to fill in. */
function carryLiterals(parameters: unknown, keys: Keys): unknown {
  if (!isRecord(parameters)) return parameters;
  const isTemplate = (part: unknown) => JSON.stringify(part).includes('.$":');
  return mapped(parameters, (part) => (isTemplate(part) ? part : carry(part, keys)));
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const mapped = (record: object, to: (part: unknown) => unknown) =>
  Object.fromEntries(Object.entries(record).map(([key, part]) => [key, to(part)]));
