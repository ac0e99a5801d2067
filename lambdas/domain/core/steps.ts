/**
 * THE TABLE of the story. Each step is a file in `lambdas/`, a function in AWS, and one or more states of the state
 * machine. What is known of a step anywhere follows from its row: the key under which it answers, its time limits, what
 * a wait may cost, the take-over of a dead lock, the acts that demo, command, docs and timeline show, the metrics. Who
 * adds a step adds a file, a row, its permissions, and its place in the story; the compiler names what is missing.
 */
import type { Phase } from '../../ports/ledger.ts';
import { sum } from './collections.ts';
import type { StepKey } from './document.ts';
import type { Fleet } from './fleet.ts';
import { type Hook, hooksAt, LONGEST_CALL_SECONDS, minutesOf, type Pause, POINTS } from './points.ts';

// ── Acts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Act {
  readonly title: string;
  /** What becomes of a failure. */
  readonly promise: string;
  /** What a clean-up does about a holder that died in it. */
  readonly leaves: 'release' | 'undo' | 'finish';
  /** May somebody still ask for the deployment to be undone? */
  readonly cancel: 'undoes' | 'too late' | 'undoes already';
}

/**
 * The acts of a deployment, in their order; the ledger knows them as phases. An undo may follow any other, and none
 * follows it: a holder only ever moves forward.
 */
export const ACTS = {
  agree: { title: 'Agree', promise: 'Nothing is changed yet.', leaves: 'release', cancel: 'undoes' },
  'bring-up': { title: 'Bring up', promise: 'A failure is undone.', leaves: 'undo', cancel: 'undoes' },
  shift: {
    title: 'Shift traffic',
    promise: 'Undone in seconds: the old hosts still run.',
    leaves: 'undo',
    cancel: 'undoes',
  },
  remove: {
    title: 'Remove',
    promise: 'No undo from here, only finishing.',
    leaves: 'finish',
    cancel: 'too late',
  },
  undo: {
    title: 'Undo',
    promise: 'The old hosts serve, and nothing new is left.',
    leaves: 'undo',
    cancel: 'undoes already',
  },
} as const satisfies Readonly<Record<Phase, Act>>;

export const PHASES = Object.keys(ACTS) as readonly Phase[];

/** Of a phase as a ledger has it, which another release of irekae may have written; `undefined`: nobody here knows it. */
export const actOf = (phase: Phase): Act | undefined =>
  Object.hasOwn(ACTS, phase) ? ACTS[phase] : undefined;

export const titleOf = (phase: Phase): string => actOf(phase)?.title ?? phase;

/** No undo from here, only finishing. */
export const isPastNoReturn = (phase: Phase): boolean => actOf(phase)?.leaves === 'finish';

// ── Steps ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the length of a wait depends on. */
export type Limits = Pick<Fleet, 'limits'> &
  Partial<
    Pick<Fleet, 'replaceStragglers' | 'loadBalancers' | 'watch' | 'compare' | 'first' | 'sideBySideSeconds'>
  > & {
    readonly pauses?: readonly Pause[];
    readonly hooks?: readonly Hook[];
  };

export interface StepRow {
  /** Its state in the story: what an operator reads at 3 a.m. Of two steps there are several: see `STATES`. */
  readonly title: string;
  readonly act: Phase;
  /** Where the document keeps its answer. */
  readonly key: StepKey;
  /** The time limit of its function. The state machine's task waits a little longer. */
  readonly seconds: number;
  /** What a run that is given up for lost may still change: nothing, the fleet and its records, or the lock alone. */
  readonly changes: 'nothing' | 'fleet' | 'lock';
  /** Of a wait: for how many seconds it may look again and again, at most. 0: it does not come about. */
  readonly lasts?: (fleet: Limits) => number;
  /** Of one that stands in several states: for how long it looks in each of them. */
  readonly lastsEach?: (fleet: Limits) => readonly number[];
  /** Of a wait that never looks more often than this. */
  readonly looksEverySeconds?: (fleet: Limits) => number;
  /** Of a wait that may last a day: see `sparsePause`. */
  readonly looksSparsely?: true;
  /** If it fails, a human is called: before that, Lambda's troubles may last longer than elsewhere, where they end in an undo. */
  readonly isPatient?: true;
  /** Not on the way of every deployment. */
  readonly isAside?: true;
  /** The stretch of time that ends when it is done: in records, news, metrics and on the dashboard. */
  readonly span?: StepSpan;
}

/** A task may take this much longer than its function: start-up and the way back. */
export const TASK_GRACE_SECONDS = 10;
/** Between two attempts of a task; the first pauses are shorter. */
export const LONGEST_PAUSE_SECONDS = 30;

/** How often a task is tried again, over Lambda's troubles and over Mackerel's and AWS's: for about two minutes, or a quarter of an hour. */
export const retriesOf = ({ isPatient }: Pick<StepRow, 'isPatient'>): number => (isPatient ? 30 : 6);

export interface StepSpan {
  readonly name: string;
  /** Default: the step's. */
  readonly act?: Phase;
}

/** EC2 shows a launched instance by its tag after this long at the latest. */
export const VISIBILITY_SECONDS = 10;
/** A load balancer that says nothing about draining after this long has not heard of the deregistration. */
export const DEREGISTRATION_SECONDS = 60;
/** What a load balancer lists is no older than this. */
export const MEMBERS_SETTLE_SECONDS = 10;
/** While Mackerel or AWS do not answer the bake goes on this much longer, then fails: silence is not health. */
export const BAKE_SILENCE_SECONDS = 300;
/**
 * The slowest health check that AWS accepts, 10 failures at 300 s with a time-out of 120 s, and a second look: so long may
 * a load balancer need to show a host that broke in the last second of the bake. No monitor of Mackerel is as slow.
 */
export const MOST_SIGHT_SECONDS = 10 * 300 + 120 + 5;
/** The longest slow start that AWS lets a target group have. */
export const MOST_SLOW_START_SECONDS = 900;
/** Between looks of the bake: nothing is due before its end. */
export const BAKE_PAUSE_SECONDS = 10;
/** Between looks of the bake, after a bad one or none: time enough for an agent's restart or a transient error. */
export const BAKE_RETRY_SECONDS = 5;
/** How long the removal of stragglers may take, besides draining: EC2 ends an instance in less. */
export const STRAGGLER_END_SECONDS = 300;

/** No run of the launch acts longer than this. */
export const LAUNCH_SECONDS = 60;
/** A launch that was cut off may still be under way until its own time limit is over; then EC2 has to show it. */
const LAUNCH_IN_FLIGHT_SECONDS = LAUNCH_SECONDS + VISIBILITY_SECONDS;

const pauseSeconds = ({ pauses = [] }: Limits) => pauses.map(({ timeoutMinutes }) => timeoutMinutes * 60);
const hookSeconds = ({ hooks }: Limits) => POINTS.map((point) => minutesOf(hooksAt(hooks, point)) * 60);

const longestDrain = ({ limits }: Limits) => Math.max(limits.drainSeconds, DEREGISTRATION_SECONDS);

/** Watching for so many seconds, until the slowest signal would show the last of them. */
const longestWatch = (seconds: number, { loadBalancers = [], watch, compare = [] }: Limits) =>
  seconds +
  (seconds > 0 && loadBalancers.length + (watch?.monitors.length ?? 0) + compare.length > 0
    ? MOST_SIGHT_SECONDS
    : 0) +
  BAKE_SILENCE_SECONDS;

/** A slow start may be changed after the fleets file was read. */
export const longestSideBySide = ({ sideBySideSeconds, loadBalancers = [] }: Limits) =>
  sideBySideSeconds ??
  (loadBalancers.some(({ kind }) => kind === 'target-group') ? MOST_SLOW_START_SECONDS : 0);

/**
 * Where the first hosts are watched for minutes, nobody waits for the second in which the others are seen; and the history
 * has no room for two waits and the watch between them, all looking every second.
 */
const unhurried =
  (seconds: number) =>
  ({ first }: Limits) =>
    first ? seconds : 1;

/** Until the first of the new hosts are ready, which then are watched; with none that go first, it does not come about. */
export const longestUntilFirst = ({ first, limits }: Limits) => (first ? limits.readySeconds : 0);

export const STEPS = {
  'take-the-fleet-lock': {
    title: 'Take the fleet lock',
    act: 'agree',
    key: 'lock',
    seconds: 30,
    changes: 'lock',
  },
  'resolve-the-image': {
    title: 'Resolve the image',
    act: 'agree',
    key: 'image',
    seconds: 30,
    changes: 'nothing',
  },
  'resolve-the-release': {
    title: 'Resolve the release',
    act: 'agree',
    key: 'release',
    // Reads the whole tarball when nobody else knows its checksum.
    seconds: 300,
    changes: 'nothing',
  },
  'snapshot-old-hosts': {
    title: 'Snapshot old hosts',
    act: 'agree',
    key: 'oldHosts',
    seconds: 60,
    // What an earlier deployment owes to Mackerel.
    changes: 'fleet',
  },
  'write-the-plan': {
    title: 'Write the plan',
    act: 'agree',
    key: 'plan',
    seconds: 10,
    changes: 'nothing',
    isAside: true,
  },
  'launch-new-instances': {
    title: 'Launch new instances',
    act: 'bring-up',
    key: 'launch',
    seconds: LAUNCH_SECONDS,
    changes: 'fleet',
    span: { name: 'agree', act: 'agree' },
  },
  'new-hosts-are-ready': {
    title: 'New hosts are ready',
    act: 'bring-up',
    key: 'readiness',
    seconds: 60,
    changes: 'fleet',
    lasts: (fleet) => longestUntilFirst(fleet) + fleet.limits.readySeconds + longestSideBySide(fleet),
    looksEverySeconds: unhurried(5),
    span: { name: 'bring up' },
  },
  'watch-the-first-hosts': {
    title: 'Watch the first hosts',
    act: 'bring-up',
    key: 'firstWatch',
    seconds: 60,
    changes: 'nothing',
    lasts: (fleet) => (fleet.first ? longestWatch(fleet.first.watchSeconds, fleet) : 0),
    looksEverySeconds: () => BAKE_PAUSE_SECONDS,
    isAside: true,
    span: { name: 'first hosts' },
  },
  'replace-the-stragglers': {
    title: 'Replace the stragglers',
    act: 'bring-up',
    // Its answer is the launch anew: from there on the new hosts are those instead of the stragglers.
    key: 'launch',
    seconds: 60,
    changes: 'fleet',
    isAside: true,
  },
  'remove-the-stragglers': {
    title: 'Remove the stragglers',
    act: 'bring-up',
    key: 'stragglers',
    seconds: 60,
    changes: 'fleet',
    lasts: ({ limits, replaceStragglers = false }) =>
      replaceStragglers ? limits.drainSeconds + STRAGGLER_END_SECONDS : 0,
    looksEverySeconds: unhurried(3),
    isAside: true,
  },
  'take-old-hosts-out-of-service': {
    title: 'Take old hosts out of service',
    act: 'shift',
    key: 'shift',
    seconds: 60,
    changes: 'fleet',
    span: { name: 'shift' },
  },
  'old-hosts-are-drained': {
    title: 'Old hosts are drained',
    act: 'shift',
    key: 'drain',
    seconds: 60,
    changes: 'nothing',
    lasts: longestDrain,
    span: { name: 'drain' },
  },
  'watch-the-new-hosts': {
    title: 'Watch the new hosts',
    act: 'shift',
    key: 'bake',
    seconds: 60,
    changes: 'nothing',
    lasts: (fleet) => longestWatch(fleet.limits.bakeSeconds, fleet),
    looksEverySeconds: () => BAKE_RETRY_SECONDS,
    span: { name: 'bake' },
  },
  // These two stand in a state for each point of the fleet's: see `STATES`.
  'ask-the-hook': {
    title: 'Ask the hooks',
    act: 'shift',
    key: 'hooksAfterShift',
    seconds: 60,
    changes: 'lock',
    // The last call of each may have begun right before its time was over, and was perhaps tried again before it ran.
    lasts: (fleet) => sum(hookSeconds(fleet)) + 2 * LONGEST_CALL_SECONDS * (fleet.hooks?.length ?? 0),
    lastsEach: hookSeconds,
    looksSparsely: true,
    isAside: true,
    span: { name: 'hooks' },
  },
  'wait-for-a-person': {
    title: 'Wait for a person',
    act: 'shift',
    key: 'pauseAfterShift',
    seconds: 60,
    changes: 'lock',
    lasts: (fleet) => sum(pauseSeconds(fleet)),
    lastsEach: pauseSeconds,
    looksSparsely: true,
    isAside: true,
    span: { name: 'pauses' },
  },
  'terminate-old-instances': {
    title: 'Terminate old instances',
    act: 'remove',
    key: 'termination',
    seconds: 60,
    changes: 'fleet',
    isPatient: true,
    lasts: ({ limits }) => limits.terminateSeconds,
    span: { name: 'terminate' },
  },
  'start-the-followers': {
    title: 'Start the followers',
    act: 'remove',
    key: 'following',
    seconds: 30,
    changes: 'fleet',
    isAside: true,
  },
  'retire-old-hosts-in-mackerel': {
    title: 'Retire old hosts in Mackerel',
    act: 'remove',
    key: 'retirement',
    seconds: 120,
    changes: 'fleet',
    isPatient: true,
    span: { name: 'retire' },
  },
  'record-the-release': {
    title: 'Record the release',
    act: 'remove',
    key: 'record',
    // Three writes to S3, one after the other and each with its tries, and the news: cut off, they would be told twice.
    seconds: 120,
    changes: 'fleet',
    isPatient: true,
  },
  'put-old-hosts-back': {
    title: 'Put old hosts back',
    act: 'undo',
    key: 'putBack',
    seconds: 60,
    changes: 'fleet',
    isPatient: true,
    lasts: ({ limits }) => limits.undoSeconds,
    span: { name: 'put back' },
  },
  'terminate-new-instances': {
    title: 'Terminate new instances',
    act: 'undo',
    key: 'removal',
    seconds: 60,
    changes: 'fleet',
    isPatient: true,
    // They leave their load balancers before they are terminated, and no launch may be in flight.
    lasts: (fleet) => fleet.limits.undoSeconds + longestDrain(fleet) + LAUNCH_IN_FLIGHT_SECONDS,
    span: { name: 'remove new' },
  },
  'record-the-failure': {
    title: 'Record the failure',
    act: 'undo',
    key: 'ending',
    seconds: 120,
    changes: 'fleet',
  },
  'release-the-fleet-lock': {
    title: 'Release the lock after the deployment',
    act: 'remove',
    key: 'freed',
    seconds: 30,
    changes: 'lock',
  },
  'take-over-the-lock': {
    title: 'Take over the lock',
    act: 'undo',
    key: 'takeOver',
    seconds: 30,
    changes: 'lock',
    lasts: () => TAKE_OVER_AFTER_SECONDS,
  },
} as const satisfies Readonly<Record<string, StepRow>>;

export type StepName = keyof typeof STEPS;

export const STEP_NAMES = Object.keys(STEPS) as StepName[];

/** The same, as rows of one shape: for whoever goes through all of them. */
export const rowOf = (name: StepName): StepRow => STEPS[name];

/** The steps that look again and again. */
export type WaitName = {
  [Name in StepName]: (typeof STEPS)[Name] extends { readonly lasts: unknown } ? Name : never;
}[StepName];

/** The steps that change the fleet or its records: each asks the ledger first whether it may. */
export type ChangingStep = {
  [Name in StepName]: (typeof STEPS)[Name]['changes'] extends 'fleet' ? Name : never;
}[StepName];

/** A function that Step Functions wants to run begins, and its own time with it, after this long at the latest. */
export const FUNCTION_START_SECONDS = 30;

/**
 * After this long nothing of a dead execution can be in flight, whatever it did last: a function that was running when it
 * ended may still act for as long as its own time limit. What only reads can do no harm, however long it takes.
 */
export const TAKE_OVER_AFTER_SECONDS: number =
  FUNCTION_START_SECONDS +
  Math.max(...STEP_NAMES.map(rowOf).map(({ changes, seconds }) => (changes === 'nothing' ? 0 : seconds)));
