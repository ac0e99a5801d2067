/** A plan as a difference: what runs now and what would run, part by part and host by host. Pure. */

import * as v from 'valibot';
import { sum } from '../../lambdas/domain/core/collections.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { list } from '../../lambdas/domain/core/words.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import { table } from './wording.ts';

const Runtimes = v.array(v.object({ key: v.string(), versionId: v.string() }));

/** What is shown of a plan. Fields that other versions write are accepted, and are in `--json`. */
export const Plan = v.object({
  reason: v.string(),
  release: v.object({
    /** None of these where the image is the release. */
    artifact: v.optional(v.string()),
    versionId: v.optional(v.string()),
    sha256: v.optional(v.string()),
    runtimes: v.array(v.string()),
    imageId: v.string(),
    testedImage: v.optional(v.string()),
  }),
  before: v.optional(
    v.object({
      deployment: v.string(),
      versionId: v.optional(v.string()),
      imageId: v.string(),
      runtimes: Runtimes,
    }),
  ),
  launchTemplate: v.optional(v.object({ id: v.string(), version: v.string() })),
  launch: v.array(v.object({ subnet: v.string(), instances: v.number(), tries: v.array(v.string()) })),
  first: v.optional(v.string()),
  sideBySide: v.optional(v.string()),
  replace: v.array(v.string()),
  compare: v.optional(v.array(v.string())),
  leaveAlone: v.array(v.object({ name: v.string(), why: v.string() })),
  earliestFinish: v.object({ seconds: v.number(), parts: v.array(v.string()) }),
  advice: v.array(v.string()),
  /** `Frozen: …`: which gate would refuse it, and why. */
  refusals: v.optional(v.array(v.string()), []),
});
export type Plan = v.InferOutput<typeof Plan>;

// ── Parts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `undefined`: there is none; a difference of which nothing is known before shows what is after alone. */
interface Part {
  readonly what: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly note?: string | undefined;
}

/** @param old the hosts that would go, as far as EC2 could be asked */
export function partsOf(plan: Plan, old: readonly Instance[]): Part[] {
  const { release, before, launchTemplate, launch, replace } = plan;
  const after = sum(launch.map(({ instances }) => instances));
  return [
    { what: 'replaces', before: undefined, after: before?.deployment },
    { what: 'version', before: before?.versionId, after: release.versionId },
    { what: 'SHA-256', before: undefined, after: release.sha256 },
    {
      what: 'image',
      before: before?.imageId,
      after: release.imageId,
      note: release.testedImage && `it was tested on ${release.testedImage}`,
    },
    ...runtimeParts(plan),
    { what: 'template', before: templatesOf(old), after: launchTemplate && templateWords(launchTemplate) },
    { what: 'hosts', before: String(replace.length), after: String(after) },
  ].filter((part) => part.before !== undefined || part.after !== undefined);
}

function runtimeParts({ release, before }: Plan): Part[] {
  const words = ({ key, versionId }: v.InferOutput<typeof Runtimes>[number]) => `${key} version ${versionId}`;
  const keyOf = (runtime: string) => runtime.split(' version ')[0] ?? runtime;
  const gone =
    before?.runtimes.filter(({ key }) => !release.runtimes.some((each) => keyOf(each) === key)) ?? [];
  return [
    ...release.runtimes.map((after) => {
      const ran = before?.runtimes.find(({ key }) => key === keyOf(after));
      return { what: 'runtime', before: ran && words(ran), after };
    }),
    ...gone.map((each) => ({ what: 'runtime', before: words(each), after: undefined })),
  ];
}

const templateWords = ({ id, version }: { readonly id: string; readonly version: string }): string =>
  `${id} version ${version}`;

function templatesOf(old: readonly Instance[]): string | undefined {
  const found = old.map(({ tags }) => {
    const [id, version] = [tags[TAG.template], tags[TAG.templateVersion]];
    return id === undefined ? 'none' : templateWords({ id, version: version ?? '?' });
  });
  return found.length === 0 ? undefined : list([...new Set(found)]);
}

export const partLines = (parts: readonly Part[]): string[] =>
  table(
    parts.map(({ what, before, after, note }) => [
      what.padEnd('template'.length),
      `${changeWords(before, after)}${note === undefined ? '' : ` (${note})`}`,
    ]),
  );

function changeWords(before: string | undefined, after: string | undefined): string {
  if (before === undefined) return after ?? '';
  if (after === undefined) return `${before} → none`;
  return before === after ? `${after} (stays)` : `${before} → ${after}`;
}

// ── Hosts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface HostChange {
  /** Absent: EC2 could not be asked for the old host's. */
  readonly subnet?: string | undefined;
  readonly before?: {
    readonly instanceId: string;
    readonly instanceType?: string;
    readonly imageId?: string;
  };
  /** What is launched in its place: each only when EC2 has no capacity for the one before. */
  readonly after?: readonly string[];
}

/** Old and new hosts of a subnet stand side by side; what is left over stands alone. */
export function hostChanges({ launch, replace }: Plan, old: readonly Instance[]): HostChange[] {
  const left = replace.map(
    (instanceId) => old.find((each) => each.instanceId === instanceId) ?? { instanceId },
  );
  const changes = launch.flatMap(({ subnet, instances, tries }) =>
    Array.from({ length: instances }, (): HostChange => {
      const index = left.findIndex((host) => 'subnetId' in host && host.subnetId === subnet);
      const [host] = index < 0 ? [] : left.splice(index, 1);
      const after = tries.map((each) => each.replace(` in ${subnet}`, ''));
      return { subnet, ...(host && { before: seen(host) }), after };
    }),
  );
  // Of whom nobody knows the subnet, or who stands in another one.
  const others = left.map((host): HostChange => {
    const subnet = 'subnetId' in host ? host.subnetId : undefined;
    return { subnet, before: seen(host) };
  });
  return [...changes, ...others];
}

const seen = (host: Instance | { readonly instanceId: string }): NonNullable<HostChange['before']> =>
  'instanceType' in host
    ? { instanceId: host.instanceId, instanceType: host.instanceType, imageId: host.imageId }
    : host;

/** @param image of the release before: an old host of another one is told apart */
export function hostLines(changes: readonly HostChange[], image: string | undefined): string[] {
  const subnets = [...new Set(changes.map(({ subnet }) => subnet))];
  return subnets.flatMap((subnet) => [
    `  ${subnet ?? 'in a subnet that is not known'}`,
    ...changes
      .filter((change) => change.subnet === subnet)
      .map((change) => `    ${oldWords(change, image)} → ${newWords(change)}`),
  ]);
}

function oldWords({ before }: HostChange, image: string | undefined): string {
  if (!before) return 'none';
  const { instanceId, instanceType, imageId } = before;
  return [instanceId, instanceType, imageId === image ? undefined : imageId].filter(Boolean).join(' ');
}

function newWords({ after }: HostChange): string {
  if (!after) return 'gone';
  const [first = '', ...others] = after;
  return others.length === 0 ? first : `${first}, or ${list(others)} if there is no capacity`;
}
