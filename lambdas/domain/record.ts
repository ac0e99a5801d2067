/** The release record: what a deployment did, when, for whom. Kept in the artifact bucket, one JSON per deployment. */
import {
  type Deployment,
  deploymentId,
  type Ending,
  newInstanceIds,
  oldInstanceIds,
  type Straggler,
} from './deployment.ts';
import { startedBy } from './input.ts';
import type { Kept } from './kept.ts';
import { recipe } from './release-choice.ts';
import { replacedSentence } from './stragglers.ts';
import { secondsBetween } from './words.ts';

export interface DeploymentRecord {
  readonly deployment: string;
  readonly execution: string;
  readonly fleet: string;
  readonly environment: string;
  /** `Deployed`, or the name that the execution failed under. */
  readonly outcome: string;
  readonly reason: string;
  readonly startedBy: string;
  readonly why?: string;
  readonly artifact?: NonNullable<Deployment['release']>['artifact'];
  readonly runtimes?: NonNullable<Deployment['release']>['runtimes'];
  readonly imageId?: string;
  readonly recipe: string;
  readonly newInstances: readonly string[];
  readonly oldInstances: readonly string[];
  /** New instances that stayed behind and were replaced by others, which are among `newInstances`. */
  readonly replaced?: readonly Straggler[];
  readonly strangers: readonly { readonly name: string; readonly why: string }[];
  /** The ends of the consoles of new instances that failed or stayed behind, by instance id, line by line. */
  readonly consoles?: Readonly<Record<string, readonly string[]>>;
  /** A failed instance that is kept for debugging. */
  readonly kept?: Kept;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Phase → seconds. */
  readonly phases: Readonly<Record<string, number>>;
}

export function recordOf(deployment: Deployment, now: Date, ending?: Ending): DeploymentRecord {
  const { execution, fleet, input, release, image, oldHosts, launch, stragglers, removal } = deployment;
  const evidence = [...(stragglers?.evidence ?? []), ...(removal?.evidence ?? [])].filter(
    ({ console }) => console.length > 0,
  );
  return {
    deployment: deploymentId(deployment),
    execution: execution.id,
    fleet: fleet.name,
    environment: fleet.environment,
    outcome: ending?.error ?? 'Deployed',
    reason:
      ending?.cause ??
      [release?.reason, oldHosts?.reason, replacedSentence(launch?.replaced)].filter(Boolean).join('; '),
    startedBy: startedBy(input),
    ...(input.reason && { why: input.reason }),
    ...(release && { artifact: release.artifact, runtimes: release.runtimes }),
    ...(image && { imageId: image.imageId }),
    recipe: recipe(fleet),
    newInstances: newInstanceIds(deployment),
    oldInstances: oldInstanceIds(deployment),
    ...(launch?.replaced && launch.replaced.length > 0 && { replaced: launch.replaced }),
    strangers: oldHosts?.strangers ?? [],
    ...(evidence.length > 0 && {
      consoles: Object.fromEntries(evidence.map(({ instanceId, console }) => [instanceId, console])),
    }),
    ...(removal?.kept && { kept: removal.kept }),
    startedAt: execution.startedAt,
    finishedAt: now.toISOString(),
    phases: phases(deployment),
  };
}

/** How long each phase took, in seconds, as far as the deployment came. */
export function phases(deployment: Deployment): Record<string, number> {
  const { execution, launch, readiness, shift, drain, bake, termination, retirement, putBack, removal } =
    deployment;
  const moments: [string, string | undefined][] = [
    ['agree', launch?.at],
    ['bring up', readiness?.at],
    ['shift', shift?.at],
    ['drain', drain?.at],
    ['bake', bake?.at],
    ['terminate', termination?.at],
    ['retire', retirement?.at],
    ['put back', putBack?.at],
    ['remove new', removal?.at],
  ];
  const spans: Record<string, number> = {};
  let from = execution.startedAt;
  for (const [phase, at] of moments) {
    if (!at) continue;
    spans[phase] = Math.round(secondsBetween(from, at) * 10) / 10;
    from = at;
  }
  return spans;
}
