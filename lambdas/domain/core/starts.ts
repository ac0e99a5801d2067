/**
 * How long hosts took from their launch to their registration in Mackerel, in whole seconds by instance type: the last
 * ten. They travel from release record to release record, so that knowing them costs no read and no permission.
 */
import * as v from 'valibot';

export const MOST_STARTS = 10;

const seconds = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7_200));

export const Starts = v.record(
  v.string(),
  v.pipe(v.array(seconds), v.minLength(1), v.maxLength(MOST_STARTS)),
);
export type Starts = v.InferOutput<typeof Starts>;

/** The newest ones first; of one deployment the slowest, for whoever waits for a host waits for the slowest. */
export function withNewer(known: Starts = {}, newer: Starts = {}): Starts {
  const types = [...new Set([...Object.keys(newer), ...Object.keys(known)])];
  return Object.fromEntries(
    types.map((type) => [type, [...(newer[type] ?? []), ...(known[type] ?? [])].slice(0, MOST_STARTS)]),
  );
}
