/**
 * State *Copy the artifact* of a promotion: pinned to version and checksum, at once or in parts, and verified when it is
 * made. Running it twice copies once: each run looks first at what the destination has.
 */
import { liveCopies } from '../clients/copies.ts';
import { lambdaHandler, systemClock } from '../clients/handler.ts';
import { DeploymentError } from '../domain/core/errors.ts';
import { count, secondsBetween, span } from '../domain/core/words.ts';
import {
  copyRequest,
  decideCopy,
  fitsIntoOneRequest,
  partSize,
  verifiedCopy,
} from '../domain/promotion/copying.ts';
import type { Copy, PromotedSoFar } from '../domain/promotion/promotion.ts';
import { definePromotionStep } from '../domain/promotion/step.ts';
import type { Ports } from '../ports/ports.ts';

/** The largest object that S3 has, 50 TB, takes some hours. */
export const COPY_SECONDS = 12 * 3_600;

type Chosen = PromotedSoFar<'candidate'>;
/** What a look did. */
type Progress = Pick<Copy, 'ready' | 'reason' | 'uploadId' | 'versionId'>;

export const copyTheArtifact = definePromotionStep(
  'copy-the-artifact',
  ['candidate'],
  async (promotion, ports: Pick<Ports, 'copies' | 'clock'>): Promise<Copy> => {
    const now = ports.clock.now();
    const { since = now.toISOString(), looks = 0 } = promotion.copy ?? {};
    const passed = secondsBetween(since, now);
    if (passed > COPY_SECONDS) {
      throw new DeploymentError(
        'CopyFailed',
        `The copy was not finished after ${span(passed)}. Check the status of S3, and start the promotion again.`,
      );
    }
    const progress = await copyOn(promotion, ports);
    return { ...progress, nextLookInSeconds: 1, since, at: now.toISOString(), looks: looks + 1 };
  },
);

async function copyOn(promotion: Chosen, { copies }: Pick<Ports, 'copies'>): Promise<Progress> {
  const { promotion: plan, candidate } = promotion;
  const newest = await copies.look(plan.to);
  if (decideCopy(plan.to, candidate, newest) === 'made' && newest !== undefined)
    return copied(newest.versionId);
  const isSmall = fitsIntoOneRequest(candidate.artifact.sizeBytes);
  const made = await (isSmall ? copies.whole(copyRequest(plan, candidate)) : copyInParts(promotion, copies));
  if (typeof made === 'object') return made;
  if (made !== undefined) {
    return copied(verifiedCopy(plan.to, candidate, await copies.look(plan.to, made)));
  }
  // S3 has seen another newest version than the look before: this throws, unless it is the copy.
  const now = await copies.look(plan.to);
  if (decideCopy(plan.to, candidate, now) === 'made' && now !== undefined) return copied(now.versionId);
  throw new DeploymentError(
    'CopyFailed',
    `S3 does not copy s3://${plan.from.bucket}/${plan.from.key} (version ${candidate.artifact.versionId}): either that version was deleted, ` +
      'or somebody aborted the unfinished copy. Start the promotion again if it is still wanted.',
  );
}

const copied = (versionId: string): Progress => ({
  ready: true,
  reason: `copied and verified as version ${versionId}`,
  versionId,
});

/** The next parts; the whole once none is missing. */
async function copyInParts(
  { promotion: plan, candidate, copy }: Chosen,
  copies: Ports['copies'],
): Promise<Progress | string | undefined> {
  const request = copyRequest(plan, candidate);
  const size = partSize(request.sizeBytes);
  const all = Math.ceil(request.sizeBytes / size.bytes);
  const uploadId = copy?.uploadId ?? (await copies.begin(request));
  if (copy?.uploadId === undefined) {
    return { ready: false, reason: `it is copied in ${count(all, 'part')}`, uploadId };
  }
  const left = await copies.parts(request, uploadId, size);
  if (left === undefined) return undefined;
  if (left === 0) return copies.finish(request, uploadId);
  return { ready: false, reason: `${all - left} of ${count(all, 'part')} copied`, uploadId };
}

export const handler = lambdaHandler(copyTheArtifact, () => ({ copies: liveCopies(), clock: systemClock }));
