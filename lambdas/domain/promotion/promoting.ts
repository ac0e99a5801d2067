/** Decisions of a promotion: which version is the candidate, and whether it may be promoted. */
import type { ArtifactVersion, Held } from '../../ports/s3.ts';
import type { PinnedArtifact } from '../core/artifact.ts';
import { DeploymentError } from '../core/errors.ts';
import { machineName } from '../core/names.ts';
import { list } from '../core/words.ts';
import { assertReadable } from '../release/pin.ts';
import { isOnItsWay, type ProofRead, parseProof, type Tested } from '../release/proven.ts';
import { foundArtifact } from '../release/release-choice.ts';
import { isCopy } from './copying.ts';
import type { PromotionInput } from './input.ts';
import type { Candidate, PromotionPlan } from './promotion.ts';
import { judge, type Objection, type Ran, runsNow, testOf } from './provenance.ts';

/** Source fleet → what it ran, newest first. */
export type Histories = ReadonlyMap<string, readonly Ran[]>;

/**
 * The version asked for, or else the one that the fleet's own source runs now.
 * @throws NotProven when it is not known what that fleet runs.
 */
export function candidateVersion(
  source: string,
  { versionId }: PromotionInput,
  histories: Histories,
): string {
  const history = histories.get(source) ?? [];
  const found = versionId ?? runsNow(history)?.artifact?.versionId;
  if (found !== undefined) return found;
  const [last] = history;
  throw new DeploymentError(
    'NotProven',
    last === undefined
      ? `${source} was never deployed, so there is nothing to promote. Deploy there first.`
      : `What ${source} runs is not certain since its deployment ${last.deployment} ended as ${last.outcome}. ` +
          'Deploy there again; or name a version: {"versionId": "…"}.',
  );
}

/** @throws ArtifactNotFound when the source has no such version (anymore). */
export function assertVersionExists(
  { from }: PromotionPlan,
  versionId: string,
  newestFirst: readonly string[],
  mostListed: number,
): void {
  // Of a longer list the end is not known.
  if (newestFirst.includes(versionId) || newestFirst.length >= mostListed) return;
  foundArtifact(from.bucket, from.key, versionId, undefined);
}

export interface Proven {
  /** Fed fleet → the deployment of its source that proves the version. */
  readonly provenBy: Readonly<Record<string, string>>;
  /** Fed fleet → what it was tested with by that deployment. */
  readonly tested: Readonly<Record<string, Tested>>;
  /** What was waived, in words; empty when nothing had to be. */
  readonly waived: readonly string[];
}

/**
 * Is the version proven for every fleet that would be fed with it?
 * @throws NotProven with every reason against it that the input does not override.
 */
export function proveVersion(
  { fed }: PromotionPlan,
  input: PromotionInput,
  versionId: string,
  facts: { readonly histories: Histories; readonly newestFirst: readonly string[]; readonly now: Date },
): Proven {
  const judgements = fed.map(({ fleet, from, soakMinutes, testedImage }) => ({
    fleet,
    ...judge({
      ...facts,
      source: from,
      versionId,
      soakMinutes,
      testedImage,
      history: facts.histories.get(from) ?? [],
    }),
  }));
  const objections = distinct(judgements.flatMap(({ objections: own }) => own));
  const waives = ({ against }: Objection) => input.override?.includes(against) ?? false;
  const standing = objections.filter((objection) => !waives(objection));
  if (standing.length > 0) throw notProven(fed[0]?.fleet ?? '', versionId, standing);
  return {
    provenBy: Object.fromEntries(
      judgements.flatMap(({ fleet, deployment }) => (deployment === undefined ? [] : [[fleet, deployment]])),
    ),
    tested: Object.fromEntries(judgements.flatMap(({ fleet, tested }) => (tested ? [[fleet, tested]] : []))),
    waived: objections.map(({ reason }) => reason),
  };
}

/** Two fleets of one source are told about once. */
const distinct = (objections: readonly Objection[]): Objection[] => [
  ...new Map(objections.map((objection) => [objection.reason, objection])).values(),
];

function notProven(fleet: string, versionId: string, standing: readonly Objection[]): DeploymentError {
  const overrides = [...new Set(standing.map(({ against }) => against))];
  return new DeploymentError(
    'NotProven',
    `Version ${versionId} may not be promoted: ${list(standing.map(({ reason }) => reason))}. ` +
      `Whoever must promote it all the same starts ${machineName(fleet, 'promote-override')} with ${JSON.stringify({ versionId, override: overrides, reason: '…' })}.`,
  );
}

export interface Destination {
  readonly newest: Held | undefined;
  /** Fed fleet → the proof of that newest one there, or of a promotion of these bytes; as they were found. */
  readonly proofs: Readonly<Record<string, unknown>>;
  readonly now: Date;
  /** What would be copied, as S3 has it now. */
  readonly found: ArtifactVersion;
}

/**
 * Promoted already is what the destination has as its newest, with a proof for every fleet: without one it came there by
 * another way, and the fleets have refused it. A copy starts them anew; but one that a promotion made which ended before
 * it could say so is only proven.
 * @throws ArtifactUnusable when there is to be a copy, and the source cannot be read anymore.
 */
export function decidePromotion(
  { from, to, fed }: PromotionPlan,
  artifact: PinnedArtifact,
  { waived, tested }: Proven,
  { newest, proofs, found, now }: Destination,
): Pick<Candidate, 'verdict' | 'reason' | 'onto' | 'promotedAs'> {
  const name = `version ${artifact.versionId} (${artifact.sizeBytes} bytes, SHA-256 ${artifact.sha256.slice(0, 12)}…)`;
  const place = `s3://${to.bucket}/${to.key}`;
  const isThere = newest !== undefined && isCopy(newest, artifact);
  const theirs = fed.map((each) => ({ each, proof: parseProof(proofs[each.fleet], each.fleet, artifact) }));
  if (
    isThere &&
    theirs.every(
      ({ each, proof }) => proof?.versionId === newest.versionId && isSame(each, proof, tested[each.fleet]),
    )
  ) {
    const reason = `${name} is the newest of ${place} already, as version ${newest.versionId}`;
    return { verdict: 'already-promoted', reason, ...ontoOf(newest), promotedAs: newest.versionId };
  }
  const begun = theirs.map(({ proof }) => proof);
  const made =
    isThere &&
    begun.every((proof) => proof && isOnItsWay(proof, now) && proof.onto?.versionId !== newest.versionId);
  // What was archived since it was deployed cannot be copied.
  if (!made) assertReadable(from.bucket, found);
  const inSpite = waived.length === 0 ? '' : `, although ${list(waived)}`;
  return {
    verdict: 'promote',
    reason: `${name} is promoted to ${place}${inSpite}`,
    ...ontoOf(made ? begun[0]?.onto : newest),
  };
}

const ontoOf = (held: { readonly versionId: string; readonly etag: string } | undefined) =>
  held && { onto: { versionId: held.versionId, etag: held.etag } };

/** Was it tested since with other runtimes, or on another image where that matters? Then its proof is another one. */
const isSame = (
  { testedImage }: PromotionPlan['fed'][number],
  proof: ProofRead,
  tested: Tested | undefined,
): boolean =>
  tested === undefined ||
  (proof.tested !== undefined && testOf(proof.tested, testedImage) === testOf(tested, testedImage));
