/**
 * Provenance: is what a fleet is to run what was tested before it was promoted? A proof is for one upload and for these
 * bytes: who may write the key brings nothing back by writing the bytes again. It covers the runtimes, and tells the
 * image.
 */
import * as v from 'valibot';
import type { Records } from '../../ports/s3.ts';
import type { PinnedArtifact, PinnedRuntime, ReleasedArtifact } from '../core/artifact.ts';
import type { GateRefusal } from '../core/document.ts';
import type { Fleet } from '../core/fleet.ts';
import { type DeploymentInput, insisting } from '../core/input.ts';
import { machineName, promotionKey } from '../core/names.ts';
import { list } from '../core/words.ts';
import type { CurrentRelease } from './release-choice.ts';

/** What the artifact was tested with: of the deployment at the source that proves it. */
export const Tested = v.object({
  runtimes: v.array(v.object({ directory: v.string(), sha256: v.string() })),
  imageId: v.optional(v.string()),
  imageCopyOf: v.optional(v.string()),
});
export type Tested = v.InferOutput<typeof Tested>;

/** Of all that a promotion writes down, what proves something. */
export const ProofRead = v.object({
  fleet: v.string(),
  sha256: v.string(),
  promotedAt: v.string(),
  /** The copy's. Absent while it is made. */
  versionId: v.optional(v.string()),
  /** While it is made: until when it may come, and the version that it replaces. */
  until: v.optional(v.string()),
  onto: v.optional(v.object({ versionId: v.string(), etag: v.string() })),
  /** Absent: nothing was, and somebody promoted it all the same. */
  tested: v.optional(Tested),
  override: v.optional(v.array(v.string())),
});
export type ProofRead = v.InferOutput<typeof ProofRead>;

/** Facts of a release that is wanted, as far as they are asked for here. */
interface Wanted {
  readonly now: Date;
  readonly artifact: ReleasedArtifact;
  readonly runtimes: readonly PinnedRuntime[];
  readonly image: { readonly imageId: string; readonly copyOf?: string | undefined };
  readonly current: CurrentRelease | undefined;
  readonly promotion: unknown;
}

/** The proof of this version; else that of a promotion of these bytes, which may be on its way. */
export async function findProof(
  { name, artifact: { bucket } }: Pick<Fleet, 'name' | 'artifact'>,
  { sha256, versionId }: Pick<PinnedArtifact, 'sha256' | 'versionId'>,
  records: Pick<Records, 'readRecord'>,
): Promise<unknown> {
  const keys = [promotionKey(name, sha256, versionId), promotionKey(name, sha256)];
  const [own, latest] = await Promise.all(keys.map((key) => records.readRecord(bucket, key)));
  return own ?? latest;
}

export function parseProof(
  record: unknown,
  fleet: string,
  { sha256 }: Pick<PinnedArtifact, 'sha256'>,
): ProofRead | undefined {
  const parsed = v.safeParse(ProofRead, record);
  return parsed.success && parsed.output.fleet === fleet && parsed.output.sha256 === sha256
    ? parsed.output
    : undefined;
}

/** Before its copy has a version, a proof is for whatever comes next with these bytes, and not for long. */
export const isOnItsWay = ({ versionId, until = '' }: ProofRead, now: Date): boolean =>
  versionId === undefined && now.getTime() < Date.parse(until);

const proves = (proof: ProofRead, versionId: string, now: Date): boolean =>
  proof.versionId === versionId || (isOnItsWay(proof, now) && proof.onto?.versionId !== versionId);

const notProven = (sentence: string): GateRefusal => ({ name: 'NotProven', sentence });
const insist = ({ name }: Pick<Fleet, 'name'>, input: DeploymentInput): string =>
  insisting(name, 'provenance', input);

/** The rule for new images brings nothing that does not run here already, whoever let it in. */
const runsHere = ({ newImage }: DeploymentInput, { artifact, current }: Wanted): boolean =>
  newImage !== undefined && artifact !== null && current?.artifact?.sha256 === artifact.sha256;

export function lackOfProof(fleet: Fleet, input: DeploymentInput, wanted: Wanted): GateRefusal | undefined {
  const { now, artifact, promotion } = wanted;
  // An image is promoted to nobody; a fleet without an artifact has no promotion.
  if (!fleet.wantsProvenance || !artifact || runsHere(input, wanted)) return undefined;
  const proof = parseProof(promotion, fleet.name, artifact);
  if (proof && proves(proof, artifact.versionId, now)) return undefined;
  const another =
    proof?.versionId && ` (the same bytes were, as version ${proof.versionId}; a proof is for one upload)`;
  return notProven(
    `${artifact.key} version ${artifact.versionId} (SHA-256 ${artifact.sha256.slice(0, 12)}…) was not promoted to ` +
      `${fleet.name}${another || ''}, which accepts only promoted artifacts. Promote it (start ${machineName(fleet.name, 'promote')}), ` +
      `or deploy it unproven by ${insist(fleet, input)}.`,
  );
}

/** Runtimes are not promoted: each is uploaded to its own key, and must be, byte for byte, what was tested in its place. */
export function otherRuntimes(fleet: Fleet, input: DeploymentInput, wanted: Wanted): GateRefusal | undefined {
  const { artifact } = wanted;
  if (!artifact || runsHere(input, wanted)) return undefined;
  const proof = fleet.wantsProvenance && parseProof(wanted.promotion, fleet.name, artifact);
  if (!proof || isWaived(proof)) return undefined;
  const others = wanted.runtimes.filter(
    ({ directory, sha256 }) =>
      !proof.tested?.runtimes.some((each) => each.directory === directory && each.sha256 === sha256),
  );
  if (others.length === 0) return undefined;
  const told = others.map(
    ({ key, versionId, directory }) => `${key} version ${versionId} was not tested with it in ${directory}`,
  );
  return notProven(
    `${artifact.key} version ${artifact.versionId} was promoted to ${fleet.name}, but ${list(told)}. Upload ` +
      'the runtimes that its source ran; or deploy it there with these, and promote it again; or deploy it all the same ' +
      `by ${insist(fleet, input)}.`,
  );
}

/** Promoted although nothing was tested: it is known who said so, and why. */
const isWaived = ({ tested, override = [] }: ProofRead): boolean =>
  tested === undefined && override.includes('provenance');

/** Told where it is another image than the tested one; refused where the fleet demands that one. */
export function otherImage(
  fleet: Fleet,
  input: DeploymentInput,
  { artifact, image, promotion }: Wanted,
): { refusal: GateRefusal | undefined; told: string; testedImage: string } | undefined {
  if (!artifact || (!fleet.wantsProvenance && !fleet.wantsTestedImage)) return undefined;
  const proof = parseProof(promotion, fleet.name, artifact);
  const { imageId: testedOn, imageCopyOf } = proof?.tested ?? {};
  const isAsTested =
    testedOn === undefined
      ? !fleet.wantsTestedImage || (proof !== undefined && isWaived(proof))
      : isSameImage([testedOn, imageCopyOf], image);
  if (isAsTested) return undefined;
  const testedImage = testedOn ?? 'no image that is known';
  const refusal = fleet.wantsTestedImage
    ? notProven(
        `${artifact.key} version ${artifact.versionId} was tested on ${testedImage}, not on ${image.imageId}, and ${fleet.name} ` +
          'accepts only the tested image (promotion.testedImage). Start with {"amiId": "…"}, that image or a copy of it; or ' +
          `deploy it to its source on the new one, and promote it again; or insist by ${insist(fleet, input)}.`,
      )
    : undefined;
  return { refusal, told: `on ${image.imageId}, although it was tested on ${testedImage}`, testedImage };
}

/** A copy to another account or Region is the same image, by EC2's word. */
function isSameImage(tested: readonly (string | undefined)[], { imageId, copyOf }: Wanted['image']): boolean {
  return [imageId, copyOf].some((id) => id !== undefined && tested.includes(id));
}
