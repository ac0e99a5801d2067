/**
 * The points of a deployment at which a fleet may have hooks and a pause: the words of the fleets file, of the story and
 * of its sentences. At each, the hooks come first, then the pause.
 */

import * as v from 'valibot';
import { sum } from './collections.ts';

export const POINTS = ['before-launch', 'before-shift', 'after-shift', 'before-terminate'] as const;
export type Point = (typeof POINTS)[number];

interface PointRow {
  /** Ends a state's name. */
  readonly words: string;
  /** What ECS calls the stage: one function may serve both. (It has hooks of its own at all but the last.) */
  readonly stage: string;
}

export const POINT = {
  'before-launch': { words: 'before the launch', stage: 'PRE_SCALE_UP' },
  'before-shift': { words: 'before the shift', stage: 'PRE_PRODUCTION_TRAFFIC_SHIFT' },
  'after-shift': { words: 'after the shift', stage: 'POST_PRODUCTION_TRAFFIC_SHIFT' },
  'before-terminate': { words: 'before the termination', stage: 'CLEAN_UP' },
} as const satisfies Readonly<Record<Point, PointRow>>;

/** What becomes of a deployment whose hook or person says nothing in time. */
export const THEN = ['undo', 'go on'] as const;
export type Then = (typeof THEN)[number];

export const Pause = v.strictObject({
  at: v.picklist(POINTS),
  timeoutMinutes: v.number(),
  then: v.picklist(THEN),
});
export type Pause = v.InferOutput<typeof Pause>;

export const Hook = v.strictObject({
  at: v.picklist(POINTS),
  /** ARN of a Lambda function, of a version or of an alias. */
  function: v.string(),
  timeoutMinutes: v.number(),
  onTimeout: v.picklist(THEN),
  /** For the function, with every call. */
  details: v.optional(v.record(v.string(), v.unknown())),
});
export type Hook = v.InferOutput<typeof Hook>;

/** At one point. */
export const MOST_HOOKS = 5;
/** Lambda's own limit of one call. */
export const LONGEST_CALL_SECONDS = 900;
/** Of all pauses of a fleet, and of all hooks: a day. */
export const LONGEST_MINUTES = 1_440;

export const hooksAt = <H extends { readonly at: Point }>(hooks: readonly H[] = [], point: Point): H[] =>
  hooks.filter(({ at }) => at === point);

export const minutesOf = (those: readonly { readonly timeoutMinutes: number }[] = []): number =>
  sum(those.map(({ timeoutMinutes }) => timeoutMinutes));

/** `migrate`, or `migrate:live`: what people know a function by. */
export const hookName = ({ function: arn }: Pick<Hook, 'function'>): string =>
  arn.split(':').slice(6).join(':');
