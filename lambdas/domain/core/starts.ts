/**
 * How long hosts took from their launch to their registration in Mackerel, in whole seconds by instance type: the last
 * ten. They travel from release record to release record, so that knowing them costs no read and no permission.
 */
import * as v from 'valibot';

export const MOST_STARTS = 10;
/** No fleet may wait longer for its hosts: what takes longer is not a start. */
export const LONGEST_START_SECONDS = 7_200;

const seconds = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LONGEST_START_SECONDS));

export const Starts = v.record(
  v.string(),
  v.pipe(v.array(seconds), v.minLength(1), v.maxLength(MOST_STARTS)),
);
export type Starts = v.InferOutput<typeof Starts>;

/** None of a type that is unknown, whatever it is called. */
export const startsFor = (starts: Starts | undefined, instanceType: string): readonly number[] =>
  starts !== undefined && Object.hasOwn(starts, instanceType) ? (starts[instanceType] ?? []) : [];

/** The newest ones first; of one deployment the slowest, for whoever waits for a host waits for the slowest. */
export function withNewer(known: Starts = {}, newer: Starts = {}): Starts {
  const types = [...new Set([...Object.keys(newer), ...Object.keys(known)])];
  return Object.fromEntries(
    types.map((type) => [type, [...startsFor(newer, type), ...startsFor(known, type)].slice(0, MOST_STARTS)]),
  );
}
