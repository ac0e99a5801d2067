/** What a promotion may be started with. `{}` promotes what the source fleet runs now. */
import * as v from 'valibot';
import { atMost } from '../core/input.ts';
import { parseExecutionInput } from '../core/parse-document.ts';
import { shown } from '../core/problems.ts';
import { unexplained } from '../core/reason.ts';
import { plain } from '../core/words.ts';

/** For people to read, in the proof and at a terminal: kept as one line of what can be shown. */
const words = (longest: number) =>
  v.pipe(
    v.string('a string'),
    atMost(longest),
    v.transform((given) => plain(given, longest)),
  );

const OVERRIDES = ['provenance', 'soak'] as const;
export type PromotionOverride = (typeof OVERRIDES)[number];

const FIELDS = {
  /** The version of the source fleet's artifact to promote; without it, the one that the source fleet runs. */
  versionId: v.optional(
    v.pipe(
      v.string('a string'),
      v.regex(/^[A-Za-z0-9._-]{1,1024}$/, 'an S3 version id, as `aws s3api list-object-versions` shows it'),
    ),
  ),
  /** Why; kept in the proof. Required with `override`. */
  reason: v.optional(words(256)),
  /** Who or what started it; kept in the proof. */
  startedBy: v.optional(words(128)),
  /**
   * Promote although it was not deployed at the source, or was rolled back there (`provenance`), or has not run there for
   * long enough (`soak`). Kept in the proof, with the reason.
   */
  override: v.optional(
    v.pipe(
      v.array(v.picklist(OVERRIDES, 'provenance or soak'), 'a list of provenance and soak'),
      v.check((list) => new Set(list).size === list.length, 'each only once'),
    ),
  ),
  /** Change nothing, answer with what would be promoted. */
  dryRun: v.optional(v.boolean('true or false')),
} as const;

export const PromotionInput = v.strictObject(FIELDS, `only ${Object.keys(FIELDS).join(', ')}`);
export type PromotionInput = v.InferOutput<typeof PromotionInput>;

/** @throws InvalidInput */
export const parsePromotionInput = (input: unknown): PromotionInput =>
  parseExecutionInput(
    PromotionInput,
    input,
    'promotes what the source fleet runs',
    unexplained(Object(input)).map(({ field, allowed }) =>
      field === 'reason'
        ? `reason: given ${shown(Object(input).reason)}, allowed: ${allowed}`
        : 'reason: missing, but required with an override',
    ),
  );
