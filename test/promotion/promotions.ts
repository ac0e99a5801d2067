/** Promotions as they are on their way: one fleet, fed from staging; each part replaceable. */
import { createHash } from 'node:crypto';
import type { PinnedArtifact } from '../../lambdas/domain/core/artifact.ts';
import type { Candidate, Promotion, PromotionPlan } from '../../lambdas/domain/promotion/promotion.ts';
import type { Ran } from '../../lambdas/domain/promotion/provenance.ts';

/** So many minutes after the promotion began. */
export const at = (minutes: number): Date => new Date(Date.UTC(2026, 2, 1, 12) + minutes * 60_000);

export const DIGEST = createHash('sha256').update('a tarball').digest('hex');
export const ARTIFACT: PinnedArtifact = { key: 'app.tar.gz', versionId: 'v3', sha256: DIGEST, sizeBytes: 9 };

/** What the source ran, finished so many minutes before the promotion began. */
export const ran = (versionId: string, minutes: number, changes: Partial<Ran> = {}): Ran => ({
  outcome: 'Deployed',
  deployment: `${versionId}-${minutes}`,
  artifact: { ...ARTIFACT, versionId },
  finishedAt: at(-minutes).toISOString(),
  ...changes,
});

export const aPlan = (changes: Partial<PromotionPlan> = {}): PromotionPlan => ({
  from: { bucket: 'staging', key: 'app.tar.gz', environment: 'staging' },
  to: { bucket: 'production', key: 'app.tar.gz' },
  fed: [{ fleet: 'app', from: 'staging', soakMinutes: 5 }],
  ...changes,
});

export const aCandidate = (changes: Partial<Candidate> = {}): Candidate => ({
  verdict: 'promote',
  reason: 'version v3 is promoted',
  dryRun: false,
  artifact: ARTIFACT,
  provenBy: { app: 'v3-10' },
  tested: { app: { runtimes: [] } },
  ...changes,
});

export const aPromotion = (changes: Partial<Promotion> = {}): Promotion => ({
  fleet: { name: 'app', environment: 'production' },
  promotion: aPlan(),
  execution: {
    id: 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-app-promote:p-1',
    name: 'p-1',
    startedAt: at(0).toISOString(),
  },
  input: {},
  ...changes,
});
