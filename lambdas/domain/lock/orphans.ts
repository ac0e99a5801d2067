/**
 * What the orphan watch decides: what to start about a fleet's lock, which instances nobody looks after, and for how
 * long something has been orphaned. It judges and starts; undoing and finishing is the clean-up's work.
 */

import * as v from 'valibot';
import type { Instance } from '../../ports/ec2.ts';
import type { ExecutionState } from '../../ports/executions.ts';
import type { LedgerRow } from '../../ports/ledger.ts';
import { DeploymentError } from '../core/errors.ts';
import { TAG } from '../core/fleet.ts';
import { launchTokens } from '../core/names.ts';
import { plain, secondsBetween, span } from '../core/words.ts';
import { isKept, type OfTemplate } from '../hosts/kept.ts';
import { deadSince } from './dead-holders.ts';
import { wantedBy } from './pending.ts';

/** How often the watch looks, in seconds. */
export const WATCH_EVERY_SECONDS = 300;

/** What is orphaned for this long rings an alarm. Also the age from which an instance can be an orphan. */
export const ORPHANED_AFTER_SECONDS = 900;

/** What to do about a fleet's lock. */
export interface LockVerdict {
  readonly act: 'nothing' | 'start-pending' | 'clean-up';
  /** Since its holder died: the first one, if clean-ups that took the lock over died too. */
  readonly orphanSeconds: number;
  readonly reason: string;
}

type Held = NonNullable<LedgerRow['held']>;

/** @param state of the holder's execution */
export function judgeLock(row: LedgerRow | undefined, state: ExecutionState, now: Date): LockVerdict {
  const held = row?.held;
  if (!held) {
    const waits = row?.pending && `the lock is free and ${wantedBy(row.pending)} still waits: starting it`;
    return {
      act: waits ? 'start-pending' : 'nothing',
      orphanSeconds: 0,
      reason: waits ?? 'the lock is free',
    };
  }
  const dead = deadSince(held, state, now);
  if (!dead) return { act: 'nothing', orphanSeconds: 0, reason: `${held.holder} runs, or may run` };
  const orphanSeconds = Math.max(0, secondsBetween(held.orphanedSince ?? dead, now));
  const ago = span(Math.max(0, secondsBetween(dead, now)));
  const ended =
    `${held.holder} ended ${ago} ago in the phase ${held.phase} and still holds the lock` +
    (held.orphanedSince ? `, orphaned for ${span(orphanSeconds)} so far` : '');
  return held.needsHuman === undefined
    ? { act: 'clean-up', orphanSeconds, reason: `${ended}: starting the clean-up` }
    : { act: 'nothing', orphanSeconds, reason: `${ended}; a human must decide: ${held.needsHuman}` };
}

/** When the current look began: the same within the time between two, so that one that runs twice starts once. */
export function lookAt(now: Date): Date {
  const every = WATCH_EVERY_SECONDS * 1000;
  return new Date(Math.floor(now.getTime() / every) * every);
}

const Serving = v.object({
  outcome: v.string(),
  newInstances: v.array(v.string()),
  oldInstances: v.array(v.string()),
});

/**
 * The instances that the record of the fleet's current release accounts for. A deployment that ended badly may have
 * left its old hosts serving: nobody shall read at 3 a.m. that these are leftovers.
 * @param record `irekae/<fleet>/current.json`; `undefined`: the fleet was never deployed
 * @throws InvalidInput when the record is not one of ours: what it accounts for is unknown then.
 */
export function accountedFor(fleet: string, record: unknown): string[] {
  if (record === undefined) return [];
  const parsed = v.safeParse(Serving, record);
  if (!parsed.success) {
    throw new DeploymentError(
      'InvalidInput',
      `The record of what ${fleet} runs is not one that irekae wrote, so its leftovers cannot be determined. Restore its last version, or deploy again.`,
    );
  }
  const { outcome, newInstances, oldInstances } = parsed.output;
  return outcome === 'Deployed' ? newInstances : [...newInstances, ...oldInstances];
}

/** An instance that nobody looks after. */
export interface Orphan {
  readonly instanceId: string;
  /** The deployment that launched it. */
  readonly deployment: string;
  /** Since its launch: since when it is an orphan, nobody wrote down. */
  readonly seconds: number;
}

/**
 * Instances of the fleet that serve by no record and were not launched by the lock's holder, be it alive (it looks after
 * them) or dead (the lock tells). Hosts that other tools launched were only adopted: a deployment replaces them or
 * reports them.
 */
export function orphansAmong(unaccounted: readonly Instance[], now: Date): Orphan[] {
  return unaccounted.flatMap(({ instanceId, state, tags, launchedAt }) => {
    const deployment = plain(tags[TAG.deployment] ?? 'a deployment', 80);
    const seconds = secondsBetween(launchedAt, now);
    if (state === 'shutting-down' || state === 'terminated') return [];
    // Kept for debugging: somebody is expected to look at it, until its time is over and the watch removes it.
    if (isKept({ tags }, now)) return [];
    if (seconds <= ORPHANED_AFTER_SECONDS) return [];
    return [{ instanceId, deployment, seconds }];
  });
}

/**
 * What a deployment launched that is neither what the fleet runs on, nor the lock holder's own: by what EC2 alone writes
 * (template and token) and by the ledger, whatever somebody has tagged.
 * @param launchTemplate default: any, for who only tells
 * @param tagged what carries the fleet's tag
 */
export function unaccountedFor(
  { launchTemplate }: Partial<Pick<OfTemplate, 'launchTemplate'>>,
  tagged: readonly Instance[],
  held: Held | undefined,
  accounted: readonly string[],
): Instance[] {
  const own = held ? ownOf(held) : { tokens: [], ids: [] };
  const known = new Set([...accounted, ...own.ids]);
  return tagged.filter(
    ({ instanceId, tags, clientToken = '' }) =>
      tags[TAG.template] !== undefined &&
      (launchTemplate ?? tags[TAG.template]) === tags[TAG.template] &&
      !known.has(instanceId) &&
      !own.tokens.some((token) => clientToken.startsWith(token)),
  );
}

const Ids = v.optional(v.array(v.object({ instanceId: v.string() })), []);
const Executed = v.object({
  execution: v.object({ id: v.string() }),
  oldHosts: v.optional(v.object({ hosts: Ids })),
  launch: v.optional(v.object({ instances: Ids })),
});

/** A clean-up holds the lock in the name of the deployment whose document it works from. */
function ownOf({ holder, document = '{}' }: Held): { tokens: string[]; ids: string[] } {
  const own = [launchTokens(holder)];
  const parsed = v.safeParse(Executed, JSON.parse(document));
  if (!parsed.success) return { tokens: own, ids: [] };
  const { execution, oldHosts, launch } = parsed.output;
  const hosts = [...(oldHosts?.hosts ?? []), ...(launch?.instances ?? [])];
  return {
    tokens: [...own, launchTokens(execution.id)],
    ids: hosts.map(({ instanceId }) => instanceId),
  };
}

/** For the log: every one by its name, and why it is left running. See docs/decisions/0029-orphans-are-told.md. */
export function orphansSentence(orphans: readonly Orphan[]): string {
  const told = orphans.map(
    ({ instanceId, deployment, seconds }) => `${instanceId} (launched by ${deployment} ${span(seconds)} ago)`,
  );
  return `orphaned: ${told.join(', ')}; not terminated, because it may serve (see The orphan alarm fires in docs/runbook.md)`;
}
