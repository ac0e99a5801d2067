/**
 * The document that travels through the state machine: one key per step, each written once by its step (the looks of
 * a wait write theirs again and again). Ids travel, descriptions do not: at 500 hosts it stays far below 256 KiB.
 */
import * as v from 'valibot';
import type { Hold } from '../../ports/ledger.ts';
import { PinnedRuntime, ReleasedArtifact } from './artifact.ts';
import type { FailureName } from './errors.ts';
import { Fleet } from './fleet.ts';
import { parseInput } from './input.ts';
import { askedOf, parseDocument } from './parse-document.ts';
import { Starts } from './starts.ts';

const instant = v.pipe(v.string(), v.isoTimestamp());

/** Milestone → when each host was first seen to have come so far: a column, packed (`record/timeline/packed.ts`). */
const Milestones = v.record(v.string(), v.string());
export type Milestones = v.InferOutput<typeof Milestones>;

/** What one instance that failed wrote to its console. */
const Evidence = v.object({
  instanceId: v.string(),
  /** The end of its console, line by line; empty while EC2 has none. */
  console: v.array(v.string()),
  /** Where all of it was saved, in the bucket. */
  savedAs: v.optional(v.string()),
});
export type Evidence = v.InferOutput<typeof Evidence>;

/** The instance that a deployment keeps for debugging. */
const Kept = v.object({ instanceId: v.string(), until: instant });
export type Kept = v.InferOutput<typeof Kept>;

/** The names that a gate refuses under. */
const GATES = [
  'NothingToRollBackTo',
  'OlderImage',
  'NotProven',
  'Frozen',
  'OnHold',
  'UnlistedHostServes',
  'AlreadyAlerting',
] as const satisfies FailureName[];
const GateRefusal = v.object({ name: v.picklist(GATES), sentence: v.string() });
export type GateRefusal = v.InferOutput<typeof GateRefusal>;
/** What would refuse this deployment, if it were not a dry run. */
const refusals = { refusals: v.optional(v.array(GateRefusal)) };

/** Who acts, and whether this execution may go on at all. */
const Lock = v.object({
  verdict: v.picklist(['taken', 'waiting', 'superseded', 'not-needed', 'told']),
  reason: v.string(),
  holder: v.string(),
  generation: v.number(),
});
export type Lock = v.InferOutput<typeof Lock>;

/** What a clean-up found, and what it has to do about it. */
const TakeOver = v.object({
  ready: v.boolean(),
  verdict: v.picklist(['undo', 'finish', 'release', 'human', 'nothing', 'wait']),
  reason: v.string(),
  nextLookInSeconds: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** The dead deployment's document, to go on with. */
  document: v.optional(v.unknown()),
});
export type TakeOver = v.InferOutput<typeof TakeOver>;

const Release = v.object({ reason: v.string() });

const ResolvedImage = v.object({
  imageId: v.string(),
  name: v.string(),
  createdAt: v.optional(instant),
  /** By EC2's word: the same image, here. */
  copyOf: v.optional(v.string()),
  /** Its owner has withdrawn it, and it is meant all the same. */
  deprecatedAt: v.optional(instant),
  /** Newer ones of its kind that their owner has withdrawn. */
  withdrawn: v.optional(v.array(v.string())),
  /** The deployment whose release is gone back to. */
  rollbackTo: v.optional(v.string()),
  /** Of a given launch template: what is launched from, whatever becomes the newest meanwhile. */
  templateVersion: v.optional(v.string()),
  reason: v.string(),
});
export type ResolvedImage = v.InferOutput<typeof ResolvedImage>;

/** What the fleet ran when the deployment began, as far as its record says. */
const ReleaseBefore = v.object({
  deployment: v.string(),
  /** Absent: its image was the release. */
  versionId: v.optional(v.string()),
  runtimes: v.array(v.object({ key: v.string(), versionId: v.string() })),
  imageId: v.string(),
  instanceTypes: v.optional(v.record(v.string(), v.number())),
});
export type ReleaseBefore = v.InferOutput<typeof ReleaseBefore>;

const ResolvedRelease = v.object({
  verdict: v.picklist(['deploy', 'already-deployed', 'superseded']),
  reason: v.string(),
  dryRun: v.boolean(),
  artifact: ReleasedArtifact,
  runtimes: v.array(PinnedRuntime),
  before: v.optional(ReleaseBefore),
  /** The deployment whose release runs now; and, when this one has ended well, the one that ran before. */
  ranBefore: v.optional(v.string()),
  previous: v.optional(v.string()),
  /** The newest version of the artifact, when it is gone back: the event of its upload may come late. */
  leftBehind: v.optional(v.string()),
  /** The image that the artifact was tested on at the source of its promotion, where this is another one. */
  testedImage: v.optional(v.string()),
  /** How long the fleet's last hosts took to start, if its record says. */
  starts: v.optional(Starts),
  ...refusals,
});
export type ResolvedRelease = v.InferOutput<typeof ResolvedRelease>;

/** There is nothing to deploy, and so no release. */
const NoRelease = v.object({
  verdict: v.literal('nothing-to-redeploy'),
  reason: v.string(),
  dryRun: v.boolean(),
});
export type NoRelease = v.InferOutput<typeof NoRelease>;
const noRelease = v.pipe(
  NoRelease,
  v.transform(() => undefined),
);

/** Somebody or something that looks as if it belonged to the fleet, but is left alone. */
const Stranger = v.object({
  name: v.string(),
  why: v.string(),
  /** It carries another fleet's tag, which it is left to. */
  isOthers: v.optional(v.literal(true)),
});
export type Stranger = v.InferOutput<typeof Stranger>;

const OldHost = v.object({
  instanceId: v.string(),
  zone: v.string(),
  /** Its Mackerel hosts, newest first: an agent that saw an error may have registered twice. */
  hostIds: v.array(v.string()),
  /** Its Mackerel status at the start: what an undo restores. */
  status: v.picklist(['working', 'standby', 'maintenance', 'poweroff']),
  /** The load balancers (by name) that listed it at the start: where an undo puts it back. */
  memberOf: v.array(v.string()),
  /** By load balancer: under which ports, where these are not the target group's own. */
  ports: v.optional(v.record(v.string(), v.array(v.number()))),
  /** At the start, in service at every load balancer of the fleet (without one: working or standby in Mackerel). */
  served: v.boolean(),
});
export type OldHost = v.InferOutput<typeof OldHost>;

/** A monitor of Mackerel that decides. */
const WatchedMonitor = v.object({
  id: v.string(),
  name: v.string(),
  type: v.string(),
  /** What goes wrong has opened its alert after this long at the latest. */
  noticesAfterSeconds: v.number(),
});
export type WatchedMonitor = v.InferOutput<typeof WatchedMonitor>;

/** A metric of old and new hosts, per host, as its graph shows it; what is absent is not known. */
const Compared = v.object({
  metric: v.string(),
  old: v.optional(v.number()),
  new: v.optional(v.number()),
  /** What more than that is worse; absent: it is shown, and not judged. */
  atMost: v.optional(v.number()),
  /** The last minute of the last verdict, counted since the epoch. */
  minute: v.optional(v.number()),
  /** So many verdicts in a row were bad. */
  worse: v.optional(v.number()),
});
export type Compared = v.InferOutput<typeof Compared>;

const Snapshot = v.object({
  reason: v.string(),
  hosts: v.array(OldHost),
  strangers: v.array(Stranger),
  /** How many strangers there were in all; the list is cut at 50. */
  strangerCount: v.number(),
  ...refusals,
  /** What the load balancers' settings mean for the time that this deployment takes. */
  balancers: v.array(
    v.object({
      name: v.string(),
      intervalSeconds: v.number(),
      healthyThreshold: v.number(),
      drainSeconds: v.number(),
      joins: v.picklist(['when-running', 'when-registered']),
      /** A host that breaks is out of service there after this long at the latest. */
      noticesAfterSeconds: v.optional(v.number(), 0),
      /** A new host gets its full share of the requests after this long. */
      slowStartSeconds: v.optional(v.number(), 0),
      /** So long before the slowest of the last starts would register in Mackerel, hosts may join there. */
      leadSeconds: v.optional(v.number(), 0),
    }),
  ),
  /** Those that the fleet names. */
  monitors: v.optional(v.array(WatchedMonitor)),
  /** Of the fleet's subnets, where some hosts go first. */
  zones: v.optional(v.array(v.string())),
  /** The old hosts of those metrics that are compared, before the launch. */
  compared: v.optional(v.array(Compared)),
});
export type Snapshot = v.InferOutput<typeof Snapshot>;

export const NewInstance = v.object({
  instanceId: v.string(),
  zone: v.string(),
  instanceType: v.string(),
  /** EC2 forgets it with the instance, and an agent without an instance id is known by it alone. */
  address: v.optional(v.string()),
});
export type NewInstance = v.InferOutput<typeof NewInstance>;
/** What the document keeps of an instance. */
export const newInstance = ({ instanceId, zone, instanceType, address }: NewInstance): NewInstance => ({
  instanceId,
  zone,
  instanceType,
  ...(address && { address }),
});

/** A new host that stayed behind, or that EC2 lost: to be replaced, or replaced. */
const Straggler = v.object({ instanceId: v.string(), why: v.string(), address: v.optional(v.string()) });
export type Straggler = v.InferOutput<typeof Straggler>;

const Launch = v.object({
  reason: v.string(),
  at: instant,
  /** The new hosts: a straggler that was replaced is none of them anymore. */
  instances: v.array(NewInstance),
  /** Once stragglers were to be replaced, which happens once: those that were, perhaps none. */
  replaced: v.optional(v.array(Straggler)),
});
export type Launch = v.InferOutput<typeof Launch>;

/**
 * One look of a wait. `since` and `looks` carry over from the look before; `memory` is what a wait wants to remember
 * (moments as epoch milliseconds).
 */
export const Look = v.object({
  ready: v.boolean(),
  /** What is still waited for, or that all is well, in a sentence. */
  reason: v.string(),
  nextLookInSeconds: v.pipe(v.number(), v.integer(), v.minValue(1)),
  since: instant,
  at: instant,
  looks: v.number(),
  /** In which nobody could look: its time is so much longer. */
  lostSeconds: v.optional(v.number()),
  memory: v.optional(v.record(v.string(), v.number())),
  /** For the timeline: how far each host has come, and what the wait has said, by epoch seconds. */
  seen: v.optional(Milestones),
  said: v.optional(v.array(v.tuple([v.number(), v.string()]))),
});
export type Look = v.InferOutput<typeof Look>;

/**
 * A look of *New hosts are ready*; with `stragglers`, which are never none, these are replaced next; with `first`, these are
 * ready to be watched, and all others to join them.
 */
const Readiness = v.object({
  ...Look.entries,
  first: v.optional(v.array(v.string())),
  stragglers: v.optional(v.array(Straggler)),
  /** How long the new hosts took, once they are ready. */
  starts: v.optional(Starts),
  /** The look before the first new host got traffic was made; these monitors alerted, and were overridden. */
  tolerated: v.optional(v.array(v.string())),
  /** While both fleets serve, all ready. */
  compared: v.optional(v.array(Compared)),
});
export type Readiness = v.InferOutput<typeof Readiness>;

/** A look of *Watch the first hosts*, and who they are. */
const FirstWatch = v.object({
  ...Look.entries,
  hosts: v.optional(v.array(v.string())),
  compared: v.optional(v.array(Compared)),
});
export type FirstWatch = v.InferOutput<typeof FirstWatch>;
/** A look of *Watch the new hosts*, with what it compared. */
const Bake = v.object({ ...Look.entries, compared: v.optional(v.array(Compared)) });
export type Bake = v.InferOutput<typeof Bake>;

/** What could not be told, in a sentence: it is owed; and since when nobody can be told. */
const untold = { owed: v.optional(v.string()), untoldSince: v.optional(instant) };
export interface Untold {
  readonly owed?: string;
  readonly untoldSince?: string;
}

const PutBack = v.object({ ...Look.entries, ...untold });

/** A look of *Remove the stragglers*, with what their consoles said. */
const StragglerRemoval = v.object({ ...Look.entries, evidence: v.optional(v.array(Evidence)) });
export type StragglerRemoval = v.InferOutput<typeof StragglerRemoval>;

/** A look of *Terminate new instances*, with what is set aside of those that failed. */
const Removal = v.object({
  ...Look.entries,
  ...untold,
  evidence: v.optional(v.array(Evidence)),
  kept: v.optional(Kept),
});
export type Removal = v.InferOutput<typeof Removal>;

/** A look of a wait for a person: who has said what, in the end. */
const Paused = v.object({ ...Look.entries, decided: v.optional(v.string()) });

/** A look at the hooks of one point. */
const Asked = v.object({
  ...Look.entries,
  /** The hook that is called next, of those at this point, and with what. */
  call: v.optional(v.number()),
  event: v.optional(v.unknown()),
  /** What a hook has to be given back. */
  details: v.optional(v.record(v.string(), v.unknown())),
  /** How each hook ended that is done, by name. */
  ran: v.optional(v.array(v.string())),
});
export type Asked = v.InferOutput<typeof Asked>;

/** The act of taking old hosts out of service: done, or sent back to wait because a new host was not ready. */
const Shift = v.object({ done: v.boolean(), reason: v.string(), at: instant });
export type Shift = v.InferOutput<typeof Shift>;

const Retirement = v.object({ reason: v.string(), at: instant, owed: v.optional(v.string()) });
export type Retirement = v.InferOutput<typeof Retirement>;

/** What a Catch writes: Step Functions' own shape. */
export const Failure = v.object({ Error: v.string(), Cause: v.optional(v.string()) });
export type Failure = v.InferOutput<typeof Failure>;

/** How a failed execution ends: the error's name and the sentence that the operator reads. */
const Ending = v.object({ error: v.string(), cause: v.string() });
export type Ending = v.InferOutput<typeof Ending>;

const Document = v.object({
  fleet: Fleet,
  execution: v.object({ id: v.string(), name: v.string(), startedAt: v.string() }),
  input: v.unknown(),
  lock: v.optional(Lock),
  takeOver: v.optional(TakeOver),
  image: v.optional(ResolvedImage),
  release: v.optional(v.union([ResolvedRelease, noRelease])),
  oldHosts: v.optional(Snapshot),
  launch: v.optional(Launch),
  readiness: v.optional(Readiness),
  firstWatch: v.optional(FirstWatch),
  stragglers: v.optional(StragglerRemoval),
  hooksBeforeLaunch: v.optional(Asked),
  hooksBeforeShift: v.optional(Asked),
  hooksAfterShift: v.optional(Asked),
  hooksBeforeTerminate: v.optional(Asked),
  /** What the hook that was called last answered, or why it did not. */
  hookAnswer: v.optional(v.unknown()),
  pauseBeforeLaunch: v.optional(Paused),
  pauseBeforeShift: v.optional(Paused),
  pauseAfterShift: v.optional(Paused),
  pauseBeforeTerminate: v.optional(Paused),
  shift: v.optional(Shift),
  drain: v.optional(Look),
  bake: v.optional(Bake),
  termination: v.optional(Look),
  /** Who follows; or why nobody was started, which is made up for when the lock is released. */
  following: v.optional(v.unknown()),
  retirement: v.optional(Retirement),
  record: v.optional(v.unknown()),
  plan: v.optional(v.unknown()),
  failure: v.optional(Failure),
  putBack: v.optional(PutBack),
  removal: v.optional(Removal),
  undoFailure: v.optional(Failure),
  ending: v.optional(Ending),
  freed: v.optional(Release),
});

type ParsedDocument = v.InferOutput<typeof Document>;
export type Deployment = Omit<ParsedDocument, 'input'> & {
  input: ReturnType<typeof parseInput>;
  /** The execution that has started this one with an override; so its input says. */
  door?: string;
};

/** The keys that steps write. */
export type StepKey = Exclude<keyof Deployment, 'fleet' | 'execution' | 'input' | 'door'>;

/** A deployment in which these steps have been. */
export type After<K extends StepKey> = Deployment & { [Key in K]-?: NonNullable<Deployment[Key]> };

/**
 * The document at a step's door.
 * @throws InvalidInput when the execution input is bad; StepCrashed when the document is not one that the story could
 * have written (a step run by hand, or out of order).
 */
export function parseDeployment<K extends StepKey>(document: unknown, needs: readonly K[]): After<K> {
  const parsed = parseDocument(Document, document, needs);
  const { asked, ...door } = askedOf(parsed.input);
  return { ...parsed, ...door, input: parseInput(asked) } as After<K>;
}

/** The deployment's id: the execution's name. It is in the instances' tags, in the records and in the logs. */
export const deploymentId = (deployment: Deployment): string => deployment.execution.name;

/** The ids that this deployment may end up terminating, by side. */
export const newInstanceIds = (deployment: Deployment): string[] =>
  deployment.launch?.instances.map((instance) => instance.instanceId) ?? [];
/** All that it is known to have launched: the new hosts, and stragglers that were replaced. */
export const launchedIds = (deployment: Deployment): string[] => [
  ...newInstanceIds(deployment),
  ...(deployment.launch?.replaced?.map((straggler) => straggler.instanceId) ?? []),
];
export const oldInstanceIds = (deployment: Deployment): string[] =>
  deployment.oldHosts?.hosts.map((host) => host.instanceId) ?? [];

/** Who acts for this deployment: the execution that took the lock, which may be a clean-up. */
export function holdOf({ lock, execution }: Deployment): Hold {
  return lock
    ? { holder: lock.holder, generation: lock.generation }
    : { holder: execution.id, generation: 0 };
}
