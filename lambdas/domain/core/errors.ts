/**
 * The closed list of failures. A name here is a contract: the state machine matches on it, the alarm shows it,
 * `docs/runbook.md` has one entry for it (a test holds that). Nothing else may be thrown on purpose.
 */
import { firstOf, plain } from './words.ts';

const NAMES = [
  'InvalidInput',
  'ArtifactNotFound',
  'ArtifactUnusable',
  'NotProven',
  'ImageNotFound',
  'ImageUnusable',
  'LaunchTemplateUnusable',
  'MackerelKeyUnreadable',
  'MackerelRefused',
  'MackerelRoleUnknown',
  'LoadBalancerUnusable',
  'SubnetUnusable',
  'FleetWouldShrink',
  'SnapshotContradicts',
  'UnlistedHostServes',
  'MonitorUnusable',
  'AlreadyAlerting',
  'Frozen',
  'OnHold',
  'OlderImage',
  'NothingToRollBackTo',
  'NotTold',
  'NoCapacity',
  'LaunchRefused',
  'NewHostDied',
  'NewHostsNotReady',
  'ReadinessLost',
  'DrainingStuck',
  'AlertDuringBake',
  'HookFailed',
  'NotContinued',
  'WorseThanBefore',
  'TerminationRefused',
  'Stopped',
  'Cancelled',
  'OldHostsNotServing',
  'NewHostsNotRemoved',
  'OldHostsNotTerminated',
  'CopyFailed',
  'ServiceUnavailable',
  'ServiceRefused',
  'StepTimedOut',
  'StepCrashed',
  'LockLost',
  'RolledBack',
  'RollbackFailed',
  'StoppedHalfway',
] as const;

/** A name of the closed list; `failures.ts` says what each means, which a function that only throws need not carry. */
export type FailureName = (typeof NAMES)[number];

export const isFailureName = (name: string): name is FailureName =>
  (NAMES as readonly string[]).includes(name);

/** However many hosts or problems a message lists. Step Functions keeps 32,768 characters of a cause. */
const LONGEST = 4_000;

/**
 * A failure with a name of the closed list. The message is for the operator at 3 a.m.: what happened, to which
 * host, what to do next. It never carries a request, a header or anything else that could hold a secret.
 */
export class DeploymentError extends Error {
  override readonly name: FailureName;

  constructor(name: FailureName, message: string, options?: { cause?: unknown }) {
    // Whatever a message quotes (a console, an alert, AWS): nothing in it may move a terminal's cursor, or go on for ever.
    super(plain(message, LONGEST), options);
    // An own property set from a literal: a minified class name would reach the state machine as "a".
    this.name = name;
  }
}

/** Is this failure one of ours, and (when a name is given) that one? Matches on the name: bundles share no classes. */
export function isFailure(error: unknown, name?: FailureName): error is DeploymentError {
  return error instanceof Error && isFailureName(error.name) && (name === undefined || error.name === name);
}

/** Of an error that is not ours the name alone: its message may quote a request. */
export const sentenceOf = (error: unknown): string =>
  isFailure(error) ? error.message : error instanceof Error ? error.name : 'unknown';

/**
 * What a function's error says, by the cause that Step Functions hands on: Lambda's is the JSON text
 * `{errorType, errorMessage, trace}`, that of Step Functions' own errors plain text.
 */
export function messageIn(cause: string): string {
  try {
    const { errorMessage } = Object(JSON.parse(cause)) as { readonly errorMessage?: unknown };
    return String(errorMessage ?? cause);
  } catch {
    return cause;
  }
}

/** Before the sentence of each gate but the first. */
export const alsoRefused = (name: FailureName): string => `Also ${name}: `;

/** @throws the first of a deployment's closed gates, with the sentences of all. */
export function assertGatesOpen([first, ...others]: readonly {
  readonly name: FailureName;
  readonly sentence: string;
}[]): void {
  if (first === undefined) return;
  const rest = others.map(({ name, sentence }) => `${alsoRefused(name)}${sentence}`);
  throw new DeploymentError(first.name, [first.sentence, ...firstOf(rest)].join(' '));
}
