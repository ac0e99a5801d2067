/**
 * What the orphan watch decides: what to start about a fleet's lock, which instances nobody looks after, and for how
 * long something has been orphaned. It judges and starts; undoing and finishing is the clean-up's work.
 */

import * as v from 'valibot';
import type { Instance } from '../../ports/ec2.ts';
import type { ExecutionState } from '../../ports/executions.ts';
import type { LedgerRow } from '../../ports/ledger.ts';
import { executionName } from '../core/aws.ts';
import { DeploymentError } from '../core/errors.ts';
import { TAG } from '../core/fleet.ts';
import { secondsBetween, span } from '../core/words.ts';
import { isKept } from '../hosts/kept.ts';
import { deadSince } from './dead-holders.ts';

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
    const waits =
      row?.pending && `the lock is free and version ${row.pending.versionId} still waits: starting it`;
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
 * them) or dead (the lock tells). Hosts without a deployment's tag were launched by other tools and only adopted: a
 * deployment replaces them or reports them.
 * @param tagged what carries the fleet's tag
 */
export function orphansAmong(
  tagged: readonly Instance[],
  held: Held | undefined,
  accounted: readonly string[],
  now: Date,
): Orphan[] {
  return unaccountedFor(tagged, held, accounted).flatMap(({ instanceId, state, tags, launchedAt }) => {
    const deployment = tags[TAG.deployment] ?? '';
    const seconds = secondsBetween(launchedAt, now);
    if (state === 'shutting-down' || state === 'terminated') return [];
    // Kept for debugging: somebody is expected to look at it, until its time is over and the watch removes it.
    if (isKept({ tags }, now)) return [];
    if (seconds <= ORPHANED_AFTER_SECONDS) return [];
    return [{ instanceId, deployment, seconds }];
  });
}

/** What a deployment launched that is neither what the fleet runs on, nor the lock holder's own. */
export function unaccountedFor(
  tagged: readonly Instance[],
  held: Held | undefined,
  accounted: readonly string[],
): Instance[] {
  const ownDeployments = held ? deploymentsOf(held) : [];
  return tagged.filter(({ instanceId, tags }) => {
    const deployment = tags[TAG.deployment];
    return (
      deployment !== undefined && !ownDeployments.includes(deployment) && !accounted.includes(instanceId)
    );
  });
}

const Executed = v.object({ execution: v.object({ name: v.string() }) });

/** A clean-up holds the lock in the name of the deployment whose document it works from. */
function deploymentsOf({ holder, document }: Held): string[] {
  const own = executionName(holder);
  if (document === undefined) return [own];
  const parsed = v.safeParse(Executed, JSON.parse(document));
  return parsed.success ? [own, parsed.output.execution.name] : [own];
}

/** For the log: every one by its name. */
export function orphansSentence(orphans: readonly Orphan[]): string {
  const told = orphans.map(
    ({ instanceId, deployment, seconds }) => `${instanceId} (launched by ${deployment} ${span(seconds)} ago)`,
  );
  return `orphaned: ${told.join(', ')}`;
}
