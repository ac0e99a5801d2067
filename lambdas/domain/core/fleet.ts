/**
 * A fleet as the steps see it: the part of the fleets file that a running deployment needs, with what CDK has made
 * of it (bucket, launch template). It stands in the state machine's definition and travels in the document.
 */
import * as v from 'valibot';
import type { Architecture, ImageSource } from '../../ports/ec2.ts';
import type { LoadBalancerRef } from '../../ports/load-balancers.ts';
import { WEEKDAYS } from './local-time.ts';
import { Hook, Pause } from './points.ts';

const loadBalancerRef = v.variant('kind', [
  v.strictObject({ kind: v.literal('classic'), name: v.string() }),
  v.strictObject({ kind: v.literal('target-group'), arn: v.string() }),
]) satisfies v.GenericSchema<LoadBalancerRef>;

/** The name that an operator knows a load balancer by. */
export function loadBalancerName(ref: LoadBalancerRef): string {
  // arn:aws:elasticloadbalancing:R:A:targetgroup/NAME/ID
  return ref.kind === 'classic' ? ref.name : (ref.arn.split('/')[1] ?? ref.arn);
}

export const ARCHITECTURES = ['arm64', 'x86_64'] as const satisfies readonly Architecture[];

const imageSource = v.variant('from', [
  v.strictObject({ from: v.literal('parameter'), parameter: v.string(), owner: v.optional(v.string()) }),
  v.strictObject({
    from: v.literal('search'),
    owner: v.string(),
    /** Name pattern with `*` and `?`, as in `DescribeImages`. */
    namePattern: v.optional(v.string()),
    tags: v.record(v.string(), v.string()),
  }),
]) satisfies v.GenericSchema<ImageSource>;

/** When a fleet is not deployed, on the clocks of a time zone. */
export const FreezeWindow = v.variant('kind', [
  v.strictObject({
    kind: v.literal('weekly'),
    label: v.string(),
    timeZone: v.string(),
    /** On which it begins. */
    days: v.array(v.picklist(WEEKDAYS)),
    /** `22:00` */
    from: v.string(),
    /** Not after `from`: on the day after. */
    to: v.string(),
  }),
  v.strictObject({
    kind: v.literal('dated'),
    label: v.string(),
    timeZone: v.string(),
    /** `2026-12-28T18:00` */
    from: v.string(),
    to: v.string(),
  }),
]);
export type FreezeWindow = v.InferOutput<typeof FreezeWindow>;

const seconds = v.pipe(v.number(), v.integer(), v.minValue(0));

export const Fleet = v.strictObject({
  name: v.string(),
  environment: v.string(),
  mackerel: v.strictObject({
    service: v.string(),
    role: v.string(),
    /** Name of the SSM SecureString that holds the API key. Never the key. */
    apiKeyParameter: v.string(),
    /** Ready also needs a host metric newer than the boot: proof of a living agent. */
    wantsFreshMetric: v.boolean(),
  }),
  /** Where records and artifacts are; without a key it has no artifact: its machine image is the release. */
  artifact: v.strictObject({ bucket: v.string(), key: v.optional(v.string()) }),
  /** The fleet after which this one is deployed: no upload starts it. */
  after: v.optional(v.string()),
  /** The fleets that are deployed after this one. */
  followers: v.optional(v.array(v.string()), []),
  runtimes: v.array(v.strictObject({ key: v.string(), directory: v.string() })),
  image: imageSource,
  architecture: v.picklist(ARCHITECTURES),
  /** In order of preference. */
  instanceTypes: v.array(v.string()),
  /** One per zone. */
  subnets: v.array(v.string()),
  instancesPerZone: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** A zone without capacity: may its share be launched in the other zones? */
  spillOver: v.optional(v.boolean(), false),
  /** How long one failed instance is kept for debugging; 0: none is kept. */
  keepFailedHostMinutes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  /** When it is not deployed, unless somebody insists. */
  freezes: v.optional(v.array(FreezeWindow), []),
  /** The monitors of Mackerel that decide, by name or id. */
  watch: v.optional(v.strictObject({ monitors: v.array(v.string()) }), { monitors: [] }),
  /** Where people are waited for. */
  pauses: v.optional(v.array(Pause), []),
  /** The functions that are asked on the way. */
  hooks: v.optional(v.array(Hook), []),
  /** So many new hosts get traffic, and are watched, before the others do. */
  first: v.optional(
    v.strictObject({ hosts: v.pipe(v.number(), v.integer(), v.minValue(1)), watchSeconds: seconds }),
  ),
  /** How long old and new hosts serve side by side; absent: as long as the longest slow start of its target groups. */
  sideBySideSeconds: v.optional(seconds),
  /** Metrics of hosts by which the new ones are compared with the old ones. */
  compare: v.optional(
    v.array(
      v.strictObject({
        metric: v.string(),
        atMostTimes: v.pipe(v.number(), v.minValue(1)),
        from: v.pipe(v.number(), v.minValue(0)),
      }),
    ),
    [],
  ),
  /** Takes only artifacts that were promoted to it, unless somebody insists. */
  wantsProvenance: v.optional(v.boolean(), false),
  /** And these only on the image that they were tested on. */
  wantsTestedImage: v.optional(v.boolean(), false),
  /** Are new hosts that stay behind replaced, once? */
  replaceStragglers: v.optional(v.boolean(), false),
  /** Nobody has set `limits.readySeconds`: a host that has not registered long after the slowest start never will. */
  learnsReadySeconds: v.optional(v.boolean(), false),
  launchTemplate: v.strictObject({
    id: v.string(),
    /** A number; of a given template also `newest`, which *Resolve the image* makes a number. */
    version: v.string(),
    /** As the template calls the root volume: absent where the template is given, whose volumes are its owner's. */
    rootDevice: v.optional(v.string()),
    /** The template is its owner's own: what it has to name, because permissions do. */
    given: v.optional(
      v.strictObject({
        instanceProfile: v.string(),
        securityGroups: v.array(v.string()),
        keyPair: v.optional(v.string()),
        metadataHopLimit: v.number(),
        kmsKeys: v.array(v.string()),
      }),
    ),
  }),
  loadBalancers: v.array(loadBalancerRef),
  startCommand: v.string(),
  /** What downloads and the agent go through. */
  httpProxy: v.optional(v.string()),
  limits: v.strictObject({
    /** New hosts ready, counted from the launch. */
    readySeconds: seconds,
    /** How long draining may take at most, whatever the load balancer allows. */
    drainSeconds: seconds,
    /** What breaks in it is undone: the watch is longer by what the slowest load balancer needs to show that. */
    bakeSeconds: seconds,
    /** Old instances terminated, counted from the first call. */
    terminateSeconds: seconds,
    /** Each half of an undo: old hosts serve again; new instances gone. */
    undoSeconds: seconds,
  }),
  /** On every instance and volume, beside irekae's own. */
  tags: v.record(v.string(), v.string()),
});
export type Fleet = v.InferOutput<typeof Fleet>;

/** Its machine image is all that it deploys. */
export const imageIsRelease = ({ artifact }: Pick<Fleet, 'artifact'>): boolean => artifact.key === undefined;

/** How many hosts a deployment of this fleet launches. */
export function fleetSize(fleet: Pick<Fleet, 'subnets' | 'instancesPerZone'>): number {
  return fleet.subnets.length * fleet.instancesPerZone;
}

/** Tags that irekae puts on what it launches. IAM policies and the rules' checks rest on the first. */
export const TAG = {
  fleet: 'irekae:fleet',
  deployment: 'irekae:deployment',
  artifactVersion: 'irekae:artifact-version',
  /** On a failed instance that is kept for debugging: until when, as ISO 8601. */
  keepUntil: 'irekae:keep-until',
  /** Written by EC2 alone, on what is launched from a launch template: nobody can put it on or take it off. */
  template: 'aws:ec2launchtemplate:id',
  templateVersion: 'aws:ec2launchtemplate:version',
  /** The hand brake, put on an instance by a person: see `isProtected`. */
  protect: 'irekae:protect',
} as const;

/**
 * Has somebody pulled the hand brake on this instance? Any value but `false` does it, the empty one included: who tags
 * in a hurry shall not have to look a value up.
 */
export function isProtected({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean {
  const brake = tags[TAG.protect];
  return brake !== undefined && brake !== 'false';
}
