/** The release record: what a deployment did, when, for whom. Kept in the artifact bucket, one JSON per deployment. */
import { countBy, sum } from '../core/collections.ts';
import {
  type Deployment,
  deploymentId,
  type Ending,
  type Evidence,
  type Kept,
  type NewInstance,
  newInstanceIds,
  oldInstanceIds,
  type StepKey,
  type Straggler,
} from '../core/document.ts';
import { type Override, startedBy } from '../core/input.ts';
import { type Starts, withNewer } from '../core/starts.ts';
import { rowOf, STEP_NAMES } from '../core/steps.ts';
import { count, list, secondsBetween } from '../core/words.ts';
import { type Side, sidesOf } from '../hosts/compare.ts';
import { exposureOf, exposureSentence, servingOf } from '../hosts/first-hosts.ts';
import type { AtTheEnd } from '../hosts/last-look.ts';
import { replacedSentence } from '../hosts/stragglers.ts';
import { launchedFrom, recipe } from '../release/release-choice.ts';
import { owedSentence } from './owed.ts';
import { hasTimeline, type Timeline, timelineOf } from './timeline/timeline.ts';
import { leftovers } from './to-do.ts';
import { decisionsOf, secondsOf, waitedOn } from './waited.ts';

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
  /** The version of the artifact that was asked for, where it was refused before anything of a release was known. */
  readonly askedFor?: string;
  readonly imageId?: string;
  /** Of the new hosts: type → how many. */
  readonly instanceTypes?: Readonly<Record<string, number>>;
  /** The image that it is a copy of, by EC2's word. */
  readonly imageCopyOf?: string;
  /** The version of the given launch template that it was launched from. */
  readonly templateVersion?: string;
  /** The image that the artifact was tested on before it was promoted, where that is another one. */
  readonly testedImage?: string;
  /** Instance type → seconds from launch to registration of the last ten hosts: the next deployment goes by them. */
  readonly starts?: Starts;
  /** When EC2 made the image, ISO 8601. */
  readonly imageCreatedAt?: string;
  /** The deployment whose release ran before; after a rollback, the one before that release. */
  readonly previous?: string;
  /** The deployment whose release this one went back to. */
  readonly rolledBackTo?: string;
  /** The newest version of the artifact then: its upload's event, which may come late, does not bring it back. */
  readonly leftBehind?: string;
  /** The gates that somebody opened, through the door for it, as Step Functions says; `why` says why. */
  readonly override?: readonly Override[];
  /** What became of its hooks and pauses, and who decided, in their order. */
  readonly decisions?: readonly string[];
  readonly recipe: string;
  readonly newInstances: readonly string[];
  readonly oldInstances: readonly string[];
  /** Those of the new ones that got traffic first, and were watched beside so many old hosts. */
  readonly first?: {
    readonly instances: readonly string[];
    readonly beside: number;
    readonly exposure?: string;
  };
  /** What was compared: each metric of old and new hosts, per host. */
  readonly compared?: readonly Side[];
  /** New instances that stayed behind and were replaced by others, which are among `newInstances`. */
  readonly replaced?: readonly Straggler[];
  readonly strangers: readonly { readonly name: string; readonly why: string }[];
  /** The ends of the consoles of new instances that failed or stayed behind, by instance id, line by line. */
  readonly consoles?: Readonly<Record<string, readonly string[]>>;
  /** Where all of these consoles are, by instance id: keys in the bucket of this record. */
  readonly savedConsoles?: Readonly<Record<string, string>>;
  /** A failed instance that is kept for debugging. */
  readonly kept?: Kept;
  /** What the last look of one that was deployed found otherwise than it should be; absent: nothing. */
  readonly atTheEnd?: AtTheEnd;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Phase → seconds. */
  readonly phases: Readonly<Record<string, number>>;
  /** Only in the deployment's own record; absent when it changed nothing. */
  readonly timeline?: Timeline;
}

export function recordOf(
  deployment: Deployment,
  now: Date,
  ending?: Ending,
  seen: AtTheEnd = {},
): DeploymentRecord {
  const { execution, fleet, input, release, image, oldHosts, launch, stragglers, removal } = deployment;
  const evidence = [...(stragglers?.evidence ?? []), ...(removal?.evidence ?? [])].filter(
    ({ console }) => console.length > 0,
  );
  const [compared, decisions] = [sidesOf(deployment), decisionsOf(deployment)];
  return {
    deployment: deploymentId(deployment),
    execution: execution.id,
    fleet: fleet.name,
    environment: fleet.environment,
    outcome: ending?.error ?? 'Deployed',
    reason:
      ending?.cause ??
      [
        release?.reason,
        oldHosts?.reason,
        firstSentence(deployment),
        replacedSentence(launch?.replaced),
        ...decisions,
        owedSentence(deployment),
        ...leftovers(fleet.name, seen).map(({ what }) => what),
      ]
        .filter(Boolean)
        .join('; '),
    startedBy: startedBy(input),
    ...(input.reason && { why: input.reason }),
    ...(release && { artifact: release.artifact, runtimes: release.runtimes }),
    ...(!release && input.versionId && { askedFor: input.versionId }),
    ...(image && { imageId: image.imageId }),
    ...(image?.copyOf && { imageCopyOf: image.copyOf }),
    ...(image?.templateVersion && { templateVersion: image.templateVersion }),
    ...(release?.testedImage && { testedImage: release.testedImage }),
    ...(launch && { instanceTypes: countTypes(launch.instances) }),
    ...startsOf(deployment),
    ...(image?.createdAt && { imageCreatedAt: image.createdAt }),
    ...previousOf(deployment, ending),
    ...(image?.rollbackTo && { rolledBackTo: image.rollbackTo }),
    ...(release?.leftBehind && { leftBehind: release.leftBehind }),
    // One that was refused at the door of the lock has opened nothing.
    ...(deployment.lock && input.override?.length && { override: input.override }),
    ...(decisions.length > 0 && { decisions }),
    recipe: recipe(launchedFrom(fleet, image)),
    newInstances: newInstanceIds(deployment),
    oldInstances: oldInstanceIds(deployment),
    ...firstOf(deployment),
    ...(compared.length > 0 && { compared }),
    ...(launch?.replaced &&
      launch.replaced.length > 0 && {
        replaced: launch.replaced.map(({ instanceId, why }) => ({ instanceId, why })),
      }),
    strangers: oldHosts?.strangers ?? [],
    ...(evidence.length > 0 && {
      consoles: Object.fromEntries(evidence.map(({ instanceId, console }) => [instanceId, console])),
    }),
    ...saved(evidence),
    ...(removal?.kept && { kept: removal.kept }),
    ...(Object.keys(seen).length > 0 && { atTheEnd: seen }),
    startedAt: execution.startedAt,
    finishedAt: now.toISOString(),
    phases: phases(deployment),
    ...(hasTimeline(deployment) && { timeline: timelineOf(deployment, now, ending) }),
  };
}

/** For whoever wants the result alone: what the fleet runs, and what the execution answers. */
export function withoutTimeline({ timeline, ...record }: DeploymentRecord): DeploymentRecord {
  return record;
}

const countTypes = (instances: readonly Pick<NewInstance, 'instanceType'>[]): Record<string, number> =>
  Object.fromEntries(countBy(instances, ({ instanceType }) => instanceType));

/** Of one that did not end well: what ran when it began, which may run again. */
function previousOf({ release }: Deployment, ending?: Ending): { previous?: string } {
  const previous = ending ? release?.ranBefore : release?.previous;
  return previous === undefined ? {} : { previous };
}

/** Empty where all joined at once. */
function firstSentence(deployment: Deployment): string {
  const { first } = firstOf(deployment);
  if (!first) return '';
  const { exposure } = first;
  return `${list(first.instances)} went first, beside ${count(first.beside, 'old host')}${exposure ? `, ${exposure}` : ''}`;
}

function firstOf(deployment: Deployment): Pick<DeploymentRecord, 'first'> {
  const { firstWatch } = deployment;
  if (!firstWatch?.hosts) return {};
  const exposure = exposureOf(deployment);
  return {
    first: {
      instances: firstWatch.hosts,
      beside: servingOf(deployment).length,
      ...(exposure && { exposure: exposureSentence(exposure) }),
    },
  };
}

/** Those of before are handed on. */
function startsOf({ release, readiness }: Deployment): Pick<DeploymentRecord, 'starts'> {
  const starts = withNewer(release?.starts, readiness?.starts);
  return Object.keys(starts).length > 0 ? { starts } : {};
}

/** How long each span took, in seconds, as far as the deployment came; what was waited for on the way is a span of its own. */
export function phases(deployment: Deployment): Record<string, number> {
  const spans: Record<string, number> = {};
  let from = deployment.execution.startedAt;
  const waited = waitedOn(deployment);
  for (const { key, span, lastsEach } of STEP_NAMES.map(rowOf)) {
    if (span && lastsEach) {
      const those = waited.filter(({ kind }) => kind === span.name);
      if (those.length > 0) spans[span.name] = rounded(sum(those.map(secondsOf)));
      continue;
    }
    const at = span && spanEnd(deployment, key);
    if (!at) continue;
    const between = waited.filter(({ look }) => look.since >= from && look.since < at);
    const others = sum(between.map(secondsOf));
    spans[span.name] = rounded(Math.max(0, secondsBetween(from, at) - others));
    from = at;
  }
  return spans;
}

const rounded = (seconds: number): number => Math.round(seconds * 10) / 10;

/** With hosts that go first: bringing up lasts until they are ready, and their span until all are. */
function spanEnd(deployment: Deployment, key: StepKey): string | undefined {
  const { firstWatch, readiness } = deployment;
  if (firstWatch && key === 'readiness') return firstWatch.since;
  if (firstWatch && readiness && key === 'firstWatch')
    return readiness.at > firstWatch.at ? readiness.at : firstWatch.at;
  return doneAt(deployment, key);
}

/** When a step has answered last; of a shift that was sent back to wait, nothing: it was no shift yet. */
function doneAt(deployment: Deployment, key: StepKey): string | undefined {
  const { at, done = true } = Object(deployment[key]) as { readonly at?: string; readonly done?: boolean };
  return done ? at : undefined;
}

function saved(evidence: readonly Evidence[]): Pick<DeploymentRecord, 'savedConsoles'> {
  const those = evidence.flatMap(({ instanceId, savedAs }) => (savedAs ? [[instanceId, savedAs]] : []));
  return those.length > 0 ? { savedConsoles: Object.fromEntries(those) } : {};
}
