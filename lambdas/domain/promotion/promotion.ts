/**
 * The document of a promotion: what it copies from where to where, fixed when the stack was made, and one key per step.
 * It travels through a state machine of its own; a deployment knows nothing of it but the proof that it leaves behind.
 */
import * as v from 'valibot';
import { PinnedArtifact } from '../core/artifact.ts';
import { Failure, Look } from '../core/document.ts';
import { askedOf, parseDocument } from '../core/parse-document.ts';
import { Tested } from '../release/proven.ts';
import { parsePromotionInput } from './input.ts';

/** A `Place` of the port. */
const place = v.strictObject({
  bucket: v.string(),
  key: v.string(),
  owner: v.optional(v.string()),
});

/** What a fleet's promotion does, as the fleets file says it. */
export const PromotionPlan = v.strictObject({
  from: v.strictObject({ ...place.entries, environment: v.string() }),
  to: place,
  /** Every fleet that the destination feeds, with the fleet that must have run the version before: a proof for each. */
  fed: v.pipe(
    v.array(
      v.strictObject({
        fleet: v.string(),
        from: v.string(),
        soakMinutes: v.number(),
        /** It accepts only the image that was tested. */
        testedImage: v.optional(v.boolean()),
      }),
    ),
    v.minLength(1),
  ),
});
export type PromotionPlan = v.InferOutput<typeof PromotionPlan>;

/** What was found and decided. */
const Candidate = v.object({
  verdict: v.picklist(['promote', 'already-promoted']),
  reason: v.string(),
  dryRun: v.boolean(),
  /** As it is at the source. */
  artifact: PinnedArtifact,
  /** What the copy replaces at the destination, its newest when this was decided; absent: there was none. */
  onto: v.optional(v.object({ versionId: v.string(), etag: v.string() })),
  /** The version that it is at the destination already. */
  promotedAs: v.optional(v.string()),
  /** Fed fleet → the deployment of its source that proves the version; absent for one that was overridden. */
  provenBy: v.record(v.string(), v.string()),
  /** Fed fleet → what it was tested with by that deployment. */
  tested: v.record(v.string(), Tested),
});
export type Candidate = v.InferOutput<typeof Candidate>;

/** A look of *Copy the artifact*. */
const Copy = v.object({
  ...Look.entries,
  /** Of a copy in parts. */
  uploadId: v.optional(v.string()),
  /** The version that the copy became. */
  versionId: v.optional(v.string()),
});
export type Copy = v.InferOutput<typeof Copy>;

const Document = v.object({
  fleet: v.object({ name: v.string(), environment: v.string() }),
  promotion: PromotionPlan,
  execution: v.object({ id: v.string(), name: v.string(), startedAt: v.string() }),
  input: v.unknown(),
  candidate: v.optional(Candidate),
  proof: v.optional(v.unknown()),
  copy: v.optional(Copy),
  record: v.optional(v.unknown()),
  failure: v.optional(Failure),
  ending: v.optional(v.unknown()),
});

type ParsedDocument = v.InferOutput<typeof Document>;
export type Promotion = Omit<ParsedDocument, 'input'> & {
  input: ReturnType<typeof parsePromotionInput>;
  /** The execution that has started this one with an override; so its input says. */
  door?: string;
};

/** The keys that steps write. */
export type PromotionKey = Exclude<keyof Promotion, 'fleet' | 'promotion' | 'execution' | 'input' | 'door'>;

/** A promotion in which these steps have been. */
export type PromotedSoFar<K extends PromotionKey> = Promotion & { [Key in K]-?: NonNullable<Promotion[Key]> };

/**
 * The document at a step's door.
 * @throws InvalidInput when the execution input is bad; StepCrashed when the document is not one that the story could
 * have written (a step run by hand, or out of order).
 */
export function parsePromotion<K extends PromotionKey>(
  document: unknown,
  needs: readonly K[],
): PromotedSoFar<K> {
  const parsed = parseDocument(Document, document, needs);
  const { asked, ...door } = askedOf(parsed.input);
  return { ...parsed, ...door, input: parsePromotionInput(asked) } as PromotedSoFar<K>;
}
