/** Deployments as they are on their way through the story: two old hosts, two new ones, each part replaceable. */

import type { PinnedArtifact } from '../../lambdas/domain/core/artifact.ts';
import type {
  Deployment,
  Launch,
  Lock,
  Look,
  OldHost,
  ResolvedImage,
  ResolvedRelease,
  Snapshot,
} from '../../lambdas/domain/core/document.ts';
import type { End } from '../../lambdas/domain/core/story.ts';
import type { Hold } from '../../lambdas/ports/ledger.ts';
import { aFleet } from './fleets.ts';

/** So many seconds after the deployment began. */
export const at = (seconds: number): Date => new Date(Date.UTC(2026, 2, 1, 9, 0, 0) + seconds * 1000);
export const iso = (seconds: number): string => at(seconds).toISOString();

export const OLD = ['i-old1', 'i-old2'] as const;
export const NEW = ['i-new1', 'i-new2'] as const;
export const ZONES = ['ap-northeast-1a', 'ap-northeast-1c'] as const;

export const IMAGE: ResolvedImage = { imageId: 'ami-0abc', name: 'shop-1', reason: 'ami-0abc (shop-1)' };

export const RELEASE: ResolvedRelease & { readonly artifact: PinnedArtifact } = {
  verdict: 'deploy',
  reason: 'shop/app.tar.gz version v2',
  dryRun: false,
  artifact: { key: 'shop/app.tar.gz', versionId: 'v2', sha256: 'a'.repeat(64), sizeBytes: 1_000 },
  runtimes: [],
};

export const anOldHost = (instanceId: string, changes: Partial<OldHost> = {}): OldHost => ({
  instanceId,
  zone: ZONES[0],
  hostIds: [`host of ${instanceId}`],
  status: 'working',
  memberOf: ['web'],
  served: true,
  ...changes,
});

export const aSnapshot = (changes: Partial<Snapshot> = {}): Snapshot => ({
  reason: '2 old hosts of Shop:web, 2 in service',
  hosts: OLD.map((id) => anOldHost(id)),
  strangers: [],
  strangerCount: 0,
  balancers: [
    {
      name: 'web',
      intervalSeconds: 5,
      healthyThreshold: 2,
      drainSeconds: 30,
      joins: 'when-running',
      noticesAfterSeconds: 14,
      leadSeconds: 5,
      slowStartSeconds: 0,
    },
  ],
  ...changes,
});

export const aLaunch = (changes: Partial<Launch> = {}): Launch => ({
  reason: '2 instances of ami-0abc',
  at: iso(10),
  instances: NEW.map((instanceId, index) => ({
    instanceId,
    zone: ZONES[index] ?? ZONES[0],
    instanceType: 't4g.small',
  })),
  ...changes,
});

export const aLook = (changes: Partial<Look> = {}): Look => ({
  ready: false,
  reason: 'not yet',
  nextLookInSeconds: 3,
  since: iso(20),
  at: iso(20),
  looks: 1,
  ...changes,
});

export const EXECUTION = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop:deploy-2';

/** A deployment that has just been opened: it holds no lock yet. */
export const aDeployment = (changes: Partial<Deployment> = {}): Deployment => ({
  fleet: aFleet(),
  execution: { id: EXECUTION, name: 'deploy-2', startedAt: iso(0) },
  input: {},
  ...changes,
});

/** The deployment's hold of its fleet's lock. */
export const HOLD: Hold = { holder: EXECUTION, generation: 7 };
export const LOCK: Lock = { ...HOLD, verdict: 'taken', reason: 'taken, as holder number 7 of shop' };

/** Agreed: the lock is taken, image, release and snapshot are known, nothing was changed. */
export const agreed = (changes: Partial<Deployment> = {}): Deployment =>
  aDeployment({ lock: LOCK, image: IMAGE, release: RELEASE, oldHosts: aSnapshot(), ...changes });

/** Launched: the new instances boot. */
export const launched = (changes: Partial<Deployment> = {}): Deployment =>
  agreed({ launch: aLaunch(), ...changes });

/** Shifted: all new hosts were ready, the old ones are out of service. */
export const shifted = (changes: Partial<Deployment> = {}): Deployment =>
  launched({
    readiness: aLook({ ready: true }),
    shift: { done: true, reason: '2 old hosts taken out of service', at: iso(100) },
    ...changes,
  });

/** Baked: the next thing is the point of no return. */
export const baked = (changes: Partial<Deployment> = {}): Deployment =>
  shifted({ drain: aLook({ ready: true }), bake: aLook({ ready: true }), ...changes });

/** Failed by this error, as a Catch writes it: Lambda's cause is JSON text. */
export const failedBy = (name: string, message = 'It broke.') => ({
  Error: name,
  Cause: JSON.stringify({ errorType: name, errorMessage: message, trace: [] }),
});

/** How the story would have ended a deployment whose document looks like this. */
export function endOf({ undoFailure, putBack, bake }: Partial<Deployment>): End {
  if (undoFailure) return 'undo-failed';
  if (putBack) return 'undone';
  return bake?.ready ? 'halfway' : 'refused';
}
