/**
 * The point of no return: the first `TerminateInstances` on an old host. What is done about the old instances is decided
 * here, from what one look has seen, and nowhere else. Before that point a failure is undone; from there on nothing is
 * undone anymore, only finished.
 */

import type { Phase } from '../../ports/ledger.ts';
import type { Refusal } from '../../ports/refusal.ts';
import type { NewInstance } from '../core/document.ts';
import { DeploymentError, isFailure, sentenceOf } from '../core/errors.ts';
import { count, list } from '../core/words.ts';
import { allReady, type HostFacts, readinessSentence, standings } from './readiness.ts';
import {
  allEnded,
  calledSentence,
  refusalsIn,
  type TerminationDecision,
  terminationRefused,
  type UnseenSince,
} from './termination.ts';

export interface TerminationFacts {
  /** Of the old instances, as EC2 shows them in this very look. */
  readonly old: TerminationDecision;
  readonly unseenSince: UnseenSince;
  /** How far the ledger says that the deployment is: a run that was cut off may have made the call. */
  readonly phase: Phase;
  /** An earlier look has made the call, or may have. */
  readonly hasCalled: boolean;
  readonly launched: readonly NewInstance[];
  /** The new hosts in this very look; nobody looks at them when there is nobody to terminate. */
  readonly newHosts: HostFacts | undefined;
  readonly now: Date;
}

/** Each with the reason. */
export type TerminationVerdict =
  | { readonly do: 'done' | 'wait'; readonly reason: string }
  /** The error says under which name: an `undo` is undone, for nothing has ended; a refusal may need a human. */
  | { readonly do: 'undo' | 'refuse'; readonly reason: string; readonly error: DeploymentError }
  | { readonly do: 'terminate'; readonly reason: string; readonly ids: readonly string[] };

type Old = Pick<TerminationFacts, 'old' | 'phase' | 'hasCalled'>;

/** Has it been passed? EC2's answer may be older than our own call: what was remembered and written down counts too. */
export const isPassed = ({ old, phase, hasCalled }: Old): boolean =>
  hasCalled || phase === 'remove' || old.going.length + old.gone.length > 0;

/** While the old instances shut down there is nothing to decide about the new hosts. */
export const mustSeeNewHosts = (facts: Old): boolean =>
  facts.old.terminate.length > 0 && (isPassed(facts) || facts.old.refused.length === 0);

export function decideOldInstances(facts: TerminationFacts): TerminationVerdict {
  const { old, unseenSince, now } = facts;
  const passed = isPassed(facts);
  if (allEnded(old, unseenSince, now)) return { do: 'done', reason: endedSentence(old) };
  if (!passed && old.refused.length > 0) return refused(old.refused);
  if (old.terminate.length === 0) return { do: 'wait', reason: endingSentence(old) };
  const lack = lackOf(facts);
  if (lack === undefined)
    return { do: 'terminate', ids: old.terminate, reason: 'every new host is ready in this look' };
  // A host that is dead does not get ready anymore: past the point of no return that is a human's.
  if (passed && isFailure(lack)) return { do: 'refuse', reason: lack.message, error: lack };
  const reason = `the new hosts are not ready, so no old one is terminated: ${lack.message.replace(/\.$/, '')}`;
  if (passed) return { do: 'wait', reason };
  const error = new DeploymentError('ReadinessLost', `Right before the termination ${reason}.`);
  return { do: 'undo', reason, error };
}

/**
 * Before the point of no return: who cannot look at the new hosts, because somebody refuses to tell, goes back. Silence
 * is waited for.
 */
export const whenUnlooked = (error: unknown): unknown =>
  isFailure(error, 'ServiceUnavailable') ? error : unlooked(sentenceOf(error));

/** Nothing has ended yet: it is undone under this name. */
export const unlooked = (why: string): DeploymentError =>
  new DeploymentError(
    'ReadinessLost',
    `Right before the termination nobody could look at the new hosts, so no old one is terminated: ${why}`,
  );

/**
 * What the call has come to. When EC2 refused every one of them (termination protection), nothing has ended yet.
 * @param facts those of the look before the call
 */
export function decideAfterCall(
  facts: Old,
  called: readonly string[],
  refusedNow: readonly Refusal[],
): TerminationVerdict {
  if (!isPassed(facts) && refusedNow.length === called.length) return refused(refusedNow);
  return { do: 'wait', reason: calledSentence(called, [...facts.old.refused, ...refusedNow]) };
}

const refused = (refusals: readonly Refusal[]): TerminationVerdict => {
  const error = terminationRefused(refusals);
  return { do: 'refuse', reason: error.message, error };
};

/** Why the new hosts may not be left alone: an error with the reason as its message; nothing when all are ready. */
function lackOf(facts: TerminationFacts): Error | undefined {
  const { launched, newHosts } = facts;
  if (!newHosts) return new Error('nobody has looked at them');
  try {
    const hosts = standings(launched, newHosts);
    // Asked in vain, past that point (before it, nobody decides without Mackerel): who lacks nothing else serves.
    const serve =
      newHosts.hosts === 'not asked' && hosts.length > 0 && hosts.every(({ lacks }) => lacks === '');
    return allReady(hosts) || (serve && isPassed(facts))
      ? undefined
      : new Error(readinessSentence(hosts, newHosts));
  } catch (error) {
    if (!isFailure(error, 'NewHostDied')) throw error;
    return error;
  }
}

function endedSentence({ gone, unseen }: TerminationDecision): string {
  const ended = gone.length + unseen.length;
  return ended > 0 ? `${count(ended, 'old instance')} terminated` : 'no old instance to terminate';
}

/** Also of new instances: what is still waited for. */
function endingSentence({ going, unseen, refused: those }: TerminationDecision): string {
  const parts = [
    going.length > 0 && `${list(going)} ${going.length === 1 ? 'is' : 'are'} shutting down`,
    unseen.length > 0 && `EC2 does not show ${list(unseen)}`,
    those.length > 0 && `not terminated: ${refusalsIn(those)}`,
  ];
  return parts.filter(Boolean).join('; ');
}
