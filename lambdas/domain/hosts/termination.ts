/**
 * Which instances may be terminated? One pure function decides, and gives a reason for each refusal (rule 3). It
 * knows two sides: the old hosts of the snapshot, and the new ones that this deployment launched.
 */
import type { Instance } from '../../ports/ec2.ts';
import type { Refusal } from '../../ports/refusal.ts';
import { type Deployment, launchedIds, oldInstanceIds } from '../core/document.ts';
import { DeploymentError } from '../core/errors.ts';
import { fleetSize, isProtected, TAG } from '../core/fleet.ts';
import { launchTokens } from '../core/names.ts';
import { count, list, plain } from '../core/words.ts';

export interface TerminationDecision {
  /** May be terminated now. */
  readonly terminate: readonly string[];
  /** Shutting down. */
  readonly going: readonly string[];
  /** Terminated, by EC2's own word. */
  readonly gone: readonly string[];
  /** Not in EC2's answer: a stale answer, or an instance that ended more than an hour ago. Never called gone at once. */
  readonly unseen: readonly string[];
  readonly refused: readonly Refusal[];
}

/** What EC2 has not shown for this long, in all looks, has ended: stale answers do not last a minute. */
export const UNSEEN_SECONDS = 60;

/** Since when (epoch milliseconds) EC2 has not shown an instance, by its id: what a wait remembers from look to look. */
export type UnseenSince = Readonly<Record<string, number>>;

/** @param instances what EC2 says of the candidates in this very look. */
export function decideTermination(
  side: 'old' | 'new',
  deployment: Deployment,
  candidates: readonly string[],
  instances: readonly Instance[],
): TerminationDecision {
  const known = new Map(instances.map((instance) => [instance.instanceId, instance]));
  const ids = [...new Set(candidates)];
  const tooMany = whyTooMany(side, deployment, ids);
  const decision = { terminate: [], going: [], gone: [], unseen: [], refused: [] } as {
    [K in keyof TerminationDecision]: TerminationDecision[K][number][];
  };
  for (const id of ids) {
    const instance = known.get(id);
    const reason = tooMany ?? whyNot(side, deployment, id, instance);
    if (reason) decision.refused.push({ id, reason });
    else decision[standingOf(instance)].push(id);
  }
  return decision;
}

function standingOf(instance: Instance | undefined): 'terminate' | 'going' | 'gone' | 'unseen' {
  if (!instance) return 'unseen';
  if (instance.state === 'terminated') return 'gone';
  return instance.state === 'shutting-down' ? 'going' : 'terminate';
}

/**
 * More than there can be: whoever made this list was wrong about it, so nobody on it goes. Of the new ones there are
 * twice the fleet's size at most, as each may have been replaced once.
 */
function whyTooMany(side: 'old' | 'new', deployment: Deployment, ids: readonly string[]): string | undefined {
  const most = side === 'old' ? oldInstanceIds(deployment).length : 2 * fleetSize(deployment.fleet);
  if (ids.length <= most) return undefined;
  const all = side === 'old' ? 'the snapshot has' : 'this deployment can have launched';
  return `it is one of ${count(ids.length, 'candidate')}, but ${all} ${most}`;
}

function whyNot(
  side: 'old' | 'new',
  deployment: Deployment,
  id: string,
  instance: Instance | undefined,
): string | undefined {
  const old = oldInstanceIds(deployment).includes(id);
  // By the launch's own answer or by its token: others may tag.
  const launched =
    launchedIds(deployment).includes(id) ||
    (instance?.clientToken?.startsWith(launchTokens(deployment.execution.id)) ?? false);
  if (side === 'old' && !old) return 'it is not in the snapshot of old hosts';
  if (side === 'old' && launched) return 'this deployment launched it';
  if (side === 'new' && old) return 'it is one of the old hosts';
  // What has ended loses its tags, what EC2 does not show has none: nothing of it is proven, and nothing terminated.
  if (!instance || standingOf(instance) !== 'terminate') return undefined;
  if (side === 'new' && !launched) return 'this deployment did not launch it';
  const fleet = instance.tags[TAG.fleet];
  if (!fleet) return `it does not carry the tag ${TAG.fleet}`;
  if (fleet !== deployment.fleet.name) return `it belongs to the fleet ${plain(fleet)}`;
  return isProtected(instance) ? `it carries the hand brake, the tag ${TAG.protect}` : undefined;
}

/** What to remember of this look: an instance that is seen again is forgotten, and would count anew. */
export function rememberUnseen(
  { unseen }: Pick<TerminationDecision, 'unseen'>,
  earlier: UnseenSince | undefined,
  now: Date,
): UnseenSince {
  return Object.fromEntries(unseen.map((id) => [id, earlier?.[id] || now.getTime()]));
}

/** Have all of them ended? One that EC2 does not show counts once EC2 has not shown it for a while. */
export function allEnded(decision: TerminationDecision, unseenSince: UnseenSince, now: Date): boolean {
  const { terminate, going, unseen, refused } = decision;
  if (terminate.length + going.length + refused.length > 0) return false;
  return unseen.every((id) => now.getTime() - (unseenSince[id] ?? now.getTime()) >= UNSEEN_SECONDS * 1000);
}

/** `i-1 (it belongs to the fleet blog) and i-2 (…)`. */
export const refusalsIn = (refused: readonly Refusal[]): string =>
  list(refused.map(({ id, reason }) => `${id} (${reason})`));

/** What EC2 has made of a call. */
export function calledSentence(called: readonly string[], refused: readonly Refusal[]): string {
  const taken = called.filter((id) => !refused.some((refusal) => refusal.id === id));
  const parts = [
    taken.length > 0 && `EC2 terminates ${list(taken)}`,
    refused.length > 0 && `not terminated: ${refusalsIn(refused)}`,
  ];
  return parts.filter(Boolean).join('; ');
}

/** Something is not as this deployment believes. */
export const terminationRefused = (refused: readonly Refusal[]): DeploymentError =>
  new DeploymentError(
    'TerminationRefused',
    `Not terminated: ${refusalsIn(refused)}. ` +
      'Compare the instances’ tags with the deployment’s record before you do anything by hand.',
  );

/** @throws TerminationRefused when any candidate was refused. */
export function assertNoneRefused({ refused }: Pick<TerminationDecision, 'refused'>): void {
  if (refused.length > 0) throw terminationRefused(refused);
}
